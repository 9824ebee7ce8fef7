/// Numbers for values of which many things share few, so that a thing holds a number. Numbers count up from 0.
///
/// The table counts what refers to each value. A value without references stays until its number is needed for another
/// one, so that a table that was filled once with values of no use has room again.
struct InternTable<Value: Hashable & Sendable>: Sendable {
  /// So many values are compared one after the other, which is cheaper than to hash one.
  private static var mostCompared: Int { 16 }

  private let limit: Int
  /// By their numbers.
  private var values: [Value] = []
  /// By the values' numbers.
  private var references: [Int] = []
  /// Empty while there are few values.
  private var numbers: [Value: Int] = [:]
  /// Every number without references, and some that have some again.
  private var spare: [Int] = []
  /// By number, whether `spare` has it.
  private var isSpare: [Bool] = []

  /// - Parameter limit: The most values at once.
  init(limit: Int) {
    self.limit = limit
  }

  /// Adds a reference to a value.
  ///
  /// - Returns: The value's number; `nil`: things refer to `limit` other values.
  mutating func take(_ value: Value) -> Int? {
    let known = numbers.isEmpty ? values.firstIndex(of: value) : numbers[value]
    if let known {
      references[known] += 1
      return known
    }
    guard values.count >= limit else { return add(value) }
    while let number = spare.popLast() {
      isSpare[number] = false
      guard references[number] == 0 else { continue }
      if !numbers.isEmpty {
        numbers[values[number]] = nil
        numbers[value] = number
      }
      values[number] = value
      references[number] = 1
      return number
    }
    return nil
  }

  private mutating func add(_ value: Value) -> Int {
    let number = values.count
    values.append(value)
    references.append(1)
    isSpare.append(false)
    if !numbers.isEmpty {
      numbers[value] = number
    } else if values.count > Self.mostCompared {
      for (number, value) in values.enumerated() { numbers[value] = number }
    }
    return number
  }

  /// Takes a reference back.
  mutating func release(_ number: Int) {
    assert(references[number] > 0, "a reference that nobody had was released")
    references[number] = max(0, references[number] - 1)
    guard references[number] == 0, !isSpare[number] else { return }
    isSpare[number] = true
    spare.append(number)
  }

  /// The value of a number that has references.
  subscript(number: Int) -> Value { values[number] }
}
