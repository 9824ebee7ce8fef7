import CertRegCore
import CertRegHost
import Logging

/// Runs the registrar: feeds it events, and has the effects carry out what it decides. It is touched on one thread
/// alone, and knows of no thread, clock or socket itself.
final class EngineLoop {
  /// A caller that waits for its answer.
  private struct Waiting {
    var completion: RegistrationEngine.Completion
    /// Whether its request began the registration.
    var isFirst: Bool
  }

  let clock: HostClock
  let known: KnownResults
  private let audit: AuditTrail
  private let activity: Activity
  private let logger: Logger
  private let effects: any EngineEffects
  /// Other hosts of the same account; `nil`: there are none.
  let fleet: FleetLoop?
  var registrar: Registrar
  private(set) var figures = EngineFigures()
  private var calls: HeldCalls
  private var completions: [Registrar.WaiterID: Waiting] = [:]
  private var nextWaiter: Registrar.WaiterID = 1
  private var listener: (@Sendable (Ending) -> Void)?
  private var drained: (@Sendable () -> Void)?

  init(
    registrar: Registrar, known: KnownResults, clock: HostClock, audit: AuditTrail, activity: Activity, logger: Logger,
    effects: any EngineEffects, fleet: FleetLoop? = nil
  ) {
    self.fleet = fleet
    self.registrar = registrar
    self.known = known
    self.clock = clock
    self.audit = audit
    self.activity = activity
    self.logger = logger
    self.effects = effects
    calls = HeldCalls(now: clock.monotonic)
  }

  // MARK: What others ask for

  func reconfigure(_ configuration: Registrar.Configuration, targets: [TargetName: TargetLimits]) {
    registrar.setConfiguration(configuration)
    setTargets(targets)
  }

  func setTargets(_ targets: [TargetName: TargetLimits]) {
    figures.targets = targets.keys.sorted { $0.rawValue < $1.rawValue }
    let locations = targets.keys.compactMap { name in known.home(of: name).location.map { (name, $0) } }
    perform(
      registrar.setTargets(targets, at: Dictionary(uniqueKeysWithValues: locations), now: clock.now))
  }

  /// - Parameter asksFleet: Whether the fleet has not been asked yet.
  func register(
    _ request: Registrar.Request, asksFleet: Bool = true, completion: @escaping RegistrationEngine.Completion
  ) {
    var request = request
    let now = clock.now
    let wish = KnownResults.Wish(
      namedStatus: request.namedStatus, status: request.status, ifExists: request.ifExists,
      refresh: request.refreshes, deviceID: request.deviceID, provisioning: request.provisioning)
    // The registration may have ended since the caller looked: its result is in memory before the job is gone.
    switch known.decideAfterVerdict(wish, on: request.key, basis: request.basis, now: now.wall) {
    // Jobs under way may change what is known: the request stands behind them.
    case .answer(let registration) where wish.changesCertificate && registrar.hasJob(of: request.key),
      .answerAfterNaming(let registration, _) where wish.changesCertificate && registrar.hasJob(of: request.key):
      request.takeKnown(registration, at: known.home(of: request.key.target).jobHome)
    case .answer(let registration): return completion(.registered(registration), .known)
    case .answerAfterNaming(let registration, let deviceID):
      return nameDevice(request.key, deviceID) { error in
        completion(error.map { .failed(ServiceError($0)) } ?? .registered(registration), .known)
      }
    case .refuse(let error): return completion(.failed(error), .known)
    case .goOn(let registration): request.takeKnown(registration, at: known.home(of: request.key.target).jobHome)
    case .ask(let earlier):
      request.earlier = earlier ?? request.earlier
      if fleet != nil, request.ifExists != .error { request.earlier?.keepsOutcome = true }
      if asksFleet, askFleet(request, completion: completion) { return }
    }
    begin(request, now: now, completion: completion)
    // A claim of a request that was refused would keep others waiting.
    if let fleet, !registrar.hasJob(of: request.key) { fleet.giveUp(request.key) }
  }

  /// Sets the status of a certificate, whatever is known of it.
  func update(_ request: Registrar.Request, completion: @escaping RegistrationEngine.Completion) {
    begin(request, now: clock.now, completion: completion)
  }

