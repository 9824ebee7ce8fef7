/// Decides what becomes of every registration: when it is written down, when the upstream is called, whether a failed call is
/// tried again, and what each caller is told.
///
/// Events go in as method calls, what is to be done comes out as `Action`s, in the order in which they have to be done.
/// There is no I/O, clock or randomness in here: the moment is handed in with each event, random numbers come from a
/// generator that is handed in at the start.
///
/// The life of one registration (a *flight*; there is at most one for a certificate and target):
///
///     register ──► storing ──► waiting ──► marking ──► calling ──► finishing ──► (gone)
///                     │            ▲                     │  ▲
///                     └────────────┼─────────────────────┼──┘   a place was free at once
///                                  └───── backingOff ◄───┘
///
/// What is on disk at each step: the request before anybody is told `queued`; that a call is about to be made before it is
/// made; the result before it is answered.
package struct Registrar: Sendable {
  package typealias WaiterID = UInt64
  package typealias CommitID = UInt64

  package struct Configuration: Hashable, Sendable {
    /// Registrations that have not ended, at most. A large certificate counts as several: see ``PendingRegistration/places``.
    package var maxPending: Int
    /// After that long on the monotonic clock, which what an earlier process left behind is counted on from its wall clock, a
    /// registration that has not ended fails; `nil`: never. What is on its way to the upstream ends first.
    package var maxAge: Duration?

    package init(maxPending: Int, maxAge: Duration?) {
      self.maxPending = maxPending
      self.maxAge = maxAge
    }
  }

  /// What a caller asks for, after the verdict on the certificate and a look into the cache.
  package struct Request: Sendable {
    package var key: RegistrationKey
    package var der: [UInt8]
    package var basis: VerdictBasis
    /// The status that the caller named.
    package var namedStatus: CertificateStatus?
    /// What is sent: the named status, else the configured default, else none.
    package var status: CertificateStatus?
    package var ifExists: IfExists
    package var requester: Requester
    /// Number of the connection that it came over: the connections of one user take turns.
    package var connection: UInt64
    package var expectation: Expectation
    /// Part of the queue that the caller shares with others; `nil`: the whole queue is open to it.
    package var share: QueueShare?
    /// What was known already, where it is asked for again; `nil`: nothing, or it does not matter.
    package var earlier: EarlierResult?

    package init(
      key: RegistrationKey, der: [UInt8], basis: VerdictBasis, namedStatus: CertificateStatus?,
      status: CertificateStatus?, ifExists: IfExists, requester: Requester, connection: UInt64 = 0,
      expectation: Expectation, share: QueueShare? = nil, earlier: EarlierResult? = nil
    ) {
      self.key = key
      self.der = der
      self.basis = basis
      self.namedStatus = namedStatus
      self.status = status
      self.ifExists = ifExists
      self.requester = requester
      self.connection = connection
      self.expectation = expectation
      self.share = share
      self.earlier = earlier
    }
  }

  /// A part of the queue for some callers.
  package struct QueueShare: Hashable, Sendable {
    /// Names the callers that share it.
    package var name: String
    /// Registrations that have not ended, at most.
    package var limit: Int

    package init(name: String, limit: Int) {
      self.name = name
      self.limit = limit
    }
  }

  /// What a caller waits for.
  package enum Expectation: Hashable, Sendable {
    /// The end of the registration, at the latest until the deadline.
    case result(deadline: MonotonicTime)
    /// That the request is safe on disk.
    case queued
  }

  package enum Answer: Hashable, Sendable {
    case registered(Registration)
    case queued
    case failed(ServiceError)
  }

  package enum Action: Hashable, Sendable {
    case commit(CommitID, [StoreChange])
    case call(RegistrationKey, CertificateStatus?, der: [UInt8])
    /// Put the result into the cache. Comes before the answers that tell of it.
    case remember(Registration)
    case answer(WaiterID, Answer)
    /// A registration ended; for `watch`, the log and the counters.
    case ended(RegistrationKey, Ending)
  }

  /// How a registration ended.
  package enum Ending: Hashable, Sendable {
    case registered(Registration)
    case failed(FailedRegistration)
  }

  /// What is known of a registration under way, for `lookup`.
  package struct PendingView: Hashable, Sendable {
    package var registration: PendingRegistration
    /// `nil`: as soon as the pace allows.
    package var nextAttemptAfter: Duration?
  }

  fileprivate struct Waiter: Sendable {
    var id: WaiterID
    var namedStatus: CertificateStatus?
    var ifExists: IfExists
    var expectation: Expectation
  }

  /// Callers by their number, so that one who gives up costs the same among thousands.
  private struct Waiters: Sendable {
    private var byID: [WaiterID: Waiter] = [:]

    var isEmpty: Bool { byID.isEmpty }
    var isAwaited: Bool { byID.values.contains(where: \.isAwaiting) }
    /// As they came.
    var inOrder: [Waiter] { byID.count < 2 ? Array(byID.values) : byID.values.sorted { $0.id < $1.id } }

    mutating func add(_ waiter: Waiter) { byID[waiter.id] = waiter }
    mutating func remove(_ id: WaiterID) { byID[id] = nil }
    mutating func removeAll() { byID.removeAll() }
  }

  /// Where a flight is. From waiting and backingOff on it goes to finishing, too, once it is overdue.
  private enum Phase: Sendable {
    /// The request is on its way to disk. Next: calling where it has a place, else waiting; gone where the disk refused it.
    case storing(Pacer.Place?)
    /// In the queue of its target, if that has been configured. Next: calling, or marking where the disk does not know of a call
    /// yet.
    case waiting
    /// That a call begins is on its way to disk. Next: calling, waiting where the target has gone meanwhile, or backingOff where
    /// the disk failed.
    case marking(Pacer.Place)
    /// A call is under way. Next: finishing or backingOff.
    case calling(Pacer.Place, since: MonotonicTime)
    /// A call failed in a way that can pass. Next: waiting.
    case backingOff(until: MonotonicTime)
    /// The end is on its way to disk. Next: gone. Indirect, since it is large and all that wait would take as much.
    indirect case finishing(Ending)
  }

  private struct Flight: Sendable {
    var pending: PendingRegistration
    /// When it was asked for. May lie before the start of the clock.
    var since: MonotonicTime
    var phase: Phase
    var waiters = Waiters()
    /// Whether it stands in the lane of those that somebody waits for: once, however many come to wait.
    var standsInAwaitedLane = false
    /// Whose turn it takes.
    var caller: FairQueue<RegistrationKey>.Caller
    /// Whose part of the queue it takes.
    var share: String?
    /// Somebody was told `queued`: from then on an error that passes is nobody's answer, and the registration goes on.
    var isPromised = false
    /// An earlier call may have registered the certificate: a 409 is then the answer to it.
    var mayHaveTakenEffect = false
    /// What was known when it was asked for again: a 409 then says no more than that.
    var earlier: EarlierResult?
    /// What the retry that comes next, or came last, took from the budget.
    var retryCost = 0
  }

  private enum Lane: Int {
    /// Registrations that somebody waits for.
    case awaited
    /// The others; they get a turn in eight while somebody waits.
    case others
  }

  private struct Target: Sendable {
    var pacer: Pacer
    /// Whether calls may begin. What is queued for a target that a new configuration leaves out waits until one has it again.
    var isConfigured = true
    var retries = RetryBudget()
    /// By `Lane`.
    var lanes = [FairQueue<RegistrationKey>(), FairQueue<RegistrationKey>()]
    var turn = 0
    var wakeAt: MonotonicTime?
    var lastError: ServiceError?
    var lastSuccessAt: WallTime?
  }

  private enum Deadline: Sendable {
    case waiter(WaiterID)
    case retry(RegistrationKey)
    case finish(RegistrationKey)
    case target(TargetName)
    case age
  }

  private enum Step: Sendable {
    case stored(RegistrationKey)
    case marked(RegistrationKey)
    case finished(RegistrationKey)
  }

  private static let longestAwaitedBackoff = Duration.seconds(4)
  private static let longestBackoff = Duration.seconds(20)
  private static let storeRetry = Duration.seconds(1)

  /// Whether the daemon has more pressing work: calls begin in small groups then. Looked at with each event.
  package var givesWay = false
  private var configuration: Configuration
  private var targets: [TargetName: Target] = [:]
  private var flights: [RegistrationKey: Flight] = [:]
  private var arrivals = ArrivalOrder()
  /// Whether the deadline `age` is set. It is while there are flights.
  private var watchesAge = false
  /// Places in the queue that are taken, of all and by the name of a share.
  private var places = 0
  private var sharePlaces: [String: Int] = [:]
  private var waiterKeys: [WaiterID: RegistrationKey] = [:]
  private var deadlines = DeadlineQueue<Deadline>()
  private var commits: [CommitID: [Step]] = [:]
  private var nextCommit: CommitID = 1
  private var nextSequence: Int64 = 1
  private var generator: SplitMix64
  private var isDraining = false
  private var batch: [StoreChange] = []
  private var batchSteps: [Step] = []
  private var actions: [Action] = []

  package init(configuration: Configuration, seed: UInt64) {
    self.configuration = configuration
    generator = SplitMix64(seed: seed)
  }

  // MARK: Set-up

  /// Takes the targets of a configuration. No call begins for one that it leaves out; what is queued for one that was left out
  /// before, or was not there when an earlier process's queue was resumed, goes on.
  package mutating func setTargets(_ limits: [TargetName: Pacer.Limits], now: Moment) -> [Action] {
    for name in targets.keys { targets[name]?.isConfigured = limits[name] != nil }
    var added: Set<TargetName> = []
    for (name, limits) in limits {
      if targets[name] == nil {
        targets[name] = Target(pacer: Pacer(limits: limits, now: now.monotonic))
        added.insert(name)
      } else {
        targets[name]?.pacer.setLimits(limits)
      }
    }
    for arrival in arrivals where added.contains(arrival.key.target) && isUnderWay(arrival) && isWaiting(arrival.key) {
      enqueue(arrival.key)
    }
    for name in limits.keys { dispatch(name, now: now) }
    return takeActions()
  }

  package mutating func setConfiguration(_ configuration: Configuration) {
    self.configuration = configuration
  }

  /// Takes what an earlier process left unfinished. In order of arrival; once, after the targets and before the first request.
  /// New registrations are numbered from `firstSequence`.
  package mutating func resume(
    _ pending: [PendingRegistration], firstSequence: Int64 = 1, now: Moment
  ) -> [Action] {
    nextSequence = max(nextSequence, firstSequence)
    for registration in pending {
      nextSequence = max(nextSequence, registration.sequence + 1)
      // A host without a clock of its own dates what comes before the network's in 1970: how old that is nobody knows.
      let began = registration.enqueuedAt < Version.earliestClock ? now.wall : registration.enqueuedAt
      let age = now.wall.millisecondsSinceEpoch - began.millisecondsSinceEpoch
      var flight = Flight(
        pending: registration, since: now.monotonic + .milliseconds(-max(0, age)), phase: .waiting,
        caller: .init(uid: registration.requester.uid, connection: 0))
      flight.isPromised = true
      flight.mayHaveTakenEffect = registration.callStarted
      add(flight, now: now)
      enqueue(registration.key)
    }
    for name in targets.keys { dispatch(name, now: now) }
    return takeActions()
  }

  // MARK: Events

  /// A caller asks for a registration. Exactly one `answer` follows, now or later.
  package mutating func register(_ request: Request, waiter id: WaiterID, now: Moment) -> [Action] {
    let waiter = Waiter(
      id: id, namedStatus: request.namedStatus, ifExists: request.ifExists, expectation: request.expectation)
    if isDraining {
      actions.append(.answer(id, .failed(.draining)))
    } else if targets[request.key.target]?.isConfigured != true {
      // A reload took it away while the request was on its way here.
      let known = targets.filter(\.value.isConfigured).map(\.key)
      actions.append(.answer(id, .failed(.unknownTarget(request.key.target.rawValue, known: known))))
    } else if flights[request.key] != nil {
      join(request.key, waiter, now: now)
    } else if places >= configuration.maxPending {
      actions.append(.answer(id, .failed(.queueFull(limit: configuration.maxPending))))
    } else if let share = request.share, sharePlaces[share.name, default: 0] >= share.limit {
      actions.append(.answer(id, .failed(.queueShareFull(limit: share.limit))))
    } else {
      begin(request, waiter, now: now)
    }
    return takeActions()
  }

  /// A commit ended.
  package mutating func committed(_ id: CommitID, _ result: Result<Void, StoreError>, now: Moment) -> [Action] {
    guard let steps = commits.removeValue(forKey: id) else { return [] }
    for step in steps {
      switch (step, result) {
      case (.stored(let key), .success): stored(key, now: now)
      case (.stored(let key), .failure(let error)): notStored(key, error, now: now)
      case (.marked(let key), .success): marked(key, now: now)
      case (.marked(let key), .failure): notMarked(key, now: now)
      case (.finished(let key), .success): finished(key)
      case (.finished(let key), .failure):
        deadlines.insert(.finish(key), due: now.monotonic + Self.storeRetry)
      }
    }
    return takeActions()
  }

  /// A call ended.
  package mutating func replied(_ key: RegistrationKey, _ reply: UpstreamReply, now: Moment) -> [Action] {
    guard let flight = flights[key], case .calling(let place, let since) = flight.phase else { return [] }
    flights[key]?.pending.attempts += 1
    let ended = EndedCall(key: key, place: place, since: since, retryCost: flight.retryCost)
    switch reply {
    case .registered(let arn, let requestID):
      callEnded(ended, .answered, now: now)
      finish(key, registration(of: flight, arn: arn, .created, flight.pending.status, requestID, now: now))
    case .alreadyExists(let arn, let status, let requestID):
      callEnded(ended, .answered, now: now)
      if flight.mayHaveTakenEffect, flight.earlier == nil {
        finish(key, registration(of: flight, arn: arn, .created, flight.pending.status, requestID, now: now))
      } else {
        finish(
          key, registration(of: flight, arn: arn, .existing, status ?? flight.earlier?.status, requestID, now: now))
      }
    case .failed(let failure):
      failed(ended, failure, now: now)
    }
    dispatch(key.target, now: now)
    return takeActions()
  }

  /// The clock reached `nextDeadline`, or any time has passed.
  package mutating func timePassed(now: Moment) -> [Action] {
    while let due = deadlines.popDue(at: now.monotonic) {
      switch due {
      case .waiter(let id): deadlineExceeded(id, now: now)
      case .retry(let key): retry(key, now: now)
      case .finish(let key):
        if case .finishing(let ending)? = flights[key]?.phase { commitEnding(key, ending) }
      case .target(let name):
        // One that was set before an earlier one is not wanted any more.
        guard let wakeAt = targets[name]?.wakeAt, wakeAt <= now.monotonic else { continue }
        targets[name]?.wakeAt = nil
        dispatch(name, now: now)
      case .age:
        watchesAge = false
        endOverdue(now: now)
        watchAge(now: now)
      }
    }
    return takeActions()
  }

  /// From now on no request is taken and nothing begins that nobody waits for.
  package mutating func beginDraining(now: Moment) -> [Action] {
    isDraining = true
    return takeActions()
  }

  /// Tells all who still wait that the daemon stops.
  package mutating func endDraining() -> [Action] {
    for (id, key) in waiterKeys {
      flights[key]?.waiters.remove(id)
      actions.append(.answer(id, .failed(.draining)))
    }
    waiterKeys.removeAll()
    return takeActions()
  }

  // MARK: Views

  /// When `timePassed` has to be called next.
  package var nextDeadline: MonotonicTime? { deadlines.earliest }

  /// Whether nobody waits and nothing is under way: a draining daemon may stop.
  package var isQuiet: Bool {
    waiterKeys.isEmpty && commits.isEmpty && targets.values.allSatisfy { $0.pacer.underWay == 0 }
  }

  package var pendingCount: Int { flights.count }

  /// How many arrivals are remembered, of which some may have ended: a small multiple of `pendingCount`, for tests.
  package var arrivalCount: Int { arrivals.count }

  /// Whether the registration was asked for and has not ended.
  package func isUnderWay(_ key: RegistrationKey) -> Bool { flights[key] != nil }

  package func pending(_ key: RegistrationKey, now: MonotonicTime) -> PendingView? {
    guard let flight = flights[key] else { return nil }
    var wait: Duration?
    if case .backingOff(let until) = flight.phase { wait = max(.zero, until - now) }
    return PendingView(registration: flight.pending, nextAttemptAfter: wait)
  }

  /// State of one target, for `status`.
  package struct TargetView: Hashable, Sendable {
    package var health: Pacer.Health
    package var queued: Int
    package var underWay: Int
    package var ratePerSecond: Double?
    /// Calls that might begin at once; `nil`: not paced.
    package var tokens: Double?
    package var throttles: Int
    package var lastError: ServiceError?
    package var lastSuccessAt: WallTime?
  }

  package func target(_ name: TargetName, now: MonotonicTime) -> TargetView? {
    guard let target = targets[name] else { return nil }
    return TargetView(
      health: target.pacer.health, queued: target.lanes.reduce(0) { $0 + $1.count },
      underWay: target.pacer.underWay, ratePerSecond: target.pacer.currentRate,
      tokens: target.pacer.tokens(now: now), throttles: target.pacer.throttles, lastError: target.lastError,
      lastSuccessAt: target.lastSuccessAt)
  }

  package func health(of name: TargetName) -> Pacer.Health? { targets[name]?.pacer.health }

  /// When the oldest registration that has not ended was asked for.
  package var oldestPending: WallTime? { arrivals.first.flatMap { flights[$0.key]?.pending.enqueuedAt } }
}

