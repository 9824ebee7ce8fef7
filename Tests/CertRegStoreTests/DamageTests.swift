import CertRegCore
import Foundation
import Testing

@testable import CertRegStore

/// What a disk, or a person, can do to the files.
enum Damage: CustomTestStringConvertible, Sendable {
  case random
  case truncated(Double)
  case zeroed(Range<Int>)
  case removed
  case bits(Int, seed: UInt64)

  var testDescription: String {
    switch self {
    case .random: "random bytes"
    case .truncated(let part): "truncated to \(part)"
    case .zeroed(let range): "zeros in \(range)"
    case .removed: "removed"
    case .bits(let count, let seed): "\(count) flipped bits, seed \(seed)"
    }
  }

  func apply(to file: String) throws {
    let url = URL(fileURLWithPath: file)
    var bytes = [UInt8](try Data(contentsOf: url))
    switch self {
    case .random:
      var generator = SplitMix64(seed: 7)
      bytes = generator.bytes(bytes.count)
    case .truncated(let part): bytes.removeLast(bytes.count - Int(Double(bytes.count) * part))
    case .zeroed(let range): for offset in range.clamped(to: bytes.indices) { bytes[offset] = 0 }
    case .removed:
      try FileManager.default.removeItem(at: url)
      return
    case .bits(let count, let seed):
      var generator = SplitMix64(seed: seed)
      for _ in 0..<count {
        let offset = Int.random(in: bytes.indices, using: &generator)
        bytes[offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      }
    }
    try Data(bytes).write(to: url)
  }

  static let whole: [Damage] =
    [.random, .removed, .truncated(0), .truncated(0.01), .truncated(0.6), .truncated(0.95), .zeroed(0..<100)]
    + [.zeroed(0..<4096), .zeroed(8192..<20_000), .zeroed(0..<Int.max)]
  static let bits: [Damage] = (1...12).map { .bits(64, seed: $0) } + (1...24).map { .bits(1, seed: 100 + $0) }
}

/// The files and contents of ``DamagedState``. They are the same for each kind of damage, and take longer to write than
/// the damaged ones to check.
private struct WrittenState: Sendable {
  static let killed = Task { try await WrittenState(clean: false) }
  static let closed = Task { try await WrittenState(clean: true) }

  let files: [String: Data]
  let results: [Registration]
  let queued: [PendingRegistration]
  let notes: [RegistrationKey: FleetNote]

  private init(clean: Bool) async throws {
    let original = try TemporaryDirectory()
    let results = (1...150).map { $0.isMultiple(of: 3) ? Sample.device($0) : Sample.registration($0) }
    var generator = SplitMix64(seed: 3)
    var queued = (501...540).map { Sample.pending($0, size: $0 == 503 ? 9000 : 700) }
    for index in queued.indices where index.isMultiple(of: 2) { queued[index].facts = Sample.facts(&generator) }
    for index in queued.indices where index % 8 == 1 { queued[index].provisioning = Sample.provisioning(index) }
    let advanced = JobFacts(earlier: EarlierResult(outcome: .existing, status: .revoked), completedSteps: 9)
    var store = try SQLiteRegistrationStore(original)
    for batch in [results[..<100]] { try await store.commit(batch.map { .complete($0) }) }
    var notes: [RegistrationKey: FleetNote] = [:]
    for number in 1...60 as ClosedRange<Int64> {
      notes[Sample.key(Int(number) + 60)] = FleetNote(stamp: number, isForgotten: number > 40, number: number % 9)
    }
    try await store.commit(notes.map { .share($0, $1) })
    for entry in queued[..<20] { try await store.commit([.enqueue(entry)]) }
    try await store.commit([.fail(Sample.failure(901)), .markCallStarted(queued[0].id)])
    store.close()
    store = try SQLiteRegistrationStore(original)
    for entry in queued[20...] { try await store.commit([.enqueue(entry)]) }
    for index in [1, 30] {
      try await store.commit([.noteProgress(queued[index].id, advanced)])
      queued[index].facts = advanced
    }
    for result in results[100...] { try await store.commit([.complete(result)]) }
    if clean { store.close() }
    let left = try original.copyAsLeftByKill()
    files = try Dictionary(
      uniqueKeysWithValues: left.contents.map { ($0, try Data(contentsOf: URL(fileURLWithPath: left.file($0)))) })
    self.results = results
    self.queued = queued
    self.notes = notes
  }
}

/// State with something of everything, half of it in the log, as a process leaves it that is killed.
struct DamagedState {
  let directory: TemporaryDirectory
  let results: [Registration]
  let queued: [PendingRegistration]
  /// What a fleet was told, and what it still has to be told.
  let notes: [RegistrationKey: FleetNote]

