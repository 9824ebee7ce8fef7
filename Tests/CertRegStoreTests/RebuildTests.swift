import CertRegClock
import CertRegCore
import CertRegTesting
import Foundation
import Synchronization
import Testing

@testable import CertRegStore

/// A start that takes long: what it reports, and what becomes of it when it is killed.
@Suite struct RebuildTests {
  private static let count = 9000

  /// A clock that goes on by a second with each reading, so that every pause between reports passes.
  private static func tickingClock() -> HostClock {
    let clock = ManualClock()
    return HostClock(
      monotonic: {
        clock.advance(by: .seconds(1))
        return clock.now.monotonic
      }, wall: { clock.now.wall })
  }

  /// State with thousands of results and a damaged header.
  private static func damagedState() async throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    let store = try SQLiteRegistrationStore(directory)
    for first in stride(from: 0, to: count, by: 500) {
      try await store.commit((first..<first + 500).map { .complete(Sample.registration($0)) })
    }
    try await store.commit(
      [.fail(Sample.failure(count))] + (1...20).map { .enqueue(Sample.pending(count + $0)) })
    store.close()
    try Damage.zeroed(0..<100).apply(to: directory.file("certregd.db"))
    return directory
  }

  private static func expectEverything(in store: SQLiteRegistrationStore) throws {
    #expect(store.registeredCount == count)
    for number in stride(from: 0, to: count, by: 7) {
      #expect(try store.record(for: Sample.key(number)) == .registered(Sample.registration(number)))
    }
    #expect(try store.record(for: Sample.key(count)) == .failed(Sample.failure(count)))
    #expect(try store.pendingRegistrations().map(\.der) == (1...20).map { Sample.pending(count + $0).der })
  }

  /// Opens `directory` and copies it at each report, as a kill would leave it.
  private static func openAndCopy(
    _ directory: TemporaryDirectory
  ) throws -> [(message: String, directory: TemporaryDirectory)] {
    let copies = Mutex<[(message: String, directory: TemporaryDirectory)]>([])
    let store = try SQLiteRegistrationStore(
      directory, clock: tickingClock(),
      onProgress: { progress in
        #expect(progress.allowance == .seconds(60))
        #expect(throws: Never.self) {
          let copy = try directory.copyAsLeftByKill()
          copies.withLock { $0.append((progress.message, copy)) }
        }
      })
    try expectEverything(in: store)
    return copies.withLock { $0 }
  }

  @Test func `reports while it goes on, and a kill at any time costs nothing and no work that was saved`() async throws
  {
    let copies = try RebuildTests.openAndCopy(try await RebuildTests.damagedState())
    for word in ["reading the damaged state", "taking over results"] {
      #expect(copies.contains { $0.message.hasPrefix(word) }, "\(copies.map(\.message))")
    }
    print(copies.map(\.message).joined(separator: "\n"))
    var resumed: [Int] = []
    for (message, copy) in copies {
      let recorder = NoticeRecorder()
      let store = try SQLiteRegistrationStore(copy, recorder)
      try RebuildTests.expectEverything(in: store)
      store.close()
      if recorder.kinds.contains(.salvaged) {
        #expect(
          recorder.notices.contains {
            $0.message.hasPrefix("salvaged \(RebuildTests.count) results, 1 failures and 20 queued registrations")
          })
      }
      let page = recorder.notices.compactMap { $0.message.split(separator: "at page ").last.flatMap { Int($0) } }.first
      #expect(message.hasPrefix("reading the damaged") == (page == nil && message.hasPrefix("reading the damaged")))
      if let page { resumed.append(page) }
      #expect(!copy.contents.contains { $0.hasPrefix("certregd.rebui") || $0 == "certregd.starts" })
    }
    #expect(resumed.count > 1 && resumed == resumed.sorted() && resumed.last ?? 0 > 1, "\(resumed)")
  }

  @Test func `an unfinished rebuild of other files, or a damaged one, is not gone on with`() async throws {
    let copies = try RebuildTests.openAndCopy(try await RebuildTests.damagedState())
    let late = try #require(copies.last { $0.message.hasPrefix("taking over") }).directory
    let unfinished = late.file("certregd.rebuilding")
    #expect(late.contents.contains("certregd.rebuilding"))
    for damage in [Damage.random, .truncated(0.5), .zeroed(0..<4096), .zeroed(4096..<20_000)] {
      let copy = try late.copyAsLeftByKill()
      try damage.apply(to: copy.file("certregd.rebuilding"))
      try? FileManager.default.removeItem(atPath: copy.file("certregd.rebuilding-wal"))
      try RebuildTests.expectEverything(in: try SQLiteRegistrationStore(copy))
    }
    // Another page is damaged, too.
    try Damage.zeroed(3000..<4000).apply(to: late.file("certregd.db"))
    let recorder = NoticeRecorder()
    try RebuildTests.expectEverything(in: try SQLiteRegistrationStore(late, recorder))
    #expect(!recorder.notices.contains { $0.message.hasPrefix("went on") })
    #expect(!FileManager.default.fileExists(atPath: unfinished))
  }

  @Test func `starts that are killed again and again end in a refusal that says what to do, with nothing touched`()
    async throws
  {
    var directory = try await RebuildTests.damagedState()
    for _ in 1...StartCount.limit {
      let copies = try RebuildTests.openAndCopy(directory)
      directory = try #require(copies.first { $0.message.hasPrefix("reading the damaged") }).directory
    }
    let before = try Data(contentsOf: URL(fileURLWithPath: directory.file("certregd.db")))
    for _ in 1...2 {
      let error = #expect(throws: StoreError.self) { try SQLiteRegistrationStore(directory) }
      #expect(error?.code == .startsInterrupted)
      #expect(error?.message.contains("remove \(directory.file("certregd.starts"))") == true)
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: directory.file("certregd.db"))) == before)
    try FileManager.default.removeItem(atPath: directory.file("certregd.starts"))
    try RebuildTests.expectEverything(in: try SQLiteRegistrationStore(directory))
  }

  @Test func `starts that save work are not counted as failures`() async throws {
    let copies = try RebuildTests.openAndCopy(try await RebuildTests.damagedState())
    let counted = copies.map { $0.directory.contents.contains("certregd.starts") }
    #expect(counted.first == true && counted.last == false, "\(counted)")
  }

  @Test func `a start that reports an error is not counted, nor one that succeeds`() throws {
    let directory = try TemporaryDirectory()
    for _ in 0...StartCount.limit { try SQLiteRegistrationStore(directory).close() }
    #expect(!directory.contents.contains("certregd.starts"))
    try FileManager.default.removeItem(atPath: directory.file("certregd.db"))
    try FileManager.default.createDirectory(
      atPath: directory.file("certregd.db"), withIntermediateDirectories: false)
    for _ in 0...StartCount.limit {
      let error = #expect(throws: StoreError.self) { try SQLiteRegistrationStore(directory) }
      #expect(error?.code == .failed)
    }
  }
}