// MARK: - Arrival

extension Registrar {
  private mutating func begin(_ request: Request, _ waiter: Waiter, now: Moment) {
    let key = request.key
    // A place that is free at once saves the second commit: the row is written as one whose call has begun.
    let place = isIdle(key.target) ? admit(key.target, request.requester.uid, waiter, now: now) : nil
    let pending = PendingRegistration(
      key: key, sequence: nextSequence, der: request.der, status: request.status, enqueuedAt: now.wall,
      callStarted: place != nil, attempts: 0, lastError: nil, requester: request.requester, basis: request.basis)
    nextSequence += 1
    let flight = Flight(
      pending: pending, since: now.monotonic, phase: .storing(place),
      caller: .init(uid: request.requester.uid, connection: request.connection),
      share: request.share?.name, earlier: request.earlier)
    add(flight, now: now)
    attach(waiter, to: key)
    commit(.enqueue(pending), then: .stored(key))
  }

  private mutating func join(_ key: RegistrationKey, _ waiter: Waiter, now: Moment) {
    // Who waits for the end is told then. Who does not would take `queued` for a promise of the status that it names.
    if waiter.expectation == .queued, let flight = flights[key], !isFinishing(flight), let named = waiter.namedStatus,
      let asked = flight.pending.status, named != asked
    {
      actions.append(.answer(waiter.id, .failed(.statusDiffers(key, asked: asked, named: named))))
      return
    }
    attach(waiter, to: key)
    guard let flight = flights[key] else { return }
    if case .storing = flight.phase { return }
    if waiter.expectation == .queued, !isFinishing(flight) {
      promise(key)
      return
    }
    switch flight.phase {
    case .waiting:
      // It may stand among those that nobody waited for. The place there is skipped when its turn comes.
      if !flight.standsInAwaitedLane {
        flights[key]?.standsInAwaitedLane = true
        targets[key.target]?.lanes[Lane.awaited.rawValue].append(key, caller: flight.caller)
      }
      dispatch(key.target, now: now)
    case .backingOff(let until):
      let sooner = min(until, now.monotonic + .milliseconds(200))
      flights[key]?.phase = .backingOff(until: sooner)
      deadlines.insert(.retry(key), due: sooner)
    case .storing, .marking, .calling, .finishing: break
    }
  }

