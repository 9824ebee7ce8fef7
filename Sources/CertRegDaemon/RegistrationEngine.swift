import CertRegCore
import CertRegHost
import Logging
import NIOCore
import Synchronization

/// Runs the `Registrar`: feeds it events on one event loop, and carries out what it decides.
final class RegistrationEngine: Sendable {
  typealias Completion = @Sendable (_ answer: Registrar.Answer, _ provenance: Provenance) -> Void

  /// Where an answer comes from.
  enum Provenance: Hashable, Sendable {
    /// The result was there before the request came.
    case known
    /// From a registration that this request began, or from nothing where it was refused. `goesOn`: the registration has not
    /// ended with this answer.
    case begun(goesOn: Bool)
    /// From a registration that another request had begun.
    case shared
  }

  private let loop: any EventLoop
  private let bound: NIOLoopBoundBox<EngineLoop>

  /// Takes over what an earlier process left unfinished.
  static func start(
    on loop: any EventLoop, configuration: Registrar.Configuration, targets: [EngineTarget],
    resuming pending: [PendingRegistration], store: any RegistrationStore, cache: ResultCache, calls: UpstreamCalls,
    audit: AuditTrail, activity: Activity, logger: Logger
  ) async throws -> RegistrationEngine {
    let bound = try await loop.submit {
      let engine = EngineLoop(
        loop: loop, registrar: Registrar(configuration: configuration, seed: .random(in: .min ... .max)), store: store,
        cache: cache, calls: calls, audit: audit, activity: activity, logger: logger)
      engine.setTargets(targets)
      engine.resume(pending)
      return NIOLoopBoundBox(engine, eventLoop: loop)
    }.get()
    return RegistrationEngine(loop: loop, bound: bound)
  }

  private init(loop: any EventLoop, bound: NIOLoopBoundBox<EngineLoop>) {
    self.loop = loop
    self.bound = bound
  }

  /// Asks for a registration. `completion` is called once, on the engine's loop.
  func register(_ request: Registrar.Request, refresh: Bool, completion: @escaping Completion) {
    loop.execute { self.bound.value.register(request, refresh: refresh, completion: completion) }
  }

  /// Forgets a result; `completion` gets the store's error, if any.
  func forget(_ key: RegistrationKey, completion: @escaping @Sendable (StoreError?) -> Void) {
    loop.execute { self.bound.value.forget(key, completion: completion) }
  }

  /// What is known of a registration under way.
  func pending(_ key: RegistrationKey, completion: @escaping @Sendable (Registrar.PendingView?) -> Void) {
    loop.execute { completion(self.bound.value.registrar.pending(key, now: SystemClock.monotonic)) }
  }

  /// Calls `listener` for every registration that ends, as long as `isWanted` says so.
  func watch(
    while isWanted: @escaping @Sendable () -> Bool, _ listener: @escaping @Sendable (Registrar.Ending) -> Void
  ) {
    loop.execute { self.bound.value.addWatcher(Watcher(isWanted: isWanted, listener: listener)) }
  }

  /// Figures for `status` and `metrics`.
  func report() -> EventLoopFuture<EngineReport> {
    loop.submit { self.bound.value.report }
  }

  /// Calls `body` on the engine's loop; for the watchdog.
  func onLoop(_ body: @escaping @Sendable () -> Void) {
    loop.execute(body)
  }

  func reconfigure(_ configuration: Registrar.Configuration, targets: [EngineTarget]) async {
    try? await loop.submit {
      self.bound.value.registrar.setConfiguration(configuration)
      self.bound.value.setTargets(targets)
    }.get()
  }

  /// Takes no more requests and waits until nobody waits for an answer, at most for `limit`; then refuses who still waits.
  func drain(limit: Duration) async {
    let promise = loop.makePromise(of: Void.self)
    loop.execute { self.bound.value.drain(promise, limit: limit) }
    try? await promise.futureResult.get()
  }
}

/// Somebody who wants to know of every registration that ends.
struct Watcher: Sendable {
  var isWanted: @Sendable () -> Bool
  var listener: @Sendable (Registrar.Ending) -> Void
}

/// A target as the engine needs it.
struct EngineTarget: Sendable {
  var name: TargetName
  var limits: Pacer.Limits
  var client: any UpstreamClient
}

