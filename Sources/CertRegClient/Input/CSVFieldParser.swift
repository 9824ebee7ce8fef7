/// Splits the lines of one record into its fields.
struct CSVFieldParser {
  private let separator: UInt8
  private let hasEscapedQuotes: Bool
  private var finished: [ArraySlice<UInt8>] = []
  private var field: [UInt8] = []
  /// Whether the field has nothing but spaces yet.
  private var isBlank = true
  private(set) var isOpen = false
  /// Whether text follows the end of a quoted cell of several lines, which no program writes.
  private(set) var isMalformed = false

  init(_ dialect: CSVDialect) {
    separator = dialect.separator
    hasEscapedQuotes = dialect.hasEscapedQuotes
  }

  /// All fields, the last one among them.
  var fields: [ArraySlice<UInt8>] { finished + [field[...]] }

  /// The last field.
  var last: ArraySlice<UInt8> { field[...] }

  /// Whether a line within quotes ends the cell before anything else.
  func isEndOfCell(_ line: ArraySlice<UInt8>) -> Bool {
    line.first == UInt8(ascii: "\"") && line.dropFirst().first.map { $0 == separator } ?? true
  }

  /// Takes the LF inside of quotes.
  mutating func takeLineEnd() {
    field.append(0x0A)
  }

  /// Takes a line without its end.
  mutating func take(_ line: ArraySlice<UInt8>) {
    var index = line.startIndex
    while index < line.endIndex {
      let byte = line[index]
      index += 1
      if isOpen {
        let end = endOfText(line[(index - 1)...])
        field.append(contentsOf: line[(index - 1)..<end])
        guard end < line.endIndex else { return }
        index = end + 1
        if line[end] == UInt8(ascii: "\\") {
          // What a backslash in front of anything else means is known to those who read the cell.
          let isBeforeQuote = index < line.endIndex && line[index] == UInt8(ascii: "\"")
          if !isBeforeQuote { field.append(line[end]) }
          if index < line.endIndex { field.append(line[index]) }
          index += 1
          continue
        }
        if index < line.endIndex, line[index] == UInt8(ascii: "\"") {
          field.append(UInt8(ascii: "\""))
          index += 1
        } else {
          isOpen = false
          let isFollowed =
            index < line.endIndex && line[index] != separator && line[index] != 0x20 && line[index] != 0x0D
          if isFollowed, field.contains(0x0A) { isMalformed = true }
        }
      } else if byte == UInt8(ascii: "\""), isBlank {
        field = []
        isBlank = false
        isOpen = true
      } else if byte == separator {
        finished.append(field[...])
        field = []
        isBlank = true
      } else {
        field.append(byte)
        if byte != 0x20 { isBlank = false }
      }
    }
  }

  /// Where a quotation mark comes next within quotes, or a backslash where it can stand in front of one.
  private func endOfText(_ line: ArraySlice<UInt8>) -> Int {
    guard hasEscapedQuotes else { return line.firstIndex(of: UInt8(ascii: "\"")) ?? line.endIndex }
    return line.firstIndex { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") } ?? line.endIndex
  }
}
