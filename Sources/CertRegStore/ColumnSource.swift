import CertRegCore

/// The storage classes of SQLite that our rows use.
enum ColumnKind {
  case null
  case integer
  case text
  case blob
  /// A floating-point number: none of our rows has one.
  case other
}

/// A row to read from: one of SQLite's, or one that was found in the bytes of a damaged file.
protocol ColumnSource {
  /// The storage class of a column. Columns are numbered from 0.
  func kind(_ column: Int) -> ColumnKind
  /// `nil` for anything but an integer.
  func integer(_ column: Int) -> Int64?
  /// The bytes of a text or blob. Valid inside `body` only.
  func withBytes<Result>(_ column: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result
}

extension ColumnSource {
  /// `nil` for anything but a text.
  func text(_ column: Int) -> String? {
    guard kind(column) == .text else { return nil }
    return withBytes(column) { String(decoding: $0, as: UTF8.self) }
  }

  /// `nil` for anything but a blob.
  func blob(_ column: Int) -> [UInt8]? {
    guard kind(column) == .blob else { return nil }
    return withBytes(column) { Array($0) }
  }

  /// `nil` for anything but a blob of 32 bytes.
  func digest(_ column: Int) -> SHA256Digest? {
    guard kind(column) == .blob else { return nil }
    return withBytes(column) { bytes in
      guard bytes.count == 32 else { return nil }
      var digest = SHA256Digest()
      digest.withMutableBytes { $0.copyMemory(from: bytes) }
      return digest
    }
  }

  /// Whether the row is intact as one of `table`: the last column is the checksum of those before it.
  func isIntact(as table: Table) -> Bool {
    var checksum = RowChecksum(table)
    for column in 0..<table.columnCount - 1 {
      switch kind(column) {
      case .null: checksum.addNull()
      case .integer: checksum.add(integer(column) ?? 0)
      case .text: withBytes(column) { checksum.add(text: $0) }
      case .blob: withBytes(column) { checksum.add(blob: $0) }
      case .other: return false
      }
    }
    return integer(table.columnCount - 1) == checksum.value
  }
}

/// Binds a row's columns in order and their checksum as the last one.
struct RowWriter {
  private let statement: PreparedStatement
  private var checksum: RowChecksum
  private var index: Int32 = 0

  init(_ statement: PreparedStatement, _ table: Table) {
    self.statement = statement
    checksum = RowChecksum(table)
  }

  mutating func put(_ value: Int64) {
    index += 1
    statement.bind(index, value)
    checksum.add(value)
  }

  mutating func put(_ value: Int64?) {
    if let value {
      put(value)
    } else {
      index += 1
      statement.bindNull(index)
      checksum.addNull()
    }
  }

  mutating func put(_ text: String?) {
    guard var text else { return put(Int64?.none) }
    index += 1
    text.withUTF8 { characters in
      let bytes = UnsafeRawBufferPointer(characters)
      statement.bind(index, copyingText: bytes)
      checksum.add(text: bytes)
    }
  }

  mutating func put(copying bytes: some Sequence<UInt8>) {
    index += 1
    let array = Array(bytes)
    array.withUnsafeBytes { bytes in
      statement.bind(index, copying: bytes)
      checksum.add(blob: bytes)
    }
  }

  mutating func put(_ digest: SHA256Digest) {
    index += 1
    digest.withBytes { bytes in
      statement.bind(index, copying: bytes)
      checksum.add(blob: bytes)
    }
  }

  /// Binds the checksum and runs the statement.
  consuming func run() throws(DatabaseFault) {
    statement.bind(index + 1, checksum.value)
    try statement.run()
  }

  /// As `run`, with `blob` as the last column before the checksum, which is not copied.
  consuming func run(last blob: UnsafeRawBufferPointer) throws(DatabaseFault) {
    statement.bind(index + 1, blob: blob)
    checksum.add(blob: blob)
    index += 1
    try run()
  }
}
