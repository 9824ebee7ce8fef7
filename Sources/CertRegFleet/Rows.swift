import CertRegCore

/// The rows that a statement returned, as text.
struct Rows: Sendable {
  var rows: [[[UInt8]?]] = []

  /// The single value of a statement that returns one.
  var first: [[UInt8]?]? { rows.first }
}

/// Reads the columns of a row from left to right. A value of another form is a fault of the database's content.
struct RowReader {
  private let row: [[UInt8]?]
  private var column = 0

  init(_ row: [[UInt8]?]) { self.row = row }

  /// A row that is not of the form that this version writes.
  struct Malformed: Error {}

  private mutating func next() throws(Malformed) -> [UInt8]? {
    guard column < row.count else { throw Malformed() }
    column += 1
    return row[column - 1]
  }

  mutating func optionalText() throws(Malformed) -> String? {
    try next().map { String(decoding: $0, as: UTF8.self) }
  }

  mutating func text() throws(Malformed) -> String {
    guard let text = try optionalText() else { throw Malformed() }
    return text
  }

  mutating func integer() throws(Malformed) -> Int64 {
    guard let number = Int64(try text()) else { throw Malformed() }
    return number
  }

  mutating func optionalDouble() throws(Malformed) -> Double? {
    guard let text = try optionalText() else { return nil }
    guard let number = Double(text), number.isFinite else { throw Malformed() }
    return number
  }

  mutating func double() throws(Malformed) -> Double {
    guard let number = try optionalDouble() else { throw Malformed() }
    return number
  }

  mutating func bool() throws(Malformed) -> Bool { try text() == "t" }

  /// `\x` and two digits for each byte.
  mutating func bytes() throws(Malformed) -> [UInt8] {
    guard let text = try next(), text.count % 2 == 0, text.starts(with: [0x5c, 0x78]) else { throw Malformed() }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 2 - 1)
    for index in stride(from: 2, to: text.count, by: 2) {
      guard let high = text[index].hexDigitValue, let low = text[index + 1].hexDigitValue else { throw Malformed() }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  mutating func key() throws(Malformed) -> FleetKey {
    guard let id = CertificateID(bytes: try bytes()) else { throw Malformed() }
    return FleetKey(certificateID: id, target: try text())
  }
}
