import CertRegCore

/// What a look at a state directory finds before anything in it is changed.
///
/// It reads through a connection that cannot write: closing one that can would copy the log into the database and delete
/// it, damaged as they may be.
struct Inspection {
  /// There was a database with something in it.
  let isInUse: Bool
  /// The database was checked as a whole.
  private(set) var wasChecked = false
  /// How many changes the database has had, as SQLite sees it.
  private(set) var revision: Int64 = 0
  /// Acknowledged changes are missing from what SQLite makes of the log.
  private(set) var isLogDamaged = false

  /// - Throws: a fault that is damage where the database cannot be used as it is.
  init(_ directory: StateDirectory, _ mark: HighWaterMark) throws(DatabaseFault) {
    let size = StateDirectory.size(directory.database) ?? 0
    let logSize = StateDirectory.size(directory.log) ?? 0
    isInUse = size > 0 || logSize > 0
    guard isInUse else {
      guard mark.revision == 0 else {
        throw DatabaseFault(damage: "it is gone, with \(mark.revision) committed changes", path: directory.database)
      }
      return
    }
    guard size > 0 else { throw DatabaseFault(damage: "it is empty and its log is not", path: directory.database) }
    let provesLoss: Bool
    do throws(StoreError) {
      provesLoss = try RawFile(path: directory.log).map { LogScan($0).provesLoss } ?? false
    } catch {
      throw DatabaseFault(error)
    }
    let connection = try Connection(path: directory.database, readOnly: true)
    // A database of which only the empty beginning was written: the first start did not get far.
    guard try connection.integer("SELECT count(*) FROM sqlite_master") != 0 else {
      guard mark.revision == 0 else {
        throw DatabaseFault(damage: "its tables are gone", path: directory.database)
      }
      return
    }
    try Inspection.checkSchema(connection)
    revision = try StateRow(connection)?.revision ?? 0
    isLogDamaged = provesLoss || revision < mark.revision
    let limit = mark.isClean ? StoreOpening.cleanCheckLimitBytes : StoreOpening.uncleanCheckLimitBytes
    wasChecked = isLogDamaged || mark.isSuspect || size <= limit
    if wasChecked { try Inspection.check(connection) }
    // Read for its errors: a queue that cannot be read is damage.
    _ = try QueueContents(connection)
  }

  /// Finds a flipped bit in the header's version or in the text of the schema, which SQLite would report as an error of
  /// the SQL that uses it, at every start anew.
  private static func checkSchema(_ connection: Connection) throws(DatabaseFault) {
    let version = try connection.integer("PRAGMA user_version") ?? 0
    guard version > 0 else { throw DatabaseFault(damage: "its version is \(version)", path: connection.path) }
    let query = "SELECT group_concat(type || name || tbl_name || ifnull(sql, ''), char(10)) FROM sqlite_master"
    let found = try connection.prepare(query).onlyText()
    let model = try Connection(path: ":memory:")
    _ = try model.migrate()
    guard try model.prepare(query).onlyText() == found else {
      throw DatabaseFault(damage: "its schema is not the one it was made with", path: connection.path)
    }
  }

  private static func check(_ connection: Connection) throws(DatabaseFault) {
    let finding = try connection.prepare("PRAGMA quick_check(1)").onlyText() ?? "no answer"
    guard finding == "ok" else { throw DatabaseFault(damage: finding, path: connection.path) }
  }
}
