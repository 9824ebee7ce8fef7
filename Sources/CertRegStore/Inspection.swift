import CertRegCore

/// What a look at a state directory finds before anything in it is changed.
///
/// It reads through a connection that cannot write. Closing one that can would copy the log into the database and
/// delete the log, whatever damage they have.
struct Inspection {
  /// There was a database with something in it.
  let isInUse: Bool
  /// The database was checked as a whole.
  private(set) var wasChecked = false
  /// How many changes the database has had, as SQLite sees it.
  private(set) var revision: Int64 = 0
  /// Acknowledged changes are missing from what SQLite makes of the log.
  private(set) var isLogDamaged = false

  /// Looks at the state that `opening` is about to open.
  ///
  /// - Parameter mark: the last run's mark.
  /// - Throws: A fault that is damage where the database cannot be used as it is.
  init(of opening: StoreOpening, _ mark: HighWaterMark) throws(DatabaseFault) {
    let (directory, progress) = (opening.directory, opening.progress)
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
      provesLoss = try RawFile(path: directory.log).map { LogScan($0, progress).provesLoss } ?? false
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
    try connection.checkSchema(opening.migrations)
    revision = try StateRow(connection)?.revision ?? 0
    isLogDamaged = provesLoss || revision < mark.revision
    let limit = mark.isClean ? StoreOpening.cleanCheckLimitBytes : StoreOpening.uncleanCheckLimitBytes
    wasChecked = isLogDamaged || mark.isSuspect || size <= limit
    if wasChecked { try Inspection.check(connection, size: size + logSize, progress) }
    // Read for its errors: a queue that cannot be read is damage.
    _ = try QueueContents(connection, progress)
  }

  private static func check(
    _ connection: Connection, size: Int64, _ progress: OpeningProgress
  ) throws(DatabaseFault) {
    progress.begin("checking the database")
    progress.expectUnseenWork(onBytes: size)
    connection.report(to: progress)
    defer { connection.report(to: nil) }
    let finding = try connection.text("PRAGMA quick_check(1)") ?? "no answer"
    guard finding == "ok" else { throw DatabaseFault(damage: finding, path: connection.path) }
  }
}