  private mutating func attach(_ waiter: Waiter, to key: RegistrationKey) {
    flights[key]?.waiters.add(waiter)
    waiterKeys[waiter.id] = key
    if case .result(let deadline) = waiter.expectation { deadlines.insert(.waiter(waiter.id), due: deadline) }
  }

  private mutating func stored(_ key: RegistrationKey, now: Moment) {
    guard let flight = flights[key], case .storing(let place) = flight.phase else { return }
    if flight.waiters.inOrder.contains(where: { $0.expectation == .queued }) { promise(key) }
    if let place {
      call(key, place, now: now)
    } else {
      flights[key]?.phase = .waiting
      enqueue(key)
      dispatch(key.target, now: now)
    }
  }

  private mutating func notStored(_ key: RegistrationKey, _ error: StoreError, now: Moment) {
    guard let flight = flights[key] else { return }
    remove(key)
    if case .storing(let place?) = flight.phase { targets[key.target]?.pacer.cancelAdmission(place) }
    for waiter in flight.waiters.inOrder {
      waiterKeys[waiter.id] = nil
      actions.append(.answer(waiter.id, .failed(ServiceError(error))))
    }
    dispatch(key.target, now: now)
  }

  private mutating func add(_ flight: Flight, now: Moment) {
    flights[flight.pending.key] = flight
    places += flight.pending.places
    if let share = flight.share { sharePlaces[share, default: 0] += flight.pending.places }
    arrivals.append(flight.pending.key, sequence: flight.pending.sequence)
    if arrivals.count > 2 * flights.count + 64 { arrivals = ArrivalOrder(arrivals.filter(isUnderWay)) }
    watchAge(now: now)
  }

