import CertRegTesting
import Testing

@testable import CertRegCore

@Suite struct LaneDemandTests {
  private func milliseconds(_ count: Int64) -> MonotonicTime {
    MonotonicTime(nanoseconds: 1_000_000_000 + count * 1_000_000)
  }

  @Test func `work that is done leaves the rate to others at once`() {
    var demand = LaneDemand()
    for step in 0..<20 as Range<Int64> {
      demand.note(waiting: 3, rate: 10, now: milliseconds(step * 250))
      #expect(demand.callsPerSecond == 30)
    }
    demand.note(waiting: 0, rate: 10, now: milliseconds(5000))
    #expect(demand.callsPerSecond == 0)
  }

  @Test func `a caller that asks for one after the other keeps its part between two requests`() {
    var demand = LaneDemand()
    demand.note(waiting: 1, rate: 10, now: milliseconds(0))
    demand.note(waiting: 0, rate: 10, now: milliseconds(250))
    for step in 1..<20 as Range<Int64> {
      demand.note(waiting: 1, rate: 10, now: milliseconds(step * 500))
      demand.note(waiting: 0, rate: 10, now: milliseconds(step * 500 + 250))
      #expect(demand.callsPerSecond == 5)
    }
    // It has no more requests.
    demand.note(waiting: 0, rate: 10, now: milliseconds(10_750))
    #expect(demand.callsPerSecond < 1)
  }

  @Test func `work that comes long after the last is no sign of pauses`() {
    var demand = LaneDemand()
    for start in [0, 2000, 4000] as [Int64] {
      demand.note(waiting: 2, rate: 10, now: milliseconds(start))
      demand.note(waiting: 0, rate: 10, now: milliseconds(start + 250))
      #expect(demand.callsPerSecond == 0)
    }
  }

  @Test func `no want is beyond the rate between two requests`() {
    var demand = LaneDemand()
    for step in 0..<3 as Range<Int64> {
      demand.note(waiting: 100, rate: 10, now: milliseconds(step * 500))
      demand.note(waiting: 0, rate: 10, now: milliseconds(step * 500 + 250))
    }
    #expect(demand.callsPerSecond == 5)
  }
}