  private func begin(
    _ request: Registrar.Request, now: Moment, completion: @escaping RegistrationEngine.Completion
  ) {
    var request = request
    request.place = known.home(of: request.key.target).jobHome
    let waiter = nextWaiter
    nextWaiter += 1
    completions[waiter] = Waiting(completion: completion, isFirst: registrar.job(sharedBy: request) == nil)
    let actions = registrar.register(request, waiter: waiter, now: now)
    for case .commit(_, let changes) in actions {
      for case .enqueue(let pending) in changes { figures.began(pending.id, at: now.monotonic) }
    }
    perform(actions)
  }

  /// Keeps another name for a device; `completion` gets the store's error, if any.
  func nameDevice(
    _ key: RegistrationKey, _ deviceID: DeviceID, completion: @escaping @Sendable (StoreError?) -> Void
  ) {
    let stored = known.home(of: key.target).storedKey(key.certificateID)
    effects.commit([.nameDevice(stored, deviceID)], at: clock.monotonic) { engine, result in
      switch result {
      case .success:
        engine.known.memory.nameDevice(key, deviceID.tag)
        completion(nil)
      case .failure(let error): completion(error)
      }
    }
  }

  /// Forgets a result; `completion` gets the store's error, if any.
  func forget(_ key: RegistrationKey, completion: @escaping @Sendable (StoreError?) -> Void) {
    known.memory.forget(key)
    let stored = known.home(of: key.target).storedKey(key.certificateID)
    let changes = noted(.forget(stored), key)
    effects.commit(changes, at: clock.monotonic) { engine, result in
      engine.tellFleet(of: changes, result)
      // Once more, behind the commits before it: what they made durable is remembered on this loop, and a thread that
      // read the row before it went may have put it back.
      engine.known.memory.forget(key)
      if case .failure(let error) = result { completion(error) } else { completion(nil) }
    }
  }

  /// Makes changes durable that the registrar does not know of.
  func commit(_ changes: [StoreChange], completion: @escaping (EngineLoop, StoreError?) -> Void) {
    effects.commit(changes, at: clock.monotonic) { engine, result in
      if case .failure(let error) = result { completion(engine, error) } else { completion(engine, nil) }
    }
  }

  /// Calls `listener` for every registration that ends from now on.
  func forEachEnding(_ listener: @escaping @Sendable (Ending) -> Void) {
    self.listener = listener
  }

  /// Accepts no more requests. `completion` is called once no caller waits and no work is under way.
  func drain(_ completion: @escaping @Sendable () -> Void) {
    drained = completion
    perform(registrar.beginDraining(now: clock.now))
  }

  /// Refuses the callers that still wait, and ends the drain.
  func endDraining() {
    perform(registrar.endDraining())
    drained?()
    drained = nil
  }

  /// What is known of a registration under way.
  func pending(_ key: RegistrationKey) -> PendingJob? {
    registrar.pending(key, now: clock.monotonic).map { view in
      PendingJob(view: view, standing: fleet?.standing(of: view.registration.id))
    }
  }

  var report: EngineReport {
    var report = figures.report(of: registrar, now: clock.monotonic)
    report.fleet = fleet?.report
    return report
  }

  // MARK: What effects bring about

  /// Commits ended, in the order in which they were made.
  func committed(_ commits: [EndedCommit]) {
    let now = clock.now
    // First of all: the end of a job gives its claim up, which goes to the fleet with or after the result.
    tellFleet(of: commits)
    var actions: [Registrar.Action] = []
    for commit in commits {
      note(commit.result)
      figures.committed(commit, at: now.monotonic)
      actions += registrar.committed(commit.id, commit.result, now: now)
      effects.giveWay()
    }
    perform(actions)
    // What could not be written down is forgotten, and has no end.
    for commit in commits {
      guard case .failure = commit.result else { continue }
      for case .enqueue(let pending) in commit.changes where !registrar.isUnderWay(pending.id) {
        figures.forget(pending.id)
      }
    }
  }

  private func note(_ result: Result<Void, StoreError>) {
    switch result {
    case .success:
      guard figures.storeError != nil else { return }
      figures.storeError = nil
      logger.log(.notice, .storeRecovered, "state can be written again")
    case .failure(let error):
      figures.storeError = error
      logger.log(.error, .storeFailed, "\(error.message)")
    }
  }

