/// Whose turn a registration takes.
struct Caller: Hashable, Sendable {
  var uid: UInt32
  /// Zero for registrations that an earlier process left.
  var connection: UInt64
}

/// A queue that is fair between users, then between the connections of one user. Elements of one connection leave it first come,
/// first served.
///
/// The turn is the user's with the fewest turns in the last second. A user who comes while another has used up a burst therefore
/// gets the same part of that second. The connections of one user take turns. Each element is in the queue once at most.
struct FairQueue<Element: Hashable & Sendable>: Sendable {
  /// An element with the number of its entry: an element that was removed and came again is not its earlier entry.
  private struct Entry: Sendable {
    var element: Element
    var number: Int
  }

  private struct Home: Sendable {
    var caller: Caller
    var number: Int
  }

  /// The entries of one connection.
  private struct Line: Sendable {
    /// Entries that were put back; the last one is the next.
    var returned: [Entry] = []
    var entries: [Entry] = []
    var first = 0

    var isEmpty: Bool { returned.isEmpty && first == entries.count }

    mutating func popFirst() -> Entry? {
      if let entry = returned.popLast() { return entry }
      guard first < entries.count else { return nil }
      defer {
        first += 1
        if first > 64, first * 2 > entries.count {
          entries.removeFirst(first)
          first = 0
        }
      }
      return entries[first]
    }

    mutating func removeAll(where isStale: (Entry) -> Bool) {
      entries.removeFirst(first)
      first = 0
      entries.removeAll(where: isStale)
      returned.removeAll(where: isStale)
    }
  }

  private struct User: Sendable {
    private(set) var connections: [UInt64] = []
    private var nextConnection = 0
    private var lines: [UInt64: Line] = [:]
    var count = 0
    var turns = RateMeter()
    /// Number of the last turn, among all turns.
    var lastTurn = 0

    /// Counts an element of a connection, which is put into its line next.
    mutating func add(connection: UInt64) {
      count += 1
      guard lines[connection] == nil else { return }
      lines[connection] = Line()
      connections.append(connection)
    }

    mutating func append(_ entry: Entry, to connection: UInt64) {
      lines[connection]?.entries.append(entry)
    }

    mutating func putBack(_ entry: Entry, to connection: UInt64) {
      lines[connection]?.returned.append(entry)
    }

    /// Takes out the next entry of the connection whose turn it is, stale or not; `nil`: there is none.
    mutating func popFirst() -> Entry? {
      while !connections.isEmpty {
        if nextConnection >= connections.count { nextConnection = 0 }
        if let entry = lines[connections[nextConnection]]?.popFirst() { return entry }
        lines[connections.remove(at: nextConnection)] = nil
      }
      return nil
    }

    /// The entry that was taken out last was a turn of its connection.
    mutating func tookTurn() {
      nextConnection += 1
    }

    mutating func removeAll(where isStale: (Entry) -> Bool) {
      for connection in connections {
        lines[connection]?.removeAll(where: isStale)
        if lines[connection]?.isEmpty == true { lines[connection] = nil }
      }
      connections.removeAll { lines[$0] == nil }
      nextConnection = 0
    }
  }

  private var users: [UInt32: User] = [:]
  private var homes: [Element: Home] = [:]
  private var nextNumber = 0
  /// Entries whose element was removed, and that are still in a line.
  private var stale = 0
  private var turn = 0

  var count: Int { homes.count }
  var isEmpty: Bool { homes.isEmpty }

  func contains(_ element: Element) -> Bool { homes[element] != nil }

  /// Adds an element at the end of its connection's line. It must not be in the queue.
  mutating func append(_ element: Element, caller: Caller) {
    let entry = add(element, caller: caller)
    users[caller.uid]?.append(entry, to: caller.connection)
  }

  /// Adds an element that has had its turn: it is the next one of its connection. It must not be in the queue.
  mutating func putBack(_ element: Element, caller: Caller) {
    let entry = add(element, caller: caller)
    users[caller.uid]?.putBack(entry, to: caller.connection)
  }

  private mutating func add(_ element: Element, caller: Caller) -> Entry {
    assert(homes[element] == nil, "an element that is in the queue already")
    nextNumber += 1
    homes[element] = Home(caller: caller, number: nextNumber)
    users[caller.uid, default: User()].add(connection: caller.connection)
    return Entry(element: element, number: nextNumber)
  }

  /// Takes an element out of the queue without a turn.
  ///
  /// - Returns: Whose it was; `nil` where it is not in the queue.
  @discardableResult
  mutating func remove(_ element: Element) -> Caller? {
    guard let home = homes.removeValue(forKey: element) else { return nil }
    users[home.caller.uid]?.count -= 1
    stale += 1
    if stale > homes.count + 64 { dropStale() }
    return home.caller
  }

  /// Drops what is left of removed elements, so that memory follows what is in the queue.
  private mutating func dropStale() {
    for uid in users.keys {
      users[uid]?.removeAll { homes[$0.element]?.number != $0.number }
    }
    stale = 0
  }

  /// The next element of the user whose turn it is.
  mutating func popFirst(now: MonotonicTime) -> Element? {
    guard let uid = nextUser(now: now), let element = popFirst(of: uid) else { return nil }
    tookTurn(uid, now: now)
    return element
  }

  private mutating func popFirst(of uid: UInt32) -> Element? {
    while let entry = users[uid]?.popFirst() {
      guard homes[entry.element]?.number == entry.number else {
        stale -= 1
        continue
      }
      homes[entry.element] = nil
      users[uid]?.count -= 1
      users[uid]?.tookTurn()
      return entry.element
    }
    return nil
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
        if turns == 0, user.connections.isEmpty { forgotten.append(uid) }
      } else if next.map({ (turns, user.lastTurn, uid) < ($0.turns, $0.last, $0.uid) }) ?? true {
        next = (uid, turns, user.lastTurn)
      }
    }
    for uid in forgotten { users[uid] = nil }
    return next?.uid
  }
}
