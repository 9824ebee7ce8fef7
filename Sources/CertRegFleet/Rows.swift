import CertRegCore

/// The rows that a statement returned, in PostgreSQL's binary form.
struct Rows: Sendable {
  /// The values one behind the other: most statements return few of them, and the one that tells of others thousands.
  private var bytes: [UInt8] = []
  /// Where each value is, row by row; `nil` for NULL.
  private var places: [Range<Int>?] = []
  private let columns: Int
  let count: Int

  /// For `count` rows, whose values are to be appended.
  init(count: Int, columns: Int) {
    self.count = count
    self.columns = columns
    places.reserveCapacity(count * columns)
  }

  mutating func append(_ value: some Collection<UInt8>) {
    let begin = bytes.count
    bytes += value
    places.append(begin..<bytes.count)
  }

  mutating func appendNull() { places.append(nil) }

  var isEmpty: Bool { count == 0 }

  /// The single row of a statement that returns one.
  var first: Row? { isEmpty ? nil : Row(rows: self, columns: 0..<columns) }

  /// What `read` makes of the rows, without those that are of another form.
  func compactMap<Value>(_ read: (Row) -> Value?) -> [Value] {
    (0..<count).compactMap { read(Row(rows: self, columns: $0 * columns..<($0 + 1) * columns)) }
  }

  /// A row, or the end of one.
  struct Row {
    fileprivate let rows: Rows
    fileprivate var columns: Range<Int>

    /// The next value from left to right; `nil` for NULL.
    fileprivate mutating func next() throws(RowReader.Malformed) -> ArraySlice<UInt8>? {
      guard let place = columns.popFirst(), place < rows.places.count else { throw RowReader.Malformed() }
      return rows.places[place].map { rows.bytes[$0] }
    }
  }
}

/// Reads the columns of a row from left to right. A value of another form is a fault of the database's content.
struct RowReader {
  private var row: Rows.Row

  init(_ row: Rows.Row) { self.row = row }

  /// A row that is not of the form that this version writes.
  struct Malformed: Error {}

  private mutating func next() throws(Malformed) -> ArraySlice<UInt8>? { try row.next() }

  mutating func optionalText() throws(Malformed) -> String? {
    try next().map { String(decoding: $0, as: UTF8.self) }
  }

  mutating func text() throws(Malformed) -> String {
    guard let text = try optionalText() else { throw Malformed() }
    return text
  }

  /// An `integer` or a `bigint`.
  mutating func integer() throws(Malformed) -> Int64 {
    guard let bytes = try next(), bytes.count == 4 || bytes.count == 8 else { throw Malformed() }
    let bits = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return bytes.count == 4 ? Int64(Int32(truncatingIfNeeded: bits)) : Int64(bitPattern: bits)
  }

  /// Microseconds since 1970 up to the year 3000, or a count that began there.
  mutating func time() throws(Malformed) -> Int64 {
    let time = try integer()
    guard (0...32_503_680_000_000_000).contains(time) else { throw Malformed() }
    return time
  }

  /// A `double precision`.
  mutating func optionalDouble(in range: ClosedRange<Double>) throws(Malformed) -> Double? {
    guard let bytes = try next() else { return nil }
    let number = Double(bitPattern: bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    guard bytes.count == 8, range.contains(number) else { throw Malformed() }
    return number
  }

  mutating func double(in range: ClosedRange<Double>) throws(Malformed) -> Double {
    guard let number = try optionalDouble(in: range) else { throw Malformed() }
    return number
  }

  mutating func bool() throws(Malformed) -> Bool {
    guard let bytes = try next() else { throw Malformed() }
    return bytes.first == 1
  }

  mutating func bytes() throws(Malformed) -> [UInt8] {
    guard let bytes = try next() else { throw Malformed() }
    return Array(bytes)
  }

  mutating func key() throws(Malformed) -> FleetKey {
    guard let bytes = try next(), let id = CertificateID(bytes: bytes) else { throw Malformed() }
    return FleetKey(certificateID: id, target: try text())
  }
}
