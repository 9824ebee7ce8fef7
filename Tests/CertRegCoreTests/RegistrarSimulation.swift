import CertRegCore
import CertRegTesting

/// A world for the registrar: a disk that fails, an upstream that lies idle, throttles, loses answers and is used by
/// others, callers with deadlines, reloads that take the target away and bring it back, and crashes. Time is virtual; every
/// choice comes from one seed.
///
/// It checks on the way what must hold whatever happens, and collects what did not in `violations`.
struct RegistrarSimulation {
  /// A way to break the registrar on purpose: what it decides is changed before it is carried out.
  enum Mutant: CaseIterable {
    /// `queued` is answered when the request comes, not when it is on disk.
    case promisesTooEarly
    /// That a call begins is not written down.
    case forgetsToMark
    /// A call is made twice.
    case callsTwice
    /// The result is answered and not written down.
    case forgetsResults
    /// An answer is left out.
    case losesAnswers
    /// What an earlier process left is not taken up.
    case forgetsTheQueue
    /// What goes on with a reload is not carried out.
    case ignoresReloads
    /// A 409 is always somebody else's.
    case disownsItsCalls
  }

  private(set) var violations: [String] = []
  private(set) var answered = 0
  private(set) var crashes = 0

  private static let target = TargetName("default")
  private static let certificates: UInt64 = 12

  private var random: SplitMix64
  private var registrar: Registrar
  private var now = Moment(
    monotonic: MonotonicTime(nanoseconds: 0), wall: WallTime(secondsSinceEpoch: 1_800_000_000))
  // The disk: what survives a crash.
  private var rows: [RegistrationKey: PendingRegistration] = [:]
  private var results: [RegistrationKey: Registration] = [:]
  private var failures: Set<RegistrationKey> = []
  // In flight.
  private var commits: [(id: Registrar.CommitID, changes: [StoreChange])] = []
  private var calls: Set<RegistrationKey> = []
  /// Calls whose process crashed: they may still take effect.
  private var orphans: [RegistrationKey] = []
  // The upstream's register, with who put the certificate there.
  private var registered: [RegistrationKey: Owner] = [:]
  private var isUpstreamWell = true
  private var isDiskWell = true
  private var isTargetConfigured = true
  // Callers.
  private var nextWaiter: Registrar.WaiterID = 1
  private var waiting: [Registrar.WaiterID: (key: RegistrationKey, deadline: MonotonicTime?)] = [:]
  private var promised: Set<RegistrationKey> = []

  private enum Owner { case us, others }

  private let mutant: Mutant?

  init(seed: UInt64, mutant: Mutant? = nil) {
    self.mutant = mutant
    random = SplitMix64(seed: seed)
    registrar = Self.makeRegistrar(seed: seed)
    configure()
  }

  private static let limits = Pacer.Limits(ratePerSecond: 50, burst: 6, maxConcurrent: 3)

  private static func makeRegistrar(seed: UInt64) -> Registrar {
    Registrar(configuration: .init(maxPending: 10, maxAge: nil), seed: seed)
  }

  mutating func run(steps: Int) {
    for _ in 0..<steps { step() }
    settle()
  }

