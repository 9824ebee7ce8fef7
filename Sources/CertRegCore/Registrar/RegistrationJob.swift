/// One job under way, a registration or a change of a status, from the request to its end on disk: a state machine
/// without effects. The registrar alone holds it. A class, so that events change it in place.
///
///     storing ──► asking ──► waiting ──► permitted ──► marking ──► calling ──► finishing ──► (gone)
///      │   │        ▲         ▲    │                                │ │  ▲
///      │   └─► following ─────┤    └────────────────────────────────┼─┼──┘  the disk knows of a call already
///      └──────────────────────┼─────────────────────────────────────┼─┼──►  a call was permitted at once
///                             ├────── backingOff ◄──────────────────┘ │
///                             └────── advancing ◄─────────────────────┘
///
/// Events are methods; each returns what has to be done. An event that the state does not allow is a fault of this
/// program: it traps in a debug build, and in a release build it changes nothing and is returned as `impossible`.
final class RegistrationJob {
  /// Set by the job's own extensions only, as is `state`.
  var pending: PendingRegistration {
    didSet { foundStep = nil }
  }
  /// What `nextStep` found; `nil`: it has to look, since the job has changed.
  private var foundStep: Int??
  /// The time of the request. It may lie before the start of the clock.
  let since: MonotonicTime
  /// The user and connection whose turn it takes in the queue of calls.
  let caller: Caller
  /// Name of the share of the queue that it counts towards.
  let share: String?
  let plan: Plan
  var state: State {
    didSet { notePause() }
  }
  /// Where it counts itself while it pauses; `nil`: nowhere.
  var pauses: PausedJobs?
  /// The operation under which it counts as pausing.
  private var pausesFor: UpstreamOperation?
  var leave: Leave
  /// A caller was told that the request goes on. From then on no temporary error ends the job.
  var isPromised: Bool
  /// The amount that the next or the present try took from the retry budget, until an answer gives it back.
  var retryCost = 0
  /// The pace did not allow the last call after all: the job keeps its turn.
  var hasUnusedTurn = false
  /// How many revocations that other hosts told of it has heeded.
  var revocationsHeard = 0
  /// How many calls of the present step have ended, whatever came of them.
  private(set) var attemptsOfStep: Int
  /// How many new names the device was given, and of how many of them the commit has ended.
  private(set) var namesGiven = 0
  private(set) var namesEnded = 0
  /// The request ID of the last reply that had one.
  private(set) var lastRequestID: String?
  /// An earlier call of the present step may have taken effect.
  var mayHaveTakenEffect: Bool

  /// A job for a new request, which is on its way to disk.
  ///
  /// - Parameter permit: The permit of its first call, if the call may begin as soon as the request is on disk.
  init(
    _ pending: PendingRegistration, since: MonotonicTime, caller: Caller, share: String?, plan: Plan, leave: Leave,
    permit: CallPermit?
  ) {
    self.pending = pending
    self.since = since
    self.caller = caller
    self.share = share
    self.plan = plan
    self.leave = leave
    state = .storing(permit)
    isPromised = false
    attemptsOfStep = 0
    mayHaveTakenEffect = false
  }

  /// A job that an earlier process left unfinished.
  init(resuming pending: PendingRegistration, since: MonotonicTime, plan: Plan, leave: Leave) {
    var pending = pending
    // Versions before this question left rows without it.
    pending.askForUnknownStatus()
    self.pending = pending
    self.since = since
    self.plan = plan
    self.leave = leave
    caller = Caller(uid: pending.requester.uid, connection: 0)
    share = nil
    state = .following
    isPromised = true
    attemptsOfStep = pending.facts.completedSteps == 0 ? pending.attempts : 0
    mayHaveTakenEffect = pending.callStarted
    // Calls of such a step are not on disk.
    if step?.isMarked == false { mayHaveTakenEffect = true }
  }

  /// The step that comes next or is under way; `nil` if nothing is left to do.
  var step: (any Step)? { nextStep.map { plan.steps[$0] } }

  private var nextStep: Int? {
    if foundStep == nil { foundStep = .some(plan.nextStep(of: pending)) }
    return foundStep ?? nil
  }

