/// Tells which column names the devices in a table without headings.
enum NamelessColumns {
  /// The index of the column; `nil` where none does. The first one names them, as in Nordic's `onboard.csv`, or else the
  /// one behind the numbers of the rows.
  static func name(_ head: [UInt8], _ dialect: CSVDialect) -> Int? {
    guard areNumbered(head, dialect) else { return TableReader.hasNames(head, dialect) ? 0 : nil }
    return TableReader.hasNames(head, dialect, column: 1) ? 1 : nil
  }

  /// Whether the first cells are 1, 2, 3 …, or begin with 0.
  private static func areNumbered(_ head: [UInt8], _ dialect: CSVDialect) -> Bool {
    var records = CSVRecords(ByteStream(head), dialect)
    var next: Int?
    while let record = try? records.next() {
      guard record.fields.count > 1, !PEMBlock.trimmed(record.fields[0]).isEmpty else { continue }
      let text = DeviceFields.bare(TextEncoding.string(record.fields[0].prefix(40)))
      guard let number = Int(text), number == next ?? min(max(number, 0), 1), text == "\(number)" else { return false }
      next = number + 1
    }
    return next != nil
  }

  /// Whether a cell has a date or a time of day: `2026-01-15 10:22:00`, `[15.01.2026`, `Jan 15 10:22:00`.
  static func isTime(_ cell: ArraySlice<UInt8>) -> Bool {
    guard cell.count <= 60 else { return false }
    return cell.split { " \tT[]()\"'".utf8.contains($0) }.contains { isDate($0) || isTimeOfDay($0) }
  }

  private static func isDate(_ word: ArraySlice<UInt8>) -> Bool {
    guard let sign = word.first(where: { "-/.".utf8.contains($0) }) else { return false }
    let parts = word.split(separator: sign, omittingEmptySubsequences: false)
    let sizes = parts.map(\.count)
    let numbers = parts.compactMap { Int(String(decoding: $0, as: UTF8.self)) }
    guard numbers.count == 3, sizes.count == 3, parts.joined().allSatisfy({ (0x30...0x39).contains($0) }) else {
      return false
    }
    if sizes[0] == 4 { return sizes[1] <= 2 && sizes[2] <= 2 && (1...12) ~= numbers[1] && (1...31) ~= numbers[2] }
    // A year that comes last has a slash or a dot before it.
    guard sign != UInt8(ascii: "-"), sizes[0] <= 2, sizes[1] <= 2, sizes[2] == 4 else { return false }
    return (1...31) ~= numbers[0] && (1...31) ~= numbers[1]
  }

  private static func isTimeOfDay(_ word: ArraySlice<UInt8>) -> Bool {
    let parts = word.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].count == 2, parts[1].count == 2, parts[2].count >= 2 else { return false }
    let seconds = parts[2].prefix(2)
    let rest = parts[2].dropFirst(2).first
    let digits = [parts[0], parts[1], seconds].joined()
    return digits.allSatisfy { (0x30...0x39).contains($0) } && rest.map { ".,Z+-".utf8.contains($0) } ?? true
  }
}
