import Testing

@testable import CertRegCore

@Suite struct LinkedQueueTests {
  private func drain(_ queue: inout LinkedQueue<Int>) -> [Int] {
    var order: [Int] = []
    while let element = queue.popFirst() { order.append(element) }
    return order
  }

  @Test(arguments: [(1, [2, 3]), (2, [1, 3]), (3, [1, 2]), (4, [1, 2, 3])])
  func `an element leaves its neighbours in order`(removed: Int, rest: [Int]) {
    var queue = LinkedQueue<Int>()
    for element in 1...3 { queue.append(element) }
    queue.remove(removed)
    #expect(queue.count == rest.count)
    #expect(queue.first == rest.first)
    #expect(drain(&queue) == rest)
    #expect(queue.isEmpty)
  }

  @Test func `elements can be added at both ends, once each`() {
    var queue = LinkedQueue<Int>()
    queue.prepend(1)
    queue.append(2)
    queue.prepend(0)
    queue.append(0)
    queue.prepend(2)
    #expect(drain(&queue) == [0, 1, 2])
  }

  @Test func `removed elements leave no nodes behind`() {
    var queue = LinkedQueue<Int>()
    for element in 0..<100_000 {
      queue.append(element)
      if element >= 10 { queue.remove(element % 3 == 0 ? element : element - 10) }
      if queue.count > 20 { _ = queue.popFirst() }
    }
    #expect(queue.keptCount <= 32)
    for element in 200_000..<201_000 { queue.append(element) }
    #expect(queue.keptCount >= 1000)
    while queue.popFirst() != nil {}
    #expect(queue.keptCount == 0)
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `the queue agrees with an array`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var queue = LinkedQueue<Int>()
    var model: [Int] = []
    for step in 0..<2000 {
      let element = Int.random(in: 0..<40, using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0, 1:
        queue.append(element)
        if !model.contains(element) { model.append(element) }
      case 2:
        queue.prepend(element)
        if !model.contains(element) { model.insert(element, at: 0) }
      case 3:
        queue.remove(element)
        model.removeAll { $0 == element }
      default:
        let first = model.isEmpty ? nil : model.removeFirst()
        #expect(queue.popFirst() == first, "seed \(seed), step \(step)")
      }
      #expect(queue.count == model.count, "seed \(seed), step \(step)")
      #expect(queue.first == model.first, "seed \(seed), step \(step)")
    }
    #expect(drain(&queue) == model, "seed \(seed)")
  }
}