@Suite struct OpeningProgressTests {
  @Test func `says nothing while nothing moves, and then no more often than every five seconds`() {
    let clock = ManualClock()
    let reports = Mutex<[StoreProgress]>([])
    let progress = OpeningProgress(clock: clock.clock) { report in reports.withLock { $0.append(report) } }
    progress.begin("checking results")
    clock.advance(by: .seconds(3600))
    #expect(reports.withLock { $0 } == [])
    for _ in 1...100 { progress.advance() }
    #expect(reports.withLock { $0 } == [StoreProgress(message: "checking results", allowance: .seconds(60))])
    clock.advance(by: .seconds(4))
    for _ in 1...100 { progress.advance() }
    #expect(reports.withLock { $0.count } == 1)
    clock.advance(by: .seconds(1))
    progress.begin("taking over results", pages: 70)
    for page in 1...70 { progress.advance(to: page) }
    #expect(reports.withLock { $0.last?.message } == "taking over results: page 8 of 70")
  }

  @Test func `asks for time by size for a check that cannot be seen from outside`() {
    let reports = Mutex<[Duration]>([])
    let progress = OpeningProgress(clock: ManualClock().clock) { report in
      reports.withLock { $0.append(report.allowance) }
    }
    progress.expectUnseenWork(onBytes: 1 << 20)
    #expect(reports.withLock { $0 } == [])
    progress.expectUnseenWork(onBytes: 1 << 30)
    #expect(reports.withLock { $0 } == [.seconds(60 + 512)])
  }
}
