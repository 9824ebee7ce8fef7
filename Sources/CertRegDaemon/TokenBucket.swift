import CertRegCore

/// The requests that a rule allows: a bucket that fills at a rate and holds the requests of one second, at least one.
struct TokenBucket: Sendable {
  private let perSecond: Double
  private var tokens: Double
  private var filledAt: MonotonicTime?

  init(perSecond: Double) {
    self.perSecond = perSecond
    tokens = max(1, perSecond)
  }

  /// Takes a token; returns `nil`, or the milliseconds until there is one.
  mutating func take(now: MonotonicTime) -> Int64? {
    if let filledAt, now > filledAt {
      tokens = min(max(1, perSecond), tokens + perSecond * Double((now - filledAt).nanoseconds) / 1e9)
    }
    filledAt = now
    guard tokens >= 1 else { return Int64((1 - tokens) / perSecond * 1000) + 1 }
    tokens -= 1
    return nil
  }
}
