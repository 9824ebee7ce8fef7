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

  @Test func `users take turns, then the connections of a user`() {
    var queue = FairQueue<String>()
    for element in ["a", "b", "c"] { queue.append(element, caller: .init(uid: 1, connection: 1)) }
    for element in ["d", "e"] { queue.append(element, caller: .init(uid: 1, connection: 2)) }
    for element in ["x", "y"] { queue.append(element, caller: .init(uid: 2, connection: 3)) }
    let order = drain(&queue)
    #expect(order.filter("xy".contains) == "xy")
    #expect(order.filter { !"xy".contains($0) } == "adbec")
    #expect(order.prefix(4).filter("xy".contains).count == 2)
    #expect(queue.isEmpty)
  }

  @Test func `a user who had a burst lets others have as much of that second`() {
    var queue = FairQueue<String>()
    for _ in 0..<4 { queue.tookTurn(1, now: time(0)) }
    for number in 0..<6 {
      queue.append("a\(number)", caller: .init(uid: 1, connection: 1))
      queue.append("b\(number)", caller: .init(uid: 2, connection: 2))
    }
    let order = drain(&queue, at: 500).filter(\.isLetter)
    #expect(order.prefix(4) == "bbbb")
    #expect(order.prefix(8).filter { $0 == "a" }.count == 2)
  }

  @Test func `an element that is put back is the next of its connection`() {
    var queue = FairQueue<String>()
    for element in ["a", "b", "c"] { queue.append(element, caller: .init(uid: 1, connection: 1)) }
    #expect(queue.popFirst(now: time(0)) == "a")
    queue.putBack("a", caller: .init(uid: 1, connection: 1))
    #expect(drain(&queue) == "abc")
    queue.putBack("d", caller: .init(uid: 1, connection: 1))
    #expect(queue.count == 1)
    #expect(drain(&queue) == "d")
  }

  /// Against a list of what stands in the queue for each connection.
  @Test func `every connection's order is kept, nothing is lost, and removed elements leave nothing behind`() {
    let seed = UInt64.random(in: 0 ... .max)
    print("fair queue: seed \(seed)")
    var random = SplitMix64(seed: seed)
    var queue = FairQueue<Int>()
    var model: [UInt64: [Int]] = [:]
    var next = 0
    for step in 0..<20_000 {
      let connection = UInt64.random(in: 0..<6, using: &random)
      let caller = Caller(uid: UInt32(connection % 3), connection: connection)
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<4:
        queue.append(next, caller: caller)
        model[connection, default: []].append(next)
        next += 1
      case 4..<6:
        // One that was removed comes again, behind or before the others.
        guard let element = model[connection]?.randomElement(using: &random) else { continue }
        model[connection]?.removeAll { $0 == element }
        #expect(queue.remove(element) == caller, "seed \(seed)")
        if Bool.random(using: &random) {
          queue.append(element, caller: caller)
          model[connection]?.append(element)
        } else {
          queue.putBack(element, caller: caller)
          model[connection]?.insert(element, at: 0)
        }
      case 6..<8:
        guard let element = model[connection]?.randomElement(using: &random) else { continue }
        model[connection]?.removeAll { $0 == element }
        #expect(queue.remove(element) == caller, "seed \(seed)")
        #expect(queue.remove(element) == nil, "seed \(seed)")
      default:
        let element = queue.popFirst(now: time(Int64(step)))
        let home = model.first { $0.value.first == element && element != nil }
        #expect((element == nil) == model.values.allSatisfy(\.isEmpty), "seed \(seed)")
        if let home { model[home.key]?.removeFirst() } else { #expect(element == nil, "seed \(seed)") }
      }
      #expect(queue.count == model.values.reduce(0) { $0 + $1.count }, "seed \(seed)")
    }
  }

  @Test func `an element that was removed costs its user no turn`() {
    var queue = FairQueue<String>()
    queue.append("a", caller: .init(uid: 1, connection: 1))
    queue.append("b", caller: .init(uid: 1, connection: 1))
    queue.append("x", caller: .init(uid: 2, connection: 2))
    queue.remove("a")
    #expect(drain(&queue).count == 2)
    queue.append("a", caller: .init(uid: 1, connection: 1))
    queue.remove("a")
    #expect(queue.isEmpty)
    #expect(queue.popFirst(now: time(0)) == nil)
  }
}

/// Two kinds of elements in one queue: those that somebody waits for, and the others.
@Suite struct CallQueueTests {
  private let caller = Caller(uid: 1, connection: 1)
  private let now = MonotonicTime(nanoseconds: 0)

  private func drain(_ queue: inout CallQueue<String>, isDraining: Bool = false) -> String {
    var order = ""
    while let isAwaited = queue.nextIsAwaited(isDraining: isDraining)
      ?? queue.nextIsAwaited(isDraining: isDraining, isSecond: true)
    {
      order += queue.popFirst(isAwaited: isAwaited, now: now) ?? "-"
    }
    return order
  }

  @Test func `one turn in eight is for elements that nobody waits for`() {
    var queue = CallQueue<String>()
    for letter in "abcdefghijklmnop" { queue.append(String(letter), caller: caller, isAwaited: true) }
    for digit in "12" { queue.append(String(digit), caller: caller, isAwaited: false) }
    #expect(drain(&queue) == "abcdefg1hijklmn2op")
  }

  @Test func `a promoted element is in the queue once, and goes before the others`() {
    var queue = CallQueue<String>()
    for digit in "12" { queue.append(String(digit), caller: caller, isAwaited: false) }
    queue.promote("2")
    queue.promote("2")
    #expect(queue.count == 2)
    #expect(drain(&queue) == "21")
    #expect(queue.isEmpty)
  }

  @Test func `a drain leaves out elements that nobody waits for`() {
    var queue = CallQueue<String>()
    queue.append("a", caller: caller, isAwaited: true)
    queue.append("1", caller: caller, isAwaited: false)
    #expect(drain(&queue, isDraining: true) == "a")
    #expect(queue.count == 1)
  }
}
