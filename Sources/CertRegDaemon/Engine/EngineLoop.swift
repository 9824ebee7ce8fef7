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

  private let clock: HostClock
  private let known: KnownResults
  private let audit: AuditTrail
  private let activity: Activity
  private let logger: Logger
  private let effects: any EngineEffects
  private(set) var registrar: Registrar
  private(set) var figures = EngineFigures()
  private var calls: HeldCalls
  private var completions: [Registrar.WaiterID: Waiting] = [:]
  /// Where the results of registrations belong that an upstream has answered and that have not ended on disk.
  private var homes: [RegistrationKey: ResultHome] = [:]
  private var nextWaiter: Registrar.WaiterID = 1
  private var listener: (@Sendable (Ending) -> Void)?
  private var drained: (@Sendable () -> Void)?

  init(
    registrar: Registrar, known: KnownResults, clock: HostClock, audit: AuditTrail, activity: Activity, logger: Logger,
    effects: any EngineEffects
  ) {
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
    figures.targets = targets.keys.sorted { $0.rawValue < $1.rawValue }
    perform(registrar.setTargets(targets, now: clock.now))
  }

  /// Takes what an earlier process left unfinished.
  ///
  /// - Parameter firstSequence: The number of the next registration.
  func resume(_ pending: [PendingRegistration], firstSequence: Int64) {
    perform(registrar.resume(pending, firstSequence: firstSequence, now: clock.now))
  }

  func register(_ request: Registrar.Request, refresh: Bool, completion: @escaping RegistrationEngine.Completion) {
    var request = request
    let now = clock.now
    let wish = KnownResults.Wish(
      namedStatus: request.namedStatus, ifExists: request.ifExists, refresh: refresh, deviceID: request.deviceID)
    // The registration may have ended since the caller looked: its result is in memory before the job is gone.
    switch known.decideAfterVerdict(wish, on: request.key, basis: request.basis, now: now.wall) {
    case .answer(let registration): return completion(.registered(registration), .known)
    case .answerAfterNaming(let registration, let deviceID):
      return nameDevice(request.key, deviceID) { error in
        completion(error.map { .failed(ServiceError($0)) } ?? .registered(registration), .known)
      }
    case .refuse(let error): return completion(.failed(error), .known)
    case .ask(let earlier): request.earlier = earlier ?? request.earlier
    }
    let waiter = nextWaiter
    nextWaiter += 1
    let isFirst = !registrar.isUnderWay(request.key)
    completions[waiter] = Waiting(completion: completion, isFirst: isFirst)
    let actions = registrar.register(request, waiter: waiter, now: now)
    if isFirst, registrar.isUnderWay(request.key) { figures.began(request.key, at: now.monotonic) }
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
    effects.commit([.forget(stored)], at: clock.monotonic) { engine, result in
      // Once more, behind the commits before it: what they made durable is remembered on this loop, and a thread that
      // read the row before it went may have put it back.
      engine.known.memory.forget(key)
      if case .failure(let error) = result { completion(error) } else { completion(nil) }
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
  func pending(_ key: RegistrationKey) -> Registrar.PendingView? {
    registrar.pending(key, now: clock.monotonic)
  }

  var report: EngineReport { figures.report(of: registrar, now: clock.monotonic) }

  // MARK: What effects bring about

  /// Commits ended, in the order in which they were made.
  func committed(_ commits: [EndedCommit]) {
    let now = clock.now
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
      for case .enqueue(let pending) in commit.changes where !registrar.isUnderWay(pending.key) {
        figures.forget(pending.key)
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
  /// - Parameter location: Where the upstream was that was called; `nil`: none was.
  func replied(_ key: RegistrationKey, _ reply: UpstreamReply, from location: UpstreamLocation?) {
    let before = registrar.health(of: key.target)
    let now = clock.now
    if let location, let arn = reply.certificateARN {
      homes[key] = known.learn(arn: arn, of: key.target, at: location)
    }
    figures.callEnded(key, at: now.monotonic)
    perform(registrar.replied(key, reply, now: now))
    guard let after = registrar.health(of: key.target), after != before else { return }
    logger.logHealth(of: key.target, after, reply)
  }

  /// The time that `EngineEffects.wake` was asked for has come.
  func timePassed() {
    perform(registrar.timePassed(now: clock.now))
  }

  // MARK: What the registrar decides

  private func perform(_ actions: [Registrar.Action]) {
    for action in actions {
      switch action {
      case .commit(let id, let changes): effects.commit(id, changes.flatMap(kept), at: clock.monotonic)
      case .call(let key, let call): calls.append(key, call)
      case .remember(let registration):
        known.memory.keep(registration, in: home(of: registration.key), replaces: true)
      case .ended(let ending): ended(ending)
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

  /// Where the result of a registration belongs. It is not where its target's upstream is now if a reload moved the target
  /// during the call.
  private func home(of key: RegistrationKey) -> ResultHome { homes[key] ?? known.home(of: key.target) }

  /// A change as the store takes it: the queue goes by targets, results are kept by homes.
  private func kept(_ change: StoreChange) -> [StoreChange] {
    switch change {
    case .complete(var registration):
      let key = registration.key
      registration.key.target = home(of: key).storedName
      return registration.key == key ? [change] : [.dequeue(key), .complete(registration)]
    case .fail(var failure):
      let key = failure.key
      failure.key.target = home(of: key).storedName
      return failure.key == key ? [change] : [.dequeue(key), .fail(failure)]
    case .enqueue, .markCallStarted, .noteAttempt, .noteProgress, .nameDevice, .dequeue, .forget: return [change]
    }
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
    for (key, call) in calls.take(now: now, givesWay: effects.isPressed(at: now)) {
      figures.callBegan(key, at: now)
      effects.call(key, call)
    }
  }

  private func answer(
    _ waiter: Registrar.WaiterID, _ answer: Registrar.Answer, _ relation: Registrar.Relation
  ) {
    guard let waiting = completions.removeValue(forKey: waiter) else { return }
    waiting.completion(answer, waiting.isFirst ? .begun(relation) : .shared)
  }

  private func ended(_ ending: Ending) {
    homes[ending.key] = nil
    let duration = figures.ended(ending, at: clock.monotonic)
    if case .failed(let failure) = ending, failure.error.reason == .upstreamMismatch {
      logger.log(
        .error, .upstreamMismatch, "\(failure.error.message)",
        [LogField.certificateID: "\(ending.key.certificateID)", LogField.target: "\(ending.key.target)"])
    }
    audit.ended(ending, after: duration)
    listener?(ending)
  }
}
