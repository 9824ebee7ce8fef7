/// The interned texts, which are names of targets and beginnings of ARNs, by number and by text.
struct NameTable: Sendable {
  private(set) var texts: [Int64: String] = [:]
  private(set) var numbers: [String: Int64] = [:]

  /// Most texts that are held in memory. Where the ARNs of an upstream all begin differently, further ones are stored
  /// in full.
  static let limit = 4096

  /// Whether there is no room for another text.
  var isFull: Bool { texts.count >= NameTable.limit }

  /// A number above all that are taken.
  var nextNumber: Int64 { (texts.keys.max() ?? 0) + 1 }

  /// Adds a text under its number.
  mutating func add(_ text: String, number: Int64) {
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
