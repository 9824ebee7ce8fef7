/// A binary min-heap of things that are due at some time. Entries that have lost their meaning stay until they are due,
/// or are swept out.
struct DeadlineQueue<Element: Sendable>: Sendable {
  /// When an element is due, and its place among `elements`: sifting moves no element.
  private struct Entry: Sendable {
    var due: MonotonicTime
    var place: Int
  }

  private var heap: [Entry] = []
  private var elements: [Element?] = []
  /// The places that are not in use.
  private var free: [Int] = []

  var earliest: MonotonicTime? { heap.first?.due }
  var first: Element? { heap.first.flatMap { elements[$0.place] } }
  var count: Int { heap.count }

  mutating func insert(_ element: Element, due: MonotonicTime) {
    let place = free.popLast() ?? elements.count
    if place == elements.count { elements.append(element) } else { elements[place] = element }
    heap.append(Entry(due: due, place: place))
    siftUp(from: heap.count - 1)
  }

  /// Takes out the earliest element if it is due at `now`.
  mutating func popDue(at now: MonotonicTime) -> Element? {
    guard let first = heap.first, first.due <= now else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      siftDown(from: 0)
    }
    return take(first.place)
  }

  private mutating func take(_ place: Int) -> Element? {
    defer { elements[place] = nil }
    free.append(place)
    return elements[place]
  }

  /// Drops the elements that have lost their meaning, where there are more than `bound` in all. The bound has to be a
  /// multiple of those with a meaning, so that the cost of a sweep is spread over the insertions before it.
  mutating func sweep(ifMoreThan bound: Int, keeping hasMeaning: (Element, MonotonicTime) -> Bool) {
    guard heap.count > bound else { return }
    let swept = heap.filter { entry in elements[entry.place].map { !hasMeaning($0, entry.due) } ?? true }.map(\.place)
    for place in swept { _ = take(place) }
    heap.removeAll { elements[$0.place] == nil }
    for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(from: index) }
  }

  private mutating func siftUp(from index: Int) {
    var child = index
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].due < heap[parent].due else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func siftDown(from index: Int) {
    var parent = index
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
