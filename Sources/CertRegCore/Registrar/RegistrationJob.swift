/// One registration under way, from the request to its end on disk: a state machine without effects.
///
///     storing ──► asking ──► waiting ──► marking ──► calling ──► finishing ──► (gone)
///        │                    ▲    │                  │ │  ▲
///        │                    │    └──────────────────┼─┼──┘  the disk knows of a call already
///        └────────────────────┼───────────────────────┼─┼──►  a call was permitted at once
///                             ├────── backingOff ◄────┘ │
///                             └────── advancing ◄───────┘
///
/// Events are methods; each returns what has to be done. An event that the state does not allow is a fault of this
/// program: it traps in a debug build, and in a release build it changes nothing and is returned as `impossible`.
struct RegistrationJob: Sendable {
  /// What has to be done after an event.
  enum Action {
    case nothing
    /// Make the change durable, then tell the job.
    case commit(StoreChange)
    /// Put the job into its target's queue of calls.
    case enqueue
    /// Make the call.
    case call(UpstreamCall)
    /// The event does not belong to the state.
    case impossible(ImpossibleEvent)
  }

  /// Where a job is.
  enum State: Sendable {
    /// The request is on its way to disk. Next: calling with the permit, else waiting or asking, or finishing where
    /// another host registered the certificate; gone where the disk refuses the request.
    case storing(CallPermit?)
    /// Another host may be at work on the certificate. Next: waiting, or finishing with the other host's result.
    case asking
    /// In the queue of its target, once that is configured. Next: marking, calling, or finishing where it is overdue.
    case waiting
    /// That a call begins is on its way to disk. Next: calling, waiting where the target is gone, backingOff where the
    /// disk fails.
    case marking(CallPermit)
    /// A call is under way. Next: finishing, advancing or backingOff.
    case calling(CallPermit, since: MonotonicTime)
    /// The success of a step is on its way to disk. Next: waiting.
    case advancing(JobFacts)
    /// A call failed temporarily. Next: waiting, or finishing if the job is overdue.
    case backingOff(until: MonotonicTime)
    /// The end is on its way to disk. Next: gone. Indirect, since it is large and every job would take as much.
    indirect case finishing(Ending)
  }

  /// Whether this host may work on the job.
  enum Leave: Sendable {
    case asked
    case granted
    /// Another host has the result.
    indirect case known(Registration)
  }

  /// A call that ended.
  struct EndedCall {
    var operation: UpstreamOperation
    var permit: CallPermit
    var since: MonotonicTime
    var result: StepResult
  }

  private(set) var pending: PendingRegistration
  /// The time of the request. It may lie before the start of the clock.
  let since: MonotonicTime
  /// The user and connection whose turn it takes in the queue of calls.
  let caller: Caller
  /// Name of the share of the queue that it counts towards.
  let share: String?
  let plan: Plan
  private(set) var state: State
  private(set) var leave: Leave
  /// A caller was answered `queued`. From then on a temporary error answers no caller, and the registration continues.
  var isPromised: Bool
  /// The amount that the next or the last retry took from the retry budget.
  var retryCost = 0
  /// How many calls of the present step have ended without a result.
  private(set) var attemptsOfStep: Int
  /// How many new names of the device are on their way to disk.
  private(set) var namesUnderWay = 0
  /// An earlier call of the present step may have taken effect.
  private var mayHaveTakenEffect: Bool

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

  /// A job that an earlier process left unfinished. It waits, or asks the coordinator.
  init(resuming pending: PendingRegistration, since: MonotonicTime, plan: Plan, leave: Leave) {
    self.pending = pending
    self.since = since
    self.plan = plan
    self.leave = leave
    caller = Caller(uid: pending.requester.uid, connection: 0)
    share = nil
    state = if case .granted = leave { .waiting } else { .asking }
    isPromised = true
    attemptsOfStep = pending.facts.completedSteps == 0 ? pending.attempts : 0
    mayHaveTakenEffect = pending.callStarted
  }

  /// The step that comes next or is under way; `nil` if the plan of an older process had more steps.
  var step: (any Step)? {
    pending.facts.completedSteps < plan.steps.count ? plan.steps[pending.facts.completedSteps] : nil
  }

  /// The status of the registration's request.
  var status: CertificateStatus? { pending.status }
}

// The events of a job, in the order in which they come in its life.
extension RegistrationJob {
  /// The request is on disk.
  mutating func stored(now: MonotonicTime) -> Action {
    guard case .storing(let permit) = state else { return impossible("stored") }
    if let permit { return begin(permit, now: now) }
    switch leave {
    case .granted:
      state = .waiting
      return .enqueue
    case .asked:
      state = .asking
      return .nothing
    case .known(let registration):
      return finish(.registered(registration))
    }
  }