/// Figures of the engine.
struct EngineReport: Sendable {
  var targets: [(name: TargetName, view: Registrar.TargetView)] = []
  var pending = 0
  var oldestPending: WallTime?
  var created = 0
  var existing = 0
  var failed = 0
  var calls = 0
  var watchers = 0
  /// Why the store took no change last, until it takes one again.
  var storeError: StoreError?
  /// From the request to the end on disk, by outcome.
  var registrationTimes: [String: Histogram] = [:]
  var callTimes: [TargetName: Histogram] = [:]
  var commitTimes = Histogram()
}

/// The engine's state. Touched on its event loop alone.
final class EngineLoop {
  private let loop: any EventLoop
  private let store: any RegistrationStore
  private let cache: ResultCache
  private let calls: UpstreamCalls
  private let audit: AuditTrail
  private let activity: Activity
  private let logger: Logger
  var registrar: Registrar
  private var clients: [TargetName: any UpstreamClient] = [:]
  private var targetNames: [TargetName] = []
  private var completions: [Registrar.WaiterID: Waiting] = [:]
  /// When each registration that this process was asked for began, and when its call did.
  private var beginnings: [RegistrationKey: MonotonicTime] = [:]
  private var callBeginnings: [RegistrationKey: MonotonicTime] = [:]
  private var nextWaiter: Registrar.WaiterID = 1
  private var timer: Scheduled<Void>?
  private var timerDue: MonotonicTime?
  private var counts = EngineReport()
  private var drained: EventLoopPromise<Void>?
  private var watchers: [Watcher] = []
  private let endedCommits = EndedCommits()

  /// A caller that waits for its answer.
  private struct Waiting {
    var completion: RegistrationEngine.Completion
    var key: RegistrationKey
    var isFirst: Bool
  }

  init(
    loop: any EventLoop, registrar: Registrar, store: any RegistrationStore, cache: ResultCache, calls: UpstreamCalls,
    audit: AuditTrail, activity: Activity, logger: Logger
  ) {
    self.loop = loop
    self.registrar = registrar
    self.store = store
    self.cache = cache
    self.calls = calls
    self.audit = audit
    self.activity = activity
    self.logger = logger
  }

  /// The time of an event for the registrar, which gets to know with it whether others go first.
  private func moment() -> Moment {
    let now = SystemClock.moment
    registrar.givesWay = cache.demand.isHigh(at: now.monotonic)
    return now
  }

  func setTargets(_ targets: [EngineTarget]) {
    clients = Dictionary(uniqueKeysWithValues: targets.map { ($0.name, $0.client) })
    targetNames = targets.map(\.name)
    let limits = Dictionary(uniqueKeysWithValues: targets.map { ($0.name, $0.limits) })
    perform(registrar.setTargets(limits, now: moment()))
  }

  func resume(_ pending: [PendingRegistration]) {
    perform(registrar.resume(pending, firstSequence: store.nextSequence, now: moment()))
  }

  func register(_ request: Registrar.Request, refresh: Bool, completion: @escaping RegistrationEngine.Completion) {
    // It may have ended since the caller looked: the answer is in the cache before the flight is gone.
    if !refresh, let known = registration(request.key) {
      if let error = known.objection(namedStatus: request.namedStatus, ifExists: request.ifExists, isRepeat: true) {
        completion(.failed(error), .known)
      } else {
        if known.basis.policyFingerprint != request.basis.policyFingerprint {
          // It was judged anew, under other policies: from now on memory answers it again.
          var renewed = known
          renewed.basis = request.basis
          cache.keep(renewed, replaces: true)
        }
        completion(.registered(known), .known)
      }
      return
    }
    let waiter = nextWaiter
    nextWaiter += 1
    let now = moment()
    let isFirst = !registrar.isUnderWay(request.key)
    completions[waiter] = Waiting(completion: completion, key: request.key, isFirst: isFirst)
    let actions = registrar.register(request, waiter: waiter, now: now)
    if isFirst, registrar.isUnderWay(request.key) { beginnings[request.key] = now.monotonic }
    perform(actions)
  }

  private func registration(_ key: RegistrationKey) -> Registration? {
    cache.known(key.certificateID, target: cache.number(of: key.target), now: SystemClock.wall)
      .map { Registration($0, target: key.target) }
  }

