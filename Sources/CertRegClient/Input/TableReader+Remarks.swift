import CertRegCodec
import CertRegCore

// Rows that are no entries of a table.
extension TableReader {
  /// The error of a row whose quotation mark has no other one.
  static let openQuote = InputError(
    .damagedText, "the quotation mark that begins a cell in this row is not closed",
    advice: "add the missing quotation mark, or ask for the file again where it was cut off")

  /// Lines of blocks are longer than nearly all names.
  private static let shortestLine = 40

  /// The hexadecimal digits of a digest, which can be a name.
  private static let digitsOfDigest = 64

  /// Whether a cell is a boundary or a whole line of base64, or has more digits than a name.
  static func isBlockLine(_ cell: ArraySlice<UInt8>) -> Bool {
    let text = PEMBlock.trimmed(cell)
    if text.starts(with: "----".utf8) { return true }
    guard text.count >= shortestLine, StrayLines.isBase64(text) else { return false }
    return text.count > digitsOfDigest || !text.allSatisfy { $0.hexDigitValue != nil }
  }

  /// Whether nothing but white space is in the cells.
  static func isEmpty(_ record: CSVRecords.Record) -> Bool {
    record.fields.allSatisfy { PEMBlock.trimmed($0).isEmpty }
  }

  /// Whether a row is a comment, which can hold a key, or a line drawn with hyphens.
  static func isRemark(_ cells: [ArraySlice<UInt8>]) -> Bool {
    // A device can be called #7.
    if let first = cells.first.map(PEMBlock.trimmed), first.first == UInt8(ascii: "#"),
      cells.count == 1 || first.dropFirst().first == 0x20
    {
      let pieces = cells.flatMap { Value.pieces($0) }
      let isShort = cells.dropFirst().allSatisfy { PEMBlock.trimmed($0).isEmpty }
      return pieces.allSatisfy(\.isOther) && (isShort || pieces.contains { $0.content == .otherContent(.privateKey) })
    }
    if isRowCount(cells) || areTypes(cells) { return true }
    return cells.allSatisfy { $0.allSatisfy { Base64.isWhiteSpace($0) || "-=_:+*.\\".utf8.contains($0) } }
  }

  /// Whether a row is what clients of databases write below a table: `(2 rows)`, `2 rows in set (0.00 sec)`.
  private static func isRowCount(_ cells: [ArraySlice<UInt8>]) -> Bool {
    let filled = cells.lazy.map(PEMBlock.trimmed).filter { !$0.isEmpty }
    guard let text = filled.first, text.count < 60, filled.dropFirst().isEmpty else { return false }
    let words = text.split { [0x20, 0x28, 0x29].contains($0) }
    return words.count > 1 && words[0].allSatisfy(\.isDecimalDigit) && words[1].starts(with: "row".utf8)
  }

  /// The types of columns, which duckdb prints below the headings.
  private static let types = Set(
    ["varchar", "blob", "uuid", "json", "boolean", "date", "timestamp", "int32", "int64", "hugeint", "double"].map {
      Array($0.utf8)
    })

  /// Whether nothing but the types of columns is in the cells.
  private static func areTypes(_ cells: [ArraySlice<UInt8>]) -> Bool {
    guard cells.count > 1 else { return false }
    let filled = cells.lazy.map(PEMBlock.trimmed).filter { !$0.isEmpty }
    return !filled.isEmpty && filled.allSatisfy { types.contains(Array($0)) }
  }

  /// Whether a row above the headings is none of the table's.
  static func isAside(_ record: CSVRecords.Record) -> Bool {
    !record.isDamaged && (isRemark(record.fields) || isKey(record.fields))
  }

  /// Whether a row is nothing but a private key, with words around it.
  private static func isKey(_ cells: [ArraySlice<UInt8>]) -> Bool {
    guard cells.count == 1, cells[0].count >= shortestLine else { return false }
    let pieces = Value.pieces(cells[0])
    return !pieces.isEmpty && pieces.allSatisfy { $0.content == .otherContent(.privateKey) }
  }

  /// What a comment or a title comes to.
  func remark(_ record: CSVRecords.Record) -> Sighting {
    let place = "\(name):\(record.line)"
    let pieces = record.fields.flatMap { Value.pieces($0) }
    let others = pieces.map { InputEntry(place: place, DeviceChoice.otherContent($0)) }
    return Sighting(others, orElse: InputEntry(place: place, .text))
  }

