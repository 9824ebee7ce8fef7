import CertRegCore
import GRDBSQLite

/// A statement that is prepared once and run many times, on SQLite's C interface.
final class PreparedStatement {
  private let handle: OpaquePointer
  private let connectionHandle: OpaquePointer
  private let path: String
  /// A parameter that could not be bound or a column that could not be read, for lack of memory. Kept until the statement goes
  /// on: a parameter that is missing is NULL to SQLite, and an empty column would count as damage.
  private var fault: DatabaseFault?

  init(_ sql: String, connection: Connection) throws(DatabaseFault) {
    var handle: OpaquePointer?
    let code = sqlite3_prepare_v3(connection.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
    guard code == SQLITE_OK, let handle else {
      throw DatabaseFault(connection: connection.handle, path: connection.path)
    }
    self.handle = handle
    connectionHandle = connection.handle
    path = connection.path
  }

  deinit {
    sqlite3_finalize(handle)
  }

  // MARK: Parameters. Pointers are not copied: they must stay valid until the statement has run.

  func bindNull(_ index: Int32) { note(sqlite3_bind_null(handle, index)) }

  func bind(_ index: Int32, _ value: Int64) { note(sqlite3_bind_int64(handle, index, value)) }

  /// Bytes that the caller keeps valid until the statement has run.
  func bind(_ index: Int32, blob: UnsafeRawBufferPointer) {
    // A nil pointer would bind NULL where an empty blob is meant.
    note(
      blob.isEmpty
        ? sqlite3_bind_zeroblob(handle, index, 0)
        : sqlite3_bind_blob64(handle, index, blob.baseAddress, UInt64(blob.count), nil))
  }

  /// Bytes that SQLite copies.
  func bind(_ index: Int32, copying blob: UnsafeRawBufferPointer) {
    note(
      blob.isEmpty
        ? sqlite3_bind_zeroblob(handle, index, 0)
        : sqlite3_bind_blob64(handle, index, blob.baseAddress, UInt64(blob.count), PreparedStatement.transient))
  }

  /// UTF-8 that SQLite copies.
  func bind(_ index: Int32, copyingText text: UnsafeRawBufferPointer) {
    let characters = text.assumingMemoryBound(to: CChar.self)
    guard let start = characters.baseAddress else {
      return note(sqlite3_bind_text(handle, index, "", 0, PreparedStatement.transient))
    }
    note(sqlite3_bind_text(handle, index, start, Int32(characters.count), PreparedStatement.transient))
  }

  /// SQLITE_TRANSIENT, a cast in C that the importer leaves out: SQLite compares the address and never calls it.
  private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

  // MARK: Running

  /// Runs to the end and makes the statement ready for the next time.
  func run() throws(DatabaseFault) {
    while try step() {}
    reset()
  }

  /// Goes to the next row; `false` behind the last. After a row, `reset` must follow in the end.
  ///
  /// - Throws: also what went wrong with parameters, or with columns of the row before.
  func step() throws(DatabaseFault) -> Bool {
    try check()
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    default:
      let fault = DatabaseFault(connection: connectionHandle, path: path)
      reset()
      throw fault
    }
  }

  func reset() {
    sqlite3_reset(handle)
    fault = nil
  }

  /// What `read` makes of the first row; `nil` where there is none.
  func first<Value>(_ read: (PreparedStatement) -> Value) throws(DatabaseFault) -> Value? {
    defer { reset() }
    guard try step() else { return nil }
    let value = read(self)
    try check()
    return value
  }

  /// The first column of the first row.
  func onlyText() throws(DatabaseFault) -> String? {
    try first { $0.text(0) } ?? nil
  }

  private func note(_ code: Int32) {
    if code != SQLITE_OK, fault == nil { fault = DatabaseFault(connection: connectionHandle, path: path) }
  }

  private func check() throws(DatabaseFault) {
    guard let fault else { return }
    reset()
    throw fault
  }
}

extension PreparedStatement: ColumnSource {
  func kind(_ column: Int) -> ColumnKind {
    switch sqlite3_column_type(handle, Int32(column)) {
    case SQLITE_INTEGER: .integer
    case SQLITE_TEXT: .text
    case SQLITE_BLOB: .blob
    case SQLITE_NULL: .null
    default: .other
    }
  }

  func integer(_ column: Int) -> Int64? {
    kind(column) == .integer ? sqlite3_column_int64(handle, Int32(column)) : nil
  }

  func withBytes<Result>(_ column: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    // The pointer is valid until the next step; the length must be asked for after it.
    let start = sqlite3_column_blob(handle, Int32(column))
    let count = Int(sqlite3_column_bytes(handle, Int32(column)))
    guard let start else {
      // That of an empty value; or else there was no memory for it.
      if sqlite3_errcode(connectionHandle) == SQLITE_NOMEM { note(SQLITE_NOMEM) }
      return body(UnsafeRawBufferPointer(start: nil, count: 0))
    }
    return body(UnsafeRawBufferPointer(start: start, count: count))
  }
}
