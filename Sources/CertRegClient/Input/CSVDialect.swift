/// How a table separates its cells.
struct CSVDialect: Equatable {
  /// The byte between cells.
  var separator: UInt8 = UInt8(ascii: ",")
  /// Whether the first line only names the separator, as Excel writes it: `sep=;`.
  var hasSeparatorLine = false

  init(separator: UInt8 = UInt8(ascii: ",")) {
    self.separator = separator
  }

  /// Finds the separator in the beginning of a table: the one that occurs most in its first record outside of quotes.
  init(head: [UInt8]) {
    let line = head.prefix { $0 != 0x0A }
    if line.count >= 5, line.prefix(4).map({ $0 | 0x20 }).elementsEqual("sep=".utf8.map { $0 | 0x20 }) {
      separator = line[4]
      hasSeparatorLine = true
      return
    }
    var counts: [UInt8: Int] = [:]
    var isQuoted = false
    for byte in head {
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
      if isQuoted { continue }
      if byte == 0x0A, !counts.isEmpty { break }
      if CSVDialect.separators.contains(byte) { counts[byte, default: 0] += 1 }
    }
    let best = CSVDialect.separators.max { counts[$0, default: 0] < counts[$1, default: 0] }
    if let best, counts[best, default: 0] > 0 { separator = best }
  }

  private static let separators = [UInt8(ascii: "|"), UInt8(ascii: "\t"), UInt8(ascii: ";"), UInt8(ascii: ",")]
}
