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

  /// A bucket of this rate.
  var bucket: TokenBucket { TokenBucket(perSecond: perSecond, burst: burst) }
}