  init(clean: Bool = false) async throws {
    let written = try await (clean ? WrittenState.closed : WrittenState.killed).value
    directory = try TemporaryDirectory()
    try StateDirectory(path: directory.path).create()
    for (name, content) in written.files { try content.write(to: URL(fileURLWithPath: directory.file(name))) }
    results = written.results
    queued = written.queued
    notes = written.notes
  }

  /// Opens the damaged state and checks the promises: no wrong answer, no silent loss, and a store that works.
  func check() async throws {
    let hasFiles = directory.contents.contains { $0.hasPrefix("certregd.db") }
    let recorder = NoticeRecorder()
    let store: SQLiteRegistrationStore
    do throws(StoreError) {
      store = try SQLiteRegistrationStore(directory, recorder)
    } catch {
      // A flipped bit can make a header look like a newer version's: then a person must look.
      #expect(error.code == .newerVersion)
      return
    }
    let pending = try store.pendingRegistrations()
    for entry in pending {
      let original = try #require(queued.first { $0.sequence == entry.sequence })
      #expect(entry.key == original.key && entry.der == original.der && entry.basis == original.basis)
      #expect(entry.status == original.status && entry.enqueuedAt == original.enqueuedAt)
      #expect(entry.provisioning == original.provisioning)
    }
    for (key, note) in try store.fleetNotes(after: nil, limit: 100) { #expect(notes[key] == note) }
    var missing = 0
    for result in results {
      switch try store.record(for: result.key) {
      case .registered(let found): #expect(found == result)
      case .failed: Issue.record("a failure that never was")
      case nil: missing += 1
      }
    }
    let lost = queued.count - pending.count
    if lost + missing > 0 {
      let said = recorder.kinds.intersection([.damaged, .commitsMissing, .setAside])
      #expect(!said.isEmpty, "\(lost) and \(missing) lost in silence")
    }
    if lost > 0, hasFiles {
      #expect(directory.contents.contains { $0.contains("damaged") }, "\(lost) lost and nothing set aside")
    }
    // A call may have been made for whatever was in doubt.
    if recorder.kinds.contains(.salvaged) { #expect(pending.allSatisfy { $0.callStarted }) }
    let new = Sample.registration(1000)
    try await store.commit([.complete(new), .complete(results[0])])
    store.close()
    let second = NoticeRecorder()
    let reopened = try SQLiteRegistrationStore(directory, second)
    #expect(second.notices == [], "damage is found once")
    #expect(try reopened.record(for: new.key) == .registered(new))
    #expect(try reopened.pendingRegistrations() == pending)
    var count = 1
    for result in results where try reopened.record(for: result.key) != nil { count += 1 }
    #expect(reopened.registeredCount == count)
  }
}

@Suite struct DamageTests {
  @Test func `undamaged state opens without a word and with everything`() async throws {
    for clean in [true, false] {
      let state = try await DamagedState(clean: clean)
      let recorder = NoticeRecorder()
      let store = try SQLiteRegistrationStore(state.directory, recorder)
      #expect(recorder.notices == [])
      #expect(try store.pendingRegistrations().map(\.sequence) == state.queued.map(\.sequence))
      for result in state.results { #expect(try store.record(for: result.key) == .registered(result)) }
      #expect(store.registeredCount == state.results.count)
    }
  }

  @Test(arguments: Damage.whole + Damage.bits)
  func `survives damage to the database, after a kill`(_ damage: Damage) async throws {
    let state = try await DamagedState()
    try damage.apply(to: state.directory.file("certregd.db"))
    try await state.check()
  }

  @Test(arguments: Damage.whole + Damage.bits)
  func `survives damage to the database, after a shutdown in order`(_ damage: Damage) async throws {
    let state = try await DamagedState(clean: true)
    try damage.apply(to: state.directory.file("certregd.db"))
    try await state.check()
  }

  @Test(arguments: Damage.whole + Damage.bits)
  func `survives damage to the log`(_ damage: Damage) async throws {
    let state = try await DamagedState()
    try damage.apply(to: state.directory.file("certregd.db-wal"))
    try await state.check()
  }

  @Test(arguments: [Damage.random, .removed, .truncated(0.5), .bits(1, seed: 3)])
  func `survives damage to the mark`(_ damage: Damage) async throws {
    let state = try await DamagedState()
    try damage.apply(to: state.directory.file("certregd.high-water"))
    try await state.check()
  }

  @Test func `loses nothing of what is still readable when the header is zeroed`() async throws {
    let state = try await DamagedState(clean: true)
    try Damage.zeroed(0..<100).apply(to: state.directory.file("certregd.db"))
    let store = try SQLiteRegistrationStore(state.directory)
    #expect(try store.pendingRegistrations().map(\.der) == state.queued.map(\.der))
    #expect(try store.pendingRegistrations().map(\.facts) == state.queued.map(\.facts))
    #expect(try store.pendingRegistrations().map(\.provisioning) == state.queued.map(\.provisioning))
    for result in state.results { #expect(try store.record(for: result.key) == .registered(result)) }
    #expect(try store.record(for: Sample.key(901)) == .failed(Sample.failure(901)))
    for (key, note) in state.notes { #expect(try store.fleetNote(of: key) == note) }
  }

  @Test func `takes over what stands behind a damaged frame of the log`() async throws {
    let state = try await DamagedState()
    // The first frame's page: SQLite drops the whole log for it.
    try Damage.zeroed(60..<70).apply(to: state.directory.file("certregd.db-wal"))
    let recorder = NoticeRecorder()
    let store = try SQLiteRegistrationStore(state.directory, recorder)
    #expect(recorder.kinds.contains(.commitsMissing) && recorder.kinds.contains(.setAside))
    #expect(recorder.notices.contains { $0.message.hasPrefix("72 committed changes are missing") })
    #expect(try store.pendingRegistrations().map(\.der) == state.queued.map(\.der))
    #expect(try store.pendingRegistrations().map(\.facts) == state.queued.map(\.facts))
    #expect(try store.pendingRegistrations().map(\.provisioning) == state.queued.map(\.provisioning))
    for result in state.results { #expect(try store.record(for: result.key) == .registered(result)) }
  }

  @Test func `jobs of one certificate that ended behind a damaged frame do not run again`() async throws {
    let original = try TemporaryDirectory()
    var jobs = [Sample.pending(7), Sample.pending(7), Sample.pending(7)]
    for index in jobs.indices { jobs[index].sequence = Int64(index + 1) }
    var store = try SQLiteRegistrationStore(original)
    try await store.commit(jobs.map { .enqueue($0) })
    store.close()
    store = try SQLiteRegistrationStore(original)
    for index in 0..<2 {
      try await store.commit([.complete(jobs[index].id, Sample.registration(7, at: 100 + index))])
    }
    let directory = try original.copyAsLeftByKill()
    store.close()
    try Damage.zeroed(60..<70).apply(to: directory.file("certregd.db-wal"))
    let reopened = try SQLiteRegistrationStore(directory, NoticeRecorder())
    #expect(try reopened.pendingRegistrations().map(\.sequence) == [3])
    #expect(reopened.registeredCount == 1)
  }

  @Test func `rows that have gone bad are set aside at the start`() async throws {
    let directory = try TemporaryDirectory()
    let store = try SQLiteRegistrationStore(directory)
    try await store.commit((1...3).map { .complete(Sample.registration($0)) } + [.enqueue(Sample.pending(7))])
    store.close()
    try Connection(path: directory.file("certregd.db"))
      .execute("UPDATE result SET finished_at = finished_at + 1; UPDATE queue SET requester = 0")
    let recorder = NoticeRecorder()
    let opened = try SQLiteRegistrationStore(directory, recorder)
    #expect(recorder.kinds == [.commitsMissing, .setAside])
    #expect(opened.registeredCount == 0)
    #expect(try opened.pendingRegistrations() == [])
    let contents = try String(contentsOfFile: directory.file("certregd.damaged-rows"), encoding: .utf8)
    #expect(contents.split(separator: "\n").map { $0.prefix(6) } == ["queue:", "result", "result", "result"])
  }

  @Test func `a row that goes bad in use is absent, said and set aside`() async throws {
    let directory = try TemporaryDirectory()
    let recorder = NoticeRecorder()
    let store = try SQLiteRegistrationStore(directory, recorder)
    try await store.commit((4...5).map { .complete(Sample.registration($0)) })
    try Connection(path: directory.file("certregd.db")).execute("UPDATE result SET policies = policies + 1")
    #expect(try store.record(for: Sample.key(4)) == nil)
    // Behind this commit the row is gone.
    try await store.commit([.complete(Sample.registration(6))])
    #expect(try store.record(for: Sample.key(4)) == nil)
    #expect(recorder.notices.map(\.kind) == [.damaged])
    #expect(recorder.notices.first?.message.contains("was set aside in") == true)
    #expect(store.registeredCount == 2)
  }

  @Test func `finishes a rebuild that was interrupted`() async throws {
    let state = try await DamagedState(clean: true)
    let files = FileManager.default
    try files.moveItem(
      atPath: state.directory.file("certregd.db"), toPath: state.directory.file("certregd.rebuilt"))
    try Data("half".utf8).write(to: URL(fileURLWithPath: state.directory.file("certregd.rebuilding")))
    let store = try SQLiteRegistrationStore(state.directory)
    #expect(try store.pendingRegistrations().count == state.queued.count)
    #expect(!state.directory.contents.contains { $0.hasPrefix("certregd.rebui") })
  }
}
