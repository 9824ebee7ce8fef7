import CertRegCore

/// Brings a state directory into a state that the store can work with: the order of the steps, and the decisions on
/// what they find.
///
/// How much is read grows with the reason to doubt. The queue is small and known to nobody else, so it is read in full
/// at every start. Results are verified one by one when they are asked for, so that ten million of them open as fast as
/// none. After a shutdown in order only a small database is checked as a whole; after any other one up to a size that
/// takes a few milliseconds; where there is evidence of damage always, whatever it takes.
struct StoreOpening {
  /// A directory that is ready for use.
  struct Opened {
    var directory: StateDirectory
    var lock: DirectoryLock
    var highWater: HighWaterFile
    var notices: NoticeSink
    var names: SharedNames
    var writer: RegistrationWriter
  }

  /// Largest database that is checked as a whole after a shutdown in order.
  static let cleanCheckLimitBytes: Int64 = 256 << 10
  /// The same after any other shutdown: some 9,000 results, which take less than 20 ms. The time of a start does not
  /// depend on the number of results.
  static let uncleanCheckLimitBytes: Int64 = 1 << 20

  let directory: StateDirectory
  let notices: NoticeSink
  let progress: OpeningProgress
  /// For the names of directories that damaged files are moved to.
  let clock: HostClock
  /// The forms that this program knows.
  let migrations: [Schema.Migration]

  init(
    directory: StateDirectory, clock: HostClock, migrations: [Schema.Migration] = Schema.migrations,
    onProgress: @escaping @Sendable (StoreProgress) -> Void, onNotice: @escaping @Sendable (StoreNotice) -> Void
  ) {
    self.directory = directory
    self.clock = clock
    self.migrations = migrations
    progress = OpeningProgress(clock: clock, onProgress: onProgress)
    notices = NoticeSink(onNotice)
  }

  /// `user_version` of a database that this program has opened.
  var version: Int32 { Int32(migrations.count) }

  /// Does all of it.
  ///
  /// - Throws: `inUse`, `newerVersion` and `startsInterrupted` with nothing touched; `full` and `failed`.
  func open() throws(StoreError) -> Opened {
    try directory.create()
    let lock = try DirectoryLock(path: directory.lock)
    let highWater = try HighWaterFile(path: directory.highWater)
    if highWater.found == .damaged {
      notices.give(.damaged, "\(directory.highWater) is damaged: what it says of the last run is not known")
    }
    let before = highWater.found.mark
    try refuseForeign(before)
    let starts = StartCount(path: directory.starts)
    try starts.begin()
    do throws(StoreError) {
      try finishRebuild()
      let (writer, names) = try open(highWater, before ?? HighWaterMark(schemaVersion: version, revision: 0))
      starts.end()
      return Opened(
        directory: directory, lock: lock, highWater: highWater, notices: notices, names: names, writer: writer)
    } catch {
      // A start that reports a full disk or a failing one may be repeated until that passes. Damage that stays does not
      // pass.
      if error.code != .damaged { starts.end() }
      throw error
    }
  }

  private func open(
    _ highWater: HighWaterFile, _ mark: HighWaterMark
  ) throws(StoreError) -> (RegistrationWriter, SharedNames) {
    // From here on the state is in use, even if this start does not get far.
    var begun = mark
    begun.isClean = false
    try highWater.write(begun)
    try highWater.synchronize()
    let (writer, names) = try load(mark)
    try directory.removeUnfinished()
    try highWater.write(HighWaterMark(schemaVersion: version, revision: writer.state.revision))
    try highWater.synchronize()
    return (writer, names)
  }

  /// The last start was interrupted before all that could be read of a damaged log was in the database.
  private var hasKeptLog: Bool { StateDirectory.exists(directory.damagedLog) }