  func forget(_ key: RegistrationKey, completion: @escaping @Sendable (StoreError?) -> Void) {
    cache.forget(key)
    store.commit([.forget(key)]) { [cache, loop] result in
      // Once more, behind what was committed before: that is remembered on the loop, and a thread that read the row before it
      // went may have put it back.
      loop.execute {
        cache.forget(key)
        if case .failure(let error) = result { completion(error) } else { completion(nil) }
      }
    }
  }

  func drain(_ promise: EventLoopPromise<Void>, limit: Duration) {
    drained = promise
    perform(registrar.beginDraining(now: moment()))
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: TimeAmount(limit)) { bound.value.endDraining() }
  }

  private func endDraining() {
    perform(registrar.endDraining())
    drained?.succeed()
    drained = nil
  }

  var report: EngineReport {
    var report = counts
    let now = SystemClock.monotonic
    report.targets = targetNames.compactMap { name in registrar.target(name, now: now).map { (name, $0) } }
    report.pending = registrar.pendingCount
    report.oldestPending = registrar.oldestPending
    report.watchers = watchers.count
    return report
  }

  // MARK: Effects

  private func perform(_ actions: [Registrar.Action]) {
    for action in actions {
      switch action {
      case .commit(let id, let changes): commit(id, changes)
      case .call(let key, let status, let der): call(key, status, der)
      case .remember(let registration): cache.keep(registration, replaces: true)
      case .ended(let key, let ending): ended(key, ending)
      case .answer: break
      }
      cache.demand.giveWay()
    }
    // One after the other: each wakes the socket's loop, unless that has yet to take the one before.
    for case .answer(let waiter, let answer) in actions { self.answer(waiter, answer) }
    arm()
    activity.note()
    if let drained, registrar.isQuiet {
      self.drained = nil
      drained.succeed()
    }
    cache.demand.giveWay()
  }

  private func answer(_ waiter: Registrar.WaiterID, _ answer: Registrar.Answer) {
    guard let waiting = completions.removeValue(forKey: waiter) else { return }
    waiting.completion(answer, waiting.isFirst ? .begun(goesOn: registrar.isUnderWay(waiting.key)) : .shared)
  }

  private func commit(_ id: Registrar.CommitID, _ changes: [StoreChange]) {
    let bound = NIOLoopBound(self, eventLoop: loop)
    let begin = SystemClock.monotonic
    store.commit(changes) { [loop, endedCommits] result in
      if endedCommits.append(EndedCommits.Commit(id: id, changes: changes, begin: begin, result: result)) {
        loop.execute { bound.value.takeEndedCommits() }
      }
    }
  }

  /// Those of one transaction end together: the loop is woken once for all of them.
  private func takeEndedCommits() {
    let now = moment()
    let ended = endedCommits.takeAll()
    var actions: [Registrar.Action] = []
    for commit in ended {
      counts.commitTimes.record(now.monotonic - commit.begin)
      note(commit.result)
      actions += registrar.committed(commit.id, commit.result, now: now)
      cache.demand.giveWay()
    }
    perform(actions)
    // What could not be written down is forgotten, and has no end.
    for commit in ended {
      if case .failure = commit.result { forgetBeginnings(commit.changes) }
    }
  }

  private func forgetBeginnings(_ changes: [StoreChange]) {
    for case .enqueue(let pending) in changes where !registrar.isUnderWay(pending.key) {
      beginnings[pending.key] = nil
    }
  }

  private func note(_ result: Result<Void, StoreError>) {
    switch result {
    case .success:
      guard counts.storeError != nil else { return }
      counts.storeError = nil
      logger.log(.notice, .storeRecovered, "state can be written again")
    case .failure(let error):
      counts.storeError = error
      logger.log(.error, .storeFailed, "\(error.message)")
    }
  }

  private func call(_ key: RegistrationKey, _ status: CertificateStatus?, _ der: [UInt8]) {
    guard let client = clients[key.target] else { return }
    counts.calls += 1
    callBeginnings[key] = SystemClock.monotonic
    let bound = NIOLoopBound(self, eventLoop: loop)
    let call = UpstreamCall(certificateID: key.certificateID, der: der, status: status)
    calls.make(call, on: client) { [loop] reply in
      loop.execute { bound.value.replied(key, reply) }
    }
  }

  private func replied(_ key: RegistrationKey, _ reply: UpstreamReply) {
    let before = registrar.health(of: key.target)
    let now = moment()
    if let begin = callBeginnings.removeValue(forKey: key) {
      counts.callTimes[key.target, default: Histogram()].record(now.monotonic - begin)
    }
    perform(registrar.replied(key, reply, now: now))
    guard let after = registrar.health(of: key.target), after != before else { return }
    let metadata: Logger.Metadata = [LogField.target: "\(key.target)"]
    let said =
      if case .failed(let failure) = reply { ": \(failure.error.reason): \(failure.error.message)" } else { "" }
    switch after {
    case .ok: logger.log(.notice, .upstreamRecovered, "the upstream is well again", metadata)
    case .throttled: logger.log(.notice, .upstreamThrottled, "the upstream throttles\(said)", metadata)
    case .unavailable: logger.log(.warning, .upstreamUnavailable, "the upstream is not available\(said)", metadata)
    case .unauthorized:
      logger.log(.error, .identityRefused, "the upstream refuses the daemon's identity\(said)", metadata)
    }
  }

  private func ended(_ key: RegistrationKey, _ ending: Registrar.Ending) {
    let outcome: String
    switch ending {
    case .registered(let registration):
      outcome = registration.outcome.rawValue
      if registration.outcome == .created { counts.created += 1 } else { counts.existing += 1 }
    case .failed(let failure):
      outcome = "failed"
      counts.failed += 1
      if failure.error.reason == .upstreamMismatch {
        logger.log(
          .error, .upstreamMismatch, "\(failure.error.message)",
          [LogField.certificateID: "\(key.certificateID)", LogField.target: "\(key.target)"])
      }
    }
    let duration = beginnings.removeValue(forKey: key).map { SystemClock.monotonic - $0 }
    if let duration { counts.registrationTimes[outcome, default: Histogram()].record(duration) }
    audit.ended(key, ending, after: duration)
    removeWatchers()
    for watcher in watchers { watcher.listener(ending) }
  }

  func addWatcher(_ watcher: Watcher) {
    removeWatchers()
    watchers.append(watcher)
  }

  /// Those who are gone: looked for before one is added, too, so that they do not pile up while nothing ends.
  private func removeWatchers() {
    watchers.removeAll { !$0.isWanted() }
  }

  private func arm() {
    let due = registrar.nextDeadline
    guard due != timerDue else { return }
    timer?.cancel()
    timer = nil
    timerDue = due
    guard let due else { return }
    let bound = NIOLoopBound(self, eventLoop: loop)
    timer = loop.scheduleTask(deadline: .uptimeNanoseconds(UInt64(max(0, due.nanoseconds)))) {
      let engine = bound.value
      engine.timerDue = nil
      engine.timer = nil
      engine.perform(engine.registrar.timePassed(now: engine.moment()))
    }
  }
}

