import CertRegCore
import CertRegSigV4
import Synchronization

/// Reads the upstream's time from a reply that refuses a signature for its time.
enum ClockSkew {
  /// Whether the message of an `InvalidSignatureException` is about the time and not about the key.
  static func isSkewMessage(_ message: String?) -> Bool {
    guard let message else { return false }
    return message.contains("Signature expired") || message.contains("Signature not yet current")
      || message.contains("is now earlier than") || message.contains("is still later than")
  }

  /// The upstream's time: from the message, which has the time that the signature was checked against, else from
  /// `Date`.
  ///
  /// The message has the form `Signature expired: A is now earlier than B (C - 5 min.)`; C is the upstream's time.
  static func upstreamTime(message: String?, dateHeader: String?) -> WallTime? {
    if let message, let parenthesis = message.lastIndex(of: "("),
      let time = WallTime(amzDate: message[message.index(after: parenthesis)...].prefix(16))
    {
      return time
    }
    return dateHeader.flatMap(HTTPDate.imfFixdate)
  }
}

/// How far the upstream's clock is known to be ahead of the host's.
///
/// Signing uses the corrected time, so that a host with a wrong clock can work until the clock is corrected. The daemon
/// never changes the host's clock.
final class ClockOffset: Sendable {
  private let milliseconds = Atomic<Int64>(0)

  /// Positive if the upstream's clock is ahead.
  var value: Duration {
    .milliseconds(milliseconds.load(ordering: .relaxed))
  }

  /// Notes the difference between the upstream's time and the host's when the reply arrived.
  func learn(upstream: WallTime, now: WallTime) {
    milliseconds.store((upstream - now).milliseconds, ordering: .relaxed)
  }

  /// `time` by the upstream's clock.
  func corrected(_ time: WallTime) -> WallTime {
    time + value
  }
}
