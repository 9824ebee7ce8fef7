import CertRegCore
import CertRegTesting
import Testing

@testable import CertRegSocket

@Suite struct ConnectionStateTests {
  private func write(_ state: inout ConnectionState, _ ticket: ConnectionState.Ticket, _ text: String) -> [String] {
    var written: [String] = []
    state.finish(ticket, answer: Array(text.utf8)) { written.append(String(decoding: $0, as: UTF8.self)) }
    return written
  }

  @Test func `answers with an id leave at once, answers without one keep their order`() {
    var state = ConnectionState(window: 10, maxBytesUnderWay: 1000)
    let first = state.begin(hasID: false, bytes: 1)
    let second = state.begin(hasID: true, bytes: 1)
    let third = state.begin(hasID: false, bytes: 1)
    #expect(!state.mayAnswerAtOnce(hasID: false))
    #expect(state.mayAnswerAtOnce(hasID: true))
    #expect(write(&state, third, "3").isEmpty)
    #expect(write(&state, second, "2") == ["2"])
    #expect(write(&state, first, "1") == ["1", "3"])
    #expect(state.unanswered == 0)
    #expect(state.bytesUnderWay == 0)
    #expect(state.mayAnswerAtOnce(hasID: false))
  }

  @Test func `a full window and a full budget take no further line`() {
    var state = ConnectionState(window: 2, maxBytesUnderWay: 100)
    let large = state.begin(hasID: true, bytes: 5000)
    #expect(!state.mayTakeLine)
    _ = write(&state, large, "")
    _ = state.begin(hasID: true, bytes: 1)
    #expect(state.mayTakeLine)
    _ = state.begin(hasID: true, bytes: 1)
    #expect(!state.mayTakeLine)
  }

  @Test func `a ticket that is finished twice counts once`() {
    var state = ConnectionState(window: 10, maxBytesUnderWay: 1000)
    let first = state.begin(hasID: false, bytes: 1)
    let second = state.begin(hasID: false, bytes: 1)
    #expect(write(&state, second, "2") == [])
    #expect(write(&state, second, "2 again") == [])
    #expect(write(&state, first, "1") == ["1", "2"])
    #expect(write(&state, first, "1 again") == [])
    #expect(state.unanswered == 0 && state.bytesUnderWay == 0)
  }

  /// Eight times the window costs eight times as much if the cost of an event is constant, else 64 times.
  @Test(arguments: [true, false]) func `the cost of a window without ids is linear in its size`(isReversed: Bool) {
    let growth = ProcessorTime.growth(from: 4096, to: 32_768, runs: 2) { window in
      var state = ConnectionState(window: window, maxBytesUnderWay: .max)
      let tickets = (0..<window).map { _ in state.begin(hasID: false, bytes: 1) }
      var written = 0
      for ticket in isReversed ? tickets.reversed() : tickets {
        state.finish(ticket, answer: [0x0a]) { _ in written += 1 }
      }
      #expect(written == window)
    }
    #expect(growth < 24)
  }

  @Test func `a connection has a few watches at most`() {
    var state = ConnectionState(window: 100, maxBytesUnderWay: 1000)
    let tickets = (0..<ConnectionState.mostEndless).map { _ in
      #expect(state.mayBeginEndless)
      return state.begin(hasID: false, bytes: 1, isEndless: true)
    }
    #expect(!state.mayBeginEndless)
    #expect(write(&state, tickets[0], "over") == ["over"])
    #expect(state.mayBeginEndless)
  }

  @Test func `ends when the input has ended and everything is answered`() {
    var state = ConnectionState(window: 2, maxBytesUnderWay: 100)
    let ticket = state.begin(hasID: true, bytes: 1)
    state.inputClosed = true
    #expect(!state.isFinished(hasBufferedLines: false))
    _ = write(&state, ticket, "")
    #expect(!state.isFinished(hasBufferedLines: true))
    #expect(state.isFinished(hasBufferedLines: false))
  }
}

@Suite struct AnswerMemoTests {
  private func entry(_ low: UInt64, target: UInt16 = 1, id: UInt64 = 0) -> AnswerMemo.Entry {
    var entry = AnswerMemo.Entry()
    entry.hash = TextHash.Value(low: low, high: low)
    entry.target = target
    entry.certificateID = CertificateID(words: (id, 0, 0, 0))
    return entry
  }

