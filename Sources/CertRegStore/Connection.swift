import CertRegCore
import Foundation
import GRDB
import GRDBSQLite

/// One connection to the database, opened by GRDB.
///
/// What runs for every registration goes straight to SQLite's C interface with statements that are prepared once: a
/// record layer would cost several times what SQLite itself does. GRDB opens connections in SQLite's multi-thread mode,
/// which allows one thread at a time, any thread; the type is not `Sendable`, so that the compiler sees to it that each
/// instance stays behind one lock.
final class Connection {
  let path: String
  /// Closes the connection when it goes; SQLite puts that off until the last statement is gone, too.
  private let queue: DatabaseQueue
  let handle: OpaquePointer

  /// Opens the file, which must exist unless `mode` creates it.
  init(path: String, readOnly: Bool = false) throws(DatabaseFault) {
    self.path = path
    var configuration = Configuration()
    configuration.readonly = readOnly
    configuration.foreignKeysEnabled = false
    // Our own connections only wait for one another when the log is reset; nobody else has the directory's lock.
    configuration.busyMode = .timeout(10)
    configuration.label = "certregd.store"
    configuration.prepareDatabase { database in
      // Page size and auto-vacuum matter when the file is created; 1 MiB of cache is plenty for a table that is looked
      // up at random. What is deleted is public, so that overwriting it would be work without a use.
      try database.execute(
        sql: """
          PRAGMA page_size = \(Schema.pageSizeBytes);
          PRAGMA auto_vacuum = NONE;
          PRAGMA cache_size = -1024;
          PRAGMA mmap_size = 0;
          PRAGMA secure_delete = OFF;
          PRAGMA trusted_schema = OFF;
          PRAGMA temp_store = MEMORY;
          """)
    }
    do {
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      guard let handle = queue.unsafeRead({ $0.sqliteConnection }) else {
        throw DatabaseFault(extendedCode: SQLITE_INTERNAL, message: "\(path): no connection")
      }
      self.queue = queue
      self.handle = handle
      // GRDB's hooks serve its observation of transactions, which nothing here uses. They would run at every commit, and
      // insist on one of GRDB's own queues.
      sqlite3_commit_hook(handle, nil, nil)
      sqlite3_rollback_hook(handle, nil, nil)
    } catch {
      throw DatabaseFault(error, path: path)
    }
  }

  /// The journal that makes a group of changes durable with one synchronisation, and no checkpoint but our own.
  func useWriteAheadLog() throws(DatabaseFault) {
    let mode = try prepare("PRAGMA journal_mode = WAL").onlyText()
    guard mode == "wal" else {
      throw DatabaseFault(
        extendedCode: SQLITE_CANTOPEN, message: "\(path): the journal mode stays \(mode ?? "unknown")")
    }
    try execute(
      """
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = 0;
      PRAGMA journal_size_limit = 4194304;
      """)
  }

  /// Runs statements that return nothing of interest.
  func execute(_ sql: String) throws(DatabaseFault) {
    guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else {
      throw DatabaseFault(connection: handle, path: path)
    }
  }

  func prepare(_ sql: String) throws(DatabaseFault) -> PreparedStatement {
    try PreparedStatement(sql, connection: self)
  }

  /// A `PRAGMA` or query of one integer.
  func integer(_ sql: String) throws(DatabaseFault) -> Int64? {
    try prepare(sql).first { $0.integer(0) } ?? nil
  }

  /// Copies what is in the log into the database, as far as that goes without waiting for anybody, or (`truncating`)
  /// waits for readers and empties the log's file.
  func checkpoint(truncating: Bool) throws(DatabaseFault) {
    let mode = truncating ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
    let code = sqlite3_wal_checkpoint_v2(handle, nil, mode, nil, nil)
    // Busy: the other connection is at it already.
    guard code == SQLITE_OK || code & 0xff == SQLITE_BUSY else { throw DatabaseFault(connection: handle, path: path) }
  }
}
