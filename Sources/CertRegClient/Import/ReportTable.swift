/// Reads a CSV report that another program has saved: with a byte-order mark, other line ends, another separator or
/// encoding, or with columns added, left out or moved.
///
/// Reports as they were written are read line by line instead, since a damaged line then harms no other.
struct ReportTable {
  /// A row that was read.
  struct Row {
    /// The line on which it begins, from 1.
    var line: Int
    /// `nil`: the row is damaged.
    var record: ImportRecord?
  }

  /// Columns without which a table is no report.
  private static let required = ["name", "certificateId", "outcome"].map(DeviceFields.plain)
  private static let maximumHeadBytes = 65_536

  private var records: CSVRecords
  /// For each column of a report, which one it is here; `nil`: it is left out.
  private let places: [Int?]

  /// Takes the headings from a stream from which nothing was taken.
  ///
  /// - Returns: `nil` where the table is no report. One with certificates is a source, whatever else it has.
  init?(_ stream: ByteStream) throws(InputError) {
    guard let encoding = TextEncoding.detect(try stream.peek(ReportTable.maximumHeadBytes)) else { return nil }
    stream.decodeText(encoding)
    let dialect = CSVDialect(head: Array(try stream.peek(ReportTable.maximumHeadBytes)))
    records = CSVRecords(stream, dialect)
    if dialect.hasSeparatorLine { try records.skipLine() }
    guard let first = try records.next() else { return nil }
    let headings = first.fields.map { DeviceFields.plain(TextEncoding.string($0)) }
    guard ReportTable.required.allSatisfy({ name in headings.count { $0 == name } == 1 }),
      !headings.contains(where: DeviceFields.certificateHeadings.contains)
    else { return nil }
    places = ImportRecord.columns.map { headings.firstIndex(of: DeviceFields.plain($0)) }
  }

  /// The next row; `nil` at the end.
  mutating func next() throws(InputError) -> Row? {
    guard let found = try records.next() else { return nil }
    return Row(line: found.line, record: found.isDamaged ? nil : record(found.fields))
  }

  private func record(_ fields: [ArraySlice<UInt8>]) -> ImportRecord? {
    // Programs leave out empty cells at the end of a row.
    let values = places.map { place in place.flatMap { $0 < fields.count ? fields[$0] : nil } ?? [] }
    guard !values.contains(where: { $0.contains(0) }) else { return nil }
    return ImportRecord(fields: values.map { TextEncoding.string($0) })
  }
}
