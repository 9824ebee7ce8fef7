import CertRegCore

/// Brings a state directory into a state that the store can work with: the order of the steps, and what is decided on
/// what they find.
///
/// How much is looked at grows with the reason to doubt. The queue, which is small and which nobody else knows, is read
/// in full at every start. Results are verified one by one when they are asked for, so that ten million of them open as
/// fast as none. After a shutdown in order only a small database is checked as a whole; after any other one up to a size
/// that takes a few milliseconds; where there is evidence of damage always, whatever it takes.
struct StoreOpening {
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
  /// The same after any other shutdown: some 9,000 results, which take less than 20 ms. The start is not to depend on how many
  /// there are.
  static let uncleanCheckLimitBytes: Int64 = 1 << 20

  let directory: StateDirectory
  let notices: NoticeSink
  /// For the names of directories that damaged files are moved to.
  let now: @Sendable () -> WallTime

  init(
    directory: StateDirectory, now: @escaping @Sendable () -> WallTime,
    onNotice: @escaping @Sendable (StoreNotice) -> Void
  ) {
    self.directory = directory
    self.now = now
    notices = NoticeSink(onNotice)
  }

  func open() throws(StoreError) -> Opened {
    try directory.create()
    let lock = try DirectoryLock(path: directory.lock)
    let highWater = try HighWaterFile(path: directory.highWater)
    if highWater.found == .damaged {
      notices.give(.damaged, "\(directory.highWater) is damaged: what it says of the last run is not known")
    }
    let before = highWater.found.mark
    try refuseForeign(before)
    try finishRebuild()
    let mark = before ?? HighWaterMark(schemaVersion: Schema.version, revision: 0)
    // From here on the state is in use, even if this start does not get far.
    var begun = mark
    begun.isClean = false
    try highWater.write(begun)
    try highWater.synchronize()
    let (writer, names) = try load(mark)
    try highWater.write(HighWaterMark(schemaVersion: Schema.version, revision: writer.state.revision))
    try highWater.synchronize()
    return Opened(
      directory: directory, lock: lock, highWater: highWater, notices: notices, names: names, writer: writer)
  }

  /// The last start was interrupted before all that could be read of a damaged log was in the database.
  private var hasKeptLog: Bool { StateDirectory.exists(directory.damagedLog) }

  private func load(_ mark: HighWaterMark) throws(StoreError) -> (RegistrationWriter, SharedNames) {
    do throws(DatabaseFault) {
      let inspection: Inspection
      do throws(DatabaseFault) {
        try undoUnfinishedSwitch()
        inspection = try Inspection(directory, mark)
        if !inspection.isLogDamaged, !hasKeptLog { return try openDatabase(inspection) }
      } catch {
        guard error.isDamage || error.isErrorOfStatement else { throw error }
        notices.give(.damaged, error.message)
        try rebuild(mark)
        let rebuilt = try Inspection(directory, HighWaterMark(schemaVersion: Schema.version, revision: 0))
        return try hasKeptLog ? openWithDamagedLog(rebuilt, mark) : openDatabase(rebuilt)
      }
      return try openWithDamagedLog(inspection, mark)
    } catch {
      throw error.storeError
    }
  }

  /// Rolls back what the first start, or the first after a rebuild, had begun when it was interrupted: the inspection cannot, for it
  /// must not write. Nothing was acknowledged by then, and the log is empty or worthless.
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
    for migration in try connection.migrate() where inspection.isInUse {
      notices.give(.migrated, "\(directory.database): migrated: \(migration)")
    }
    let table = try NameTable(connection, "name")
    let copy = try NameTable(connection, "name_copy")
    let names = SharedNames(table.merging(copy))
    let state = try StateRow(connection) ?? StateRow(revision: 0, results: 0)
    let queue = try QueueContents(connection)
    let writer = try RegistrationWriter(connection: connection, names: names, state: state, queued: queue.index)
    writer.raiseSequence(to: queue.highestSequence)
    if !table.agrees(with: copy) {
      notices.give(.damaged, "\(directory.database): one of the two copies of the names was damaged and is renewed")
      try writer.renewNames()
    }
    try setAsideDamagedRows(writer, queue, all: inspection.wasChecked)
    return (writer, names)
  }

  /// Puts rows whose checksum does not hold out of the way: those of the queue, and all others where the whole database
  /// was worth a look.
  private func setAsideDamagedRows(
    _ writer: RegistrationWriter, _ queue: QueueContents, all: Bool
  ) throws(DatabaseFault) {
    let file = directory.damagedRows
    let entries = queue.damagedEntries.count
    let results: Int
    do throws(DatabaseFault) {
      // With an entry goes what was noted of it; a note without an entry is left over.
      try writer.setAside(sequences: queue.damagedEntries, in: .queue, to: file)
      try writer.setAside(sequences: queue.damagedAttempts + queue.strayAttempts, in: .attempt, to: file)
      try writer.renewAttempts(queue.damagedAttempts)
      results = all ? try writer.setAsideDamagedResults(to: file) : 0
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
  /// What the last run left, where that can be read.
  var mark: HighWaterMark? {
    if case .mark(let mark) = self { mark } else { nil }
  }
}

extension NameTable {
  /// The intact rows of one of the two copies.
  init(_ connection: Connection, _ table: String) throws(DatabaseFault) {
    self.init()
    let statement = try connection.prepare("SELECT * FROM \(table)")
    while try statement.step() {
      if let row = NameRow.read(statement) { add(row.text, number: row.number) }
    }
  }

  func merging(_ other: NameTable) -> NameTable {
    var merged = self
    for (number, text) in other.texts where merged.texts[number] == nil { merged.add(text, number: number) }
    return merged
  }
}

extension StateRow {
  /// `nil` where there is none yet.
  /// - Throws: a fault that is damage where the row cannot be trusted.
  init?(_ connection: Connection) throws(DatabaseFault) {
    guard let found = try connection.prepare("SELECT * FROM state WHERE id = 1").first(StateRow.read) else {
      return nil
    }
    let highest = try connection.prepare("SELECT * FROM state WHERE id = 2").first(StateRow.readHighestSequence)
    guard var row = found, highest != .some(nil) else {
      throw DatabaseFault(damage: "the checksum of a row of state does not hold", path: connection.path)
    }
    // Earlier versions kept no such number: each entry of the queue was a change, and changes were counted.
    row.highestSequence = (highest ?? nil) ?? row.revision
    self = row
  }
}
