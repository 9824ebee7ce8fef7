import Testing

@testable import CertRegCore

@Suite struct DescribePaceTests {
  private func time(_ milliseconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: milliseconds * 1_000_000) }

  @Test func `lets the burst begin at once and the others at the rate`() {
    var pace = DescribePace(perSecond: 10)
    let begins = (0..<13).map { _ in pace.takeTurn(now: time(5000), deadline: time(60_000)) }
    let expected = [Int64](repeating: 5000, count: 10) + [5100, 5200, 5300]
    #expect(begins == expected.map { time($0) })
    // A second's pause gives the ten tokens of a second, of which three were used ahead of their time.
    let later = (0..<8).map { _ in pace.takeTurn(now: time(6000), deadline: time(60_000)) }
    #expect(later == ([Int64](repeating: 6000, count: 7) + [6100]).map { time($0) })
  }

  @Test func `less than one call a second has no burst`() {
    var pace = DescribePace(perSecond: 0.5)
    let begins = (0..<3).map { _ in pace.takeTurn(now: time(0), deadline: time(60_000)) }
    #expect(begins == [time(0), time(2000), time(4000)])
  }

  @Test(arguments: [1e-12, 1e-300, .leastNonzeroMagnitude])
  func `at the lowest rates a second call waits for a time that there is`(perSecond: Double) {
    var pace = DescribePace(perSecond: perSecond)
    let end = MonotonicTime(nanoseconds: .max)
    #expect(pace.takeTurn(now: time(0), deadline: end) == time(0) && pace.takeTurn(now: time(1), deadline: end) == nil)
  }

  @Test func `a call whose turn comes after its time takes no turn`() {
    var pace = DescribePace(perSecond: 10)
    for _ in 0..<10 { _ = pace.takeTurn(now: time(0), deadline: time(1)) }
    #expect(pace.takeTurn(now: time(0), deadline: time(100)) == nil)
    #expect(pace.takeTurn(now: time(0), deadline: time(101)) == time(100))
  }

  @Test func `a throttle holds all calls, which begin one by one after it`() {
    var pace = DescribePace(perSecond: 10)
    pace.hold(until: time(5000))
    pace.hold(until: time(4000))
    #expect(pace.takeTurn(now: time(1500), deadline: time(4500)) == nil)
    let begins = (0..<3).map { _ in pace.takeTurn(now: time(1500), deadline: time(9000)) }
    #expect(begins == [time(5000), time(5100), time(5200)])
    var unpaced = DescribePace(perSecond: nil)
    unpaced.hold(until: time(5000))
    for _ in 0..<5 { #expect(unpaced.takeTurn(now: time(7), deadline: time(9000)) == time(5000)) }
    for _ in 0..<5 { #expect(unpaced.takeTurn(now: time(6000), deadline: time(9000)) == time(6000)) }
  }
}