extension Registration {
  /// A result from the cache.
  init(_ known: ResultCache.Known, target: TargetName) {
    let entry = known.entry
    self.init(
      key: RegistrationKey(certificateID: entry.certificateID, target: target),
      certificateARN: known.arnPrefix + entry.certificateID.hex, outcome: entry.outcome, status: entry.status,
      requestID: nil, finishedAt: WallTime(secondsSinceEpoch: Int64(entry.finishedAt)), basis: known.basis)
  }
}

extension ResultCache.Known {
  /// What the verdict on the certificate depended on.
  var basis: VerdictBasis {
    VerdictBasis(
      notBefore: WallTime(secondsSinceEpoch: Int64(entry.notBefore)),
      notAfter: entry.notAfter == .max
        ? WallTime(millisecondsSinceEpoch: .max) : WallTime(secondsSinceEpoch: Int64(entry.notAfter)),
      policyFingerprint: policyFingerprint)
  }
}

/// Commits that have ended, on their way from the store's thread to the loop.
private final class EndedCommits: Sendable {
  struct Commit: Sendable {
    var id: Registrar.CommitID
    var changes: [StoreChange]
    var begin: MonotonicTime
    var result: Result<Void, StoreError>
  }

  private let commits = Mutex<[Commit]>([])

  /// Adds one; returns whether it is the first since `takeAll`.
  func append(_ commit: Commit) -> Bool {
    commits.withLock { commits in
      commits.append(commit)
      return commits.count == 1
    }
  }

  func takeAll() -> [Commit] {
    commits.withLock { commits in
      defer { commits = [] }
      return commits
    }
  }
}
