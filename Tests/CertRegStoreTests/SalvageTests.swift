import CertRegCore
import CertRegTesting
import Foundation
import Testing

@testable import CertRegStore

/// What salvage takes for evidence, and what becomes of rows that are none.
@Suite struct SalvageTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func execute(_ sql: String) throws {
    try Connection(path: directory.file("certregd.db")).execute(sql + "; PRAGMA wal_checkpoint(TRUNCATE)")
  }

  /// Makes the next start rebuild the database, with every page as it is.
  private func forceRebuild() throws { try execute("UPDATE state SET results = results + 1 WHERE id = 1") }

  private func linesOfDamagedRows() throws -> [Substring] {
    try String(contentsOfFile: directory.file("certregd.damaged-rows"), encoding: .utf8).split(separator: "\n")
  }

  @Test(arguments: [UInt64.random(in: 1...UInt64.max), 21])
  func `rows in freed pages are no evidence, whatever was queued, ended and forgotten before`(seed: UInt64) async throws
  {
    print("store salvage seed \(seed)")
    var generator = SplitMix64(seed: seed)
    var store = try SQLiteRegistrationStore(directory)
    var model = StoreModel()
    for _ in 0..<4 {
      let first = store.nextSequence
      var changes: [StoreChange] = []
      for number in 0..<60 {
        var entry = Sample.pending(number, size: 1500)
        entry.sequence = first + Int64(number)
        changes += [.enqueue(entry), .markCallStarted(entry.id)]
      }
      // Most end and are forgotten, so that their pages are freed.
      for number in 0..<60 where Int.random(in: 0..<12, using: &generator) > 0 {
        let id = JobID(key: Sample.key(number), sequence: first + Int64(number))
        changes += [.complete(id, Sample.registration(number)), .forget(id.key)]
      }
      for change in changes { try await store.commit([change]) }
      for change in changes { model.apply(change) }
      store.close()
      store = try SQLiteRegistrationStore(directory)
    }
    store.close()
    try forceRebuild()
    let recorder = NoticeRecorder()
    store = try SQLiteRegistrationStore(directory, recorder)
    #expect(recorder.kinds.contains(.salvaged))
    #expect(
      try store.pendingRegistrations() == model.pendingRegistrations, "seed \(seed)")
    #expect(store.registeredCount == 0)
  }

  @Test func `a job that ended where its target pointed later is not done again`() async throws {
    let later = TargetName("\(Sample.key(1).target.rawValue)\nhttp://localhost:8080\n")
    var store = try SQLiteRegistrationStore(directory)
    let rows = (1...4).map { Sample.pending($0) }
    var ended = Sample.registration(1)
    ended.key.target = later
    var failed = Sample.failure(2)
    failed.key.target = later
    // A job that moved leaves a result behind, and goes on.
    var left = Sample.registration(3)
    left.key.target = later
    left.finishedAt = rows[2].enqueuedAt + .seconds(60)
    try await store.commit(rows.map { .enqueue($0) })
    let copy = try directory.copyAsLeftByKill()
    store.close()
    store = try SQLiteRegistrationStore(copy)
    try await store.commit([.complete(rows[0].id, ended), .fail(rows[1].id, failed), .keep(left, nil)])
    store.close()
    // The rows of the queue are there again, as in pages that a disk did not write.
    let before = directory.file("certregd.db")
    try Connection(path: before).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    try Connection(path: copy.file("certregd.db")).execute(
      """
      ATTACH '\(before)' AS before; INSERT OR REPLACE INTO queue SELECT * FROM before.queue; DETACH before;
      UPDATE state SET results = results + 1 WHERE id = 1; PRAGMA wal_checkpoint(TRUNCATE)
      """)
    store = try SQLiteRegistrationStore(copy)
    #expect(try store.pendingRegistrations().map(\.sequence) == [rows[2].sequence, rows[3].sequence])
  }

  @Test func `sequence numbers never restart, be it after a kill or a rebuild`() async throws {
    var store = try SQLiteRegistrationStore(directory)
    #expect(store.nextSequence == 1)
    try await store.commit([.enqueue(Sample.pending(7)), .complete(Sample.registration(7)), .forget(Sample.key(7))])
    #expect(store.nextSequence == 8)
    #expect(try SQLiteRegistrationStore(directory.copyAsLeftByKill()).nextSequence == 8)
    store.close()
    try forceRebuild()
    store = try SQLiteRegistrationStore(directory)
    #expect(store.nextSequence == 8)
  }

  @Test func `sequence numbers of a store that kept no highest one go on above every change`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    for number in 1...5 {
      try await store.commit([.enqueue(Sample.pending(number)), .complete(Sample.registration(number))])
    }
    store.close()
    try execute("DELETE FROM state WHERE id = 2")
    #expect(try SQLiteRegistrationStore(directory).nextSequence > 5)
  }

  @Test func `damaged rows are copied before they are deleted, however many bytes they have`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    for number in 1...8 { try await store.commit([.enqueue(Sample.pending(number, size: 900_000))]) }
    store.close()
    try execute("UPDATE queue SET policies = policies + 1")
    #expect(try SQLiteRegistrationStore(directory).pendingRegistrations() == [])
    #expect(try linesOfDamagedRows().map(\.count).filter { $0 > 1_800_000 }.count == 8)
  }

  @Test func `damaged rows that cannot be copied stay, and the daemon starts`() async throws {
    var store = try SQLiteRegistrationStore(directory)
    try await store.commit([
      .enqueue(Sample.pending(1)), .enqueue(Sample.pending(2)), .complete(Sample.registration(3)),
    ])
    store.close()
    try execute("UPDATE queue SET policies = policies + 1 WHERE sequence = 1; UPDATE result SET policies = 7")
    try FileManager.default.createDirectory(
      atPath: directory.file("certregd.damaged-rows"), withIntermediateDirectories: false)
    let recorder = NoticeRecorder()
    store = try SQLiteRegistrationStore(directory, recorder)
    #expect(recorder.kinds == [.damaged])
    #expect(try store.pendingRegistrations() == [Sample.pending(2)])
    #expect(try store.record(for: Sample.key(3)) == nil)
    store.close()
    let connection = try Connection(path: directory.file("certregd.db"))
    #expect(try connection.integer("SELECT count(*) FROM queue") == 2)
    #expect(try connection.integer("SELECT count(*) FROM result") == 1)
  }

  @Test func `a note of an attempt goes with its entry, and one that is left over goes too`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit((1...3).flatMap { [.enqueue(Sample.pending($0)), .markCallStarted(Sample.id($0))] })
    store.close()
    try execute("UPDATE queue SET policies = policies + 1 WHERE sequence = 1; DELETE FROM queue WHERE sequence = 2")
    let recorder = NoticeRecorder()
    try SQLiteRegistrationStore(directory, recorder).close()
    let connection = try Connection(path: directory.file("certregd.db"))
    #expect(try connection.integer("SELECT sum(sequence) FROM attempt") == 3)
    #expect(try linesOfDamagedRows().map { $0.prefix(8) } == ["queue: 1", "attempt:", "attempt:"])
  }
}
