/// A binary min-heap of things that are due at some time. Entries that have lost their meaning are left in and ignored by
/// whoever takes them out.
struct DeadlineQueue<Element: Sendable>: Sendable {
  private var heap: [(due: MonotonicTime, element: Element)] = []

  var earliest: MonotonicTime? { heap.first?.due }
  var count: Int { heap.count }

  mutating func insert(_ element: Element, due: MonotonicTime) {
    heap.append((due, element))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].due < heap[parent].due else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  /// Takes out the earliest element if it is due at `now`.
  mutating func popDue(at now: MonotonicTime) -> Element? {
    guard let first = heap.first, first.due <= now else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      siftDown()
    }
    return first.element
  }

  private mutating func siftDown() {
    var parent = 0
    while true {
      let left = 2 * parent + 1
      guard left < heap.count else { return }
      let right = left + 1
      let smaller = right < heap.count && heap[right].due < heap[left].due ? right : left
      guard heap[smaller].due < heap[parent].due else { return }
      heap.swapAt(parent, smaller)
      parent = smaller
    }
  }
}
