import CertRegCodec

/// A PEM block, or base64 of a certificate, whose lines stand one below the other in the same cell of several rows. The
/// other cells of these rows are empty, the same, or count the lines. A device's further blocks can follow. Where the
/// quotation marks around a cell of several lines are missing, each line is a row of one cell.
struct SplitBlock {
  static let begin = Array("-----BEGIN ".utf8)
  static let end = Array("-----END ".utf8)

  /// More is no block.
  private static let maximumBytes = 256 * 1024
  /// A longer text is no boundary.
  private static let maximumBoundary = 80

  private var first: CSVRecords.Record
  private var column: Int
  /// The digits that base64 without boundaries takes; `nil` for a block.
  private let neededDigits: Int?
  private var text: [UInt8]
  private var isOpen = true
  private var last: CSVRecords.Record
  /// Whether other cells of the first row are filled.
  private let hasOthers: Bool

  /// - Returns: `nil` where a record begins no block, or has a whole one.
  init?(_ record: CSVRecords.Record) {
    guard !record.isDamaged, record.fields.count > 1 else { return nil }
    let found = record.fields.indices.lazy.compactMap { index in
      let cell = PEMBlock.trimmed(record.fields[index])
      if SplitBlock.isBegin(cell) { return (index: index, cell: cell, needed: Int?.none) }
      return SplitBlock.needed(cell).map { (index: index, cell: cell, needed: Int?.some($0)) }
    }
    guard let found = found.first else { return nil }
    (first, last, column, neededDigits, text) = (record, record, found.index, found.needed, Array(found.cell))
    hasOthers = record.fields.indices.contains { $0 != found.index && !PEMBlock.trimmed(record.fields[$0]).isEmpty }
  }

  /// The record with all lines of the block in its cell.
  var record: CSVRecords.Record {
    var record = first
    if text.count > first.fields[column].count { record.fields[column] = text[...] }
    return record
  }

  /// Takes the next row, unless it is not the block's.
  mutating func take(_ row: CSVRecords.Record) -> Bool {
    if takeUnquoted(row) { return true }
    guard !row.isDamaged, !first.isUnquoted, column < row.fields.count, text.count < SplitBlock.maximumBytes,
      continues(row)
    else {
      return false
    }
    let cell = PEMBlock.trimmed(row.fields[column])
    guard belongs(cell, row) else { return false }
    if neededDigits == nil { text.append(0x0A) }
    text += cell
    last = row
    return true
  }

  /// Takes a line of a block in the last cell, without quotation marks. The cells behind the block follow its last line.
  private mutating func takeUnquoted(_ row: CSVRecords.Record) -> Bool {
    guard isOpen, neededDigits == nil, column == first.fields.count - 1, column > 0,
      text.count < SplitBlock.maximumBytes,
      let cell = row.fields.first.map(PEMBlock.trimmed), !row.isDamaged
    else { return false }
    let isEnd = cell.starts(with: SplitBlock.end)
    guard isEnd || row.fields.count == 1 && SplitBlock.isLine(cell) else { return false }
    text.append(0x0A)
    text += cell
    first.isUnquoted = true
    guard isEnd else { return true }
    first.fields[column] = text[...]
    first.fields += row.fields.dropFirst()
    isOpen =
      first.fields.count > column + 1 && SplitBlock.isBegin(PEMBlock.trimmed(first.fields[first.fields.count - 1]))
    if isOpen {
      column = first.fields.count - 1
      text = Array(PEMBlock.trimmed(first.fields[column]))
    }
    return true
  }

  /// Whether the certificate's cell of the next row goes on with the block, or begins another one of the device.
  private mutating func belongs(_ cell: ArraySlice<UInt8>, _ row: CSVRecords.Record) -> Bool {
    if let neededDigits {
      return text.count < neededDigits && StrayLines.isBase64(cell) && EncodingHeader(cell)?.isCertain != true
    }
    if !isOpen {
      isOpen = hasOthers && SplitBlock.isBegin(cell)
      return isOpen
    }
    if cell.starts(with: SplitBlock.end) {
      isOpen = false
      return true
    }
    return SplitBlock.isLine(cell)
  }

  /// Whether the other cells of a row are those of the first one, empty, or counted from the last one.
  private func continues(_ row: CSVRecords.Record) -> Bool {
    row.fields.indices.allSatisfy { index in
      if index == column || isEmpty(row, index) { return true }
      guard index < first.fields.count else { return false }
      if row.fields[index] == first.fields[index] { return true }
      guard index < last.fields.count, let number = SplitBlock.number(last.fields[index]) else { return false }
      return SplitBlock.number(row.fields[index]) == number + 1
    }
  }

  private func isEmpty(_ row: CSVRecords.Record, _ index: Int) -> Bool {
    index >= row.fields.count || PEMBlock.trimmed(row.fields[index]).isEmpty
  }

  private static func number(_ cell: ArraySlice<UInt8>) -> Int? {
    cell.count > 9 ? nil : Int(String(decoding: PEMBlock.trimmed(cell), as: UTF8.self))
  }

  /// Whether a text is a BEGIN boundary and nothing else.
  static func isBegin(_ cell: ArraySlice<UInt8>) -> Bool {
    cell.count <= maximumBoundary && cell.starts(with: begin) && cell.suffix(5).elementsEqual("-----".utf8)
  }

  /// Whether a line can stand within a block: base64 or a header (RFC 1421 section 4.4).
  static func isLine(_ text: ArraySlice<UInt8>) -> Bool {
    StrayLines.isBase64(text) || text.starts(with: "Proc-Type:".utf8) || text.starts(with: "DEK-Info:".utf8)
  }

  /// The digits of an encoding that begins in a cell and goes on; `nil` for anything else.
  private static func needed(_ cell: ArraySlice<UInt8>) -> Int? {
    guard cell.starts(with: "MI".utf8), cell.count >= StrayLines.shortestLine, let header = EncodingHeader(cell),
      header.isCertain, let needed = header.neededDigits, cell.count < needed, StrayLines.isBase64(cell)
    else { return nil }
    return needed
  }
}
