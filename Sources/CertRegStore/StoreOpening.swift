import CertRegCore

/// Brings a state directory into a state that the store can work with: the order of the steps, and what is decided on
/// what they find.
///
/// How much is looked at grows with the reason to doubt. The queue, which is small and which nobody else knows, is read
/// in full at every start. Results are verified one by one when they are asked for, so that ten million of them open as
/// fast as none. After a shutdown in order only a small database is checked as a whole; after any other one up to a size
/// that takes a fraction of a second; where there is evidence of damage always, whatever it takes.
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
  static let cleanCheckLimitBytes: Int64 = 8 << 20
  /// The same after any other shutdown.
  static let uncleanCheckLimitBytes: Int64 = 64 << 20

  let directory: StateDirectory
  let notices: NoticeSink

  init(directory: StateDirectory, onNotice: @escaping @Sendable (StoreNotice) -> Void) {
    self.directory = directory
    notices = NoticeSink(onNotice)
  }

  func open() throws(StoreError) -> Opened {
    try directory.create()
    let lock = try DirectoryLock(path: directory.lock)
    let highWater = try HighWaterFile(path: directory.highWater)
    try StateDirectory.createFile(directory.database)
    do throws(DatabaseFault) {
      let (writer, names) = try load()
      return Opened(
        directory: directory, lock: lock, highWater: highWater, notices: notices, names: names, writer: writer)
    } catch {
      throw error.storeError
    }
  }

  /// Opens the database and reads what the writer needs of it.
  private func load() throws(DatabaseFault) -> (RegistrationWriter, SharedNames) {
    let connection = try Connection(path: directory.database)
    try connection.useWriteAheadLog()
    _ = try connection.migrate()
    let names = SharedNames(try NameTable(connection))
    let state = try StateRow(connection)
    let queue = try QueueContents(connection)
    return (
      try RegistrationWriter(connection: connection, names: names, state: state, queued: queue.index), names
    )
  }
}

extension NameTable {
  /// Reads both copies: what one has lost the other still has.
  init(_ connection: Connection) throws(DatabaseFault) {
    self.init()
    for table in ["name", "name_copy"] {
      let statement = try connection.prepare("SELECT * FROM \(table)")
      while try statement.step() {
        if let row = NameRow.read(statement) { add(row.text, number: row.number) }
      }
    }
  }
}

extension StateRow {
  /// - Throws: a fault that is damage where the row cannot be trusted.
  init(_ connection: Connection) throws(DatabaseFault) {
    let statement = try connection.prepare("SELECT * FROM state")
    guard try statement.step() else {
      self.init(revision: 0, results: 0)
      return
    }
    guard let row = StateRow.read(statement) else {
      throw DatabaseFault(extendedCode: 11, message: "\(connection.path): the row of state is damaged")
    }
    self = row
  }
}
