import CertRegCore
import CertRegHost
import Testing

@Suite struct LogRateLimiterTests {
  private func second(_ value: Double) -> MonotonicTime { MonotonicTime(nanoseconds: Int64(value * 1e9)) }

  @Test func `a burst passes, further entries are counted and reported with the next`() {
    var limiter = LogRateLimiter(burst: 3, perSecond: 1)
    let decisions = (0..<5).map { _ in limiter.admit("kind", at: second(0)) }
    #expect(
      decisions == [
        .emit(suppressedBefore: 0), .emit(suppressedBefore: 0), .emit(suppressedBefore: 0), .suppress, .suppress,
      ])
    #expect(limiter.admit("kind", at: second(0.5)) == .suppress)
    #expect(limiter.admit("kind", at: second(1)) == .emit(suppressedBefore: 3))
    #expect(limiter.admit("kind", at: second(1)) == .suppress)
  }

  @Test func `kinds do not take from each other`() {
    var limiter = LogRateLimiter(burst: 1, perSecond: 0)
    #expect(limiter.admit("a", at: second(0)) == .emit(suppressedBefore: 0))
    #expect(limiter.admit("a", at: second(0)) == .suppress)
    #expect(limiter.admit("b", at: second(0)) == .emit(suppressedBefore: 0))
  }

  @Test func `entries held back are reported once`() {
    var limiter = LogRateLimiter(burst: 1, perSecond: 0)
    for kind in ["b", "b", "a", "a", "a", "c"] { _ = limiter.admit(kind, at: second(0)) }
    let held = limiter.takeSuppressed()
    #expect(held.map(\.kind) == ["a", "b"] && held.map(\.count) == [2, 1])
    #expect(limiter.takeSuppressed().isEmpty)
  }

  @Test func `endless kinds share a bucket instead of growing`() {
    var limiter = LogRateLimiter(burst: 1, perSecond: 0)
    for number in 0..<LogRateLimiter.kindLimit { _ = limiter.admit("kind \(number)", at: second(0)) }
    #expect(limiter.admit("one more", at: second(0)) == .emit(suppressedBefore: 0))
    #expect(limiter.admit("another", at: second(0)) == .suppress)
  }

  @Test(arguments: 0..<8)
  func `no more passes than burst and rate allow, and every message is passed or counted`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var limiter = LogRateLimiter(burst: 10, perSecond: 100)
    var now: Int64 = 0
    var passed = 0
    var told = 0
    let count = 2000
    for _ in 0..<count {
      // Sometimes backwards, like a clock that several threads read.
      now += Int64.random(in: -1_000_000...6_000_000, using: &random)
      if case .emit(let before) = limiter.admit("kind", at: MonotonicTime(nanoseconds: now)) {
        passed += 1
        told += before
      }
    }
    told += limiter.takeSuppressed().reduce(0) { $0 + $1.count }
    #expect(passed + told == count, "seed \(seed)")
    #expect(Double(passed) <= 10 + Double(now) / 1e9 * 100 + 2, "seed \(seed)")
    #expect(Double(passed) >= Double(now) / 1e9 * 100 * 0.5, "seed \(seed)")
  }
}
