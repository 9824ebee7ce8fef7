/// How a table separates its cells.
struct CSVDialect: Equatable {
  /// The byte between cells.
  var separator: UInt8 = UInt8(ascii: ",")
  /// Whether the first line only names the separator, as Excel writes it: `sep=;`.
  var hasSeparatorLine = false

  init(separator: UInt8 = UInt8(ascii: ",")) {
    self.separator = separator
  }

  /// Finds the separator in the beginning of a table: the one by which a heading or a certificate stands alone in its
  /// cell, or else the one that occurs most in the first record outside of quotes.
  init(head: [UInt8]) {
    let line = head.prefix { $0 != 0x0A }
    if line.count >= 5, line.prefix(4).map({ $0 | 0x20 }).elementsEqual("sep=".utf8.map { $0 | 0x20 }) {
      separator = line[4]
      hasSeparatorLine = true
      return
    }
    let counts = CSVDialect.counts(head)
    guard let most = counts.max(by: { $0.count < $1.count }), most.count > 0 else { return }
    let proofs = counts.filter { $0.occurs }.map { ($0.separator, CSVDialect.proof(head, $0.separator)) }
    let best = proofs.count < 2 ? nil : proofs.max { $0.1 < $1.1 }
    let isProved = best.map { best in best.1 > 0 && proofs.allSatisfy { $0.0 == best.0 || $0.1 < best.1 } } ?? false
    separator = isProved ? best?.0 ?? most.separator : most.separator
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
  private static let separators = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t"), UInt8(ascii: "|")]
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
  private static func proof(_ head: [UInt8], _ separator: UInt8) -> Int {
    var records = CSVRecords(ByteStream(head), separator: separator)
    var best = 0
    for _ in 0..<recordsToLookAt {
      guard best < 3, let record = try? records.next(), !record.isDamaged else { break }
      if record.fields.count > 1 { best = max(best, record.fields.map(proof).max() ?? 0) }
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