  private mutating func remove(_ key: RegistrationKey) {
    guard let flight = flights.removeValue(forKey: key) else { return }
    while let oldest = arrivals.first, !isUnderWay(oldest) { arrivals.removeFirst() }
    places -= flight.pending.places
    guard let share = flight.share, let taken = sharePlaces[share] else { return }
    let left = taken - flight.pending.places
    sharePlaces[share] = left > 0 ? left : nil
  }

  private func isUnderWay(_ arrival: ArrivalOrder.Entry) -> Bool {
    flights[arrival.key]?.pending.sequence == arrival.sequence
  }

  /// Tells those who wait for it that the request is safe on disk.
  private mutating func promise(_ key: RegistrationKey) {
    flights[key]?.isPromised = true
    for waiter in flights[key]?.waiters.inOrder ?? [] where waiter.expectation == .queued {
      waiterKeys[waiter.id] = nil
      flights[key]?.waiters.remove(waiter.id)
      actions.append(.answer(waiter.id, .queued))
    }
  }

  private mutating func deadlineExceeded(_ id: WaiterID, now: Moment) {
    guard let key = waiterKeys.removeValue(forKey: id) else { return }
    flights[key]?.waiters.remove(id)
    var error = ServiceError.deadlineExceeded(lastError: flights[key]?.pending.lastError)
    error.retryAfterMilliseconds = targets[key.target]?.pacer.nextPlace(now: now.monotonic).milliseconds(since: now)
    actions.append(.answer(id, .failed(error)))
  }
}

