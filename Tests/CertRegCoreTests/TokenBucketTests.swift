import CertRegCore
import Testing

@Suite struct TokenBucketTests {
  private func time(_ seconds: Double) -> MonotonicTime { MonotonicTime(nanoseconds: Int64(seconds * 1e9)) }

  @Test func `holds its burst, fills at its rate, and says when the next token comes`() {
    var bucket = TokenBucket(perSecond: 2, burst: 3)
    for _ in 0..<3 { #expect(bucket.take(now: time(10)) == nil) }
    #expect(bucket.take(now: time(10)) == 0.5)
    #expect(bucket.take(now: time(10.25)) == 0.25)
    #expect(bucket.take(now: time(10.5)) == nil)
    // It holds no more than its burst, however long it fills.
    for _ in 0..<3 { #expect(bucket.take(now: time(100)) == nil) }
    #expect(bucket.take(now: time(100)) == 0.5)
  }

  @Test func `fills once for a second that two callers tell out of order`() {
    var bucket = TokenBucket(perSecond: 1, burst: 1)
    #expect(bucket.take(now: time(1)) == nil)
    #expect(bucket.take(now: time(2)) == nil)
    #expect(bucket.take(now: time(1)) == 1)
    #expect(bucket.take(now: time(2)) == 1)
  }

  @Test func `any rate of the configuration and any clock give a wait in range`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var random = SplitMix64(seed: seed)
    for _ in 0..<500 {
      // The range of requestsPerSecond.
      let rate = ([0.001, 0.5, 1, 1_000_000] as [Double]).randomElement(using: &random) ?? 1
      var bucket = TokenBucket(perSecond: rate, burst: max(1, rate))
      for _ in 0..<20 {
        let time = [Int64.min, -1, 0, 1, 1_000_000_000, .max].randomElement(using: &random) ?? 0
        if let wait = bucket.take(now: MonotonicTime(nanoseconds: time)) {
          #expect(wait > 0 && wait <= 1000, "seed \(seed): \(rate)")
        }
      }
    }
  }
}
