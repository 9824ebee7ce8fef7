/// Numbers for values of which many things share few, so that a thing holds a number. Numbers count up from 0.
struct InternTable<Value: Hashable & Sendable>: Sendable {
  /// So many values are compared one after the other, which is cheaper than to hash one.
  private static var mostCompared: Int { 16 }

  /// By their numbers.
  private var values: [Value] = []
  /// Empty while there are few values.
  private var numbers: [Value: Int] = [:]

  init() {}

  /// The number of a value, which is a new one if the table has no such value; `nil`: it has `limit` others already.
  mutating func number(of value: Value, limit: Int = .max) -> Int? {
    let known = numbers.isEmpty ? values.firstIndex(of: value) : numbers[value]
    if let known { return known }
    let number = values.count
    guard number < limit else { return nil }
    values.append(value)
    if !numbers.isEmpty {
      numbers[value] = number
    } else if values.count > Self.mostCompared {
      for (number, value) in values.enumerated() { numbers[value] = number }
    }
    return number
  }

  /// The value of a number that the table gave.
  subscript(number: Int) -> Value { values[number] }
}
