import CertRegClock
import CertRegCore
import CertRegHost
import CertRegTesting
import Logging
import Synchronization
import Testing

@testable import CertRegDaemon

/// The engine without threads, sockets or a clock. Its effects are recorded, and the test ends them.
@Suite struct EngineLoopTests {
  /// Records effects, and delivers their ends.
  private final class Recorder: EngineEffects {
    var commits: [(id: Registrar.CommitID, changes: [StoreChange], begin: MonotonicTime)] = []
    var others: [(changes: [StoreChange], completion: (EngineLoop, Result<Void, StoreError>) -> Void)] = []
    var calls: [RegistrationKey] = []
    var made: [(id: JobID, call: UpstreamCall)] = []
    var wakeAt: MonotonicTime?
    var isPressed = false

    func commit(_ id: Registrar.CommitID, _ changes: [StoreChange], at time: MonotonicTime) {
      commits.append((id, changes, time))
    }

    func commit(
      _ changes: [StoreChange], at time: MonotonicTime,
      completion: @escaping (EngineLoop, Result<Void, StoreError>) -> Void
    ) {
      others.append((changes, completion))
    }

    func call(_ id: JobID, _ call: UpstreamCall) {
      calls.append(id.key)
      made.append((id, call))
    }

    func wake(at time: MonotonicTime?) { wakeAt = time }
    func isPressed(at time: MonotonicTime) -> Bool { isPressed }
    func giveWay() {}
  }

  private struct Missing: Error {}

  private final class Log: Sendable {
    let records = Mutex<[LogRecord]>([])
  }

  /// The answers of the callers.
  private final class Told: Sendable {
    let answers = Mutex<[(Registrar.Answer, RegistrationEngine.Provenance)]>([])

    var outcomes: [String] {
      answers.withLock { answers in
        answers.map { answer, _ in
          switch answer {
          case .registered(let registration): registration.outcome.rawValue
          case .updated(let update): update.status.rawValue
          case .queued: "queued"
          case .failed(let error): error.reason.rawValue
          }
        }
      }
    }
  }

  private static let target = TargetName("default")
  private let clock = ManualClock()
  private let effects = Recorder()
  private let told = Told()
  private let log = Log()
  private let pipeline: LogPipeline
  private let known: KnownResults
  private let engine: EngineLoop

  init() throws {
    let log = log
    pipeline = try LogPipeline(level: .info, clock: .system) { records in log.records.withLock { $0 += records } }
    known = KnownResults(memory: ResultCache(maxEntries: 10), store: MemoryStore(), timeToLive: nil)
    engine = EngineLoop(
      registrar: Registrar(configuration: .init(maxPending: 100, maxAge: nil), seed: 1), known: known,
      clock: clock.clock, audit: AuditTrail(log: pipeline), activity: Activity(), logger: Logger(label: "test"),
      effects: effects)
    engine.reconfigure(
      .init(maxPending: 100, maxAge: nil),
      targets: [
        Self.target: TargetLimits(
          operations: [.registerCertificateWithoutCA: OperationLimits(ratePerSecond: nil, burst: 10)],
          maxConcurrent: 32)
      ])
  }

  private func key(_ number: UInt64) -> RegistrationKey {
    RegistrationKey(certificateID: CertificateID(words: (number, 0, 0, 0)), target: Self.target)
  }

  private func ask(_ number: UInt64, status: CertificateStatus? = nil, refresh: Bool = false) {
    let now = clock.now
    let basis = VerdictBasis(
      notBefore: WallTime(secondsSinceEpoch: 0), notAfter: WallTime(secondsSinceEpoch: 4_000_000_000),
      policyFingerprint: 0)
    let request = Registrar.Request(
      key: key(number), der: [1], basis: basis, namedStatus: status, status: status, ifExists: .return,
      requester: Requester(uid: 1), expectation: .result(deadline: now.monotonic + .seconds(60)), refreshes: refresh)
    engine.register(request) { [told] answer, provenance in
      told.answers.withLock { $0.append((answer, provenance)) }
    }
  }

  /// The last call for a certificate ends.
  private func replied(
    _ number: UInt64, _ reply: UpstreamReply, from location: UpstreamLocation?, signedBy signer: String? = nil
  ) {
    guard let call = effects.made.last(where: { $0.id.key == key(number) }) else {
      Issue.record("no call was made for \(number)")
      return
    }
    engine.replied(call.id, reply, from: location.map { ReplyOrigin(location: $0, signer: signer) })
  }

  /// Ends the commits made so far.
  private func endCommits(_ result: Result<Void, StoreError> = .success(())) {
    let ended = effects.commits.map { EndedCommit(id: $0.id, changes: $0.changes, begin: $0.begin, result: result) }
    effects.commits = []
    engine.committed(ended)
  }

  private func arn(_ number: UInt64) -> String { "arn:" + key(number).certificateID.hex }