  @Test func `finds the entries of its target`() {
    let memo = AnswerMemo(sizeLog2: 4)
    #expect(memo.find(TextHash.Value(low: 0, high: 0), target: 1) == nil)
    memo.remember(entry(8, id: 1))
    memo.remember(entry(8, id: 2))
    #expect(memo.find(TextHash.Value(low: 8, high: 8), target: 1)?.certificateID.words.0 == 2)
    #expect(memo.find(TextHash.Value(low: 8, high: 8), target: 2) == nil)
    #expect(memo.find(TextHash.Value(low: 8, high: 9), target: 1) == nil)
  }

  @Test func `a third text at the same place takes that of the oldest`() {
    let memo = AnswerMemo(sizeLog2: 4)
    for low in [16, 32, 48] as [UInt64] { memo.remember(entry(low)) }
    #expect(memo.find(TextHash.Value(low: 16, high: 16), target: 1) == nil)
    #expect(memo.find(TextHash.Value(low: 32, high: 32), target: 1) != nil)
    #expect(memo.find(TextHash.Value(low: 48, high: 48), target: 1) != nil)
  }

  /// `low` tells texts apart that have the same place.
  private func provisioned(_ low: UInt64, _ tag: UInt64) -> AnswerMemo.Entry {
    var entry = entry(low)
    entry.provisioningTag = tag
    return entry
  }

  /// What the memo has for a text: the text of its device, empty for none; `nil`: it does not remember the entry.
  private func device(_ low: UInt64, in memo: borrowing AnswerMemo) -> String? {
    guard let entry = memo.find(TextHash.Value(low: low, high: low), target: 1) else { return nil }
    return String(decoding: memo.provisioning(of: entry), as: UTF8.self)
  }

  @Test func `an entry that moves keeps its text, and one that goes takes it along`() {
    let memo = AnswerMemo(sizeLog2: 4)
    memo.remember(provisioned(16, 1), provisioning: Array("first".utf8))
    #expect(device(16, in: memo) == "first")
    memo.remember(provisioned(32, 2), provisioning: Array("second, longer".utf8))
    #expect(device(16, in: memo) == "first")
    #expect(device(32, in: memo) == "second, longer")
    memo.remember(entry(48))
    #expect(device(16, in: memo) == nil)
    #expect(device(32, in: memo) == "second, longer")
    #expect(device(48, in: memo) == "")
    memo.remember(provisioned(16, 3), provisioning: Array("again".utf8))
    #expect(device(16, in: memo) == "again")
    #expect(device(32, in: memo) == nil)
    #expect(device(48, in: memo) == "")
  }

  @Test func `a new entry for a text replaces the text of its device`() {
    let memo = AnswerMemo(sizeLog2: 4)
    memo.remember(provisioned(16, 1), provisioning: Array("one".utf8))
    memo.remember(provisioned(16, 2), provisioning: Array("two".utf8))
    #expect(device(16, in: memo) == "two")
    memo.remember(entry(16))
    #expect(device(16, in: memo) == "")
    memo.remember(provisioned(16, 3), provisioning: Array("three".utf8))
    memo.remember(entry(32))
    // The first text stands at the second place now: its new entry takes both away.
    memo.remember(provisioned(16, 4), provisioning: Array("four".utf8))
    #expect(device(16, in: memo) == "four")
    #expect(device(32, in: memo) == "")
  }

  @Test func `keeps each text with its entry in any order of entries`() {
    var generator = SplitMix64.announced("entries of the memo")
    let memo = AnswerMemo(sizeLog2: 3)
    var last: [UInt64: String] = [:]
    for step in 1...1000 {
      let low = UInt64.random(in: 1...40, using: &generator)
      let text = generator.once(in: 3) ? "" : String(repeating: "t", count: step % 50) + "\(step)"
      memo.remember(provisioned(low, text.isEmpty ? 0 : UInt64(step)), provisioning: Array(text.utf8))
      last[low] = text
      for (low, text) in last {
        if let device = device(low, in: memo) { #expect(device == text) }
      }
      #expect(device(low, in: memo) == text)
    }
  }
}

@Suite struct TextHashTests {
  /// Gives the numbers 1, 2, 3, … times a constant.
  private struct Counting: RandomNumberGenerator {
    var last: UInt64 = 0

    mutating func next() -> UInt64 {
      last &+= 0x9e37_79b9_7f4a_7c15
      return last
    }
  }

