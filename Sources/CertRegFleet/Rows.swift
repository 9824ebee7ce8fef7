import CertRegCore

/// The rows that a statement returned, in PostgreSQL's binary form.
struct Rows: Sendable {
  /// The values one behind the other: most statements return few of them, and the one that tells of others thousands.
  private var bytes: [UInt8] = []
  /// Where each value is, row by row; `nil` for NULL.
  private var places: [Range<Int>?] = []
  private var columns: Int
  private(set) var count: Int

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

  /// The rows of each of the queries that were joined: a row has the number of its query, and a record. Those of another
  /// form are left out.
  func divided(into count: Int) -> [Rows] {
    var parts = Array(repeating: Rows(count: 0, columns: 0), count: count)
    for (number, record) in compactMap({ (row: Row) -> (Int, [UInt8])? in
      var reader = RowReader(row)
      guard let number = try? reader.integer(), let record = try? reader.bytes() else { return nil }
      return (Int(number), record)
    }) where parts.indices.contains(number) {
      parts[number].append(record: record)
    }
    return parts
  }

  /// What PostgreSQL's `record_send` writes: the number of columns, and each value behind its type and its length.
  private mutating func append(record: [UInt8]) {
    func integer(at place: Int) -> Int? {
      guard place + 4 <= record.count else { return nil }
      return Int(Int32(truncatingIfNeeded: record[place..<place + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }))
    }
    guard let columns = integer(at: 0), columns > 0, count == 0 || columns == self.columns else { return }
    var values: [Range<Int>?] = []
    var place = 4
    while values.count < columns {
      guard let length = integer(at: place + 4) else { return }
      place += 8
      guard length >= 0 else {
        values.append(nil)
        continue
      }
      guard place + length <= record.count else { return }
      values.append(place..<place + length)
      place += length
    }
    let begin = bytes.count
    bytes += record
    places += values.map { value in value.map { $0.lowerBound + begin..<$0.upperBound + begin } }
    self.columns = columns
    count += 1
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

  mutating func optionalText(atMost bytes: Int = .max) throws(Malformed) -> String? {
    guard let text = try next() else { return nil }
    guard text.count <= bytes else { throw Malformed() }
    return String(decoding: text, as: UTF8.self)
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
    guard FleetProgress.numbers.contains(time) else { throw Malformed() }
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