// MARK: - Calls

extension Registrar {
  private func isIdle(_ name: TargetName) -> Bool {
    guard let target = targets[name] else { return false }
    return target.isConfigured && target.lanes.allSatisfy(\.isEmpty)
  }

  /// A place for a request that has just come, where there is one.
  private mutating func admit(
    _ name: TargetName, _ uid: UInt32, _ waiter: Waiter, now: Moment
  ) -> Pacer.Place? {
    let lane = waiter.isAwaiting ? Lane.awaited : .others
    guard
      case .now(let place)? = targets[name]?.pacer.admit(
        now: now.monotonic, isAwaited: waiter.isAwaiting, givesWay: givesWay)
    else { return nil }
    targets[name]?.lanes[lane.rawValue].tookTurn(uid, now: now.monotonic)
    return place
  }

  private mutating func enqueue(_ key: RegistrationKey) {
    guard let flight = flights[key] else { return }
    let lane = flight.waiters.isAwaited ? Lane.awaited : .others
    if lane == .awaited { flights[key]?.standsInAwaitedLane = true }
    // What is tried again has had its turn.
    if flight.pending.attempts > 0 {
      targets[key.target]?.lanes[lane.rawValue].putBack(key, caller: flight.caller)
    } else {
      targets[key.target]?.lanes[lane.rawValue].append(key, caller: flight.caller)
    }
  }

