import CertRegCore
import Dispatch
import Testing

@testable import CertRegStore

/// Rows that are found damaged while the store is in use.
@Suite struct DamageInUseTests {
  /// Holds the thread of the commits while `body` runs.
  private func whileCommitsWait(_ store: SQLiteRegistrationStore, _ body: () throws -> Void) throws {
    let (isHeld, gate) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    store.onCommitThread {
      isHeld.signal()
      gate.wait()
    }
    // Until then the commit before may still look for the next one.
    isHeld.wait()
    defer { gate.signal() }
    try body()
  }

  /// A store whose rows 4 and 5 of `table` are damaged, with an intact result 6.
  private func store(
    in directory: TemporaryDirectory, _ recorder: NoticeRecorder, damagedIn table: Table
  ) async throws -> SQLiteRegistrationStore {
    let store = try SQLiteRegistrationStore(directory, recorder)
    let deviceID = try #require(Sample.deviceID)
    for number in 4...5 {
      switch table {
      case .failure: try await store.commit([.fail(Sample.failure(number))])
      case .device:
        try await store.commit([.complete(Sample.registration(number)), .nameDevice(Sample.key(number), deviceID)])
      default: try await store.commit([.complete(Sample.registration(number))])
      }
    }
    let column = [.failure: "attempts = attempts + 1", .device: "name = 'x'"][table] ?? "policies = policies + 1"
    try Connection(path: directory.file("certregd.db")).execute("UPDATE \(table.sqlName) SET \(column)")
    return store
  }

  @Test(arguments: [Table.result, .failure, .device])
  func `two look-ups of one damaged row set it aside once and report no further damage`(table: Table) async throws {
    let directory = try TemporaryDirectory()
    let recorder = NoticeRecorder()
    let store = try await store(in: directory, recorder, damagedIn: table)
    try whileCommitsWait(store) {
      for _ in 1...3 { _ = try store.record(for: Sample.key(4)) }
    }
    try await store.commit([.complete(Sample.registration(6))])
    #expect(recorder.notices.count == 1)
    #expect(recorder.notices.first?.message.contains("a damaged row of \(table.sqlName) was set aside") == true)
    store.close()
    #expect(try HighWaterFile(path: directory.file("certregd.high-water")).found.mark?.isSuspect == false)
  }

  @Test func `a row that was replaced since the look-up stays`() async throws {
    let directory = try TemporaryDirectory()
    let recorder = NoticeRecorder()
    let store = try await store(in: directory, recorder, damagedIn: .result)
    let renewed = Sample.registration(4, at: 100, outcome: .existing)
    try whileCommitsWait(store) {
      store.commit([.complete(JobID(key: renewed.key, sequence: 9), renewed)]) { _ in }
      let found = try store.record(for: renewed.key)
      #expect(found == nil)
    }
    try await store.commit([.complete(Sample.registration(6))])
    #expect(try store.record(for: renewed.key) == .registered(renewed))
    #expect(recorder.notices == [])
    #expect(store.registeredCount == 3)
  }
}
