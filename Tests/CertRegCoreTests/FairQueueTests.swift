import Testing

@testable import CertRegCore

@Suite struct FairQueueTests {
  private func time(_ milliseconds: Int64) -> MonotonicTime {
    MonotonicTime(nanoseconds: milliseconds * 1_000_000)
  }

  private func drain(_ queue: inout FairQueue<String>, at milliseconds: Int64 = 0) -> String {
    var order = ""
    while let element = queue.popFirst(now: time(milliseconds)) { order += element }
    return order
  }

  private func append(_ elements: [String], to queue: inout FairQueue<String>, uid: UInt32, connection: UInt64) {
    for element in elements { queue.append(element, caller: Caller(uid: uid, connection: connection)) }
  }

  @Test func `users take turns, then the connections of a user`() {
    var queue = FairQueue<String>()
    append(["a", "b", "c"], to: &queue, uid: 1, connection: 1)
    append(["d", "e"], to: &queue, uid: 1, connection: 2)
    append(["x", "y"], to: &queue, uid: 2, connection: 3)
    let order = drain(&queue)
    #expect(order.filter("xy".contains) == "xy")
    #expect(order.filter { !"xy".contains($0) } == "adbec")
    #expect(order.prefix(4).filter("xy".contains).count == 2)
    #expect(queue.isEmpty)
  }

  @Test func `after a burst of one user, others get as many turns of that second`() {
    var queue = FairQueue<String>()
    for _ in 0..<4 { queue.tookTurn(1, now: time(0)) }
    append(["a", "b", "c", "d", "e", "f"], to: &queue, uid: 1, connection: 1)
    append(["u", "v", "w", "x", "y", "z"], to: &queue, uid: 2, connection: 2)
    let order = drain(&queue, at: 500)
    #expect(order.prefix(4) == "uvwx")
    #expect(order.prefix(8).filter("abcdef".contains).count == 2)
  }

  @Test func `an element that is put back is the next of its connection`() {
    var queue = FairQueue<String>()
    let caller = Caller(uid: 1, connection: 1)
    append(["a", "b", "c"], to: &queue, uid: 1, connection: 1)
    #expect(queue.popFirst(now: time(0)) == "a")
    queue.putBack("a", caller: caller, isNext: false)
    #expect(drain(&queue) == "abc")
    queue.putBack("d", caller: caller, isNext: false)
    #expect(queue.count == 1)
    #expect(drain(&queue) == "d")
  }

  @Test func `an element whose turn came to nothing goes before the other connections of its user`() {
    var queue = FairQueue<String>()
    append(["a", "b"], to: &queue, uid: 1, connection: 1)
    append(["x", "y"], to: &queue, uid: 1, connection: 2)
    #expect(queue.popFirst(now: time(0)) == "a")
    queue.putBack("a", caller: Caller(uid: 1, connection: 1), isNext: true)
    #expect(drain(&queue) == "axby")
  }

  @Test func `an element that is in the queue keeps its position`() {
    var queue = FairQueue<String>()
    append(["a", "b"], to: &queue, uid: 1, connection: 1)
    append(["a"], to: &queue, uid: 2, connection: 2)
    queue.putBack("b", caller: Caller(uid: 1, connection: 1), isNext: true)
    #expect(queue.count == 2)
    #expect(drain(&queue) == "ab")
  }

  @Test func `a removed element costs its user no turn`() {
    var queue = FairQueue<String>()
    append(["a", "b"], to: &queue, uid: 1, connection: 1)
    append(["x", "y"], to: &queue, uid: 2, connection: 2)
    for _ in 0..<2 { queue.tookTurn(2, now: time(0)) }
    #expect(queue.remove("a") == Caller(uid: 1, connection: 1))
    #expect(queue.remove("a") == nil)
    #expect(queue.count == 3)
    #expect(drain(&queue) == "bxy")
  }

  @Test func `a connection has one turn in a round after its elements were removed and added again`() {
    var queue = FairQueue<String>()
    append(["a"], to: &queue, uid: 1, connection: 1)
    append(["x", "y"], to: &queue, uid: 1, connection: 2)
    queue.remove("a")
    append(["b", "c", "d"], to: &queue, uid: 1, connection: 1)
    #expect(drain(&queue) == "xbycd")
  }

