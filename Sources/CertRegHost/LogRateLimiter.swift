package import CertRegCore

/// Keeps one kind of message from flooding the log: a token bucket for each kind.
package struct LogRateLimiter: Sendable {
  /// What to do with a message.
  package enum Decision: Hashable, Sendable {
    /// Write the message, with the number of messages of its kind that were suppressed before it.
    case emit(suppressedBefore: Int)
    case suppress
  }

  private struct Bucket {
    var tokens: Double
    var updatedAt: MonotonicTime
    var suppressed = 0
  }

  private var buckets: [String: Bucket] = [:]
  private let burst: Double
  private let perSecond: Double

  /// The most kinds that are told apart; further ones share one bucket. Kinds are places in the source or names of
  /// events, so there are fewer unless something uses them wrongly.
  package static let kindLimit = 512
  private static let sharedKind = "*"

  /// - Parameters:
  ///   - burst: messages of a kind that may come at once; at least 1.
  ///   - perSecond: how fast a kind gets new ones.
  package init(burst: Double = 50, perSecond: Double = 5) {
    self.burst = max(1, burst)
    self.perSecond = max(0, perSecond)
  }

  /// A message of `kind` wants to be written.
  package mutating func admit(_ kind: String, at now: MonotonicTime) -> Decision {
    let key = buckets[kind] == nil && buckets.count >= Self.kindLimit ? Self.sharedKind : kind
    var bucket = buckets[key] ?? Bucket(tokens: burst, updatedAt: now)
    let elapsed = max(0, Double((now - bucket.updatedAt).nanoseconds) / 1e9)
    bucket.tokens = min(burst, bucket.tokens + elapsed * perSecond)
    bucket.updatedAt = max(now, bucket.updatedAt)
    let decision: Decision
    if bucket.tokens >= 1 {
      bucket.tokens -= 1
      decision = .emit(suppressedBefore: bucket.suppressed)
      bucket.suppressed = 0
    } else {
      bucket.suppressed += 1
      decision = .suppress
    }
    buckets[key] = bucket
    return decision
  }

  /// The suppressed messages not yet reported, by kind, in the order of the names. They count as reported afterwards.
  package mutating func takeSuppressed() -> [(kind: String, count: Int)] {
    let held = buckets.filter { $0.value.suppressed > 0 }.map { (kind: $0.key, count: $0.value.suppressed) }
    for (kind, _) in held { buckets[kind]?.suppressed = 0 }
    return held.sorted { $0.kind < $1.kind }
  }
}