  private mutating func step() {
    if Int.random(in: 0..<10, using: &random) == 0 { registrar.givesWay.toggle() }
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<30: ask()
    case 30..<55: endCommit()
    case 55..<75: endCall()
    case 75..<90: pass(.milliseconds(Int64.random(in: 1...400, using: &random)))
    case 90..<93: isUpstreamWell.toggle()
    case 93..<95: isDiskWell.toggle()
    case 95..<97: forget()
    case 97:
      isTargetConfigured.toggle()
      configure()
    default: if Int.random(in: 0..<4, using: &random) == 0 { crash() }
    }
  }

  private func key(_ number: UInt64) -> RegistrationKey {
    RegistrationKey(certificateID: CertificateID(words: (number, 0, 0, 0)), target: Self.target)
  }

  // MARK: What happens

  /// The registrar gets the targets: of a start, or of a reload.
  private mutating func configure() {
    let actions = registrar.setTargets(isTargetConfigured ? [Self.target: Self.limits] : [:], now: now)
    if mutant != .ignoresReloads { perform(actions) }
  }

  private mutating func ask() {
    let key = key(UInt64.random(in: 0..<Self.certificates, using: &random))
    if registered[key] == nil, Int.random(in: 0..<20, using: &random) == 0 { registered[key] = .others }
    if results[key] != nil { return }  // the cache answers
    let waiter = nextWaiter
    nextWaiter += 1
    let waits = Bool.random(using: &random)
    let deadline = now.monotonic + .milliseconds(Int64.random(in: 1...5000, using: &random))
    waiting[waiter] = (key, waits ? deadline : nil)
    let request = Registrar.Request(
      key: key, der: [1], basis: .anyTime, namedStatus: nil, status: .active, ifExists: .return,
      requester: Requester(uid: 1),
      expectation: waits ? .result(deadline: deadline) : .queued)
    perform(registrar.register(request, waiter: waiter, now: now))
    if mutant == .promisesTooEarly, !waits, waiting[waiter] != nil { perform([.answer(waiter, .queued)]) }
  }

  private mutating func forget() {
    let key = key(UInt64.random(in: 0..<Self.certificates, using: &random))
    guard rows[key] == nil, results.removeValue(forKey: key) != nil else { return }
    // What was forgotten counts as somebody else's from then on.
    registered[key] = .others
  }

  private mutating func pass(_ duration: Duration) {
    now = Moment(monotonic: now.monotonic + duration, wall: now.wall + duration)
    perform(registrar.timePassed(now: now))
    for (waiter, entry) in waiting where entry.deadline.map({ $0 <= now.monotonic }) ?? false {
      violations.append("waiter \(waiter) is past its deadline without an answer")
      waiting[waiter] = nil
    }
  }

  /// The oldest commit ends: they take effect in order.
  private mutating func endCommit() {
    guard !commits.isEmpty else { return }
    let commit = commits.removeFirst()
    if isDiskWell {
      for change in commit.changes { apply(change) }
      perform(registrar.committed(commit.id, .success(()), now: now))
    } else {
      perform(registrar.committed(commit.id, .failure(StoreError(.full, message: "full")), now: now))
    }
  }

  private mutating func apply(_ change: StoreChange) {
    switch change {
    case .enqueue(let row): rows[row.key] = row
    case .markCallStarted(let key): rows[key]?.callStarted = true
    case .noteAttempt: break
    case .noteProgress(let key, let facts): rows[key]?.facts = facts
    case .complete(let registration):
      rows[registration.key] = nil
      results[registration.key] = registration
    case .fail(let failure):
      rows[failure.key] = nil
      failures.insert(failure.key)
    case .forget(let key): results[key] = nil
    }
  }

  private mutating func endCall() {
    if let key = orphans.popLast() {
      if registered[key] == nil { registered[key] = .us }
      return
    }
    guard let key = calls.min(by: { $0.certificateID.words.0 < $1.certificateID.words.0 }) else { return }
    calls.remove(key)
    perform(registrar.replied(key, reply(to: key), now: now))
  }

  private mutating func reply(to key: RegistrationKey) -> UpstreamReply {
    guard isUpstreamWell else { return unavailable(mayHaveTakenEffect: false) }
    switch Int.random(in: 0..<10, using: &random) {
    case 0:
      return .failed(
        UpstreamFailure(
          error: ServiceError(.throttling, reason: "throttled", message: "x", retryable: true),
          disposition: .throttled(retryAfter: nil)))
    case 1:
      // The answer is lost, whether or not the call took effect.
      if Bool.random(using: &random), registered[key] == nil { registered[key] = .us }
      return unavailable(mayHaveTakenEffect: true)
    case 2 where registered[key] == nil && Int.random(in: 0..<5, using: &random) == 0:
      return .failed(
        UpstreamFailure(
          error: ServiceError(.certificateValidation, reason: "no", message: "x"), disposition: .final))
    default:
      if registered[key] != nil { return .alreadyExists(certificateARN: "arn", status: nil, requestID: nil) }
      registered[key] = .us
      return .registered(certificateARN: "arn", requestID: nil)
    }
  }

  private func unavailable(mayHaveTakenEffect: Bool) -> UpstreamReply {
    .failed(
      UpstreamFailure(
        error: ServiceError(.serviceUnavailable, reason: "x", message: "x", retryable: true),
        disposition: .unavailable(retryAfter: nil), mayHaveTakenEffect: mayHaveTakenEffect))
  }

  /// The process dies and starts again: what was not on disk is gone, calls under way may still arrive.
  private mutating func crash() {
    crashes += 1
    orphans += calls
    calls = []
    commits = []
    waiting = [:]
    registrar = Self.makeRegistrar(seed: random.next())
    configure()
    let left = rows.values.sorted { $0.sequence < $1.sequence }
    perform(registrar.resume(mutant == .forgetsTheQueue ? [] : left, now: now))
  }

  // MARK: What is checked

  private mutating func perform(_ decided: [Registrar.Action]) {
    for action in decided.flatMap(mutated) {
      switch action {
      case .commit(let id, let changes): commits.append((id, changes))
      case .call(let key, _, _): check(call: key)
      case .remember(let registration):
        if results[registration.key] != registration, rows[registration.key] != nil {
          violations.append("a result is remembered that is not on disk")
        }
      case .answer(let waiter, let answer): check(answer, of: waiter)
      case .ended(let key, _): promised.remove(key)
      }
    }
  }

  private func mutated(_ action: Registrar.Action) -> [Registrar.Action] {
    switch (mutant, action) {
    case (.forgetsToMark, .commit(let id, let changes)):
      let unmarked = changes.compactMap { change -> StoreChange? in
        switch change {
        case .markCallStarted: return nil
        case .enqueue(var row):
          row.callStarted = false
          return .enqueue(row)
        default: return change
        }
      }
      return [.commit(id, unmarked)]
    case (.forgetsResults, .commit(let id, let changes)):
      return [.commit(id, changes.filter { if case .complete = $0 { false } else { true } })]
    case (.callsTwice, .call): return [action, action]
    case (.losesAnswers, .answer(let waiter, _)) where waiter % 7 == 0: return []
    case (.disownsItsCalls, .answer(let waiter, .registered(var registration))):
      registration.outcome = .existing
      return [.answer(waiter, .registered(registration))]
    default: return [action]
    }
  }

  private mutating func check(call key: RegistrationKey) {
    if !calls.insert(key).inserted { violations.append("two calls for one certificate at once") }
    if !isTargetConfigured { violations.append("a call for a target that is not configured") }
    if rows[key]?.callStarted != true { violations.append("a call that the disk does not know of") }
    if calls.count > Self.limits.maxConcurrent { violations.append("\(calls.count) calls at once") }
  }

  private mutating func check(_ answer: Registrar.Answer, of waiter: Registrar.WaiterID) {
    guard let (key, _) = waiting.removeValue(forKey: waiter) else {
      violations.append("waiter \(waiter) got a second answer, or one after it was gone")
      return
    }
    answered += 1
    switch answer {
    case .queued:
      if rows[key] == nil { violations.append("queued was answered before the disk had it") }
      promised.insert(key)
    case .registered(let registration):
      if rows[key] != nil { violations.append("a success was answered before the disk had it") }
      if registered[key] == nil { violations.append("a success without the certificate in the upstream") }
      if registration.outcome == .existing, registered[key] == .us {
        violations.append("existing for a certificate that we put there")
      }
    case .failed: break
    }
  }

  /// All becomes well; then everything has to end.
  private mutating func settle() {
    isUpstreamWell = true
    isDiskWell = true
    isTargetConfigured = true
    configure()
    for _ in 0..<4000 where !isSettled {
      while !commits.isEmpty { endCommit() }
      while !orphans.isEmpty || !calls.isEmpty { endCall() }
      pass(.milliseconds(100))
    }
    if !isSettled { violations.append("\(registrar.pendingCount) registrations never end") }
    if !waiting.isEmpty { violations.append("\(waiting.count) callers never get an answer") }
    if !rows.isEmpty { violations.append("\(rows.count) rows stay behind") }
    for key in promised where results[key] == nil && !failures.contains(key) && registered[key] == nil {
      violations.append("a promise was broken")
    }
  }

  private var isSettled: Bool {
    registrar.pendingCount == 0 && commits.isEmpty && calls.isEmpty && waiting.isEmpty
  }
}
