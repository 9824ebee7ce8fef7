import CertRegCore

/// An entry of an import that has no outcome yet.
struct ImportAttempt {
  var entry: InputEntry
  var certificate: InputCertificate
  var name: String { entry.name }
  /// The targets of the request; empty: the daemon's default target.
  var targets: [String]
  /// The names of the targets that are asked; empty where the daemon does not tell its default one.
  var asked: [String] = []
  /// Answers that asked for another try.
  var tries = 0
  /// The reason for another try.
  var reason = ""
  /// Not to be sent before this time.
  var notBefore: MonotonicTime

  /// How long to wait before the next try.
  ///
  /// - Parameters:
  ///   - first: The pause after the first try. It doubles with each try.
  ///   - error: The answer. It may ask for a longer pause, but not for one above 30 s.
  func pause(first: Duration, _ error: AnswerError) -> Duration {
    ImportAttempt.pause(first: first, tries: tries, error)
  }

  /// How long to wait after so many answers that asked for another try.
  static func pause(first: Duration, tries: Int, _ error: AnswerError) -> Duration {
    let doubled = first * (1 << min(max(0, tries - 1), 6))
    let asked = Duration.milliseconds(error.retryAfterMilliseconds ?? 0)
    return min(max(doubled, asked), .seconds(30))
  }
}