  private func events() -> [String] {
    #expect(pipeline.flush(within: .seconds(60)))
    return log.records.withLock { records in
      records.compactMap { record in record.fields.first { $0.name == LogField.event }?.value }
    }
  }

  @Test func `registers, remembers, and answers the next request from memory`() {
    ask(1)
    endCommits()
    #expect(effects.calls == [key(1)])
    replied(1, .registered(certificateARN: arn(1), requestID: nil), from: nil)
    #expect(told.outcomes == [])
    endCommits()
    ask(1)
    #expect(told.outcomes == ["created", "created"])
    #expect(told.answers.withLock { $0.map(\.1) } == [.begun(.end), .known])
    #expect(effects.calls.count == 1 && events() == ["registered"])
  }

  @Test func `missing credentials have one entry in the audit trail`() {
    ask(1)
    endCommits()
    let missing = ServiceError(.unauthorized, reason: "no_credentials", message: "there are no credentials")
    replied(1, .failed(UpstreamFailure(error: missing, disposition: .identity)), from: nil)
    endCommits()
    #expect(told.outcomes == ["no_credentials"])
    #expect(events() == ["registration_failed"])
  }

  @Test func `calls begin in groups under demand, and at once otherwise`() throws {
    effects.isPressed = true
    for number in 1...10 as ClosedRange<UInt64> { ask(number) }
    endCommits()
    #expect(effects.calls.count == 4)
    let turn = try #require(effects.wakeAt)
    clock.advance(by: turn - clock.now.monotonic)
    engine.timePassed()
    #expect(effects.calls.count == 8)
    effects.isPressed = false
    engine.timePassed()
    #expect(effects.calls == (1...10).map { key($0) })
  }

  @Test func `a known status survives a refresh that is answered with 409`() {
    ask(1, status: .active)
    endCommits()
    replied(1, .registered(certificateARN: arn(1), requestID: nil), from: nil)
    endCommits()
    ask(1, status: .inactive, refresh: true)
    endCommits()
    replied(1, .alreadyExists(certificateARN: arn(1), status: nil, requestID: nil), from: nil)
    endCommits()
    #expect(told.outcomes == ["created", "status_differs"])
  }

  @Test func `an endpoint that names one account after the other is believed up to a bound`() {
    let location = UpstreamLocation.endpoint("http://localhost", region: "r")
    known.point([Self.target: location])
    func reply(_ number: UInt64, account: Int) {
      ask(number)
      endCommits()
      let arn = "arn:aws:iot:r:\(account):cert/" + key(number).certificateID.hex
      let isNew = number % 2 == 0
      replied(
        number,
        isNew
          ? .registered(certificateARN: arn, requestID: "r")
          : .alreadyExists(certificateARN: arn, status: nil, requestID: "r"), from: location)
      endCommits()
    }
    for account in 1...TargetHomes.mostAccounts { reply(UInt64(account), account: account) }
    #expect(!told.outcomes.contains("upstream_mismatch"))
    for number in 1001...1002 as ClosedRange<UInt64> { reply(number, account: Int(number)) }
    reply(1003, account: 1)
    #expect(told.outcomes.suffix(3) == ["upstream_mismatch", "upstream_mismatch", "existing"])
    let error = told.answers.withLock { answers in
      answers.compactMap { answer, _ in if case .failed(let error) = answer { error } else { nil } }.first
    }
    #expect(error?.requestID == "r" && error?.origin == .upstream && error?.retryable == false)
    #expect(error?.message.contains("has named \(TargetHomes.mostAccounts) accounts") == true)
  }

  @Test func `a result that was forgotten during its commit is not known`() throws {
    ask(1)
    endCommits()
    replied(1, .registered(certificateARN: arn(1), requestID: nil), from: nil)
    engine.forget(key(1)) { _ in }
    endCommits()
    let forgetting = try #require(effects.others.first)
    #expect(forgetting.changes == [.forget(key(1))])
    forgetting.completion(engine, .success(()))
    #expect(known.memory.count == 0)
  }

  /// A correction of the first certificate's result.
  private func correction(epoch: UInt32) -> EngineLoop.Correction {
    EngineLoop.Correction(key: key(1), registration: nil, home: known.home(of: Self.target), epoch: epoch)
  }

  @Test func `a result is corrected unless it changed, or is about to`() throws {
    ask(1)
    endCommits()
    replied(1, .registered(certificateARN: arn(1), requestID: nil), from: nil)
    endCommits()
    let epoch = known.memory.epochs.current(key(1).certificateID)
    engine.correct(correction(epoch: epoch &+ 1)) { _ in }
    #expect(effects.others.isEmpty && known.memory.count == 1)
    ask(1, refresh: true)
    engine.correct(correction(epoch: epoch)) { _ in }
    #expect(effects.others.isEmpty && known.memory.count == 1)
    endCommits()
    replied(1, .registered(certificateARN: arn(1), requestID: nil), from: nil)
    endCommits()
    engine.correct(correction(epoch: known.memory.epochs.current(key(1).certificateID))) { _ in }
    #expect(try #require(effects.others.first).changes == [.forget(key(1))])
    effects.others[0].completion(engine, .success(()))
    #expect(known.memory.count == 0)
  }

