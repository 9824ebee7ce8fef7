import CertRegCore
import Testing

@Suite struct AnswerDemandTests {
  private let start = MonotonicTime(nanoseconds: 5_000_000_000)

  @Test func `others give way while answers are asked for, and a little longer`() {
    let demand = AnswerDemand()
    #expect(!demand.takesTurn(at: start))
    demand.note(at: start)
    #expect(demand.takesTurn(at: start))
    #expect(demand.takesTurn(at: start + .milliseconds(19)))
    #expect(!demand.takesTurn(at: start + .milliseconds(20)))
    demand.note(at: start + .seconds(1))
    #expect(demand.takesTurn(at: start + .seconds(1)))
  }

  @Test func `they do so every 10 us at most, all together`() {
    let demand = AnswerDemand()
    demand.note(at: start)
    #expect(demand.takesTurn(at: start))
    #expect(!demand.takesTurn(at: start))
    #expect(!demand.takesTurn(at: start + .microseconds(9)))
    #expect(demand.takesTurn(at: start + .microseconds(10)))
  }

  @Test func `no work gives way at the start of the clock`() {
    #expect(!AnswerDemand().takesTurn(at: MonotonicTime(nanoseconds: 0)))
  }
}