  /// Begins as many calls as the target's pacer allows.
  private mutating func dispatch(_ name: TargetName, now: Moment) {
    while beginNext(name, now: now) {}
  }

  /// Begins one call, if the pacer allows one; returns whether it did.
  private mutating func beginNext(_ name: TargetName, now: Moment) -> Bool {
    guard targets[name]?.isConfigured == true, let turn = targets[name]?.turn else { return false }
    let lanes: [Lane] = turn % 8 == 7 ? [.others, .awaited] : [.awaited, .others]
    for lane in lanes where !(isDraining && lane == .others) {
      guard targets[name]?.lanes[lane.rawValue].isEmpty == false,
        let admission = targets[name]?.pacer.admit(
          now: now.monotonic, isAwaited: lane == .awaited, givesWay: givesWay)
      else { continue }
      switch admission {
      case .now(let place):
        guard let key = nextWaiting(in: lane, of: name, now: now) else {
          targets[name]?.pacer.cancelAdmission(place)
          continue
        }
        targets[name]?.turn += 1
        beginCall(key, place, now: now)
        return true
      case .notBefore(let time): wake(name, at: time)
      case .whenCallEnds: return false
      }
    }
    return false
  }

  /// Takes out the registration of a lane whose turn it is.
  private mutating func nextWaiting(
    in lane: Lane, of name: TargetName, now: Moment
  ) -> RegistrationKey? {
    while let key = targets[name]?.lanes[lane.rawValue].popFirst(now: now.monotonic) {
      if lane == .awaited { flights[key]?.standsInAwaitedLane = false }
      if isWaiting(key) { return key }
    }
    return nil
  }

  private func isWaiting(_ key: RegistrationKey) -> Bool {
    if case .waiting? = flights[key]?.phase { true } else { false }
  }

  private mutating func wake(_ name: TargetName, at time: MonotonicTime) {
    // The pacer's arithmetic is not good to the nanosecond: a new timer for each would be one for every event.
    if let wakeAt = targets[name]?.wakeAt, wakeAt <= time + .microseconds(100) { return }
    targets[name]?.wakeAt = time
    deadlines.insert(.target(name), due: time)
  }

  private mutating func beginCall(_ key: RegistrationKey, _ place: Pacer.Place, now: Moment) {
    guard let flight = flights[key] else { return }
    if isOverdue(flight, now: now) {
      targets[key.target]?.pacer.cancelAdmission(place)
      finish(key, failure(of: flight, .queueExpired(lastError: flight.pending.lastError), now: now))
    } else if flight.pending.callStarted {
      call(key, place, now: now)
    } else {
      flights[key]?.phase = .marking(place)
      commit(.markCallStarted(key), then: .marked(key))
    }
  }

  private mutating func call(_ key: RegistrationKey, _ place: Pacer.Place, now: Moment) {
    guard let flight = flights[key] else { return }
    flights[key]?.pending.callStarted = true
    // The target may have gone while this was on its way to disk.
    guard targets[key.target]?.isConfigured == true else {
      targets[key.target]?.pacer.cancelAdmission(place)
      flights[key]?.phase = .waiting
      enqueue(key)
      return
    }
    flights[key]?.phase = .calling(place, since: now.monotonic)
    actions.append(.call(key, flight.pending.status, der: flight.pending.der))
  }

  private mutating func marked(_ key: RegistrationKey, now: Moment) {
    if case .marking(let place)? = flights[key]?.phase { call(key, place, now: now) }
  }

  private mutating func notMarked(_ key: RegistrationKey, now: Moment) {
    guard case .marking(let place)? = flights[key]?.phase else { return }
    targets[key.target]?.pacer.cancelAdmission(place)
    backOff(key, for: Self.storeRetry, now: now)
    // Another may have its place, also where this one has ended; not at once, while the disk fails.
    wake(key.target, at: now.monotonic + Self.storeRetry)
  }

  private struct EndedCall {
    var key: RegistrationKey
    var place: Pacer.Place
    var since: MonotonicTime
    var retryCost: Int
  }

