/// The technical cause of an error: an `errno`, a TLS error, an SQLite code.
///
/// Causes are for the log alone. No answer on the socket and no row on disk has one: they name files, addresses and
/// libraries that are no business of a peer. A cause holds no secret, because the only way to make one masks its text.
package struct ErrorCause: Hashable, Sendable, CustomStringConvertible {
  /// The longest text in bytes. The rest is cut.
  package static let limitBytes = 400

  /// The text. It may hold control characters, which the log escapes.
  package let description: String

  /// - Parameters:
  ///   - text: The error's own words.
  ///   - secrets: Secrets to look for beside the usual patterns.
  package init(_ text: String, secrets: SecretMask = SecretMask()) {
    let masked = secrets.masked(text)
    var kept = String.UnicodeScalarView()
    var bytes = 0
    for scalar in masked.unicodeScalars {
      bytes += UTF8.width(scalar)
      guard bytes <= Self.limitBytes else {
        description = String(kept) + "…"
        return
      }
      kept.append(scalar)
    }
    description = masked
  }

  /// The same cause without further secrets.
  package func masked(with secrets: SecretMask) -> ErrorCause {
    ErrorCause(description, secrets: secrets)
  }
}