  /// NH by its definition: the sum of the products of pairs of words, each with its word of the key.
  @Test func `is the sum of products of pairs`() {
    var random = Counting()
    let hash = TextHash(using: &random)
    var keys = Counting()
    let key = (0..<8).map { _ in keys.next() }
    let text: [UInt8] = (0..<37).map { UInt8(truncatingIfNeeded: $0 * 91 + 7) }
    let padded = text + [UInt8](repeating: 0, count: 48 - text.count)
    var sum = UInt128(0)
    for pair in 0..<3 {
      var factors: [UInt64] = [0, 0]
      for index in 0..<16 {
        factors[index / 8] |= UInt64(padded[16 * pair + index]) << UInt64(8 * (index % 8))
      }
      let first = UInt128(factors[0] &+ key[2 * pair])
      sum &+= first &* UInt128(factors[1] &+ key[2 * pair + 1])
    }
    #expect(
      text.withUnsafeBytes { hash.value(of: $0) }
        == TextHash.Value(
          low: UInt64(truncatingIfNeeded: sum), high: UInt64(truncatingIfNeeded: sum >> 64), length: 37))
  }

  @Test func `every byte and the length count`() {
    var random = SystemRandomNumberGenerator()
    let hash = TextHash(using: &random)
    var seen: Set<TextHash.Value> = []
    for length in 0..<70 {
      var text = [UInt8](repeating: 0, count: length)
      seen.insert(text.withUnsafeBytes { hash.value(of: $0) })
      for index in 0..<length {
        text[index] = 1
        seen.insert(text.withUnsafeBytes { hash.value(of: $0) })
        text[index] = 0
      }
    }
    #expect(seen.count == 70 + (0..<70).reduce(0, +))
  }

  @Test func `takes the longest text`() {
    var random = SystemRandomNumberGenerator()
    let hash = TextHash(using: &random)
    let text = [UInt8](repeating: 7, count: TextHash.longestText)
    #expect(text.withUnsafeBytes { hash.value(of: $0) }.length == 16384)
  }
}

@Suite struct ByteBudgetTests {
  @Test func `gives no more than the budget, and one overdraft at a time`() {
    let budget = ByteBudget(limit: 100)
    #expect(budget.take(60))
    #expect(!budget.take(60))
    #expect(budget.usedBytes == 60)
    budget.give(back: 20)
    #expect(budget.take(60))
    #expect(budget.overdraw())
    #expect(!budget.overdraw())
    budget.endOverdraft()
    #expect(budget.overdraw())
  }
}

@Suite struct SocketConfigurationTests {
  @Test func `finds every target by its name and nothing else`() {
    var configuration = SocketConfiguration()
    func number(_ name: String) -> UInt16? {
      Array(name.utf8).withUnsafeBytes { configuration.target(named: $0)?.number }
    }
    #expect(number("eu") == nil)
    for count in [1, 2, 3, 100] {
      // Not in order; some are prefixes of others.
      configuration.targets = (0..<count).reversed().map {
        SocketConfiguration.Target("t\($0)", number: UInt16($0))
      }
      for target in 0..<count { #expect(number("t\(target)") == UInt16(target)) }
      for other in ["", "t", "t00", "t\(count)", "u1", "T1"] { #expect(number(other) == nil) }
    }
  }
}

@Suite struct UserConnectionsTests {
  @Test func `a user's limit leaves connections to others`() {
    let users = UserConnections(limit: 2)
    #expect(users.enter(1) && users.enter(1) && !users.enter(1) && users.enter(2))
    users.leave(1)
    #expect(users.enter(1) && !users.enter(1))
  }
}

@Suite struct WatchFlowTests {
  @Test func `a loop that takes no lines makes a watch miss them`() {
    let flow = WatchFlow(id: Array("7".utf8))
    #expect(flow.head == Array(#"{"id":7,"#.utf8))
    var sent = 0
    for _ in 0..<1000 where flow.enter() { sent += 1 }
    #expect(sent < 1000)
    #expect(flow.takeMissed() == 1000 - sent)
    #expect(flow.takeMissed() == 0)
    flow.leave()
    #expect(flow.enter() && !flow.enter())
  }
}

@Suite struct DemandMeterTests {
  @Test(arguments: [0, 1, 86_400 * 400, 86_400 * 36_500] as [UInt64])
  func `takes from 5,000 answers a second on as pressing, however long the host has been up`(uptimeSeconds: UInt64) {
    var meter = DemandMeter()
    let start = uptimeSeconds * 1_000_000_000 + 5_000_000
    _ = meter.isPressing(answers: 0, at: start)
    var seen: [Bool] = []
    // 25 in 5 ms; 75 in 4 ms, which is too early to count; 50 in 10 ms in all; 49 in 10 ms.
    for (answers, milliseconds) in [(25, 5), (100, 9), (75, 15), (124, 25)] as [(Int, UInt64)] {
      seen.append(meter.isPressing(answers: answers, at: start + milliseconds * 1_000_000))
    }
    #expect(seen == [true, false, true, false])
  }
}
