/// Tables whose borders are characters that draw lines, as sqlite3 (`.mode box`), duckdb and psql print them, and those of
/// Jira and Confluence, whose headings have two bars between them. Both are read as tables with a bar between their cells.
enum DrawnTable {
  /// Titles, a border, headings and a row.
  private static let linesToLookAt = TableReader.maximumTitles + 4
  private static let bar = UInt8(ascii: "|")

  /// Whether a line of the first ones begins with a border.
  static func hasBorders(_ head: [UInt8]) -> Bool {
    guard head.holds(0xE2) else { return false }
    return lines(head).contains { isBorder(PEMBlock.trimmed($0)) }
  }

  /// Whether a line of headings with two bars is followed by a row with one.
  static func hasDoubledBars(_ head: [UInt8]) -> Bool {
    guard head.containsText("||") else { return false }
    let lines = lines(head).map(PEMBlock.trimmed)
    return zip(lines, lines.dropFirst()).contains { isDoubled($0) && $1.first == bar && !isDoubled($1) }
  }

  /// The line with bars in place of vertical lines, and hyphens in place of the others.
  static func withoutBorders(_ line: [UInt8]) -> [UInt8] {
    guard line.holds(0xE2) else { return line }
    var result: [UInt8] = []
    result.reserveCapacity(line.count)
    var rest = line[...]
    while let byte = rest.first {
      if isBorder(rest) {
        result.append(isVertical(rest) ? bar : UInt8(ascii: "-"))
        rest.removeFirst(3)
      } else {
        result.append(byte)
        rest.removeFirst()
      }
    }
    return result
  }

  /// A line that begins with two bars, with one in place of each two.
  static func withSingleBars(_ line: [UInt8]) -> [UInt8] {
    guard isDoubled(PEMBlock.trimmed(line[...])) else { return line }
    var result: [UInt8] = []
    for byte in line where byte != bar || result.last != bar { result.append(byte) }
    return result
  }

  private static func lines(_ head: [UInt8]) -> ArraySlice<ArraySlice<UInt8>> {
    head.split(separator: 0x0A, maxSplits: linesToLookAt).prefix(linesToLookAt)
  }

  private static func isDoubled(_ line: ArraySlice<UInt8>) -> Bool { line.starts(with: [bar, bar]) }

  /// Whether a text begins with a character of U+2500 to U+257F, box drawing, in UTF-8.
  private static func isBorder(_ text: ArraySlice<UInt8>) -> Bool {
    guard text.count > 2, text[text.startIndex] == 0xE2 else { return false }
    return [0x94, 0x95].contains(text[text.startIndex + 1]) && text[text.startIndex + 2] & 0xC0 == 0x80
  }

  /// Whether it is `│`, `┃` or `║`.
  private static func isVertical(_ text: ArraySlice<UInt8>) -> Bool {
    text.starts(with: [0xE2, 0x94, 0x82]) || text.starts(with: [0xE2, 0x94, 0x83])
      || text.starts(with: [0xE2, 0x95, 0x91])
  }
}
