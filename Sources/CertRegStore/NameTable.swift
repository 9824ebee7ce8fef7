/// The interned texts: names of targets and beginnings of ARNs, by number and by text.
struct NameTable: Sendable {
  private(set) var texts: [Int64: String] = [:]
  private(set) var numbers: [String: Int64] = [:]

  /// Bounds what is held in memory: an upstream whose ARNs all begin differently has them stored in full.
  static let limit = 4096

  var isFull: Bool { texts.count >= NameTable.limit }

  var nextNumber: Int64 { (texts.keys.max() ?? 0) + 1 }

  mutating func add(_ text: String, number: Int64) {
    texts[number] = text
    numbers[text] = number
  }

  /// Whether both say the same.
  func agrees(with other: NameTable) -> Bool { texts == other.texts }

  mutating func remove(number: Int64) {
    if let text = texts.removeValue(forKey: number) { numbers[text] = nil }
  }
}
