import CertRegCore
import Testing

@Suite struct AnswerDemandTests {
  private let start = MonotonicTime(nanoseconds: 5_000_000_000)

  @Test func `presses while answers are asked for, and a little longer`() {
    let demand = AnswerDemand()
    #expect(!demand.isPressing(at: start))
    demand.note(at: start)
    #expect(demand.isPressing(at: start))
    #expect(demand.isPressing(at: start + .milliseconds(9)))
    #expect(!demand.isPressing(at: start + .milliseconds(10)))
    demand.note(at: start + .seconds(1))
    #expect(demand.isPressing(at: start + .seconds(1)))
  }

  @Test func `does not press at the start of the clock`() {
    #expect(!AnswerDemand().isPressing(at: MonotonicTime(nanoseconds: 0)))
  }
}
