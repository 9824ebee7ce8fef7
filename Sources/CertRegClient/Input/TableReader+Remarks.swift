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

  /// Whether a row is a comment, or a line drawn with hyphens.
  static func isRemark(_ cells: [ArraySlice<UInt8>]) -> Bool {
    // A device can be called #7.
    if let first = cells.first.map(PEMBlock.trimmed), first.first == UInt8(ascii: "#"),
      cells.count == 1 || first.dropFirst().first == 0x20
    {
      return cells.dropFirst().allSatisfy { PEMBlock.trimmed($0).isEmpty } && Value.pieces(first).isEmpty
    }
    if isRowCount(cells) { return true }
    return cells.allSatisfy { $0.allSatisfy { Base64.isWhiteSpace($0) || "-=_:+*.\\".utf8.contains($0) } }
  }

  /// Whether a row is what clients of databases write below a table: `(2 rows)`, `2 rows in set (0.00 sec)`.
  private static func isRowCount(_ cells: [ArraySlice<UInt8>]) -> Bool {
    guard let first = cells.first, first.count < 60, cells.dropFirst().allSatisfy({ PEMBlock.trimmed($0).isEmpty })
    else { return false }
    let words = first.split { [0x20, 0x28, 0x29].contains($0) }
    return words.count > 1 && words[0].allSatisfy { (0x30...0x39).contains($0) } && words[1].starts(with: "row".utf8)
  }
}
