import CertRegTesting
import Testing

@testable import CertRegCore

private func key(_ number: UInt64) -> RegistrationKey {
  RegistrationKey(certificateID: CertificateID(words: (number, 0, 0, 0)), target: TargetName("default"))
}

private func id(_ number: UInt64) -> JobID { JobID(key: key(number), sequence: Int64(number)) }

private func time(_ seconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: seconds * 1_000_000_000) }

/// Slots, shares and ages of the queue.
@Suite struct QueueLedgerTests {
  private var ledger = QueueLedger()

  private func entry(
    _ number: UInt64, since: Int64 = 0, slots: Int = 1, share: String? = nil
  ) -> QueueLedger.Entry {
    QueueLedger.Entry(id: id(number), slots: slots, share: share, since: time(since))
  }

  @Test mutating func `slots and shares are counted by size and given back`() {
    let share = Registrar.QueueShare(name: "a", limit: 3)
    ledger.add(entry(1, slots: 3, share: "a"))
    #expect(ledger.refusal(limit: 10, share: share) == .queueShareFull(limit: 3))
    #expect(ledger.refusal(limit: 10, share: Registrar.QueueShare(name: "b", limit: 1)) == nil)
    #expect(ledger.refusal(limit: 3, share: nil) == .queueFull(limit: 3))
    ledger.remove(entry(1, slots: 3, share: "a"))
    #expect(ledger.refusal(limit: 3, share: share) == nil)
    #expect(ledger.slots == 0)
  }

  @Test mutating func `sequence numbers never restart`() {
    ledger.reserve(upTo: 41)
    #expect(ledger.takeSequence() == 42)
    ledger.reserve(upTo: 7)
    #expect(ledger.takeSequence() == 43)
  }

  @Test mutating func `the oldest comes first, whatever the order of arrival`() {
    for (number, since) in [(1, 50), (2, 10), (3, 30)] as [(UInt64, Int64)] { ledger.add(entry(number, since: since)) }
    #expect(ledger.oldest?.id == id(2))
    let overdue = ledger.takeOverdue(before: time(40))
    #expect(overdue?.id == id(2))
    #expect(ledger.takeOverdue(before: time(40))?.id == id(3))
    #expect(ledger.takeOverdue(before: time(40))?.id == nil)
    if let overdue { ledger.putBack(overdue) }
    #expect(ledger.oldest?.id == id(2))
  }

  @Test mutating func `ended registrations leave nothing behind`() {
    ledger.add(entry(1, since: 0))
    for number in 2...1000 as ClosedRange<UInt64> {
      ledger.add(entry(number, since: Int64(number)))
      ledger.remove(entry(number, since: Int64(number)))
    }
    #expect(ledger.ageCount <= 66)
    ledger.remove(entry(1))
    #expect(ledger.oldest == nil && ledger.ageCount <= 66)
  }
}

/// Waiting callers.
@Suite struct WaiterTableTests {
  private var table = WaiterTable()

  private func waiter(_ waiter: UInt64, _ number: UInt64, awaits: Bool) -> WaiterTable.Waiter {
    WaiterTable.Waiter(
      id: waiter, job: id(number), namedStatus: nil, ifExists: .return,
      expectation: awaits ? .result(deadline: time(1)) : .queued)
  }

  @Test mutating func `each waiter is removed once, in order of arrival`() {
    for id in (1...5 as ClosedRange<UInt64>).reversed() { table.add(waiter(id, 1, awaits: id != 2 && id != 4)) }
    table.add(waiter(9, 2, awaits: false))
    #expect(table.isAwaited(id(1)) && !table.isAwaited(id(2)) && table.hasWaiters(id(2)))
    #expect(table.removeThoseForDisk(of: id(1), names: 0).map(\.id) == [2, 4])
    #expect(table.remove(2)?.id == nil)
    #expect(table.remove(3)?.id == 3)
    #expect(table.removeAll(of: id(1)).map(\.id) == [1, 5])
    #expect(!table.isAwaited(id(1)) && !table.isAwaited(key(1)) && !table.hasWaiters(id(1)))
    #expect(table.removeAll().map(\.id) == [9])
    #expect(table.isEmpty)
  }
}

@Suite struct DeadlineQueueTests {
  /// Compares with a sorted list, with a new seed each time.
  @Test func `gives everything out in order, swept or not`() {
    let seed = UInt64.random(in: 0 ... .max)
    print("deadline queue: seed \(seed)")
    var random = SplitMix64(seed: seed)
    var queue = DeadlineQueue<Int>()
    var model: [(Int64, Int)] = []
    for number in 0..<2000 {
      let due = Int64.random(in: 0..<500, using: &random)
      queue.insert(number, due: time(due))
      model.append((due, number))
      if number % 500 == 499 {
        queue.sweep(ifMoreThan: 10) { number, _ in number % 3 == 0 }
        model.removeAll { $0.1 % 3 != 0 }
      }
    }
    var dues: [Int64] = []
    var elements: Set<Int> = []
    while let due = queue.earliest, let element = queue.popDue(at: due) {
      dues.append(due.nanoseconds / 1_000_000_000)
      elements.insert(element)
    }
    #expect(dues == model.map(\.0).sorted())
    #expect(elements == Set(model.map(\.1)))
  }
}