  /// A call ended.
  ///
  /// - Parameter origin: What the reply came from; `nil`: no upstream was called.
  func replied(_ id: JobID, _ reply: UpstreamReply, from origin: ReplyOrigin?) {
    let before = registrar.health(of: id.target)
    let now = clock.now
    var reply = reply
    let home = origin.map { origin in
      if let arn = reply.certificateARN {
        if let home = known.learn(arn: arn, of: id.target, at: origin.location, signedBy: origin.signer) { return home }
        reply = .failed(.tooManyAccounts(requestID: reply.requestID))
      }
      return known.jobHome(of: id.target, at: origin.location)
    }
    figures.callEnded(id, at: now.monotonic)
    perform(registrar.replied(id, reply, from: home, now: now))
    guard let after = registrar.health(of: id.target), after != before else { return }
    logger.logHealth(of: id.target, after, reply)
  }

  /// A call was not made: its target points elsewhere than it has to go.
  func moved(_ id: JobID) {
    figures.callDropped(id)
    perform(registrar.moved(id, now: clock.now))
  }

  /// The time that `EngineEffects.wake` was asked for has come.
  func timePassed() {
    perform(registrar.timePassed(now: clock.now))
  }

  // MARK: What the registrar decides

  func perform(_ actions: [Registrar.Action]) {
    for action in actions {
      switch action {
      case .commit(let id, let changes): effects.commit(id, kept(changes), at: clock.monotonic)
      case .call(let id, let call): calls.append(id, call)
      case .remember(let registration, let home):
        known.memory.keep(registration, in: known.home(of: registration.key.target, at: home), replaces: true)
      case .rememberStatus(let update, let home):
        known.memory.setStatus(update, in: known.home(of: update.key.target, at: home))
      case .forget(let key, let home):
        known.memory.forget(key.certificateID, in: known.home(of: key.target, at: home))
      case .ended(let id, let ending): ended(id, ending)
      case .report(let fault):
        logger.log(.critical, .internalFault, "impossible event: \(fault.event) in the state \(fault.state)")
      case .answer: break
      }
      effects.giveWay()
    }
    beginCalls()
    // One after the other: each wakes the socket's loop, unless that has yet to take the one before.
    for case .answer(let waiter, let answer, let relation) in actions { self.answer(waiter, answer, relation) }
    effects.wake(at: nextWake)
    activity.note()
    if let drained, registrar.isQuiet {
      self.drained = nil
      drained()
    }
    effects.giveWay()
  }

  private var nextWake: MonotonicTime? {
    guard let turn = calls.nextTurn, let deadline = registrar.nextDeadline else {
      return calls.nextTurn ?? registrar.nextDeadline
    }
    return min(turn, deadline)
  }

  private func beginCalls() {
    guard !calls.isEmpty else { return }
    let now = clock.monotonic
    var moved: [JobID] = []
    for (id, call) in calls.take(now: now, givesWay: effects.isPressed(at: now)) {
      if let home = call.home, !known.isPresent(home, of: id.target, setsStatus: call.operation == .updateCertificate) {
        moved.append(id)
      } else {
        figures.callBegan(id, call.operation, at: now)
        effects.call(id, call)
      }
    }
    for id in moved { self.moved(id) }
  }

  private func answer(
    _ waiter: Registrar.WaiterID, _ answer: Registrar.Answer, _ relation: Registrar.Relation
  ) {
    guard let waiting = completions.removeValue(forKey: waiter) else { return }
    waiting.completion(answer, waiting.isFirst ? .begun(relation) : .shared)
  }

  private func ended(_ id: JobID, _ ending: Ending) {
    let duration = figures.ended(id, ending, at: clock.monotonic)
    if case .failed(let failure) = ending, failure.error.reason == .upstreamMismatch {
      logger.log(
        .error, .upstreamMismatch, "\(failure.error.message)",
        [LogField.certificateID: "\(ending.key.certificateID)", LogField.target: "\(ending.key.target)"])
    }
    audit.ended(ending, after: duration)
    listener?(ending)
  }
}
