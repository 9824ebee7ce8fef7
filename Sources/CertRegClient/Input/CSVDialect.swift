/// How a table separates its cells.
struct CSVDialect: Equatable {
  /// The byte between cells.
  var separator: UInt8 = UInt8(ascii: ",")
  /// Whether the first line only names the separator, as Excel writes it: `sep=;`.
  var hasSeparatorLine = false
  /// Whether rows can stand in quotes as a whole, as Excel saves a table of another country: `"7,""MIIB"""`.
  var hasQuotedRows = false
  /// Whether a backslash stands in front of quotation marks within quotes, as MySQL writes them.
  var hasEscapedQuotes = false
  /// Whether characters that draw lines stand between the cells.
  private(set) var hasBorders = false
  /// Whether two bars stand between the headings, and one between other cells.
  private(set) var hasDoubledBars = false

  init(separator: UInt8 = UInt8(ascii: ",")) {
    self.separator = separator
  }

  /// The line as it would be with one separator between its cells.
  func plain(_ line: [UInt8]) -> [UInt8] {
    if hasBorders { return DrawnTable.withoutBorders(line) }
    return hasDoubledBars ? DrawnTable.withSingleBars(line) : line
  }

  /// Finds the separator in the beginning of a table: what a first line says, unless nothing stands alone in its cell by
  /// it; the one by which a heading or a certificate does; or else the one that occurs most in the first record outside
  /// of quotes.
  init(head: [UInt8]) {
    hasBorders = DrawnTable.hasBorders(head)
    hasDoubledBars = DrawnTable.hasDoubledBars(head)
    if hasBorders || hasDoubledBars {
      separator = UInt8(ascii: "|")
      return
    }
    let line = head.prefix { $0 != 0x0A }
    let declared = CSVDialect.separator(ofLine: line)
    hasSeparatorLine = declared != nil
    let rows = declared == nil ? head : Array(head.dropFirst(line.count + 1))
    hasEscapedQuotes = CSVDialect.hasEscapedQuotes(rows)
    if let quoted = CSVDialect.separator(ofQuotedRows: rows) {
      (separator, hasQuotedRows) = (quoted, true)
      return
    }
    let found = separator(of: rows)
    guard let declared else {
      separator = found ?? separator
      return
    }
    let isOther = found.map { proof(rows, declared) == 0 && proof(rows, $0) > 0 } ?? false
    separator = isOther ? found ?? declared : declared
  }

  /// What a line `sep=;` names, with or without quotes; `nil` for any other line.
  private static func separator(ofLine line: ArraySlice<UInt8>) -> UInt8? {
    let text = line.first == UInt8(ascii: "\"") ? line.dropFirst() : line
    guard text.count >= 5, text.prefix(4).map({ $0 | 0x20 }).elementsEqual("sep=".utf8.map { $0 | 0x20 }) else {
      return nil
    }
    return text.dropFirst(4).first
  }

  private func separator(of head: [UInt8]) -> UInt8? {
    let counts = CSVDialect.counts(head)
    guard let most = counts.max(by: { $0.count < $1.count }), most.count > 0 else { return nil }
    let proofs = counts.filter { $0.occurs }.map { ($0.separator, proof(head, $0.separator)) }
    let best = proofs.count < 2 ? nil : proofs.max { $0.1 < $1.1 }
    let isProved = best.map { best in best.1 > 0 && proofs.allSatisfy { $0.0 == best.0 || $0.1 < best.1 } } ?? false
    return isProved ? best?.0 ?? most.separator : most.separator
  }

  /// The separator within rows that stand in quotes as a whole: by it a certificate, and no other one, is alone in its
  /// cell. `nil` where the first records are none.
  private static func separator(ofQuotedRows head: [UInt8]) -> UInt8? {
    // Most tables have no such row.
    guard head.first == UInt8(ascii: "\"") || head.containsText("\n\"") else { return nil }
    return separators.first { separator in
      var dialect = CSVDialect(separator: separator)
      dialect.hasQuotedRows = true
      var records = CSVRecords(ByteStream(head), dialect)
      for _ in 0..<recordsToLookAt {
        guard let record = try? records.next(), !record.isDamaged else { return false }
        guard record.isQuoted, record.fields.count > 1 else { continue }
        if record.fields.count(where: { proof($0) == 2 }) == 1 { return true }
      }
      return false
    }
  }

