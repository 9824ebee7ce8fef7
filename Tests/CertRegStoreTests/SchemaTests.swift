import CertRegClock
import CertRegCore
import Testing

@testable import CertRegStore

/// Databases of earlier versions, and of the next one.
@Suite struct SchemaTests {
  let directory: TemporaryDirectory
  private static let failure = Sample.failure(2)

  init() throws { directory = try TemporaryDirectory() }

  /// A result as version `version` could keep it.
  private static func registration(_ version: Int) -> Registration {
    var registration = version >= 6 ? Sample.device(1) : Sample.registration(1)
    if version >= 2 { registration.requester = Requester(uid: 7, pid: 8, unit: "a.service") }
    return registration
  }

  /// Makes a database as version `version` left it, with a row of everything.
  private func make(version: Int) throws -> [PendingRegistration] {
    try StateDirectory(path: directory.path).create()
    let connection = try Connection(path: directory.file("certregd.db"))
    try connection.useWriteAheadLog()
    _ = try connection.migrate(Schema.migrations.prefix(version))
    // The statements of this version name a table that earlier ones lack.
    if version < 4 { try connection.execute("CREATE TEMP TABLE device (certificate, target, name, checksum)") }
    if version < 7 {
      try connection.execute("CREATE TEMP TABLE shared (certificate, target, stamp, forgotten, number, checksum)")
    }
    let statements = try WriterStatements(connection)
    var entry = Sample.pending(3, size: 8)
    if version >= 2 { entry.requester = Requester(uid: 7, pid: 8, unit: "a.service") }
    if version >= 3 { entry.facts = JobFacts(earlier: EarlierResult(outcome: .existing, status: .revoked)) }
    if version >= 5 {
      entry.purpose = .update
      entry.facts.home = JobHome(location: .aws(region: "eu-central-1"), account: AccountPrefix(arn: Sample.prefix))
    }
    if version >= 6 {
      entry.purpose = .registerNew
      entry.provisioning = Sample.provisioning(3)
    }
    try write(entry, version, to: statements.enqueue)
    for statement in [statements.writeName, statements.writeNameCopy] {
      try NameRow.write("default", number: 1, to: statement)
      try NameRow.write(Sample.prefix, number: 2, to: statement)
    }
    try ResultRow.write(
      SchemaTests.registration(version), sequence: version >= 5 ? 4 : 0, target: 1, prefix: 2,
      to: statements.insertResult)
    try FailureRow.write(SchemaTests.failure, sequence: 2, target: 1, to: statements.writeFailure)
    let state = StateRow(revision: 9, results: 1, highestSequence: 5)
    try state.write(to: statements.writeState)
    if version >= 3 { try state.writeHighestSequence(to: statements.writeState) }
    return [entry]
  }

  /// Writes a row of `queue`. Version 1 had the user alone in it.
  private func write(_ entry: PendingRegistration, _ version: Int, to statement: PreparedStatement) throws {
    guard version == 1 else { return try QueueRow.write(entry, to: statement) }
    var row = RowWriter(statement, .queue)
    row.put(entry.sequence)
    row.put(entry.key.certificateID)
    row.put(entry.key.target.rawValue)
    row.put(entry.status.map { Int64($0.code) })
    row.put(entry.enqueuedAt.millisecondsSinceEpoch)
    row.put(Int64(entry.requester.uid))
    row.put(entry.basis.notBefore.millisecondsSinceEpoch)
    row.put(entry.basis.notAfter.millisecondsSinceEpoch)
    row.put(entry.basis.policyFingerprint)
    row.put(copying: entry.der)
    try row.run()
  }

  @Test(arguments: 1...Schema.migrations.count)
  func `a store of every version opens, is migrated and keeps its data`(version: Int) throws {
    let queued = try make(version: version)
    for start in 1...2 {
      let recorder = NoticeRecorder()
      let store = try SQLiteRegistrationStore(directory, recorder)
      #expect(recorder.notices.count == (start == 1 ? Schema.migrations.count - version : 0))
      #expect(recorder.kinds.isSubset(of: [.migrated]))
      #expect(try store.pendingRegistrations() == queued)
      let registration = SchemaTests.registration(version)
      #expect(try store.record(for: registration.key) == .registered(registration))
      #expect(try store.record(for: SchemaTests.failure.key) == .failed(SchemaTests.failure))
      #expect(store.registeredCount == 1)
      #expect(store.nextSequence == (version >= 3 ? 6 : 10))
      store.close()
    }
  }

  @Test(arguments: 1...Schema.migrations.count)
  func `a version that changes the tables takes over a store of every version before it`(version: Int) throws {
    let queued = try make(version: version)
    let next = Schema.Migration(name: "next", sql: "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT NOT NULL);")
    for start in 1...2 {
      let recorder = NoticeRecorder()
      let opening = StoreOpening(
        directory: StateDirectory(path: directory.path), clock: .system, migrations: Schema.migrations + [next],
        onProgress: { _ in }, onNotice: { recorder.record($0) })
      let opened = try opening.open()
      #expect(recorder.notices.count == (start == 1 ? Schema.migrations.count + 1 - version : 0))
      #expect(recorder.kinds.isSubset(of: [.migrated]))
      #expect(try QueueContents(opened.writer.connection).entries == queued)
      #expect(opened.writer.state.results == 1)
      #expect(opened.highWater.found.mark?.schemaVersion ?? 0 <= Int32(Schema.migrations.count + 1))
    }
    let error = #expect(throws: StoreError.self) { try SQLiteRegistrationStore(directory) }
    #expect(error?.code == .newerVersion)
  }

  @Test func `the tables have to be those of the version that the header names`() throws {
    let added = Schema.Migration(name: "next", sql: "ALTER TABLE result ADD COLUMN thing TEXT;")
    let migrations = Schema.migrations + [added]
    let connection = try Connection(path: ":memory:")
    _ = try connection.migrate()
    try connection.checkSchema(migrations)
    _ = try connection.migrate(migrations)
    try connection.checkSchema(migrations)
    for wrong in [0, migrations.count - 1, migrations.count + 1, -1] {
      try connection.execute("PRAGMA user_version = \(wrong)")
      let fault = #expect(throws: DatabaseFault.self) { try connection.checkSchema(migrations) }
      #expect(fault?.isDamage == true)
    }
  }

  @Test func `a version below 0 counts as none`() throws {
    let connection = try Connection(path: ":memory:")
    try connection.execute("PRAGMA user_version = -1")
    #expect(try connection.migrate().count == Schema.migrations.count)
  }
}
