import CertRegCore
import CertRegSigV4
import Synchronization

/// What an answer says about the difference between the two clocks.
enum ClockSkew {
  /// Whether the message of an `InvalidSignatureException` is about the time and not about the key.
  static func isSkewMessage(_ message: String?) -> Bool {
    guard let message else { return false }
    return message.contains("Signature expired") || message.contains("Signature not yet current")
      || message.contains("is now earlier than") || message.contains("is still later than")
  }

  /// The upstream's time: from the message, which has the time that the signature was checked against, else from `Date`.
  ///
  /// The message has the form `Signature expired: A is now earlier than B (C - 5 min.)`; C is the time that is wanted.
  static func upstreamTime(message: String?, dateHeader: String?) -> WallTime? {
    if let message, let parenthesis = message.lastIndex(of: "("),
      let time = HTTPDate.amzDate(message[message.index(after: parenthesis)...].prefix(16))
    {
      return time
    }
    return dateHeader.flatMap(HTTPDate.imfFixdate)
  }
}

/// How far the upstream's clock is ahead of ours, as far as it is known.
///
/// Signing uses the corrected time, so that a station whose clock is wrong can work until it is mended. The host's clock
/// itself is never changed.
final class ClockOffset: Sendable {
  private let milliseconds = Atomic<Int64>(0)

  /// Positive where the upstream's clock is ahead.
  var value: Duration {
    .milliseconds(milliseconds.load(ordering: .relaxed))
  }

  /// Takes the difference between the upstream's time and ours when its answer came.
  func learn(upstream: WallTime, now: WallTime) {
    milliseconds.store(upstream.millisecondsSinceEpoch - now.millisecondsSinceEpoch, ordering: .relaxed)
  }

  /// `time` by the upstream's clock.
  func corrected(_ time: WallTime) -> WallTime {
    WallTime(millisecondsSinceEpoch: time.millisecondsSinceEpoch + milliseconds.load(ordering: .relaxed))
  }
}