  private func notePause() {
    let operation = pausesUntil == nil ? nil : step?.operation
    if operation == pausesFor { return }
    if let ended = pausesFor { pauses?.add(-1, pending.key.target, ended) }
    if let operation { pauses?.add(1, pending.key.target, operation) }
    pausesFor = operation
  }

  /// Tells the job from all others.
  var id: JobID { pending.id }

  /// The status that was asked for.
  var status: CertificateStatus? { pending.status }
}

// The events of a job, in the order in which they come in its life.
extension RegistrationJob {
  /// The request is on disk.
  ///
  /// - Parameter isFirst: Whether no other job of the certificate is before it.
  func stored(isFirst: Bool, now: Moment) -> Action {
    guard case .storing(let permit) = state else { return impossible("stored") }
    if let permit { return begin(permit, now: now.monotonic) }
    guard isFirst else {
      state = .following
      return .nothing
    }
    return takeTurn(now: now.wall)
  }

  /// The coordinator allowed work on the job, or another host has its result.
  func coordinated(_ answer: Leave, now: WallTime) -> Action {
    var answer = answer
    if case .known(let registration, let home) = answer { answer = .known(ownResult(from: registration), home: home) }
    leave = answer
    switch (state, answer) {
    // A job before it may have done all that was asked for.
    case (.asking, .granted): return goOn(now: now)
    case (.asking, .known(let registration, let home)), (.waiting, .known(let registration, let home)),
      (.backingOff, .known(let registration, let home)):
      return takeResult(registration, at: home, now: now)
    case (.asking, .asked), (.storing, _), (.following, _), (.waiting, _), (.permitted, _), (.marking, _),
      (.calling, _),
      (.advancing, _),
      (.backingOff, _), (.finishing, _):
      // Work under way on this host comes to its own end.
      return .nothing
    }
  }

  /// It is the job's turn to call.
  func admitted(_ permit: CallPermit, now: MonotonicTime) -> Action {
    guard case .waiting = state, let step else { return impossible("admitted") }
    guard step.isMarked, !pending.callStarted else { return begin(permit, now: now) }
    state = .marking(permit, movedTo: nil)
    return .commit(.markCallStarted(id))
  }

  /// Its turn has come, and other hosts are asked first.
  func awaitLeave(with permit: CallPermit) -> Action {
    guard case .waiting = state else { return impossible("awaitLeave") }
    state = .permitted(permit)
    return .nothing
  }

  /// Other hosts leave the call to this one.
  func mayCall(now: MonotonicTime) -> Action {
    guard case .permitted(let permit) = state else { return impossible("mayCall") }
    state = .waiting
    return admitted(permit, now: now)
  }

  /// The call does not begin now. The permit is the registrar's again.
  ///
  /// - Parameter isAskedAgain: Whether another host has taken the work over.
  func lostLeave(isAskedAgain: Bool) {
    guard case .permitted = state else { return }
    if isAskedAgain { leave = .asked }
    state = isAskedAgain ? .asking : .waiting
  }

  /// The start of the call is on disk.
  func marked(now: MonotonicTime) -> Action {
    guard case .marking(let permit, let location) = state else { return impossible("marked") }
    if let location, pending.facts.moved(to: JobHome(location: location, account: nil)) { mayHaveTakenEffect = false }
    pending.callStarted = true
    return begin(permit, now: now)
  }

  private func begin(_ permit: CallPermit, now: MonotonicTime) -> Action {
    guard let step else { return impossible("begin") }
    state = .calling(permit, since: now)
    return .call(step.call(for: pending))
  }

  /// The permit of a call that has not begun. With this event the job gives the permit back, and waits again.
  func gaveBackPermit() -> CallPermit? {
    switch state {
    case .marking(let permit, _):
      state = .waiting
      pending.callStarted = true
      return permit
    case .storing(let permit?), .permitted(let permit):
      state = .waiting
      return permit
    case .storing(nil), .following, .asking, .waiting, .calling, .advancing, .backingOff, .finishing:
      return nil
    }
  }