  @Test(arguments: 1...30 as ClosedRange<UInt64>)
  func `the queue agrees with a naive model`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var queue = FairQueue<Int>()
    var model = NaiveQueue()
    for step in 0..<3000 {
      let now = time(Int64(step) * Int64(seed % 5))
      let element = Int.random(in: 0..<60, using: &random)
      let connection = UInt64.random(in: 0..<8, using: &random)
      let caller = Caller(uid: UInt32(connection % 3), connection: connection)
      switch Int.random(in: 0..<(seed % 2 == 0 ? 7 : 5), using: &random) {
      case 0, 5: queue.append(element, caller: caller); model.append(element, caller: caller)
      case 1, 6:
        let isNext = Bool.random(using: &random)
        queue.putBack(element, caller: caller, isNext: isNext)
        model.putBack(element, caller: caller, isNext: isNext)
      case 2: #expect(queue.remove(element) == model.remove(element), "seed \(seed), step \(step)")
      case 3: queue.tookTurn(caller.uid, now: now); model.tookTurn(caller.uid, now: now)
      default: #expect(queue.popFirst(now: now) == model.popFirst(now: now), "seed \(seed), step \(step)")
      }
      #expect(queue.count == model.entries.count, "seed \(seed), step \(step)")
      #expect(queue.isEmpty == model.entries.isEmpty, "seed \(seed), step \(step)")
      #expect(queue.contains(element) == model.contains(element), "seed \(seed), step \(step)")
    }
  }
}

/// The rules of the fair queue, each by a search through all elements.
private struct NaiveQueue {
  typealias Entry = (element: Int, caller: Caller)
  /// All elements; those of one connection in their order.
  private(set) var entries: [Entry] = []
  /// The connections of each user in the order of their turns.
  private var rotation: [Caller] = []
  private var turns: [(uid: UInt32, slot: Int64)] = []

  func contains(_ element: Int) -> Bool { entries.contains { $0.element == element } }

  mutating func append(_ element: Int, caller: Caller) {
    guard !contains(element) else { return }
    entries.append((element, caller))
    if !rotation.contains(caller) { rotation.append(caller) }
  }

  mutating func putBack(_ element: Int, caller: Caller, isNext: Bool) {
    guard !contains(element) else { return }
    entries.insert((element, caller), at: 0)
    if isNext {
      rotation.removeAll { $0 == caller }
      rotation.insert(caller, at: 0)
    } else if !rotation.contains(caller) {
      rotation.append(caller)
    }
  }

  mutating func remove(_ element: Int) -> Caller? {
    guard let index = entries.firstIndex(where: { $0.element == element }) else { return nil }
    let caller = entries.remove(at: index).caller
    if !entries.contains(where: { $0.caller == caller }) { rotation.removeAll { $0 == caller } }
    return caller
  }

  mutating func tookTurn(_ uid: UInt32, now: MonotonicTime) {
    turns.append((uid, now.nanoseconds / 100_000_000))
  }

  mutating func popFirst(now: MonotonicTime) -> Int? {
    let slot = now.nanoseconds / 100_000_000
    func recentTurns(_ uid: UInt32) -> Int {
      turns.filter { $0.uid == uid && $0.slot > slot - 10 }.count
    }
    let uids = Set(entries.map(\.caller.uid))
    guard !uids.isEmpty else { return nil }
    // A user without elements and recent turns counts as new.
    for uid in Set(turns.map(\.uid)) where !uids.contains(uid) && recentTurns(uid) == 0 {
      turns.indices.filter { turns[$0].uid == uid }.forEach { turns[$0].uid = .max }
    }
    func rank(_ uid: UInt32) -> (Int, Int, UInt32) {
      (recentTurns(uid), turns.lastIndex { $0.uid == uid } ?? -1, uid)
    }
    guard let uid = uids.min(by: { rank($0) < rank($1) }),
      let turn = rotation.firstIndex(where: { $0.uid == uid })
    else { return nil }
    let caller = rotation.remove(at: turn)
    rotation.append(caller)
    guard let element = entries.first(where: { $0.caller == caller })?.element else { return nil }
    _ = remove(element)
    tookTurn(uid, now: now)
    return element
  }
}
