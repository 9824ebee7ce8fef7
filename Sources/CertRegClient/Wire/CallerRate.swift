import CertRegCore

/// The pace of a batch whose requests an access rule of the daemon limits (`requestsPerSecond`).
///
/// The daemon counts no request that it refuses, so all of them are sent again. It tells when the next one is allowed:
/// at most the time that one request takes at the rule's rate. So the longest of these times is the interval to send
/// at. It shrinks with each request that is allowed, since a rule can change while a batch runs.
struct CallerRate {
  private var interval = Duration.zero
  private var nextAt: MonotonicTime?

  /// Whether the daemon has refused a request because of the rate.
  private(set) var isLimited = false

  /// When the next request may be sent; `nil`: at once.
  func pause(now: MonotonicTime) -> MonotonicTime? {
    nextAt.flatMap { $0 > now ? $0 : nil }
  }

  mutating func requestSent(now: MonotonicTime) {
    guard isLimited else { return }
    nextAt = max(nextAt ?? now, now + interval)
  }

  mutating func requestAllowed() {
    interval -= interval / 16
  }

  /// - Parameter wait: How long to wait, as the daemon says.
  mutating func requestRefused(_ wait: Duration, now: MonotonicTime) {
    isLimited = true
    // The daemon rounds up to a millisecond.
    interval = max(interval, wait - .milliseconds(1))
    nextAt = max(nextAt ?? now, now + wait)
  }
}

extension AnswerError {
  /// How long to wait before the rate of the access rule allows another request: at most 30 s; `nil`: the request was
  /// not refused because of that rate.
  var callerRateWait: Duration? {
    guard reason == Reason.callerRateExceeded.rawValue else { return nil }
    return .milliseconds(min(max(1, retryAfterMilliseconds ?? 1000), 30_000))
  }
}
