import CertRegCore
import CertRegTesting
import Foundation
import Synchronization
import Testing

@testable import CertRegStore

/// Which rows of damaged state count, and which do not.
@Suite struct SalvagedRowTests {
  /// What is damaged: the database's header, or the first frame of the log, so that SQLite drops all of it.
  enum Place: CaseIterable {
    case header
    case log
  }

  /// A copy of the state that `changes` leave, damaged at one place.
  private func damaged(_ place: Place, _ changes: [StoreChange]) async throws -> TemporaryDirectory {
    let original = try TemporaryDirectory()
    var store = try SQLiteRegistrationStore(original)
    try await store.commit([.complete(Sample.registration(1))])
    store.close()
    store = try SQLiteRegistrationStore(original)
    for change in changes { try await store.commit([change]) }
    if place == .header { store.close() }
    let copy = try original.copyAsLeftByKill()
    switch place {
    case .header: try Damage.zeroed(0..<100).apply(to: copy.file("certregd.db"))
    case .log: try Damage.zeroed(60..<70).apply(to: copy.file("certregd.db-wal"))
    }
    return copy
  }

  @Test(arguments: Place.allCases)
  func `what a fleet was told, and has to be told, outlives damage elsewhere`(place: Place) async throws {
    let notes = [
      Sample.key(1): FleetNote(stamp: 10, isForgotten: false, number: 3),
      Sample.key(2): FleetNote(stamp: 20, isForgotten: true, number: 0),
    ]
    let directory = try await damaged(
      place, notes.map { .share($0, $1) } + [.complete(Sample.registration(3)), .complete(Sample.registration(4))])
    let recorder = NoticeRecorder()
    let store = try SQLiteRegistrationStore(directory, recorder)
    let found = try store.fleetNotes(after: nil, limit: 10).map { ($0.key, $0.note) }
    #expect(Dictionary(uniqueKeysWithValues: found) == notes)
    #expect(try store.highestFleetNote() == (3, 20))
    #expect(Set(try store.unsharedKeys(after: nil, limit: 10)) == [Sample.key(3), Sample.key(4)])
    #expect(recorder.kinds.contains(.salvaged))
    if place == .header {
      #expect(recorder.notices.contains { $0.message.hasSuffix("; 0 rows were found damaged") })
    }
  }

  @Test(arguments: Place.allCases)
  func `the failure of a job that left a result stays beside it, unless a later job replaced both`(
    place: Place
  ) async throws {
    var failing = Sample.device(5)
    failing.failure = Sample.failure(5)
    var replaced = Sample.device(6)
    replaced.failure = Sample.failure(6)
    let renewed = Sample.registration(6, at: 100)
    let directory = try await damaged(
      place,
      [
        .complete(replaced), .complete(failing), .complete(JobID(key: renewed.key, sequence: 7), renewed),
        .complete(Sample.registration(8)),
      ])
    let recorder = NoticeRecorder()
    let store = try SQLiteRegistrationStore(directory, recorder)
    #expect(recorder.kinds.contains(.salvaged))
    var expected = Sample.failure(5)
    failing.failure = nil
    expected.registered = failing
    #expect(try store.record(for: failing.key) == .failed(expected))
    #expect(try store.record(for: renewed.key) == .registered(renewed))
  }

  @Test func `a damaged frame does not bring back what a later sound frame has no more`() async throws {
    let original = try TemporaryDirectory()
    var store = try SQLiteRegistrationStore(original)
    try await store.commit([.complete(Sample.registration(1))])
    store.close()
    store = try SQLiteRegistrationStore(original)
    try await store.commit([.complete(Sample.registration(2))])
    try await store.commit([.complete(Sample.registration(3))])
    try await store.commit([.forget(Sample.key(2))])
    try await store.commit([.complete(Sample.registration(4))])
    let left = try original.copyAsLeftByKill()
    let frames = LogScan(try #require(try RawFile(path: left.file("certregd.db-wal")))).frames
    let first = try #require(frames.firstIndex { $0.isCommit })
    for frame in frames[...first] {
      let copy = try left.copyAsLeftByKill()
      // In the middle of the page, which most rows of a small database do not reach.
      let place = frame.offset + Schema.pageSizeBytes / 2
      try Damage.zeroed(place..<place + 64).apply(to: copy.file("certregd.db-wal"))
      let file = try FileHandle(forUpdating: URL(fileURLWithPath: copy.file("certregd.db-wal")))
      try file.seek(toOffset: UInt64(place))
      try file.write(contentsOf: Data([0xff]))
      try file.close()
      let recorder = NoticeRecorder()
      let opened = try SQLiteRegistrationStore(copy, recorder)
      #expect(recorder.kinds.contains(.salvaged))
      #expect(try opened.record(for: Sample.key(2)) == nil, "page \(frame.page)")
      #expect(try opened.record(for: Sample.key(3)) == .registered(Sample.registration(3)))
    }
  }

  @Test func `a row whose key is damaged leads to a rebuild, also beside a damaged log`() async throws {
    let original = try TemporaryDirectory()
    var store = try SQLiteRegistrationStore(original)
    try await store.commit((1...1000).map { .complete(Sample.registration($0)) })
    store.close()
    store = try SQLiteRegistrationStore(original)
    for number in 1001...1003 { try await store.commit([.complete(Sample.registration(number))]) }
    let copy = try original.copyAsLeftByKill()
    try Damage.zeroed(60..<70).apply(to: copy.file("certregd.db-wal"))
    let database = URL(fileURLWithPath: copy.file("certregd.db"))
    var bytes = try Data(contentsOf: database)
    let key = try #require(bytes.range(of: Data(Sample.key(500).certificateID.bytes)))
    bytes[key.lowerBound] ^= 0x80
    try bytes.write(to: database)
    let recorder = NoticeRecorder()
    let opened = try SQLiteRegistrationStore(copy, recorder)
    #expect(recorder.notices.contains { $0.message.contains("a row of result is out of order") })
    for number in 1...1003 where number != 500 {
      #expect(try opened.record(for: Sample.key(number)) == .registered(Sample.registration(number)))
    }
    #expect(opened.registeredCount == 1002)
  }

  @Test func `thousands of failures are taken over in few transactions, with signs of progress`() async throws {
    let original = try TemporaryDirectory()
    let store = try SQLiteRegistrationStore(original)
    for first in stride(from: 1, to: 3000, by: 500) {
      try await store.commit((first..<first + 500).map { .fail(Sample.failure($0)) })
    }
    store.close()
    try Damage.zeroed(0..<100).apply(to: original.file("certregd.db"))
    let clock = ManualClock()
    let ticking = HostClock(
      monotonic: {
        clock.advance(by: .seconds(1))
        return clock.now.monotonic
      }, wall: { clock.now.wall })
    let messages = Mutex<[String]>([])
    let progress = OpeningProgress(clock: ticking) { report in messages.withLock { $0.append(report.message) } }
    let connection = try Connection(path: original.file("new.db"))
    _ = try connection.migrate()
    let writer = try RegistrationWriter(
      connection: connection, names: SharedNames(try NameTable(connection, "name")),
      state: StateRow(revision: 0, results: 0), queued: [:])
    let images = try PageImages(StateDirectory(path: original.path))
    var salvage = Salvage(images, .everything, into: writer, progress)
    #expect(try salvage.run().failures == 3000)
    #expect(writer.transactions <= 3)
    #expect(messages.withLock { $0.contains { $0.hasPrefix("taking over failures") } })
  }
}