  /// The upstream replied to the call. The job stays in `calling` until the registrar decides about the reply:
  /// ``finish(_:)``, ``advance(_:)`` or ``backOff(until:)``.
  ///
  /// - Parameter home: Where what the reply says belongs; `nil`: not known.
  /// - Returns: `nil` if no call is under way.
  func replied(_ reply: UpstreamReply, from home: JobHome?) -> EndedCall? {
    guard case .calling(let permit, let since) = state, let step else { return nil }
    if let home, pending.facts.registered == nil, pending.facts.moved(to: home) { mayHaveTakenEffect = false }
    var result = step.read(reply, to: pending, mayHaveTakenEffect: mayHaveTakenEffect)
    // Later steps belong to the upstream that has the certificate.
    if pending.facts.home == nil, let home {
      if case .done(var facts) = result {
        facts.home = home
        result = .done(facts)
      } else if case .failed(let failure) = result, failure.disposition == .final {
        pending.facts.home = home
      }
    }
    lastRequestID = reply.requestID ?? lastRequestID
    pending.attempts += 1
    attemptsOfStep += 1
    if case .failed(let failure) = result, failure.mayHaveTakenEffect { mayHaveTakenEffect = true }
    return EndedCall(operation: step.operation, permit: permit, since: since, result: result)
  }

  /// A step succeeded. Once that is on disk, the next step waits for its turn; after the last step the registration
  /// ends.
  func advance(_ facts: JobFacts, now: WallTime) -> Action {
    guard case .calling = state, let present = nextStep else { return impossible("advance") }
    var after = pending
    after.facts = facts
    after.facts.complete(present, of: pending.provisioning)
    guard plan.nextStep(of: after) == nil else {
      state = .advancing(after.facts)
      return .commit(.noteProgress(id, after.facts))
    }
    pending = after
    guard let ending = success(now: now) else { return impossible("advance without a certificate") }
    return finish(ending)
  }

  /// The call was not made, since its target points elsewhere now. The job begins anew there.
  ///
  /// - Returns: The permit of the call; the certificate as it is registered where the target pointed before, if the job
  ///   registered it; and whether its status there is in doubt.
  func moved(now: WallTime) -> (permit: CallPermit, left: Registration?, isInDoubt: Bool)? {
    guard case .calling(let permit, _) = state else { return nil }
    let isInDoubt = isStatusInDoubt
    var left = pending.purpose.registers ? registration(now: now) : nil
    if isInDoubt { left?.status = nil }
    state = .advancing(JobFacts())
    return (permit, left, isInDoubt)
  }

  /// The end of a step is on disk.
  func advanced() -> Action {
    guard case .advancing(let facts) = state else { return impossible("advanced") }
    pending.facts = facts
    beginStep()
    state = .waiting
    return .enqueue
  }

  /// No call of the step that comes next was made.
  func beginStep() {
    pending.callStarted = false
    attemptsOfStep = 0
    mayHaveTakenEffect = false
  }

  /// The call failed temporarily, or would; or the disk did not store the start of a call.
  func backOff(until time: MonotonicTime) -> Action {
    switch state {
    case .waiting, .calling, .marking, .backingOff:
      state = .backingOff(until: time)
      return .nothing
    case .storing, .following, .asking, .permitted, .advancing, .finishing:
      return impossible("backOff")
    }
  }

  /// The pause after a failure may be over. A pause that became longer or shorter since leaves other deadlines behind,
  /// which change nothing.
  func pauseEnded(now: MonotonicTime) -> Action {
    guard case .backingOff(let until) = state, until <= now else { return .nothing }
    state = .waiting
    return .enqueue
  }

  /// The registration ends, once its end is on disk.
  func finish(_ ending: Ending) -> Action {
    if case .finishing = state { return impossible("finish") }
    state = .finishing(ending)
    return .commit(change(for: ending))
  }

  /// Another caller has another name for the device.
  func nameDevice(_ deviceID: DeviceID) {
    pending.deviceID = deviceID
    namesGiven += 1
  }

  /// The disk knows another name of the device, or does not take it.
  func named() {
    namesEnded += 1
  }

  /// Keeps the error of the last call.
  func keep(_ error: ServiceError) {
    pending.lastError = error
  }
}
