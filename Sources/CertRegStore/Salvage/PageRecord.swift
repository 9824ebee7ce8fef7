/// A row in SQLite's record format (https://www.sqlite.org/fileformat2.html section 2.1), found in the bytes of a page.
struct PageRecord: ColumnSource {
  private struct Column {
    var kind: ColumnKind
    /// For an integer its value.
    var integer: Int64 = 0
    /// For a text or blob where it is.
    var range: Range<Int> = 0..<0
  }

  private let payload: [UInt8]
  private var columns: [Column] = []

  /// `nil` where the record is inconsistent. `rowNumber` is the value of a first column that stands for the row's
  /// number.
  init?(payload: [UInt8], rowNumber: Int64?) {
    self.payload = payload
    var header = VariableLengthReader(payload, at: 0)
    guard let headerSize = header.next(), headerSize > 0, headerSize <= payload.count else { return nil }
    var offset = Int(headerSize)
    while header.offset < headerSize {
      guard let type = header.next(), let column = PageRecord.column(type, in: payload, at: &offset) else { return nil }
      columns.append(column)
    }
    guard header.offset == headerSize, offset == payload.count else { return nil }
    if let rowNumber, columns.first?.kind == .null { columns[0] = Column(kind: .integer, integer: rowNumber) }
  }

  /// The column of serial type `type` at `offset`, which moves on behind it.
  private static func column(_ type: Int64, in payload: [UInt8], at offset: inout Int) -> Column? {
    switch type {
    case 0: return Column(kind: .null)
    case 8, 9: return Column(kind: .integer, integer: type - 8)
    case 1...6:
      let size = type == 5 ? 6 : type == 6 ? 8 : Int(type)
      guard offset + size <= payload.count else { return nil }
      var value: Int64 = payload[offset] >= 0x80 ? -1 : 0
      for byte in payload[offset..<offset + size] { value = value << 8 | Int64(byte) }
      offset += size
      return Column(kind: .integer, integer: value)
    case 12...:
      let size = (type - 12) / 2
      guard size <= payload.count - offset else { return nil }
      defer { offset += Int(size) }
      return Column(kind: type & 1 == 0 ? .blob : .text, range: offset..<offset + Int(size))
    default: return nil
    }
  }

  /// How many columns the record has.
  var columnCount: Int { columns.count }

  func kind(_ column: Int) -> ColumnKind { columns.indices.contains(column) ? columns[column].kind : .other }

  func integer(_ column: Int) -> Int64? { kind(column) == .integer ? columns[column].integer : nil }

  func withBytes<Result>(_ column: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    payload.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[columns[column].range])) }
  }

  /// The table that the row has the form of, whether its checksum holds or not.
  var table: Table? {
    guard kind(columnCount - 1) == .integer else { return nil }
    let isKeyed = columnCount > 0 && columns[0].kind == .integer
    let found = Table.allCases.first { $0.columnCount == columnCount && $0.isKeyedByRowNumber == isKeyed }
    // These two differ only in the column before the checksum: an error, or a number.
    return found == .failure && kind(columnCount - 2) == .integer ? .shared : found
  }
}
