/// A first-in-first-out queue in which each element is at most once, and from which any element can be removed. Every
/// method takes constant time on average, however many elements there are.
struct LinkedQueue<Element: Hashable & Sendable>: Sendable {
  /// An element and the numbers of its neighbours.
  private struct Node: Sendable {
    var element: Element
    var previous: Int32?
    var next: Int32?
  }

  private var nodes: [Node] = []
  /// The numbers of nodes that are not in use.
  private var free: [Int32] = []
  private var numbers: [Element: Int32] = [:]
  private var firstNumber: Int32?
  private var lastNumber: Int32?

  var isEmpty: Bool { numbers.isEmpty }
  var count: Int { numbers.count }
  var first: Element? { firstNumber.map { nodes[Int($0)].element } }

  /// Nodes that are kept, for tests: never more than the most elements since the queue was last empty, but for a few.
  var keptCount: Int { nodes.count }

  /// Adds an element at the end. An element that is in the queue stays where it is.
  mutating func append(_ element: Element) {
    guard numbers[element] == nil else { return }
    let number = newNode(Node(element: element, previous: lastNumber, next: nil))
    if let lastNumber { nodes[Int(lastNumber)].next = number } else { firstNumber = number }
    lastNumber = number
  }

  /// Adds an element at the front. An element that is in the queue stays where it is.
  mutating func prepend(_ element: Element) {
    guard numbers[element] == nil else { return }
    let number = newNode(Node(element: element, previous: nil, next: firstNumber))
    if let firstNumber { nodes[Int(firstNumber)].previous = number } else { lastNumber = number }
    firstNumber = number
  }

  /// Removes an element, if it is in the queue.
  mutating func remove(_ element: Element) {
    guard let number = numbers.removeValue(forKey: element) else { return }
    let node = nodes[Int(number)]
    if let previous = node.previous { nodes[Int(previous)].next = node.next } else { firstNumber = node.next }
    if let next = node.next { nodes[Int(next)].previous = node.previous } else { lastNumber = node.previous }
    if isEmpty {
      giveBackMemory()
    } else {
      free.append(number)
    }
  }

  /// Removes the first element and returns it.
  mutating func popFirst() -> Element? {
    guard let element = first else { return nil }
    remove(element)
    return element
  }

  private mutating func newNode(_ node: Node) -> Int32 {
    let number: Int32
    if let unused = free.popLast() {
      number = unused
      nodes[Int(number)] = node
    } else {
      number = Int32(nodes.count)
      nodes.append(node)
    }
    numbers[node.element] = number
    return number
  }

  /// An empty queue keeps the memory of a short one only.
  private mutating func giveBackMemory() {
    let isShort = nodes.count <= 64
    nodes.removeAll(keepingCapacity: isShort)
    free.removeAll(keepingCapacity: isShort)
    if !isShort { numbers = [:] }
  }
}
