/// A limit on how often something may happen: a bucket that is full at first and fills at a steady rate.
package struct TokenBucket: Sendable {
  private let perSecond: Double
  private let burst: Double
  private var tokens: Double
  private var filledAt: MonotonicTime?

  /// - Parameters:
  ///   - perSecond: The tokens that come in a second; greater than zero.
  ///   - burst: The tokens that the bucket holds, at least one.
  package init(perSecond: Double, burst: Double) {
    self.perSecond = perSecond
    self.burst = burst
    tokens = burst
  }

  /// A bucket with the tokens that another one has, as far as it holds them.
  ///
  /// - Parameters:
  ///   - perSecond: The tokens that come in a second; greater than zero.
  ///   - burst: The tokens that the bucket holds, at least one.
  ///   - earlier: The bucket that this one takes the place of.
  package init(perSecond: Double, burst: Double, continuing earlier: TokenBucket) {
    self.perSecond = perSecond
    self.burst = burst
    tokens = min(burst, earlier.tokens)
    filledAt = earlier.filledAt
  }

  /// Takes a token.
  ///
  /// - Returns: `nil`, or the seconds until there is one.
  package mutating func take(now: MonotonicTime) -> Double? {
    if let filledAt, now > filledAt {
      tokens = min(burst, tokens + perSecond * Double((now - filledAt).nanoseconds) / 1e9)
    }
    // A caller that read the clock before another one may come after it.
    filledAt = max(filledAt ?? now, now)
    guard tokens >= 1 else { return (1 - tokens) / perSecond }
    tokens -= 1
    return nil
  }
}