  private mutating func callEnded(_ call: EndedCall, _ result: Pacer.CallResult, now: Moment) {
    let name = call.key.target
    targets[name]?.pacer.callEnded(
      result, place: call.place, startedAt: call.since, now: now.monotonic,
      random: Double.random(in: 0..<1, using: &generator))
    if result == .answered {
      targets[name]?.lastSuccessAt = now.wall
      targets[name]?.retries.answered(taken: call.retryCost)
    }
  }

  /// Keeps how often it was tried and why it failed, for `lookup` after a restart. Nothing waits for that.
  private mutating func keepAttempt(_ key: RegistrationKey) {
    guard let pending = flights[key]?.pending, let error = pending.lastError else { return }
    batch.append(.noteAttempt(key, attempts: pending.attempts, lastError: error))
  }

  private mutating func failed(_ call: EndedCall, _ failure: UpstreamFailure, now: Moment) {
    let key = call.key
    if failure.mayHaveTakenEffect { flights[key]?.mayHaveTakenEffect = true }
    switch failure.disposition {
    case .final:
      flights[key]?.pending.lastError = failure.error
      callEnded(call, .answered, now: now)
      guard let flight = flights[key] else { return }
      finish(key, self.failure(of: flight, failure.error, now: now))
    case .identity:
      callEnded(call, .unauthorized, now: now)
      keepError(failure.error, key)
      guard let flight = flights[key] else { return }
      refused(key, flight, failure.error, now: now)
    case .throttled(let retryAfter):
      callEnded(call, .throttled(retryAfter: retryAfter), now: now)
      let pause = Duration.milliseconds(50 + Int64.random(in: 0..<200, using: &generator))
      tryAgain(key, failure.error, after: max(pause, retryAfter ?? .zero), now: now)
    case .unavailable(let retryAfter):
      callEnded(call, .unavailable(retryAfter: retryAfter), now: now)
      tryAgain(key, failure.error, after: max(backoff(key, failure), retryAfter ?? .zero), now: now)
    }
  }

  /// Who is told of the error is told when to ask again: when this registration is tried next and there is a place for it.
  private mutating func tryAgain(_ key: RegistrationKey, _ error: ServiceError, after pause: Duration, now: Moment) {
    var error = error
    let next = max(now.monotonic + pause, targets[key.target]?.pacer.nextPlace(now: now.monotonic) ?? now.monotonic)
    error.retryAfterMilliseconds = next.milliseconds(since: now)
    keepError(error, key)
    backOff(key, for: pause, now: now)
  }

  private mutating func keepError(_ error: ServiceError, _ key: RegistrationKey) {
    flights[key]?.pending.lastError = error
    targets[key.target]?.lastError = error
    keepAttempt(key)
  }

  /// The daemon's identity was refused. Who waits is told at once; what was promised stays queued until somebody mends it.
  private mutating func refused(_ key: RegistrationKey, _ flight: Flight, _ error: ServiceError, now: Moment) {
    if !flight.isPromised, !flight.waiters.isEmpty {
      finish(key, failure(of: flight, error, now: now))
      return
    }
    for waiter in flight.waiters.inOrder {
      waiterKeys[waiter.id] = nil
      actions.append(.answer(waiter.id, .failed(error)))
    }
    flights[key]?.waiters.removeAll()
    backOff(key, for: Self.longestBackoff, now: now)
  }

  /// Exponential with full jitter, as the AWS SDKs' standard retry mode has it; the longest where the retry budget is used up.
  private mutating func backoff(_ key: RegistrationKey, _ failure: UpstreamFailure) -> Duration {
    guard let flight = flights[key] else { return .zero }
    let longest = flight.waiters.isEmpty ? Self.longestBackoff : Self.longestAwaitedBackoff
    guard let cost = targets[key.target]?.retries.take(afterTimeout: failure.isTimeout) else {
      flights[key]?.retryCost = 0
      return .milliseconds(Int64.random(in: (longest.milliseconds / 2)...longest.milliseconds, using: &generator))
    }
    flights[key]?.retryCost = cost
    let ceiling = min(longest.milliseconds, 100 << Int64(min(flight.pending.attempts, 12)))
    return .milliseconds(Int64.random(in: 0...ceiling, using: &generator))
  }

  private mutating func backOff(_ key: RegistrationKey, for duration: Duration, now: Moment) {
    if let flight = flights[key], isOverdue(flight, now: now) {
      finish(key, failure(of: flight, .queueExpired(lastError: flight.pending.lastError), now: now))
      return
    }
    let until = now.monotonic + duration
    flights[key]?.phase = .backingOff(until: until)
    deadlines.insert(.retry(key), due: until)
  }

  private mutating func retry(_ key: RegistrationKey, now: Moment) {
    guard case .backingOff(let until)? = flights[key]?.phase, until <= now.monotonic else { return }
    flights[key]?.phase = .waiting
    enqueue(key)
    dispatch(key.target, now: now)
  }
}

