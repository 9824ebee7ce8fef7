import Testing

@testable import CertRegCore

/// Two kinds of elements in one queue: with a waiting caller and without one.
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

  @Test func `one turn in eight is for elements without a waiting caller`() {
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

  @Test func `a drain leaves out elements without a waiting caller`() {
    var queue = CallQueue<String>()
    queue.append("a", caller: caller, isAwaited: true)
    queue.append("1", caller: caller, isAwaited: false)
    #expect(drain(&queue, isDraining: true) == "a")
    #expect(queue.count == 1)
  }
}
