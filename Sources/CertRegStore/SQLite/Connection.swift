import CSQLite
import CertRegCore

/// One connection to a database file.
///
/// This folder holds every pointer into SQLite (https://www.sqlite.org/c3ref/intro.html). The connection is opened in
/// SQLite's multi-thread mode, which allows one thread at a time, any thread. The type is not `Sendable`, so the
/// compiler makes sure that each instance stays behind one lock. Statements keep their connection alive, so it is
/// closed last.
final class Connection {
  /// The file's path, or `:memory:`.
  let path: String
  /// For the types of this folder alone. Valid as long as this object.
  let handle: OpaquePointer
  /// Frames in the log after the last commit, set by SQLite's hook. C cannot hold a Swift property, hence the pointer;
  /// it is freed after the connection is closed.
  private let frames: UnsafeMutablePointer<Int32>
  /// What SQLite tells of its steps; see ``report(to:)``.
  private var progress: OpeningProgress?

  /// How long a connection waits for another one of this process. Connections only wait while the log is reset, and the
  /// directory's lock keeps other processes out.
  private static let busyLimitMilliseconds: Int32 = 10_000

  /// Opens the file, which is made where it is missing unless `readOnly` is set.
  ///
  /// - Throws: A fault with SQLite's own code where the file cannot be opened.
  init(path: String, readOnly: Bool = false) throws(DatabaseFault) {
    var handle: OpaquePointer?
    let access = readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
    let code = sqlite3_open_v2(path, &handle, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
    guard let handle else {
      throw DatabaseFault(extendedCode: code, message: "\(path): no memory for a connection")
    }
    self.path = path
    self.handle = handle
    frames = .allocate(capacity: 1)
    frames.initialize(to: 0)
    guard code == SQLITE_OK else { throw DatabaseFault(connection: handle, path: path) }
    sqlite3_busy_timeout(handle, Connection.busyLimitMilliseconds)
    // Page size and auto-vacuum matter when the file is created. A cache of 1 MiB is plenty for a table that is looked
    // up at random. Deleted rows are public, so overwriting them would be work without a use.
    try execute(
      """
      PRAGMA page_size = \(Schema.pageSizeBytes);
      PRAGMA auto_vacuum = NONE;
      PRAGMA cache_size = -1024;
      PRAGMA mmap_size = 0;
      PRAGMA secure_delete = OFF;
      PRAGMA trusted_schema = OFF;
      PRAGMA temp_store = MEMORY;
      """)
  }

  deinit {
    sqlite3_close(handle)
    frames.deallocate()
  }

  /// Runs statements that return nothing of interest.
  func execute(_ sql: String) throws(DatabaseFault) {
    guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else {
      throw DatabaseFault(connection: handle, path: path)
    }
  }

  /// Compiles one statement, for use many times.
  func prepare(_ sql: String) throws(DatabaseFault) -> PreparedStatement {
    try PreparedStatement(sql, connection: self)
  }

  /// The answer to a `PRAGMA` or query of one integer; `nil` for no row or anything but an integer.
  func integer(_ sql: String) throws(DatabaseFault) -> Int64? {
    try prepare(sql).first { $0.integer(0) } ?? nil
  }

  /// The answer to a `PRAGMA` or query of one text; `nil` for no row or anything but a text.
  func text(_ sql: String) throws(DatabaseFault) -> String? {
    try prepare(sql).first { $0.text(0) } ?? nil
  }

  /// How many rows the last `INSERT`, `UPDATE` or `DELETE` changed.
  var changedRows: Int64 { sqlite3_changes64(handle) }

  /// Whether a transaction is open. SQLite rolls back by itself after some errors.
  var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  /// Has SQLite tell `progress` of its work from now on: `nil` ends that.
  func report(to progress: OpeningProgress?) {
    self.progress = progress
    guard let progress else { return sqlite3_progress_handler(handle, 0, nil, nil) }
    // Not retained: the property keeps the object alive, and is changed only together with the handler.
    let context = Unmanaged.passUnretained(progress).toOpaque()
    sqlite3_progress_handler(
      handle, 10_000,
      { context in
        guard let context else { return 0 }
        Unmanaged<OpeningProgress>.fromOpaque(context).takeUnretainedValue().advance()
        return 0
      }, context)
  }
}

// MARK: - The write-ahead log

extension Connection {
  /// Uses the write-ahead log, which makes a group of changes durable with one synchronisation. The log is moved into
  /// the database by `checkpoint` alone.
  func useWriteAheadLog() throws(DatabaseFault) {
    try switchToWriteAheadLog()
    try execute(
      """
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = 0;
      PRAGMA journal_size_limit = 4194304;
      """)
    // Behind `wal_autocheckpoint`, which uses the same hook.
    sqlite3_wal_hook(
      handle,
      { context, _, _, count in
        context?.storeBytes(of: count, as: Int32.self)
        return SQLITE_OK
      }, frames)
  }

  /// Sets the journal mode, and nothing about when the log is synchronised or moved.
  func switchToWriteAheadLog() throws(DatabaseFault) {
    let mode = try text("PRAGMA journal_mode = WAL")
    guard mode == "wal" else {
      throw DatabaseFault(
        extendedCode: SQLITE_CANTOPEN, message: "\(path): the journal mode stays \(mode ?? "unknown")")
    }
  }

  /// Frames in the log after the last commit of this connection, once `useWriteAheadLog` was called.
  var framesInLog: Int { Int(frames.pointee) }

  /// Copies the log into the database as far as that goes without waiting for anybody, or (`truncating`) waits for
  /// readers and empties the log's file.
  func checkpoint(truncating: Bool) throws(DatabaseFault) {
    let mode = truncating ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
    let code = sqlite3_wal_checkpoint_v2(handle, nil, mode, nil, nil)
    // Busy: the other connection is at it already.
    guard code == SQLITE_OK || code & 0xff == SQLITE_BUSY else { throw DatabaseFault(connection: handle, path: path) }
  }
}