  @Test func `a result is kept where the upstream was that was called, and the queue goes by the target`() throws {
    let first = UpstreamLocation.embedded(region: "a")
    known.point([Self.target: first])
    known.point([Self.target: .embedded(region: "b")])
    ask(1)
    endCommits()
    let arn = "arn:aws:iot:b:111:cert/" + key(1).certificateID.hex
    replied(1, .registered(certificateARN: arn, requestID: nil), from: .embedded(region: "b"))
    let changes = try #require(effects.commits.first?.changes)
    guard case .complete(let id, let registration)? = changes.last else { throw Missing() }
    #expect(changes.count == 1 && id.key == key(1))
    #expect(registration.key == known.home(of: Self.target).storedKey(key(1).certificateID))
    #expect(registration.key != key(1))
    endCommits()
    ask(1)
    known.point([Self.target: first])
    ask(1)
    #expect(told.outcomes == ["created", "created"])
    #expect(effects.commits.count == 1)
  }

  @Test func `a reply to a call that was under way when other keys came does not name the present account`() {
    let place = UpstreamLocation.embedded(region: "a")
    let arn = "arn:aws:iot:a:111:cert/" + key(1).certificateID.hex
    known.point([Self.target: place])
    known.sign(Self.target, at: place, by: "earlier")
    ask(1)
    endCommits()
    known.sign(Self.target, at: place, by: "present")
    replied(1, .registered(certificateARN: arn, requestID: nil), from: place, signedBy: "earlier")
    endCommits()
    // The caller is told how the call ended, and a repeat asks the upstream again.
    #expect(told.outcomes == ["created"] && known.home(of: Self.target).account == nil)
    ask(1)
    #expect(told.outcomes.count == 1 && effects.commits.count == 1)
  }

  @Test func `a request after a reload is not answered by the call to the upstream before it`() {
    let (first, second) = (UpstreamLocation.embedded(region: "a"), UpstreamLocation.embedded(region: "b"))
    known.point([Self.target: first])
    ask(1)
    endCommits()
    known.point([Self.target: second])
    ask(1)
    endCommits()
    #expect(effects.made.count == 1)
    replied(1, .registered(certificateARN: "first", requestID: nil), from: first)
    endCommits()
    // The start of its own call.
    endCommits()
    #expect(told.outcomes == ["created"] && effects.made.count == 2)
    replied(1, .alreadyExists(certificateARN: "second", status: nil, requestID: nil), from: second)
    endCommits()
    #expect(told.outcomes == ["created", "existing"])
  }

  @Test(arguments: ["a", "b"])
  func `a call that an earlier process made elsewhere is not the one that a 409 answers`(region: String) throws {
    let (first, second) = (UpstreamLocation.embedded(region: "a"), UpstreamLocation.embedded(region: "b"))
    known.point([Self.target: first])
    if region == "b" { known.point([Self.target: second]) }
    ask(1)
    guard case .enqueue(var row)? = effects.commits.first?.changes.first else { throw Missing() }
    #expect(row.callStarted && (row.facts.place == nil) == (region == "a"))
    // Another process goes on with that row, after a change of the configuration or without one.
    for moves in [true, false] {
      known.point([Self.target: moves == (region == "a") ? second : first])
      row.sequence += 1
      row.key = key(UInt64(row.sequence))
      engine.resume([row], firstSequence: 100)
      replied(
        UInt64(row.sequence), .alreadyExists(certificateARN: "arn", status: nil, requestID: nil),
        from: known.home(of: Self.target).location)
      guard case .complete(_, let registration)? = effects.commits.last?.changes.last else { throw Missing() }
      #expect(registration.outcome == (moves ? .existing : .created))
    }
  }

  @Test func `a failing disk is reported once, and once more when it recovers`() {
    for _ in 0..<2 {
      ask(1)
      endCommits(.failure(StoreError(.full, message: "no space")))
    }
    #expect(told.outcomes == ["store_full", "store_full"])
    #expect(engine.report.storeError?.code == .full)
    ask(1)
    endCommits()
    #expect(engine.report.storeError == nil)
  }

  @Test func `a drain ends when no caller waits, or when its time is over`() {
    let ends = Mutex(0)
    ask(1)
    endCommits()
    engine.drain { ends.withLock { $0 += 1 } }
    ask(2)
    #expect(told.outcomes == ["draining"] && ends.withLock { $0 } == 0)
    engine.endDraining()
    #expect(told.outcomes == ["draining", "draining"] && ends.withLock { $0 } == 1)
  }
}
