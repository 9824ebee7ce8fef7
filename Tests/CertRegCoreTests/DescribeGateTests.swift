import Testing

@testable import CertRegCore

@Suite struct DescribeGateTests {
  private let target = TargetName("eu")
  private let pace = DescribeGate.Pace(perSecond: 10, burst: 10)

  private func time(_ milliseconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: milliseconds * 1_000_000) }

  @Test func `lets the burst begin at once and the others at the rate`() {
    var gate = DescribeGate()
    let begins = (0..<13).map { _ in gate.admit(target, pace: pace, now: time(0), deadline: time(60_000)) }
    let expected = [Int64](repeating: 0, count: 10) + [100, 200, 300]
    #expect(begins == expected.map { .begin(time($0)) })
    // A second's pause gives the ten tokens of a second, of which three were used ahead of their time.
    let later = (0..<8).map { _ in gate.admit(target, pace: pace, now: time(1_000), deadline: time(60_000)) }
    #expect(later == ([Int64](repeating: 1_000, count: 7) + [1_100]).map { .begin(time($0)) })
  }

  @Test func `a request whose turn comes after its time takes no turn`() {
    var gate = DescribeGate()
    for _ in 0..<10 { _ = gate.admit(target, pace: pace, now: time(0), deadline: time(1)) }
    #expect(gate.admit(target, pace: pace, now: time(0), deadline: time(100)) == .tooLate)
    #expect(gate.admit(target, pace: pace, now: time(0), deadline: time(101)) == .begin(time(100)))
  }

  @Test func `no more than 64 are under way, in all targets together`() {
    var gate = DescribeGate()
    for number in 0..<64 {
      #expect(
        gate.admit(TargetName("t\(number)"), pace: nil, now: time(0), deadline: time(1)) == .begin(time(0)))
    }
    #expect(gate.admit(target, pace: nil, now: time(0), deadline: time(1)) == .tooMany)
    gate.ended()
    #expect(gate.admit(target, pace: nil, now: time(0), deadline: time(1)) == .begin(time(0)))
  }

  @Test func `a throttle holds the target for as long as the upstream asks, and no other`() {
    var gate = DescribeGate()
    gate.throttled(target, retryAfter: .seconds(5), now: time(0))
    #expect(gate.admit(target, pace: nil, now: time(0), deadline: time(60_000)) == .begin(time(5_000)))
    #expect(gate.admit(target, pace: pace, now: time(0), deadline: time(60_000)) == .begin(time(5_000)))
    #expect(gate.admit(TargetName("us"), pace: nil, now: time(0), deadline: time(1)) == .begin(time(0)))
    gate.throttled(target, retryAfter: nil, now: time(6_000))
    #expect(gate.admit(target, pace: nil, now: time(6_000), deadline: time(60_000)) == .begin(time(7_000)))
  }
}
