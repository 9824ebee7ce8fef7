/// The interned texts, which are names of targets and beginnings of ARNs, by number and by text.
struct NameTable: Sendable {
  private(set) var texts: [Int64: String] = [:]
  private(set) var numbers: [String: Int64] = [:]
  private var highestNumber: Int64 = 0

  /// With so many texts there is no room for another beginning of ARNs: an upstream whose ARNs all begin differently
  /// must not fill the memory. There is always room for a target, which the configuration names.
  static let limit = 4096

  /// Whether there is no room for another beginning of ARNs.
  var isFull: Bool { texts.count >= NameTable.limit }

  /// A number above all that were ever taken.
  var nextNumber: Int64 { highestNumber + 1 }

  /// Adds a text under its number.
  mutating func add(_ text: String, number: Int64) {
    highestNumber = max(highestNumber, number)
    texts[number] = text
    numbers[text] = number
  }

  /// Whether both have the same texts under the same numbers.
  func agrees(with other: NameTable) -> Bool { texts == other.texts }

  /// Removes the text of `number`, if there is one.
  mutating func remove(number: Int64) {
    if let text = texts.removeValue(forKey: number) { numbers[text] = nil }
  }
}

extension NameTable {
  /// The intact rows of `table`, which is `name` or `name_copy`.
  init(_ connection: Connection, _ table: String) throws(DatabaseFault) {
    self.init()
    let statement = try connection.prepare("SELECT * FROM \(table)")
    while try statement.step() {
      if let row = NameRow.read(statement) { add(row.text, number: row.number) }
    }
  }

  /// These names, and those of `other` whose numbers are missing here.
  func merging(_ other: NameTable) -> NameTable {
    var merged = self
    for (number, text) in other.texts where merged.texts[number] == nil { merged.add(text, number: number) }
    return merged
  }
}