// MARK: - Age

extension Registrar {
  /// How often ages are looked at: not all the time while the oldest is overdue and its call does not end, and often enough to see
  /// a shorter `maxAge`.
  private static let ageInterval = (shortest: Duration.milliseconds(100), longest: Duration.seconds(60))
  /// A great many that are overdue end in steps.
  private static let mostEndedAtOnce = 1000

  private func isOverdue(_ flight: Flight, now: Moment) -> Bool {
    configuration.maxAge.map { now.monotonic - flight.since > $0 } ?? false
  }

  /// Ends what has waited too long, also where the upstream's state lets no call begin. A call under way, or a commit, comes to
  /// its own end, which looks at the age, too.
  private mutating func endOverdue(now: Moment) {
    var ended = 0
    for arrival in arrivals where isUnderWay(arrival) {
      guard ended < Self.mostEndedAtOnce, let flight = flights[arrival.key], isOverdue(flight, now: now) else { break }
      switch flight.phase {
      case .waiting, .backingOff:
        finish(arrival.key, failure(of: flight, .queueExpired(lastError: flight.pending.lastError), now: now))
        ended += 1
      case .storing, .marking, .calling, .finishing: break
      }
    }
  }

  /// Looks at the age of the oldest again when it may be too old.
  private mutating func watchAge(now: Moment) {
    guard !watchesAge, let oldest = arrivals.first, let since = flights[oldest.key]?.since else { return }
    watchesAge = true
    let left = configuration.maxAge.map { $0 - (now.monotonic - since) } ?? Self.ageInterval.longest
    let wait = min(max(left, Self.ageInterval.shortest), Self.ageInterval.longest)
    deadlines.insert(.age, due: now.monotonic + wait)
  }
}

// MARK: - Ends

extension Registrar {
  private func isFinishing(_ flight: Flight) -> Bool {
    if case .finishing = flight.phase { true } else { false }
  }

  private func registration(
    of flight: Flight, arn: String, _ outcome: RegistrationOutcome, _ status: CertificateStatus?,
    _ requestID: String?, now: Moment
  ) -> Ending {
    .registered(
      Registration(
        key: flight.pending.key, certificateARN: arn, outcome: outcome,
        status: status, requestID: requestID, finishedAt: now.wall,
        basis: flight.pending.basis, requester: flight.pending.requester))
  }

  private func failure(of flight: Flight, _ error: ServiceError, now: Moment) -> Ending {
    .failed(
      FailedRegistration(
        key: flight.pending.key, error: error, attempts: flight.pending.attempts, finishedAt: now.wall,
        requester: flight.pending.requester))
  }

  private mutating func finish(_ key: RegistrationKey, _ ending: Ending) {
    flights[key]?.phase = .finishing(ending)
    commitEnding(key, ending)
  }

  private mutating func commitEnding(_ key: RegistrationKey, _ ending: Ending) {
    switch ending {
    case .registered(let registration): commit(.complete(registration), then: .finished(key))
    case .failed(let failure): commit(.fail(failure), then: .finished(key))
    }
  }

  private mutating func finished(_ key: RegistrationKey) {
    guard let flight = flights[key], case .finishing(let ending) = flight.phase else { return }
    remove(key)
    if case .registered(let registration) = ending { actions.append(.remember(registration)) }
    for waiter in flight.waiters.inOrder {
      waiterKeys[waiter.id] = nil
      actions.append(.answer(waiter.id, waiter.answer(to: ending)))
    }
    actions.append(.ended(key, ending))
  }

  private mutating func commit(_ change: StoreChange, then step: Step) {
    batch.append(change)
    batchSteps.append(step)
  }

  /// What one event asks for, with its changes as one commit at the end.
  private mutating func takeActions() -> [Action] {
    if !batch.isEmpty {
      actions.append(.commit(nextCommit, batch))
      commits[nextCommit] = batchSteps
      nextCommit += 1
      batch.removeAll(keepingCapacity: true)
      batchSteps.removeAll(keepingCapacity: true)
    }
    defer { actions = [] }
    return actions
  }
}

extension Registrar.Waiter {
  fileprivate var isAwaiting: Bool { expectation != .queued }

  fileprivate func answer(to ending: Registrar.Ending) -> Registrar.Answer {
    switch ending {
    case .failed(let failure): .failed(failure.error)
    case .registered(let registration):
      if let error = registration.objection(namedStatus: namedStatus, ifExists: ifExists, isRepeat: false) {
        .failed(error)
      } else {
        .registered(registration)
      }
    }
  }
}

extension MonotonicTime {
  /// Whole milliseconds from a moment until this one, at least one.
  fileprivate func milliseconds(since now: Moment) -> Int64 {
    max(1, (self - now.monotonic).milliseconds)
  }
}