  /// The coordinator allowed work on the job, or another host has its result.
  ///
  /// - Parameter earlierCall: Whether another host may have made the call and lost its answer.
  mutating func coordinated(_ answer: Leave, earlierCall: Bool) -> Action {
    var answer = answer
    if case .known(let registration) = answer { answer = .known(ownResult(from: registration)) }
    leave = answer
    if earlierCall { mayHaveTakenEffect = true }
    switch (state, answer) {
    case (.asking, .granted):
      state = .waiting
      return .enqueue
    case (.asking, .known(let registration)), (.waiting, .known(let registration)),
      (.backingOff, .known(let registration)):
      return finish(.registered(registration))
    case (.asking, .asked), (.storing, _), (.waiting, _), (.marking, _), (.calling, _), (.advancing, _),
      (.backingOff, _), (.finishing, _):
      // Work under way on this host comes to its own end.
      return .nothing
    }
  }

  /// It is the job's turn to call.
  mutating func admitted(_ permit: CallPermit, now: MonotonicTime) -> Action {
    guard case .waiting = state, let step else { return impossible("admitted") }
    guard step.isMarked, !pending.callStarted else { return begin(permit, now: now) }
    state = .marking(permit)
    return .commit(.markCallStarted(pending.key))
  }

  /// The start of the call is on disk.
  mutating func marked(now: MonotonicTime) -> Action {
    guard case .marking(let permit) = state else { return impossible("marked") }
    pending.callStarted = true
    return begin(permit, now: now)
  }

  private mutating func begin(_ permit: CallPermit, now: MonotonicTime) -> Action {
    guard let step else { return impossible("begin") }
    state = .calling(permit, since: now)
    return .call(step.call(for: pending))
  }

  /// The permit of a call that has not begun. With this event the job gives the permit back, and waits again.
  mutating func gaveBackPermit() -> CallPermit? {
    switch state {
    case .marking(let permit):
      state = .waiting
      pending.callStarted = true
      return permit
    case .storing(let permit?):
      state = .waiting
      return permit
    case .storing(nil), .asking, .waiting, .calling, .advancing, .backingOff, .finishing:
      return nil
    }
  }

  /// The upstream replied to the call. The job stays in `calling` until the registrar decides about the reply:
  /// ``finish(_:)``, ``advance(_:)`` or ``backOff(until:)``.
  ///
  /// - Returns: `nil` if no call is under way.
  mutating func replied(_ reply: UpstreamReply) -> EndedCall? {
    guard case .calling(let permit, let since) = state, let step else { return nil }
    let result = step.read(reply, to: pending, mayHaveTakenEffect: mayHaveTakenEffect)
    pending.attempts += 1
    attemptsOfStep += 1
    if case .failed(let failure) = result, failure.mayHaveTakenEffect { mayHaveTakenEffect = true }
    return EndedCall(operation: step.operation, permit: permit, since: since, result: result)
  }

  /// A step succeeded. Once that is on disk, the next step waits for its turn; after the last step the registration
  /// ends.
  mutating func advance(_ facts: JobFacts, now: WallTime) -> Action {
    guard case .calling = state else { return impossible("advance") }
    var facts = facts
    facts.completedSteps += 1
    guard facts.completedSteps >= plan.steps.count else {
      state = .advancing(facts)
      return .commit(.noteProgress(pending.key, facts))
    }
    pending.facts = facts
    guard let registration = registration(now: now) else { return impossible("advance without a certificate") }
    return finish(.registered(registration))
  }

  /// The end of a step is on disk.
  mutating func advanced() -> Action {
    guard case .advancing(let facts) = state else { return impossible("advanced") }
    pending.facts = facts
    pending.callStarted = false
    attemptsOfStep = 0
    mayHaveTakenEffect = false
    state = .waiting
    return .enqueue
  }

  /// The call failed temporarily, or the disk did not store the start of a call.
  mutating func backOff(until time: MonotonicTime) -> Action {
    switch state {
    case .calling, .marking, .backingOff:
      state = .backingOff(until: time)
      return .nothing
    case .storing, .asking, .waiting, .advancing, .finishing:
      return impossible("backOff")
    }
  }

  /// The pause after a failure may be over. A pause that became longer or shorter since leaves other deadlines behind,
  /// which change nothing.
  mutating func pauseEnded(now: MonotonicTime) -> Action {
    guard case .backingOff(let until) = state, until <= now else { return .nothing }
    state = .waiting
    return .enqueue
  }

  /// The registration ends, once its end is on disk.
  mutating func finish(_ ending: Ending) -> Action {
    if case .finishing = state { return impossible("finish") }
    state = .finishing(ending)
    return .commit(ending.change)
  }

  /// The commit that the job waits for, again after a failure of the disk.
  var repeatedCommit: StoreChange? {
    switch state {
    case .advancing(let facts): .noteProgress(pending.key, facts)
    case .finishing(let ending): ending.change
    case .storing, .asking, .waiting, .marking, .calling, .backingOff: nil
    }
  }

  /// Another caller has another name for the device.
  mutating func nameDevice(_ deviceID: DeviceID) {
    pending.deviceID = deviceID
    namesUnderWay += 1
  }

  /// The disk knows another name of the device, or does not take it.
  mutating func named() {
    namesUnderWay -= 1
  }

  /// Keeps the error of the last call.
  mutating func keep(_ error: ServiceError) {
    pending.lastError = error
  }
}