  /// Whether a quotation mark behind a backslash ends no cell: neither a separator nor the end of the line follows.
  private static func hasEscapedQuotes(_ head: [UInt8]) -> Bool {
    guard head.containsText("\\\"") else { return false }
    var isOpen = false
    var isAtStart = true
    var index = 0
    while index < head.count {
      let byte = head[index]
      let next = index + 1 < head.count ? head[index + 1] : 0x0A
      if isOpen, byte == UInt8(ascii: "\\"), next == UInt8(ascii: "\"") {
        let behind = index + 2 < head.count ? head[index + 2] : 0x0A
        // A quotation mark that is written twice is one by itself.
        if behind == next { return false }
        if !([0x0A, 0x0D, 0x20] + separators).contains(behind) { return true }
        index += 1
      } else if byte == UInt8(ascii: "\"") {
        if isOpen, next == byte {
          index += 1
        } else if isOpen || isAtStart {
          isOpen.toggle()
        }
      }
      if !isOpen { isAtStart = byte == 0x0A || separators.contains(byte) || byte == 0x20 && isAtStart }
      index += 1
    }
    return false
  }

  /// What a separator comes to in the first records.
  private struct Count {
    var separator: UInt8
    /// How often it occurs in the first record that has any, outside of quotes.
    var count = 0
    /// Whether it occurs in the first records.
    var occurs = false
  }

  /// In case of doubt the first one is meant.
  static let separators = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t"), UInt8(ascii: "|")]
  /// Titles, headings and a row.
  private static let recordsToLookAt = TableReader.maximumTitles + 2

  private static func counts(_ head: [UInt8]) -> [Count] {
    var counts = separators.map { Count(separator: $0) }
    var isQuoted = false
    var isFirst = true
    var records = 0
    for byte in head {
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
      if isQuoted { continue }
      if byte == 0x0A {
        if counts.contains(where: \.occurs) { isFirst = false }
        records += 1
        if records > recordsToLookAt { break }
      }
      guard let index = separators.firstIndex(of: byte) else { continue }
      counts[index].occurs = true
      if isFirst { counts[index].count += 1 }
    }
    return counts
  }

  /// How well the first records show that this is the separator: 3 by the heading of a certificate, 2 by a certificate
  /// that is a cell, 1 by the heading of a name.
  private func proof(_ head: [UInt8], _ separator: UInt8) -> Int {
    var dialect = self
    dialect.separator = separator
    var records = CSVRecords(ByteStream(head), dialect)
    var best = 0
    for _ in 0..<CSVDialect.recordsToLookAt {
      guard best < 3, let record = try? records.next(), !record.isDamaged else { break }
      if record.fields.count > 1 { best = max(best, record.fields.map(CSVDialect.proof).max() ?? 0) }
    }
    return best
  }

  private static func proof(_ field: ArraySlice<UInt8>) -> Int {
    if isCertificate(field, isQuoted: true) { return 2 }
    guard field.count <= 40 else { return 0 }
    let heading = TextEncoding.string(field)
    if DeviceFields.certificateHeadings.contains(DeviceFields.plain(heading)) { return 3 }
    return NameHeading.of(heading) != nil ? 1 : 0
  }

  /// Whether a certificate or a key fills a cell from its beginning to its end.
  ///
  /// - Parameter isQuoted: Whether the cells of the row have apostrophes around them.
  static func isCertificate(_ field: ArraySlice<UInt8>, isQuoted: Bool = false) -> Bool {
    var cell = PEMBlock.trimmed(field)
    guard cell.count >= 16 else { return false }
    if cell.starts(with: "=\"".utf8) { cell = cell.dropFirst(2) }
    let quotes = isQuoted ? [UInt8(ascii: "\""), UInt8(ascii: "'")] : [UInt8(ascii: "\"")]
    while let first = cell.first, quotes.contains(first) { cell.removeFirst() }
    while let last = cell.last, quotes.contains(last) { cell.removeLast() }
    if cell.contains(UInt8(ascii: "\\")) { cell = EscapedText.resolvingLineEnds(cell)[...] }
    cell = PEMBlock.trimmed(cell)
    guard cell.first == UInt8(ascii: "-") ? cell.last == cell.first : StrayLines.isBase64(cell) else { return false }
    return !Value.pieces(cell).isEmpty
  }
}