  private func load(_ mark: HighWaterMark) throws(StoreError) -> (RegistrationWriter, SharedNames) {
    do throws(DatabaseFault) {
      do throws(DatabaseFault) {
        try undoUnfinishedSwitch()
        let inspection = try Inspection(of: self, mark)
        let isLogSound = !inspection.isLogDamaged && !hasKeptLog
        return try isLogSound ? openDatabase(inspection) : openWithDamagedLog(inspection, mark)
      } catch {
        guard error.isDamage || error.isErrorOfStatement else { throw error }
        notices.give(.damaged, error.message)
        try rebuild(mark)
        let rebuilt = try Inspection(of: self, HighWaterMark(schemaVersion: version, revision: 0))
        return try hasKeptLog ? openWithDamagedLog(rebuilt, mark) : openDatabase(rebuilt)
      }
    } catch {
      throw error.storeError
    }
  }

  /// Rolls back the first start's switch to the write-ahead log where it was interrupted. The inspection cannot, since
  /// it must not write. Nothing was acknowledged by then, and the log is empty or worthless.
  private func undoUnfinishedSwitch() throws(DatabaseFault) {
    guard StateDirectory.exists(directory.journal) else { return }
    _ = try Connection(path: directory.database).integer("SELECT count(*) FROM sqlite_master")
  }

  /// Opens a database that has been found in order, for writing.
  func openDatabase(_ inspection: Inspection) throws(DatabaseFault) -> (RegistrationWriter, SharedNames) {
    do throws(StoreError) {
      try StateDirectory.createFile(directory.database)
      try directory.synchronize()
    } catch {
      throw DatabaseFault(error)
    }
    let connection = try Connection(path: directory.database)
    try connection.useWriteAheadLog()
    progress.begin("migrating the database")
    connection.report(to: progress)
    for migration in try connection.migrate(migrations) where inspection.isInUse {
      notices.give(.migrated, "\(directory.database): migrated: \(migration)")
    }
    connection.report(to: nil)
    let table = try NameTable(connection, "name")
    let copy = try NameTable(connection, "name_copy")
    let names = SharedNames(table.merging(copy))
    let state = try StateRow(connection) ?? StateRow(revision: 0, results: 0)
    let queue = try QueueContents(connection, progress)
    let writer = try RegistrationWriter(connection: connection, names: names, state: state, queued: queue.index)
    writer.raiseSequence(to: queue.highestSequence)
    if !table.agrees(with: copy) {
      notices.give(.damaged, "\(directory.database): one of the two copies of the names was damaged and is renewed")
      try writer.renewNames()
    }
    try setAsideDamagedRows(writer, queue, all: inspection.wasChecked)
    return (writer, names)
  }

  /// Moves rows whose checksum does not hold out of the way: those of the queue, and all others where the whole
  /// database was checked.
  private func setAsideDamagedRows(
    _ writer: RegistrationWriter, _ queue: QueueContents, all: Bool
  ) throws(DatabaseFault) {
    let file = directory.damagedRows
    let entries = queue.damagedEntries.count
    let results: Int
    do throws(DatabaseFault) {
      // The notes of damaged entries are among those that belong to no intact entry.
      try writer.setAside(sequences: queue.damagedEntries, in: .queue, to: file)
      try writer.setAside(sequences: queue.damagedAttempts + queue.strayAttempts, in: .attempt, to: file)
      try writer.renewAttempts(queue.damagedAttempts)
      results = all ? try writer.setAsideDamagedResults(to: file, progress) : 0
    } catch {
      guard error.isUncopied else { throw error }
      notices.give(.damaged, "damaged rows stay where they are and count as absent: \(error.message)")
      return
    }
    if entries > 0 {
      notices.give(.commitsMissing, "\(directory.database): \(entries) queued registrations are damaged")
    }
    if queue.damagedAttempts.count > 0 {
      notices.give(
        .damaged, "\(directory.database): \(queue.damagedAttempts.count) notes of attempts were damaged and are renewed"
      )
    }
    if entries + results > 0 {
      notices.give(.setAside, "\(entries + results) damaged rows were set aside in \(file) and count as absent")
    }
  }
}

extension HighWaterFile.Found {
  /// The last run's mark, where it can be read.
  var mark: HighWaterMark? {
    if case .mark(let mark) = self { mark } else { nil }
  }
}
