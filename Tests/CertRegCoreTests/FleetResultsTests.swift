import CertRegTesting
import Testing

@testable import CertRegCore

@Suite struct FleetResultsTests {
  private static let key = FleetKey(certificateID: CertificateID(words: (1, 0, 0, 0)), target: "default")
  private static let own = RegistrationKey(certificateID: key.certificateID, target: TargetName("default"))
  private static let content = SharedResult.Content(
    certificateARN: "arn:1", outcome: .existing, status: .active, requestID: "r",
    finishedAt: WallTime(secondsSinceEpoch: 1), basis: .anyTime, deviceID: nil, provisioned: nil)
  private static let job = JobID(key: own, sequence: 1)

  private let clock = ManualClock()

  private func results(_ progress: FleetProgress = FleetProgress(), mostNews: Int = 10) -> FleetResults {
    FleetResults(progress, mostNews: mostNews, pageSize: 2, at: clock.now.monotonic)
  }

  private func joinedMember() -> FleetMember {
    var member = FleetMember(name: "m1", seed: 1, now: clock.now)
    member.start(sentNumber: 0, firstSequence: 1, now: clock.now)
    member.joined(
      FleetWelcome(
        fleetID: "f", isSameState: true, sent: 0, rows: [], claims: [], heard: 1,
        time: clock.now.wall.microsecondsSinceEpoch), now: clock.now)
    return member
  }

  private func other(
    _ stamp: Int64, key: FleetKey = key, content: SharedResult.Content? = content, number: Int64 = FleetNote.ofOthers
  ) -> ResultOfOthers {
    let own = RegistrationKey(certificateID: key.certificateID, target: Self.own.target)
    return ResultOfOthers(
      result: SharedResult(key: key, stamp: stamp, content: content), number: number, key: own, stored: own)
  }

  private func present(_ stamp: Int64, _ content: SharedResult.Content? = content) -> PresentResult {
    PresentResult(
      note: FleetNote(stamp: stamp, isForgotten: false, number: FleetNote.ofOthers), content: content)
  }

  private var registration: Registration {
    Registration(
      key: Self.own, certificateARN: "arn:1", outcome: .existing, status: .active, requestID: "r",
      finishedAt: Self.content.finishedAt, basis: .anyTime)
  }

  private func text(_ adoption: FleetResults.Adoption) -> String {
    switch adoption {
    case .take(let other): "take \(other.number)"
    case .doubt: "doubt"
    case .none: "none"
    }
  }

  private func text(_ action: FleetResults.Action) -> String {
    switch action {
    case .adopt(let other): "adopt \(other.result.stamp) \(other.number)"
    case .compare(let others): "compare \(others.map(\.result.stamp))"
    case .read: "read"
    case .write(let progress): "write \(progress.untoldAfter.map(String.init) ?? "-")"
    }
  }

  private func due(_ results: inout FleetResults, _ member: inout FleetMember) -> [String] {
    results.takeActions(&member, at: clock.now.monotonic).map(text)
  }

  // MARK: Results of this host

