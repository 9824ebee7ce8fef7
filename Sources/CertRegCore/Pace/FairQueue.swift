/// A queue that is fair between users, then between the connections of a user. Elements of one connection leave in
/// order of arrival.
///
/// The next turn belongs to the user with the fewest turns in the last second: a user who arrives after another one's
/// burst gets the same part of that second. The connections of a user take turns.
///
/// Each element is in the queue at most once and can be removed in constant time on average. Removed elements leave
/// nothing behind that counts or takes a turn. Taking an element is linear in the number of users.
struct FairQueue<Element: Hashable & Sendable>: Sendable {
  private struct User: Sendable {
    /// The elements of each connection. No line is empty.
    var lines: [UInt64: LinkedQueue<Element>] = [:]
    /// The connections that have lines, in the order of their turns.
    var connections = LinkedQueue<UInt64>()
    var turns = RateMeter()
    /// The number of the last turn, among all turns.
    var lastTurn = 0
  }

  private var users: [UInt32: User] = [:]
  private var callers: [Element: Caller] = [:]
  private var turn = 0

  var isEmpty: Bool { callers.isEmpty }
  var count: Int { callers.count }

  func contains(_ element: Element) -> Bool { callers[element] != nil }

  /// Adds an element behind the others of its connection. An element that is in the queue stays where it is.
  mutating func append(_ element: Element, caller: Caller) {
    guard enter(element, caller) else { return }
    users[caller.uid]?.lines[caller.connection, default: .init()].append(element)
  }

  /// Adds an element that has had its turn before the others of its connection. An element that is in the queue stays
  /// where it is.
  ///
  /// - Parameter isNext: Whether its turn came to nothing: then the user's next one is its own.
  mutating func putBack(_ element: Element, caller: Caller, isNext: Bool) {
    guard enter(element, caller) else { return }
    users[caller.uid]?.lines[caller.connection, default: .init()].prepend(element)
    guard isNext else { return }
    users[caller.uid]?.connections.remove(caller.connection)
    users[caller.uid]?.connections.prepend(caller.connection)
  }

  /// Removes an element. This does not count as a turn.
  ///
  /// - Returns: The caller whose turn the element would have taken; `nil` if the element is not in the queue.
  @discardableResult
  mutating func remove(_ element: Element) -> Caller? {
    guard let caller = callers.removeValue(forKey: element) else { return nil }
    users[caller.uid]?.lines[caller.connection]?.remove(element)
    if users[caller.uid]?.lines[caller.connection]?.isEmpty ?? false {
      users[caller.uid]?.lines[caller.connection] = nil
      users[caller.uid]?.connections.remove(caller.connection)
    }
    // An empty queue gives back the memory of a long one.
    if isEmpty, callers.capacity > 128 { callers = [:] }
    return caller
  }

  /// Takes the next element of the user whose turn it is.
  mutating func popFirst(now: MonotonicTime) -> Element? {
    guard let uid = nextUser(now: now), let connection = users[uid]?.connections.popFirst(),
      let element = users[uid]?.lines[connection]?.first
    else { return nil }
    users[uid]?.connections.append(connection)
    remove(element)
    tookTurn(uid, now: now)
    return element
  }

  /// Counts a turn that a user had without waiting in the queue.
  mutating func tookTurn(_ uid: UInt32, now: MonotonicTime) {
    turn += 1
    users[uid, default: User()].turns.count(at: now)
    users[uid]?.lastTurn = turn
  }

  /// Registers an element and its connection; returns whether the element is new.
  private mutating func enter(_ element: Element, _ caller: Caller) -> Bool {
    guard callers[element] == nil else { return false }
    callers[element] = caller
    users[caller.uid, default: User()].connections.append(caller.connection)
    return true
  }

  /// Finds the user whose turn it is. Forgets users without elements and without turns in the last second.
  private mutating func nextUser(now: MonotonicTime) -> UInt32? {
    guard !isEmpty else { return nil }
    var next: (uid: UInt32, turns: Double, last: Int)?
    var forgotten: [UInt32] = []
    for (uid, user) in users {
      let turns = user.turns.perSecond(at: now)
      if user.lines.isEmpty {
        if turns == 0 { forgotten.append(uid) }
      } else if next.map({ (turns, user.lastTurn, uid) < ($0.turns, $0.last, $0.uid) }) ?? true {
        next = (uid, turns, user.lastTurn)
      }
    }
    for uid in forgotten { users[uid] = nil }
    return next?.uid
  }
}