  /// Whether a row can be a title above the headings of a further table: nothing but its first cell is filled, and a blank
  /// line or row stands before it, or words are in it. A device whose certificate is missing can be such a row, too.
  func mayBeTitle(_ record: CSVRecords.Record, followsBlank: Bool) -> Bool {
    guard let first = record.fields.first.map(PEMBlock.trimmed), !first.isEmpty, first.count <= 100,
      record.fields.dropFirst().allSatisfy({ PEMBlock.trimmed($0).isEmpty }), !record.isDamaged
    else { return false }
    let isApart = followsBlank || record.followsBlank || record.fields.count == 1 && first.contains(0x20)
    return isApart && Value.pieces(first).isEmpty
  }

  /// Whether a row is a line of a text below the table, such as the end of a mail or a sum: without a certificate, with
  /// other cells than the rows, and of words. A device whose certificate is missing has a row like the others.
  func isTextBelow(_ record: CSVRecords.Record, followsEmptyRow: Bool) -> Bool {
    guard width > 1, !record.isDamaged, record.fields.allSatisfy(TableReader.isProse),
      let first = record.fields.first.map(PEMBlock.trimmed), first.contains(where: TableReader.isLetterOfProse),
      !repeatsHeadings(record.fields), record.fields.allSatisfy({ Value.pieces($0).isEmpty })
    else { return false }
    let words = first.split(separator: 0x20).count
    if isInTextBelow { return record.fields.count != width || words > 1 }
    let text = TextEncoding.string(first)
    if TableReader.totals.contains(DeviceFields.plain(text.filter { !$0.isNumber })) { return true }
    let isApart = followsEmptyRow || record.followsBlank
    if isApart, record.fields.dropFirst().allSatisfy({ PEMBlock.trimmed($0).isEmpty }),
      TableReader.closings.contains(where: DeviceFields.plain(text).hasPrefix)
    {
      return true
    }
    // Rows can lack their last cells.
    let isRow = record.fields.count > 1 && record.fields.count <= width
    return !isRow && words > (isApart ? 1 : 3)
  }

  /// Whether a cell is of words, and not a line of a dump, a log or a program, which can be a part of a certificate.
  private static func isProse(_ cell: ArraySlice<UInt8>) -> Bool {
    guard cell.count <= 200, !cell.contains(where: { "{}[]=\\<>|;\t".utf8.contains($0) }) else { return false }
    let words = cell.split { Base64.isWhiteSpace($0) }
    return words.allSatisfy { $0.count <= longestWord && !$0.starts(with: "0x".utf8) }
      && words.count { $0.contains { $0.isDecimalDigit } } <= mostNumbers
  }

  private static let longestWord = 24
  /// Those of a telephone.
  private static let mostNumbers = 4

  /// Whether a byte is a part of a word that is no hexadecimal number.
  private static func isLetterOfProse(_ byte: UInt8) -> Bool {
    byte >= 0x80 || (UInt8(ascii: "G")...UInt8(ascii: "Z")).contains(byte & 0xDF)
  }

  /// What stands in front of a sum.
  private static let totals: Set = ["total", "totals", "sum", "summe", "gesamt", "gesamtzahl", "anzahl", "count"]
  /// How people end a mail.
  private static let closings = [
    "bestregards", "kindregards", "regards", "bestwishes", "sincerely", "yours", "thanks", "thankyou", "cheers",
    "mitfreundlichen", "mitbesten", "vielegrüße", "vielegrüsse", "cordialement", "saludos",
  ]

  /// Whether a row is a line of SQL that begins the rows of a table, as pg_dump writes it.
  static func beginsCopy(_ record: CSVRecords.Record) -> Bool {
    record.fields.first?.starts(with: "COPY ".utf8) == true
      && record.fields.last.map { Array($0).containsText("FROM stdin") } == true
  }

  /// Whether a row is the line that ends the rows of such a table.
  static func endsCopy(_ record: CSVRecords.Record) -> Bool {
    record.fields.count == 1 && PEMBlock.trimmed(record.fields[0]).elementsEqual("\\.".utf8)
  }
}
