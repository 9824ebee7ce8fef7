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

/// Waiters that depend on names, against a list of them, with a new seed each time.
@Suite struct WaiterTableModelTests {
  private struct Model {
    var waiters: [WaiterTable.Waiter] = []

    mutating func remove(where isMeant: (WaiterTable.Waiter) -> Bool) -> [Registrar.WaiterID] {
      defer { waiters.removeAll(where: isMeant) }
      return waiters.filter(isMeant).map(\.id).sorted()
    }
  }

  @Test func `waiters that depend on names are answered as a list of them would be`() {
    let seed = UInt64.random(in: 0 ... .max)
    print("waiter table: seed \(seed)")
    var random = SplitMix64(seed: seed)
    var table = WaiterTable()
    var model = Model()
    var (given, ended) = (0, 0)
    for number in 1...4000 as ClosedRange<UInt64> {
      switch Int.random(in: 0..<10, using: &random) {
      case 0...3:
        if Bool.random(using: &random) { given += 1 }
        var waiter = WaiterTable.Waiter(
          id: number, job: id(1), namedStatus: nil, ifExists: .return,
          expectation: Bool.random(using: &random) ? .result(deadline: time(1)) : .queued)
        waiter.namesNeeded = Bool.random(using: &random) ? given : 0
        table.add(waiter)
        model.waiters.append(waiter)
      case 4:
        guard let waiter = model.waiters.randomElement(using: &random) else { continue }
        #expect(table.remove(waiter.id)?.id == waiter.id)
        model.waiters.removeAll { $0.id == waiter.id }
      case 5, 6:
        let removed = table.removeThoseForDisk(of: id(1), names: ended).map(\.id)
        let names = ended
        #expect(removed == model.remove { !$0.isAwaiting && $0.namesNeeded <= names })
      case 7, 8:
        guard ended < given else { continue }
        ended += 1
        let names = ended
        let isMeant = { (waiter: WaiterTable.Waiter) in waiter.id % 3 == 0 }
        let removed = table.remove(of: id(1), dependingOnName: names, where: isMeant).map(\.id)
        #expect(removed == model.remove { $0.namesNeeded == names && isMeant($0) })
      default:
        let names = ended
        let isMeant = { (waiter: WaiterTable.Waiter) in waiter.id % 5 == 0 }
        #expect(
          table.remove(of: id(1), names: names, where: isMeant).map(\.id)
            == model.remove { $0.namesNeeded <= names && isMeant($0) })
      }
      #expect(table.isForDisk(id(1)) == model.waiters.contains { !$0.isAwaiting })
    }
  }

  @Test func `each name on disk looks at its own callers only`() {
    var table = WaiterTable()
    for number in 1...1000 as ClosedRange<UInt64> {
      var waiter = WaiterTable.Waiter(
        id: number, job: id(1), namedStatus: nil, ifExists: .return, expectation: .result(deadline: time(1)))
      waiter.namesNeeded = Int(number)
      table.add(waiter)
    }
    var looks = 0
    for name in 1...1000 {
      let removed = table.remove(of: id(1), dependingOnName: name) { _ in
        looks += 1
        return true
      }
      #expect(removed.map(\.namesNeeded) == [name])
    }
    #expect(looks == 1000)
  }

  /// Looked at for each caller that comes, they would cost minutes.
  @Test(.timeLimit(.minutes(1)))
  func `many callers that wait cost others nothing`() {
    var table = WaiterTable()
    let count: UInt64 = 50_000
    for number in 1...count {
      table.add(
        WaiterTable.Waiter(
          id: number, job: id(1), namedStatus: nil, ifExists: .return, expectation: .result(deadline: time(1))))
    }
    for number in count + 1...2 * count {
      table.add(
        WaiterTable.Waiter(id: number, job: id(1), namedStatus: nil, ifExists: .return, expectation: .queued))
      #expect(table.removeThoseForDisk(of: id(1), names: 0).map(\.id) == [number])
    }
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
