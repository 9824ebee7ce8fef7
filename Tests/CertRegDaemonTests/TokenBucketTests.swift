import CertRegCore
import Testing

@testable import CertRegDaemon

@Suite struct TokenBucketTests {
  @Test func `any rate of the configuration and any clock give a wait in range`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var random = SplitMix64(seed: seed)
    for _ in 0..<500 {
      // The range of requestsPerSecond.
      let rate = ([0.001, 0.5, 1, 1_000_000] as [Double]).randomElement(using: &random) ?? 1
      var bucket = TokenBucket(perSecond: rate)
      for _ in 0..<20 {
        let time = [Int64.min, -1, 0, 1, 1_000_000_000, .max].randomElement(using: &random) ?? 0
        if let wait = bucket.take(now: MonotonicTime(nanoseconds: time)) {
          #expect((1...1_000_001).contains(wait), "seed \(seed): \(rate)")
        }
      }
    }
  }
}
