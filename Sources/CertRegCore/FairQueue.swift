/// A queue that is fair between callers: the callers take turns, and each one's entries leave first come, first served.
struct FairQueue<Caller: Hashable & Sendable, Element: Sendable>: Sendable {
  private var turns: [Caller] = []
  private var nextTurn = 0
  private var lanes: [Caller: Lane] = [:]
  private(set) var count = 0

  /// A first-in-first-out list that gives back its room from time to time.
  private struct Lane: Sendable {
    var elements: [Element] = []
    var first = 0

    var isEmpty: Bool { first == elements.count }

    mutating func popFirst() -> Element {
      let element = elements[first]
      first += 1
      if first > 64, first * 2 > elements.count {
        elements.removeFirst(first)
        first = 0
      }
      return element
    }
  }

  var isEmpty: Bool { count == 0 }

  mutating func append(_ element: Element, caller: Caller) {
    if lanes[caller] == nil { turns.append(caller) }
    lanes[caller, default: Lane()].elements.append(element)
    count += 1
  }

  /// The next entry of the caller whose turn it is.
  mutating func popFirst() -> Element? {
    guard count > 0 else { return nil }
    if nextTurn >= turns.count { nextTurn = 0 }
    let caller = turns[nextTurn]
    guard var lane = lanes[caller] else { return nil }
    lanes[caller] = nil  // so that the lane below is the only owner of its storage
    let element = lane.popFirst()
    count -= 1
    if lane.isEmpty {
      turns.remove(at: nextTurn)
    } else {
      lanes[caller] = lane
      nextTurn += 1
    }
    return element
  }
}
