import CertRegClock
import CertRegCore
import Dispatch
import Foundation
import Glibc
import Synchronization
import Testing

@testable import CertRegStore

@Suite struct StoreTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test func `targets beyond the limit of names are stored, with their ARNs in full`() async throws {
    let directory = try TemporaryDirectory()
    let count = NameTable.limit + 10
    func registration(_ number: Int) -> Registration {
      var registration = Sample.registration(number, target: "target-\(number)")
      registration.certificateARN = "arn:aws:iot:eu-central-1:\(number):cert/\(registration.key.certificateID.hex)"
      return registration
    }
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit((1...count).map { .keep(registration($0), nil) })
    store.close()
    let again = try SQLiteRegistrationStore(directory)
    for number in [1, NameTable.limit / 2 + 1, count] {
      let expected = registration(number)
      #expect(try again.record(for: expected.key) == .registered(expected))
    }
    again.close()
  }

  @Test func `changes that arrive while the disk is busy share a transaction and are reported in order`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    let order = Mutex<[Int]>([])
    let isBlocked = DispatchSemaphore(value: 0)
    let mayGoOn = DispatchSemaphore(value: 0)
    store.commit([.complete(Sample.registration(0))]) { _ in
      isBlocked.signal()
      mayGoOn.wait()
    }
    isBlocked.wait()
    let before = store.transactionCount
    for number in 1...99 {
      store.commit([.complete(Sample.registration(number))]) { _ in order.withLock { $0.append(number) } }
    }
    mayGoOn.signal()
    try await store.commit([.complete(Sample.registration(100))])
    #expect(order.withLock { $0 } == Array(1...99))
    // The last one may have come in time for the group or have had one of its own.
    #expect(store.transactionCount - before <= 2)
    #expect(store.registeredCount == 101)
  }

  @Test(.timeLimit(.minutes(1)))
  func `lets the watchdog onto the commits' thread although changes never stop coming`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    let mayEnd = Atomic(false)
    @Sendable func commitAgain() {
      store.commit([.forget(Sample.key(1))]) { _ in
        // Before the thread looks for what comes next: it never finds nothing.
        if !mayEnd.load(ordering: .relaxed) { commitAgain() }
      }
    }
    commitAgain()
    await withCheckedContinuation { continuation in store.onCommitThread { continuation.resume() } }
    mayEnd.store(true, ordering: .relaxed)
    store.close()
  }

  /// SQLite makes the switch by a rollback journal, which a connection that must not write cannot undo.
  @Test func `a switch to the write-ahead log that was interrupted is undone`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([.complete(Sample.registration(1)), .enqueue(Sample.pending(2))])
    store.close()
    let connection = try Connection(path: directory.file("certregd.db"))
    #expect(try connection.text("PRAGMA journal_mode = DELETE") == "delete")
    try connection.execute("BEGIN IMMEDIATE; UPDATE state SET results = results + 1")
    let left = try directory.copyAsLeftByKill()
    #expect(left.contents.contains("certregd.db-journal"))
    let recorder = NoticeRecorder()
    let reopened = try SQLiteRegistrationStore(left, recorder)
    #expect(recorder.notices == [])
    #expect(try reopened.record(for: Sample.key(1)) == .registered(Sample.registration(1)))
    #expect(try reopened.pendingRegistrations() == [Sample.pending(2)])
    #expect(!left.contents.contains("certregd.db-journal"))
  }

  @Test func `what was acknowledged is there after a kill, and the mark knows it`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    for number in 1...20 {
      try await store.commit([.enqueue(Sample.pending(number)), .markCallStarted(Sample.id(number))])
      let left = try directory.copyAsLeftByKill()
      let recorder = NoticeRecorder()
      let next = try SQLiteRegistrationStore(left, recorder)
      #expect(try next.pendingRegistrations().count == number)
      #expect(recorder.notices == [])
      let mark = try #require(HighWaterFile(path: left.file("certregd.high-water")).found.mark)
      #expect(mark.revision == Int64(2 * number) && !mark.isClean && !mark.isSuspect)
    }
  }

  @Test func `a shutdown in order leaves no log and says so in the mark`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([.complete(Sample.registration(1))])
    store.close()
    #expect(Set(directory.contents) == ["certregd.db", "certregd.lock", "certregd.high-water"])
    #expect(
      HighWaterFile.Found.mark(.init(schemaVersion: Schema.version, revision: 1, isClean: true))
        == (try HighWaterFile(path: directory.file("certregd.high-water")).found))
    await #expect(throws: StoreError.self) { try await store.commit([.complete(Sample.registration(2))]) }
    #expect(throws: StoreError.self) { try store.record(for: Sample.key(1)) }
    #expect(throws: StoreError.self) { try store.pendingRegistrations() }
    store.close()
  }

  @Test func `a directory has one user at a time, who is named`() throws {
    let store = try SQLiteRegistrationStore(directory)
    let error = #expect(throws: StoreError.self) { try SQLiteRegistrationStore(directory) }
    #expect(error?.code == .inUse)
    #expect(error?.message.contains("process \(getpid())") == true)
    store.close()
    #expect(throws: Never.self) { try SQLiteRegistrationStore(directory) }
  }

  @Test func `a store that is let go of gives the directory back`() throws {
    do { _ = try SQLiteRegistrationStore(directory) }
    #expect(throws: Never.self) { try SQLiteRegistrationStore(directory) }
  }

  @Test func `state of a newer version is refused and not touched`() async throws {
    var store = try SQLiteRegistrationStore(directory)
    try await store.commit([.complete(Sample.registration(1))])
    store.close()
    let file = directory.file("certregd.db")
    do {
      let connection = try Connection(path: file)
      try connection.execute("PRAGMA user_version = \(Schema.version + 1); PRAGMA wal_checkpoint(TRUNCATE)")
    }
    let untouched = ["certregd.db", "certregd.high-water"]
    let before = try untouched.map { try Data(contentsOf: URL(fileURLWithPath: directory.file($0))) }
    let error = #expect(throws: StoreError.self) { try SQLiteRegistrationStore(directory) }
    #expect(error?.code == .newerVersion)
    #expect(before == (try untouched.map { try Data(contentsOf: URL(fileURLWithPath: directory.file($0))) }))
    try Connection(path: file).execute("PRAGMA user_version = \(Schema.version)")
    store = try SQLiteRegistrationStore(directory)
    #expect(store.registeredCount == 1)
    store.close()
    try HighWaterFile(path: directory.file("certregd.high-water"))
      .write(HighWaterMark(schemaVersion: Schema.version + 1, revision: 1))
    #expect(throws: StoreError.self) { try SQLiteRegistrationStore(directory) }
  }

  @Test func `a database of another program is refused`() throws {
    try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
    try Connection(path: directory.file("certregd.db")).execute("PRAGMA application_id = 5; CREATE TABLE t (x)")
    let error = #expect(throws: StoreError.self) { try SQLiteRegistrationStore(directory) }
    #expect(error?.code == .failed)
  }

  @Test func `only the daemon's user can read the state, whatever the umask`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit([.complete(Sample.registration(1))])
    var information = stat()
    #expect(stat(directory.path, &information) == 0 && information.st_mode & 0o777 == 0o700)
    for name in directory.contents {
      #expect(stat(directory.file(name), &information) == 0 && information.st_mode & 0o777 == 0o600, "\(name)")
    }
    #expect(directory.contents.contains("certregd.db-wal"))
  }

  @Test func `a place that is no directory is refused with its name and the system's words`() throws {
    let file = directory.path
    try Data().write(to: URL(fileURLWithPath: file))
    let error = #expect(throws: StoreError.self) { try SQLiteRegistrationStore(directory) }
    #expect(error == StoreError(.failed, message: "cannot use the state directory \(file): Not a directory"))
    let missing = #expect(throws: StoreError.self) {
      try SQLiteRegistrationStore(directory: file + "-gone/state", clock: .system, onNotice: { _ in })
    }
    #expect(missing?.message.hasSuffix("No such file or directory") == true)
  }

  @Test func `the log starts over, so that it stays small`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    for number in 1...150 {
      try await store.commit((0..<40).map { .enqueue(Sample.pending(number * 100 + $0)) })
      store.awaitCheckpoint()
    }
    let size = try #require(StateDirectory.size(directory.file("certregd.db-wal")))
    // 6000 entries take some 1500 pages; a log that never starts over would hold twice as many frames.
    #expect(size < 2 * 4120 * Int64(SQLiteRegistrationStore.checkpointFrames))
  }

  @Test func `concurrent readers see every commit that was reported`() async throws {
    let store = try SQLiteRegistrationStore(directory)
    await withTaskGroup(of: Void.self) { group in
      for worker in 0..<8 {
        group.addTask {
          for step in 0..<25 {
            let number = worker * 1000 + step
            do {
              try await store.commit([.enqueue(Sample.pending(number)), .complete(Sample.registration(number))])
              #expect(try store.record(for: Sample.key(number)) == .registered(Sample.registration(number)))
            } catch {
              Issue.record(error)
            }
          }
        }
      }
    }
    #expect(store.registeredCount == 200)
  }
}
