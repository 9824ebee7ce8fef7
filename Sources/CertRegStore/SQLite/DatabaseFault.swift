import CSQLite
import CertRegCore
import Glibc

/// An error of SQLite with the codes that classify it. The text of its message never does.
struct DatabaseFault: Error {
  /// The extended result code (https://www.sqlite.org/rescode.html).
  var extendedCode: Int32
  /// `errno` of the system call that failed, where SQLite kept it; 0 otherwise.
  var systemError: Int32
  /// The file's name, and SQLite's own words.
  var message: String
  /// Damaged rows could not be copied, so that nothing was deleted. The database itself is not at fault.
  var isUncopied = false

  init(extendedCode: Int32, systemError: Int32 = 0, message: String) {
    self.extendedCode = extendedCode
    self.systemError = systemError
    self.message = message
  }

  /// The last error of `connection`.
  init(connection: OpaquePointer, path: String) {
    extendedCode = sqlite3_extended_errcode(connection)
    systemError = sqlite3_system_errno(connection)
    message = "\(path): \(String(cString: sqlite3_errmsg(connection))) (SQLite code \(extendedCode))"
    let isInputOutput = extendedCode & 0xff == SQLITE_IOERR || extendedCode & 0xff == SQLITE_CANTOPEN
    if isInputOutput, systemError != 0 { message += ": \(String(cString: strerror(systemError)))" }
  }

  /// Our own finding that the content of `path` cannot be trusted.
  init(damage: String, path: String) {
    self.init(extendedCode: SQLITE_CORRUPT, message: "\(path) is damaged: \(damage)")
  }

  /// A failure of the files around the database.
  init(_ error: StoreError) {
    self.init(
      extendedCode: error.code == .full ? SQLITE_FULL : error.code == .damaged ? SQLITE_CORRUPT : SQLITE_IOERR,
      message: error.message)
  }

  /// Damaged rows could not be copied.
  init(uncopied error: StoreError) {
    self.init(error)
    isUncopied = true
  }

  /// The file is not, or no longer, a database that SQLite understands.
  var isDamage: Bool {
    switch extendedCode & 0xff {
    case SQLITE_CORRUPT, SQLITE_NOTADB: true
    default: extendedCode == certreg_SQLITE_IOERR_CORRUPTFS
    }
  }

  /// SQLite cannot make sense of a statement. The statements of a start are fixed, so the file is at fault: its schema,
  /// or the format number in its header.
  var isErrorOfStatement: Bool { extendedCode & 0xff == SQLITE_ERROR }

  /// No space is left. SQLite reports a failed write as `SQLITE_FULL`. A failed `fsync` of delayed allocations and a
  /// failed extension of the shared-memory file are input/output errors to it.
  var isFull: Bool {
    extendedCode & 0xff == SQLITE_FULL || systemError == ENOSPC || systemError == EDQUOT
      || extendedCode == certreg_SQLITE_IOERR_SHMSIZE
  }

  /// The change itself cannot be stored; the disk is not at fault.
  var isConstraint: Bool { extendedCode & 0xff == SQLITE_CONSTRAINT || extendedCode & 0xff == SQLITE_TOOBIG }

  /// The error that callers of the store see.
  var storeError: StoreError {
    StoreError(isFull ? .full : isDamage ? .damaged : .failed, message: message)
  }
}