  @Test func `a result is told once it is on disk, and its note has the number that the database gave`() {
    var results = results()
    let change = results.note(Self.key, storedAs: Self.own, .result(Self.content), stamp: 5)
    let note = FleetNote(stamp: 5, isForgotten: false, number: 0)
    #expect(change == .share(Self.own, note))
    let isTold = results.noted(Self.key, note, isKept: true)
    #expect(isTold)
    var batch = FleetBatch()
    batch.results = [SharedResult(key: Self.key, stamp: 5, content: nil)]
    #expect(results.fill(&batch).isEmpty)
    #expect(batch.results.map(\.content) == [Self.content])
    // A later result keeps the news.
    #expect(results.told(Self.key, stamp: 4, number: 9) == nil)
    #expect(results.news.count == 1)
    #expect(
      results.told(Self.key, stamp: 5, number: 9)
        == .share(Self.own, FleetNote(stamp: 5, isForgotten: false, number: 9)))
    #expect(results.news.isEmpty)
  }

  @Test func `a result that the disk did not take is not told, and an earlier one that it took is`() {
    var results = results()
    var member = joinedMember()
    _ = results.note(Self.key, storedAs: Self.own, .forgotten, stamp: 5)
    let isTold = results.noted(Self.key, FleetNote(stamp: 5, isForgotten: true, number: 0), isKept: false)
    #expect(!isTold)
    #expect(results.news.isEmpty)
    #expect(due(&results, &member) == ["read"])
  }

  @Test func `a result that the disk takes at the second try is no newer for that`() {
    var results = results()
    let first = results.note(Self.key, storedAs: Self.own, .onDisk, stamp: 5, endOf: Self.job)
    _ = results.noted(Self.key, FleetNote(stamp: 5, isForgotten: false, number: 0), isKept: false)
    #expect(results.note(Self.key, storedAs: Self.own, .onDisk, stamp: 9, endOf: Self.job) == first)
    results.ended(Self.job)
    #expect(results.note(Self.key, storedAs: Self.own, .onDisk, stamp: 9, endOf: Self.job) != first)
  }

  @Test func `results that memory has no room for are read from the disk later`() {
    var results = results(mostNews: 1)
    var member = joinedMember()
    let second = FleetKey(certificateID: CertificateID(words: (2, 0, 0, 0)), target: "default")
    _ = results.note(Self.key, storedAs: Self.own, .onDisk, stamp: 5)
    _ = results.note(second, storedAs: Self.own, .onDisk, stamp: 6)
    #expect(results.news.count == 1)
    #expect(due(&results, &member) == [])
    _ = results.told(Self.key, stamp: 5, number: 1)
    results = self.results(mostNews: 2)
    _ = results.note(Self.key, storedAs: Self.own, .onDisk, stamp: 5)
    results.couldNotRead()
    _ = results.told(Self.key, stamp: 5, number: 1)
    #expect(due(&results, &member) == [])
    clock.advance(by: results.interval)
    #expect(due(&results, &member) == ["write -"])
    _ = results.progress.wrote(results.progress.latest)
    #expect(due(&results, &member) == ["read"])
  }

  @Test func `a batch has no contents of results that are gone, and asks for no further ones while many wait`() {
    var results = results(mostNews: 0)
    results.adopt(other(1))
    var batch = FleetBatch()
    batch.positions = ["m2": 4]
    batch.results = [SharedResult(key: Self.key, stamp: 5, content: nil)]
    #expect(results.fill(&batch).isEmpty)
    #expect(batch.results.isEmpty)
    #expect(batch.positions.isEmpty)
  }

  @Test func `a job that ended with another host's result keeps the stamp, unless it found something else`() {
    var results = results()
    results.answer(Self.job, with: other(7).result, as: registration)
    #expect(
      results.note(answered: Self.job, registration, storedAs: Self.own)
        == .share(Self.own, FleetNote(stamp: 7, isForgotten: false, number: FleetNote.ofOthers)))
    var changed = registration
    changed.status = .inactive
    #expect(results.note(answered: Self.job, changed, storedAs: Self.own) == nil)
    results.ended(Self.job)
    #expect(results.note(answered: Self.job, registration, storedAs: Self.own) == nil)
  }

  // MARK: Results of others

  struct Comparison: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var present: PresentResult?
    var hasJob = false
    var told: SharedResult.Content? = content
    var adoption: String

    init(
      _ name: String, _ present: PresentResult?, hasJob: Bool = false, told: SharedResult.Content? = content,
      _ adoption: String
    ) {
      testDescription = name
      self.present = present
      self.hasJob = hasJob
      self.told = told
      self.adoption = adoption
    }

    static let content = FleetResultsTests.content

    static func with(_ change: (inout SharedResult.Content) -> Void) -> SharedResult.Content {
      var changed = content
      change(&changed)
      return changed
    }

    static func noted(_ stamp: Int64, _ content: SharedResult.Content? = content) -> PresentResult {
      PresentResult(note: FleetNote(stamp: stamp, isForgotten: false, number: 1), content: content)
    }
  }

  @Test(arguments: [
    Comparison("nobody asked this host", PresentResult(note: nil, content: nil), "none"),
    Comparison(
      "a job of this host may end with another result", PresentResult(note: nil, content: nil), hasJob: true, "none"),
    Comparison(
      "a job of this host must know of a revocation", PresentResult(note: nil, content: nil), hasJob: true,
      told: Comparison.with { $0.status = .revoked }, "doubt"),
    Comparison("what the disk has is older", Comparison.noted(9), "take -1"),
    Comparison("a job of this host is under way", Comparison.noted(9), hasJob: true, "none"),
    Comparison("what the disk has is newer", Comparison.noted(11), "none"),
    Comparison("the disk has the same", Comparison.noted(10), "none"),
    Comparison("the database has completed it", Comparison.noted(10, Comparison.with { $0.status = nil }), "take -1"),
    Comparison("it was forgotten", Comparison.noted(9), told: nil, "take -1"),
    Comparison("this host made the call", Comparison.noted(9, Comparison.with { $0.outcome = .created }), "take 0"),
    Comparison(
      "this host knows the ARN", Comparison.noted(9), told: Comparison.with { $0.certificateARN = nil }, "take 0"),
    Comparison("the disk fails", nil, "none"),
  ])
  func `another host's result is compared with the disk`(comparison: Comparison) {
    var results = results()
    var member = joinedMember()
    let other = other(10, content: comparison.told)
    results.adopt(other)
    #expect(due(&results, &member) == ["compare [10]"])
    #expect(!results.hasAdoptedAll)
    let adoption = results.compared(other, with: comparison.present, hasJob: comparison.hasJob)
    #expect(text(adoption) == comparison.adoption)
    let waits = comparison.hasJob || comparison.present == nil
    #expect(results.hasAdoptedAll == !waits)
  }

  @Test func `what came meanwhile is compared in its place`() {
    var results = results()
    results.adopt(other(10))
    results.adopt(other(9))
    results.adopt(other(12))
    #expect(results.unread.map(\.result.stamp) == [10, 12])
    #expect(text(results.compared(other(10), with: present(1), hasJob: false)) == "none")
    #expect(text(results.compared(other(12), with: present(1), hasJob: false)) == "take -1")
    // A result of this host is newer than all of them.
    results.adopt(other(13))
    _ = results.note(Self.key, storedAs: Self.own, .onDisk, stamp: 14)
    #expect(text(results.compared(other(13), with: present(1), hasJob: false)) == "none")
  }

  @Test func `a result waits for the end of a job, and the newest of several is adopted then`() {
    var results = results()
    var member = joinedMember()
    for stamp in [10, 12, 11] as [Int64] {
      results.adopt(other(stamp))
      _ = results.compared(other(stamp), with: present(1), hasJob: true)
    }
    _ = due(&results, &member)
    results.ended(Self.job)
    #expect(due(&results, &member) == ["adopt 12 -1"])
  }

  @Test func `a result waits for an older one that goes to the disk`() {
    var results = results()
    var member = joinedMember()
    #expect(
      results.begin(other(10), registration, telling: Self.content, home: nil)
        == [.keep(registration, nil), .share(Self.own, FleetNote(stamp: 10, isForgotten: false, number: -1))])
    results.adopt(other(11))
    _ = due(&results, &member)
    #expect(text(results.compared(other(11), with: PresentResult(note: nil, content: nil), hasJob: false)) == "none")
    #expect(due(&results, &member) == [])
    results.ended(other(10), isKept: true, hasJob: false)
    #expect(due(&results, &member) == ["adopt 11 -1"])
  }

  @Test func `what the disk did not take is adopted again after a while`() {
    var results = results()
    var member = joinedMember()
    #expect(
      results.begin(other(10, content: nil), nil, telling: nil, home: nil)
        == [.forget(Self.own), .share(Self.own, FleetNote(stamp: 10, isForgotten: true, number: -1))])
    results.ended(other(10, content: nil), isKept: false, hasJob: false)
    #expect(due(&results, &member) == [])
    #expect(!results.hasAdoptedAll)
    clock.advance(by: results.interval)
    #expect(due(&results, &member).contains("adopt 10 -1"))
  }

  @Test func `what memory has no room for is told again, and with it what waits`() {
    var results = results(mostNews: 1)
    var member = joinedMember()
    for stamp in [10, 11] as [Int64] {
      _ = results.begin(other(stamp), registration, telling: Self.content, home: nil)
      results.ended(other(stamp), isKept: false, hasJob: false)
    }
    clock.advance(by: results.interval)
    let actions = due(&results, &member)
    #expect(actions.contains("write 0"))
    // The database may have lost it: the fleet is told of it once it is on disk.
    #expect(actions.contains("adopt 10 0"))
  }

  // MARK: Telling again

  /// Reads pages until there are none, and returns the certificates that are told.
  private func tellAll(
    _ results: inout FleetResults, _ member: inout FleetMember, _ store: MemoryStore
  ) -> [FleetNews] {
    var told: [FleetNews] = []
    while true {
      var isDone = true
      for action in results.takeActions(&member, at: clock.now.monotonic) {
        switch action {
        case .read(let page):
          isDone = false
          let read = page.nextPage(of: store) { FleetKey(certificateID: $0.certificateID, target: "default") }
          store.commit(results.read(read, &member)) { _ in }
          // The next exchange tells it.
          member = joinedMember()
          for (key, news) in results.news {
            told.append(news)
            _ = results.told(key, stamp: news.stamp, number: 1)
          }
        case .write(let progress): _ = results.progress.wrote(progress)
        case .adopt, .compare: break
        }
      }
      if isDone { return told }
    }
  }

  private func store(_ numbers: [Int64?]) -> MemoryStore {
    let store = MemoryStore()
    for (index, number) in numbers.enumerated() {
      var registration = registration
      registration.key.certificateID = CertificateID(words: (UInt64(index) + 1, 0, 0, 0))
      let note = number.map {
        StoreChange.share(registration.key, FleetNote(stamp: Int64(index), isForgotten: false, number: $0))
      }
      store.commit([.keep(registration, nil)] + (note.map { [$0] } ?? [])) { _ in }
    }
    return store
  }

  @Test(arguments: [
    // What was never told: without a note, or with one that has no number.
    (nil as Int64?, 2), (0, 5), (3, 4),
  ])
  func `the disk is told page by page`(after number: Int64?, count: Int) {
    // Without a note, not told, told under 3 and 4, told by others.
    let store = store([nil, 0, 3, 4, FleetNote.ofOthers])
    var progress = FleetProgress()
    progress.untoldAfter = number
    var results = results(progress)
    var member = joinedMember()
    results.start()
    #expect(tellAll(&results, &member, store).count == count)
    #expect(results.progress.latest.untoldAfter == nil)
  }

  @Test func `nothing is told again before the file says so`() throws {
    var results = results()
    var member = joinedMember()
    let first = results.tellAgain(after: 7, member, at: clock.now.monotonic)
    #expect(first?.untoldAfter == 7)
    #expect(due(&results, &member) == [])
    #expect(results.progress.pass(FleetBatch()) == nil)
    // A lower number takes in the one before, a higher one does not end it.
    #expect(results.tellAgain(after: 9, member, at: clock.now.monotonic) == nil)
    #expect(results.tellAgain(after: 2, member, at: clock.now.monotonic) == nil)
    let written = try #require(first)
    let next = try #require(results.progress.wrote(written).next)
    #expect(next.untoldAfter == 2)
    let batch = results.progress.wrote(next).batch
    #expect(batch == FleetBatch())
    #expect(due(&results, &member) == ["read"])
  }

  @Test func `a page that cannot be read is read again`() {
    let store = store([0])
    var results = results()
    var member = joinedMember()
    results.start()
    store.setFault(StoreError(.failed, message: "I/O error"))
    guard case .read(let page)? = results.takeActions(&member, at: clock.now.monotonic).first else {
      Issue.record("no page is read")
      return
    }
    let read = page.nextPage(of: store) { _ in Self.key }
    #expect(read.fault != nil)
    #expect(results.read(read, &member).isEmpty)
    store.setFault(nil)
    #expect(tellAll(&results, &member, store).count == 1)
  }

  @Test func `all is told once more if results of others were on their way to the disk`() {
    let store = store([1])
    var results = results()
    var member = joinedMember()
    _ = results.begin(other(10), registration, telling: Self.content, home: nil)
    _ = results.tellAgain(after: 0, member, at: clock.now.monotonic).map { results.progress.wrote($0) }
    #expect(tellAll(&results, &member, store).count == 1)
    #expect(results.progress.latest.untoldAfter == 0)
    results.ended(other(10), isKept: true, hasJob: false)
    #expect(tellAll(&results, &member, store).count == 1)
    #expect(results.progress.latest.untoldAfter == nil)
  }

  // MARK: The file

  @Test func `positions are written once what lay before them is on disk`() {
    var results = results()
    var member = joinedMember()
    member.positions = ["m2": 3]
    #expect(results.note(member, at: clock.now.monotonic)?.positions == [:])
    #expect(results.progress.wrote(results.progress.latest).next == nil)
    #expect(results.note(member, at: clock.now.monotonic)?.positions == ["m2": 3])
    member.positions = ["m2": 4]
    results.adopt(other(10))
    _ = results.note(member, at: clock.now.monotonic)
    _ = results.note(member, at: clock.now.monotonic)
    #expect(results.progress.latest.positions == ["m2": 3])
    // Positions in another database mean nothing.
    member.fleetID = "g"
    _ = results.note(member, at: clock.now.monotonic)
    #expect(results.progress.latest.positions == [:])
  }

  @Test func `a file that cannot be written keeps nobody out of the fleet`() {
    var writer = FleetProgressWriter(FleetProgress())
    var progress = FleetProgress()
    progress.untoldAfter = 0
    #expect(writer.write(progress) == progress)
    #expect(writer.write(progress) == nil)
    #expect(writer.pass(FleetBatch()) == nil)
    #expect(writer.failed() == FleetBatch())
    #expect(writer.pass(FleetBatch()) == FleetBatch())
    #expect(writer.retry() == progress)
    let (next, batch) = writer.wrote(progress)
    #expect(next == nil && batch == nil)
  }
}
