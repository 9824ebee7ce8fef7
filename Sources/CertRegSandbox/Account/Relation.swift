/// Pairs of keys, each with a value: who is attached to what. Both sides are listed in the order in which the pairs
/// were made.
package struct Relation<Left: Hashable & Sendable, Right: Hashable & Sendable, Value: Sendable>: Sendable {
  private var rights: [Left: Roster<Right, Value>] = [:]
  private var lefts: [Right: Roster<Left, Value>] = [:]
  /// The number of pairs.
  package private(set) var count = 0

  package init() {}

  /// The value of a pair; `nil` if there is no such pair.
  package subscript(left: Left, right: Right) -> Value? { rights[left]?[right] }

  /// Everything that `left` is paired with.
  package func rights(of left: Left) -> Roster<Right, Value> { rights[left] ?? Roster() }

  /// Everything that is paired with `right`.
  package func lefts(of right: Right) -> Roster<Left, Value> { lefts[right] ?? Roster() }

  /// Makes a pair, or gives it another value.
  package mutating func put(_ value: Value, _ left: Left, _ right: Right) {
    if self[left, right] == nil { count += 1 }
    rights[left, default: Roster()].put(value, for: right)
    lefts[right, default: Roster()].put(value, for: left)
  }

  /// Removes a pair.
  ///
  /// - Returns: Whether it was there.
  @discardableResult
  package mutating func remove(_ left: Left, _ right: Right) -> Bool {
    guard rights[left]?.remove(right) != nil else { return false }
    lefts[right]?.remove(left)
    if rights[left]?.isEmpty == true { rights[left] = nil }
    if lefts[right]?.isEmpty == true { lefts[right] = nil }
    count -= 1
    return true
  }

  /// Removes all pairs of `left`.
  package mutating func removeAll(left: Left) {
    for element in rights(of: left).elements { remove(left, element.key) }
  }

  /// Removes all pairs of `right`.
  package mutating func removeAll(right: Right) {
    for element in lefts(of: right).elements { remove(element.key, right) }
  }
}
