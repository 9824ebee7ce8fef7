import CSQLite
import CertRegCore

/// A statement that is compiled once and run many times.
final class PreparedStatement {
  private let handle: OpaquePointer
  private let connection: Connection
  /// A parameter that could not be bound or a column that could not be read, for lack of memory. Kept until the next
  /// step: a missing parameter is NULL to SQLite, and an empty column would count as damage.
  private var fault: DatabaseFault?

  init(_ sql: String, connection: Connection) throws(DatabaseFault) {
    var handle: OpaquePointer?
    let code = sqlite3_prepare_v3(connection.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
    guard code == SQLITE_OK, let handle else {
      throw DatabaseFault(connection: connection.handle, path: connection.path)
    }
    self.handle = handle
    self.connection = connection
  }

  deinit {
    sqlite3_finalize(handle)
  }
}

// MARK: - Parameters

/// Indexes of parameters begin at 1. A failure to bind is reported by the next `run` or `step`.
extension PreparedStatement {
  func bindNull(_ index: Int32) { note(sqlite3_bind_null(handle, index)) }

  func bind(_ index: Int32, _ value: Int64) { note(sqlite3_bind_int64(handle, index, value)) }

  /// Binds bytes without a copy: the caller keeps them valid until the statement has run.
  func bind(_ index: Int32, blob: UnsafeRawBufferPointer) {
    // A nil pointer would bind NULL in place of an empty blob.
    note(
      blob.isEmpty
        ? sqlite3_bind_zeroblob(handle, index, 0)
        : sqlite3_bind_blob64(handle, index, blob.baseAddress, UInt64(blob.count), nil))
  }

  /// Binds a copy of bytes.
  func bind(_ index: Int32, copying blob: UnsafeRawBufferPointer) {
    note(
      blob.isEmpty
        ? sqlite3_bind_zeroblob(handle, index, 0)
        : certreg_bind_blob_copy(handle, index, blob.baseAddress, UInt64(blob.count)))
  }

  /// Binds a copy of UTF-8 text.
  func bind(_ index: Int32, copyingText text: UnsafeRawBufferPointer) {
    let characters = text.assumingMemoryBound(to: CChar.self)
    // Longer than any limit of SQLite's is refused by it.
    let count = Int32(clamping: characters.count)
    note(
      characters.isEmpty
        ? certreg_bind_text_copy(handle, index, "", 0)
        : certreg_bind_text_copy(handle, index, characters.baseAddress, count))
  }

  private func note(_ code: Int32) {
    if code != SQLITE_OK, fault == nil { fault = DatabaseFault(connection: connection.handle, path: connection.path) }
  }
}

// MARK: - Running

extension PreparedStatement {
  /// Runs to the end and makes the statement ready for the next time.
  ///
  /// - Throws: Also what went wrong with parameters.
  func run() throws(DatabaseFault) {
    while try step() {}
    reset()
  }

  /// Goes to the next row; `false` behind the last. After a row, `reset` must follow in the end.
  ///
  /// - Throws: Also what went wrong with parameters, or with columns of the row before.
  func step() throws(DatabaseFault) -> Bool {
    try check()
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    default:
      let fault = DatabaseFault(connection: connection.handle, path: connection.path)
      reset()
      throw fault
    }
  }

  /// Makes the statement ready for the next time. Parameters stay bound.
  func reset() {
    sqlite3_reset(handle)
    fault = nil
  }

  /// The value that `read` makes of the first row; `nil` where there is none.
  func first<Value>(_ read: (PreparedStatement) -> Value) throws(DatabaseFault) -> Value? {
    defer { reset() }
    guard try step() else { return nil }
    let value = read(self)
    try check()
    return value
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
      // The value is empty, or there was no memory for it.
      if sqlite3_errcode(connection.handle) == SQLITE_NOMEM { note(SQLITE_NOMEM) }
      return body(UnsafeRawBufferPointer(start: nil, count: 0))
    }
    return body(UnsafeRawBufferPointer(start: start, count: count))
  }
}
