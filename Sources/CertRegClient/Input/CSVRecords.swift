/// Reads records of comma-separated values (RFC 4180), also with other separators, and with line ends inside quotes.
/// The lines of the stream end with LF.
struct CSVRecords {
  /// One record.
  struct Record {
    /// The line on which it begins, from 1.
    var line: Int
    var fields: [ArraySlice<UInt8>]
    /// Whether a quotation mark was not closed.
    var isDamaged = false
    /// Whether quotation marks stood around the row.
    var isQuoted = false
    /// Whether a block was taken for a cell whose quotation marks are missing.
    var isUnquoted = false
    /// Whether a blank line stands before the record.
    var followsBlank = false
  }

  /// A record with an open quotation mark is given up at this size. Cells with chains are far smaller.
  private static let maximumQuotedBytes = 256 * 1024
  /// So far the end of a cell is looked for in any case, which is enough for a chain.
  private static let minimumQuotedBytes = 16 * 1024
  /// So many bytes more than the records have may be read again, as records of their own.
  private static let spareBytes = 4 * 1024 * 1024

  private let stream: ByteStream
  private let dialect: CSVDialect
  private var line = 0
  /// A row that was read to find the end of a block, and comes next.
  private var held: Record?
  /// How many bytes may be read again. It grows with each record, so that reading takes a time in proportion to the
  /// length.
  private var budget = CSVRecords.spareBytes

  init(_ stream: ByteStream, _ dialect: CSVDialect = CSVDialect()) {
    self.stream = stream
    self.dialect = dialect
  }

  var fraction: Double? { stream.fraction }

  /// Passes over a line.
  mutating func skipLine() throws(InputError) {
    _ = try stream.nextLine()
    line += 1
  }

  /// The next record; `nil` at the end. The lines of a block in rows one below the other are one cell.
  mutating func next() throws(InputError) -> Record? {
    guard let first = try nextRow() else { return nil }
    guard var block = SplitBlock(first) else { return first }
    while let row = try nextRow() {
      guard block.take(row) else {
        held = row
        break
      }
    }
    return block.record
  }

  /// The next row; `nil` at the end. Blank lines are skipped.
  private mutating func nextRow() throws(InputError) -> Record? {
    if let row = held {
      held = nil
      return row
    }
    var followsBlank = false
    while let read = try stream.nextLine() {
      line += 1
      if read.isEmpty || read == [0x0D] {
        followsBlank = true
        continue
      }
      let start = line
      let text = dialect.plain(read)
      guard text.holds(UInt8(ascii: "\"")) else {
        let fields = text.split(separator: dialect.separator, omittingEmptySubsequences: false)
        return Record(line: start, fields: fields, followsBlank: followsBlank)
      }
      return try quoted(text, start)
    }
    return nil
  }

  /// A record with quotation marks, of which `text` is the first line.
  private mutating func quoted(_ text: [UInt8], _ start: Int) throws(InputError) -> Record {
    var parser = CSVFieldParser(dialect)
    parser.take(text[...])
    var further: [UInt8] = []
    let limit = min(CSVRecords.maximumQuotedBytes, max(CSVRecords.minimumQuotedBytes, budget))
    while parser.isOpen {
      guard further.count < limit, let more = try stream.nextLine() else { return damaged(text, start, further) }
      further += more
      further.append(0x0A)
      parser.takeLineEnd()
      parser.take(more[...])
      // Another quotation mark has closed the cell.
      if parser.isMalformed { return damaged(text, start, further) }
    }
    line = start + further.count { $0 == 0x0A }
    budget = min(budget + text.count + further.count, CSVRecords.spareBytes)
    let fields = parser.fields
    guard dialect.hasQuotedRows, fields.count == 1, text.first == UInt8(ascii: "\"") else {
      return Record(line: start, fields: fields)
    }
    var inside = CSVFieldParser(dialect)
    inside.take(fields[0])
    return inside.isOpen
      ? Record(line: start, fields: fields) : Record(line: start, fields: inside.fields, isQuoted: true)
  }

  /// A record whose quotation mark is not closed. It is taken to stand behind a block that is whole. The other lines
  /// that the record has swallowed are records of their own.
  private mutating func damaged(_ text: [UInt8], _ start: Int, _ swallowed: [UInt8]) -> Record {
    var parser = CSVFieldParser(dialect)
    parser.take(text[...])
    var rest = swallowed[...]
    var block = QuotedBlock(parser)
    while let end = rest.firstIndex(of: 0x0A), block.take(rest[..<end]) {
      rest = rest[(end + 1)...]
      line += 1
    }
    block.finish()
    budget += text.count - rest.count
    stream.putBack(rest)
    return Record(line: start, fields: block.fields, isDamaged: !block.isWhole)
  }
}
