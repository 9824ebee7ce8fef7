import CertRegCore

/// A number of calls a second, and how many of them may come at once.
package struct ThrottleRate: Hashable, Sendable {
  /// Greater than zero.
  package var perSecond: Double
  /// At least one.
  package var burst: Double

  package init(perSecond: Double, burst: Double? = nil) {
    self.perSecond = perSecond
    self.burst = max(burst ?? perSecond, 1)
  }
}

/// A token bucket: full at first, filled at a steady rate, one token a call.
struct TokenBucket: Sendable {
  private let rate: ThrottleRate
  private var tokens: Double
  private var filledAt: MonotonicTime

  init(_ rate: ThrottleRate, at now: MonotonicTime) {
    self.rate = rate
    tokens = rate.burst
    filledAt = now
  }

  /// Takes a token; returns `false` if there is none.
  mutating func take(at now: MonotonicTime) -> Bool {
    if now > filledAt {
      tokens = min(rate.burst, tokens + Double((now - filledAt).nanoseconds) / 1e9 * rate.perSecond)
      filledAt = now
    }
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }
}
