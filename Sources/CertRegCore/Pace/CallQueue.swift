/// The registrations that wait for their turn to make one kind of call. Those with a waiting caller go first, except
/// for every eighth turn.
struct CallQueue<Element: Hashable & Sendable>: Sendable {
  /// One turn in this number is for elements without a waiting caller.
  private static var turnsOfBoth: Int { 8 }

  private var awaited = FairQueue<Element>()
  private var others = FairQueue<Element>()
  private var turn = 0

  var count: Int { awaited.count + others.count }
  var isEmpty: Bool { awaited.isEmpty && others.isEmpty }

  /// Adds an element behind those of its connection. It must not be in the queue.
  mutating func append(_ element: Element, caller: Caller, isAwaited: Bool) {
    if isAwaited { awaited.append(element, caller: caller) } else { others.append(element, caller: caller) }
  }

  /// Adds an element that has had its turn, before those of its connection. It must not be in the queue.
  ///
  /// - Parameter isNext: Whether its turn came to nothing: then its user's next one is its own.
  mutating func putBack(_ element: Element, caller: Caller, isAwaited: Bool, isNext: Bool) {
    if isAwaited {
      awaited.putBack(element, caller: caller, isNext: isNext)
    } else {
      others.putBack(element, caller: caller, isNext: isNext)
    }
  }

  /// A caller begins to wait for an element.
  mutating func promote(_ element: Element) {
    guard let caller = others.remove(element) else { return }
    awaited.append(element, caller: caller)
  }

  /// No caller waits for an element any more, and it may wait longer than the others. Otherwise an element without a
  /// waiting caller keeps its place, so that a caller that repeats its request does not lose it.
  mutating func demote(_ element: Element) {
    guard let caller = awaited.remove(element) else { return }
    others.append(element, caller: caller)
  }

  /// Removes an element without a turn.
  mutating func remove(_ element: Element) {
    if awaited.remove(element) == nil { others.remove(element) }
  }

  /// The part with the next turn: `true` for elements with a waiting caller; `nil` if neither part has one.
  ///
  /// - Parameters:
  ///   - isDraining: Whether only elements with a waiting caller may have a turn.
  ///   - isSecond: Whether to return the other part, because the part with the first turn may not begin now.
  func nextIsAwaited(isDraining: Bool, isSecond: Bool = false) -> Bool? {
    let othersFirst = turn % Self.turnsOfBoth == Self.turnsOfBoth - 1
    let wanted = othersFirst == isSecond
    if wanted { return awaited.isEmpty ? nil : true }
    return others.isEmpty || isDraining ? nil : false
  }

  /// Removes the next element of one of the two parts.
  mutating func popFirst(isAwaited: Bool, now: MonotonicTime) -> Element? {
    let element = isAwaited ? awaited.popFirst(now: now) : others.popFirst(now: now)
    if element != nil { turn += 1 }
    return element
  }

  /// Counts a turn that a caller had without waiting here.
  mutating func tookTurn(_ caller: Caller, isAwaited: Bool, now: MonotonicTime) {
    if isAwaited { awaited.tookTurn(caller.uid, now: now) } else { others.tookTurn(caller.uid, now: now) }
  }
}
