/// A queue that is fair between users, then between the connections of one user; what came over one connection leaves first
/// come, first served.
///
/// The turn is the user's with the fewest turns in the last second, so that who comes while another has used up a burst gets
/// the same part of that second. The connections of one user take turns.
struct FairQueue<Element: Sendable>: Sendable {
  struct Caller: Hashable, Sendable {
    var uid: UInt32
    /// Zero where there is none: what was taken over from an earlier process.
    var connection: UInt64
  }

  private struct User: Sendable {
    var connections: [UInt64] = []
    var nextConnection = 0
    var lanes: [UInt64: Lane] = [:]
    var count = 0
    var turns = RateMeter()
    /// Number of the last turn, among all turns.
    var lastTurn = 0

    mutating func popFirst() -> Element? {
      if nextConnection >= connections.count { nextConnection = 0 }
      guard nextConnection < connections.count, let element = lanes[connections[nextConnection]]?.popFirst() else {
        return nil
      }
      count -= 1
      if lanes[connections[nextConnection]]?.isEmpty ?? true {
        lanes[connections.remove(at: nextConnection)] = nil
      } else {
        nextConnection += 1
      }
      return element
    }
  }

  /// A first-in-first-out list that gives back its room from time to time.
  private struct Lane: Sendable {
    private var elements: [Element] = []
    private var first = 0

    var isEmpty: Bool { first == elements.count }

    mutating func append(_ element: Element) {
      elements.append(element)
    }

    mutating func putBack(_ element: Element) {
      if first > 0 {
        first -= 1
        elements[first] = element
      } else {
        elements.insert(element, at: 0)
      }
    }

    mutating func popFirst() -> Element? {
      guard !isEmpty else { return nil }
      let element = elements[first]
      first += 1
      if first > 64, first * 2 > elements.count {
        elements.removeFirst(first)
        first = 0
      }
      return element
    }
  }

  private var users: [UInt32: User] = [:]
  private var turn = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  mutating func append(_ element: Element, caller: Caller) {
    prepare(for: caller)
    users[caller.uid]?.lanes[caller.connection]?.append(element)
  }

  /// Takes an entry again whose turn has been: it is the next one of its connection.
  mutating func putBack(_ element: Element, caller: Caller) {
    prepare(for: caller)
    users[caller.uid]?.lanes[caller.connection]?.putBack(element)
  }

  private mutating func prepare(for caller: Caller) {
    if users[caller.uid, default: User()].lanes[caller.connection] == nil {
      users[caller.uid, default: User()].lanes[caller.connection] = Lane()
      users[caller.uid]?.connections.append(caller.connection)
    }
    users[caller.uid]?.count += 1
    count += 1
  }

  /// The next entry of the user whose turn it is.
  mutating func popFirst(now: MonotonicTime) -> Element? {
    guard count > 0, let uid = nextUser(now: now), let element = users[uid]?.popFirst() else { return nil }
    count -= 1
    tookTurn(uid, now: now)
    return element
  }

  /// Counts a turn that a user had without waiting here.
  mutating func tookTurn(_ uid: UInt32, now: MonotonicTime) {
    turn += 1
    users[uid, default: User()].turns.count(at: now)
    users[uid]?.lastTurn = turn
  }

  private mutating func nextUser(now: MonotonicTime) -> UInt32? {
    var next: (uid: UInt32, turns: Double, last: Int)?
    var forgotten: [UInt32] = []
    for (uid, user) in users {
      let turns = user.turns.perSecond(at: now)
      if user.count == 0 {
        if turns == 0 { forgotten.append(uid) }
      } else if next.map({ (turns, user.lastTurn) < ($0.turns, $0.last) }) ?? true {
        next = (uid, turns, user.lastTurn)
      }
    }
    for uid in forgotten { users[uid] = nil }
    return next?.uid
  }
}
