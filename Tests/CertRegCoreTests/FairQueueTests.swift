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

  @Test func `who had a burst lets others have as much of that second`() {
    var queue = FairQueue<String>()
    for _ in 0..<4 { queue.tookTurn(1, now: time(0)) }
    for _ in 0..<6 { queue.append("a", caller: .init(uid: 1, connection: 1)) }
    for _ in 0..<6 { queue.append("b", caller: .init(uid: 2, connection: 2)) }
    let order = drain(&queue, at: 500)
    #expect(order.prefix(4) == "bbbb")
    #expect(order.prefix(8).filter { $0 == "a" }.count == 2)
  }

  @Test func `what is put back is the next of its connection`() {
    var queue = FairQueue<String>()
    for element in ["a", "b", "c"] { queue.append(element, caller: .init(uid: 1, connection: 1)) }
    #expect(queue.popFirst(now: time(0)) == "a")
    queue.putBack("a", caller: .init(uid: 1, connection: 1))
    #expect(drain(&queue) == "abc")
    queue.putBack("d", caller: .init(uid: 1, connection: 1))
    #expect(queue.count == 1)
    #expect(drain(&queue) == "d")
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `every connection's order is kept and nothing is lost`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var queue = FairQueue<(caller: UInt64, number: Int)>()
    var appended = [Int](repeating: 0, count: 6)
    var taken = [Int](repeating: 0, count: 6)
    for step in 0..<5000 {
      let caller = UInt64.random(in: 0..<6, using: &random)
      if Bool.random(using: &random) {
        queue.append((caller, appended[Int(caller)]), caller: .init(uid: UInt32(caller % 3), connection: caller))
        appended[Int(caller)] += 1
      } else if let (caller, number) = queue.popFirst(now: time(Int64(step))) {
        #expect(number == taken[Int(caller)], "seed \(seed)")
        taken[Int(caller)] += 1
      }
    }
    #expect(queue.count == appended.reduce(0, +) - taken.reduce(0, +))
  }
}
