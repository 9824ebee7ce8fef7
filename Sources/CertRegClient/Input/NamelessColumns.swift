import CertRegCore

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

  /// Whether a cell has a date or a time of day: `2026-01-15 10:22:00`, `[15.01.2026`, `Jan 15 10:22:00`, `10:22`,
  /// `20260115T102200Z`, or the number of one that no device has: `1768472520.5`, `1768472520123`, `46037.4319`.
  static func isTime(_ cell: ArraySlice<UInt8>) -> Bool {
    guard cell.count <= 60 else { return false }
    let words = cell.split { " \tT[]()\"'".utf8.contains($0) }
    if words.contains(where: { isDate($0) || isTimeOfDay($0) }) { return true }
    if words.count == 2, isCompactDate(words[0]), words[1].count >= 4 {
      return words[1].prefix(4).allSatisfy(\.isDecimalDigit) && cell.contains(UInt8(ascii: "T"))
    }
    return words.count == 1 && isNumberOfTime(words[0])
  }

  /// The seconds since 1970 of the years in which devices are made: 2020 to 2030.
  private static let seconds = 1_577_836_800..<1_893_456_000
  /// The days of these years, as spreadsheets count them.
  private static let days = 43_831..<47_484

  /// Whether the rows begin with seconds since 1970, and names follow. Serial numbers can be as long: they count up by
  /// one, or in no order.
  static func beginWithSeconds(_ rows: [[ArraySlice<UInt8>]]) -> Bool {
    var last: Int?
    var isCounted = true
    for cells in rows {
      let text = PEMBlock.trimmed(cells[0])
      guard cells.count > 2, text.count == 10, text.allSatisfy(\.isDecimalDigit), let number = number(text),
        seconds.contains(number), number >= last ?? number
      else { return false }
      if let last, number != last + 1 { isCounted = false }
      last = number
    }
    let names = Set(rows.map { PEMBlock.trimmed($0[1]) })
    return !isCounted && names.count == rows.count && !names.contains([])
  }

  private static func isNumberOfTime(_ word: ArraySlice<UInt8>) -> Bool {
    let parts = word.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isDecimalDigit) }), let whole = number(parts[0]) else {
      return false
    }
    if parts.count == 1 { return parts[0].count == 13 && seconds.contains(whole / 1000) }
    guard parts.count == 2 else { return false }
    // Programs write whole numbers so, too: 1700000001.0.
    if parts[1].allSatisfy({ $0 == 0x30 }) { return false }
    return seconds.contains(whole) || parts[1].count >= 4 && days.contains(whole) || parts[1].count == 6
  }

  /// Whether a word is a year, a month and a day in eight digits.
  private static func isCompactDate(_ word: ArraySlice<UInt8>) -> Bool {
    guard word.count == 8, word.allSatisfy(\.isDecimalDigit), let date = number(word) else { return false }
    return (1970...2100) ~= date / 10_000 && (1...12) ~= date / 100 % 100 && (1...31) ~= date % 100
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int? { Int(String(decoding: digits, as: UTF8.self)) }

  private static func isDate(_ word: ArraySlice<UInt8>) -> Bool {
    guard let sign = word.first(where: { "-/.".utf8.contains($0) }) else { return false }
    let parts = word.split(separator: sign, omittingEmptySubsequences: false)
    let sizes = parts.map(\.count)
    let numbers = parts.compactMap { Int(String(decoding: $0, as: UTF8.self)) }
    guard numbers.count == 3, sizes.count == 3, parts.joined().allSatisfy(\.isDecimalDigit) else {
      return false
    }
    if sizes[0] == 4 { return sizes[1] <= 2 && sizes[2] <= 2 && (1...12) ~= numbers[1] && (1...31) ~= numbers[2] }
    // A year that comes last has a slash or a dot before it.
    guard sign != UInt8(ascii: "-"), sizes[0] <= 2, sizes[1] <= 2, sizes[2] == 4 else { return false }
    return (1...31) ~= numbers[0] && (1...31) ~= numbers[1]
  }

  private static func isTimeOfDay(_ word: ArraySlice<UInt8>) -> Bool {
    let parts = word.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    if parts.count == 2 {
      guard parts.allSatisfy({ $0.count == 2 && $0.allSatisfy(\.isDecimalDigit) }) else { return false }
      return number(parts[0]).map { $0 < 24 } ?? false && number(parts[1]).map { $0 < 60 } ?? false
    }
    guard parts.count == 3, parts[0].count == 2, parts[1].count == 2, parts[2].count >= 2 else { return false }
    let seconds = parts[2].prefix(2)
    let rest = parts[2].dropFirst(2).first
    let digits = [parts[0], parts[1], seconds].joined()
    return digits.allSatisfy(\.isDecimalDigit) && rest.map { ".,Z+-".utf8.contains($0) } ?? true
  }
}
