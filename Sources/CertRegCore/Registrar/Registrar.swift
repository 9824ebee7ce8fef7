/// Decides what becomes of every registration: when it is written down, when the upstream is called, whether a failed call is
/// made again, and what each caller is told.
///
/// Events go in as method calls. What has to be done comes out as `Action`s, in the order in which it has to be done. There is
/// no I/O, clock or randomness in here: each event brings its time, and random numbers come from a seeded generator.
///
/// The registrar routes. Each registration is a `RegistrationJob`, at most one for a certificate and target; callers wait in
/// a `WaiterTable`; the `QueueLedger` counts slots, shares and ages; a `TargetLine` for each target says which job may
/// call next.
///
/// What is on disk at each step: the request before anybody is told `queued`; that a call begins before it is made; the result
/// before it is answered.
package struct Registrar: Sendable {
  enum Deadline: Sendable {
    case waiter(WaiterID)
    case pause(RegistrationKey)
    case commit(RegistrationKey)
    case target(TargetName)
    case age
  }

  /// What a commit was made for.
  enum CommitPurpose: Sendable {
    case store(RegistrationKey)
    case mark(RegistrationKey)
    case advance(RegistrationKey)
    case finish(RegistrationKey)
    case name(RegistrationKey)
  }

  static let storeRetry = Duration.seconds(1)

  var configuration: Configuration
  let makePlan: Plan.Maker
  var coordinator: any Coordinator
  var targets: [TargetName: TargetLine] = [:]
  var jobs: [RegistrationKey: RegistrationJob] = [:]
  var waiters = WaiterTable()
  var ledger = QueueLedger()
  var retries: RetryPolicy
  var deadlines = DeadlineQueue<Deadline>()
  /// Whether the deadline `age` is set. It is while there are jobs.
  var watchesAge = false
  var isDraining = false
  private var commits: [CommitID: [CommitPurpose]] = [:]
  private var nextCommit: CommitID = 1
  private var changes: [StoreChange] = []
  private var purposes: [CommitPurpose] = []
  var actions: [Action] = []

  /// - Parameters:
  ///   - configuration: The limits of the queue.
  ///   - makePlan: The steps of a registration.
  ///   - coordinator: Joins this host with others.
  ///   - seed: Of the generator that spreads retries.
  package init(
    configuration: Configuration, makePlan: @escaping Plan.Maker = { _ in .registration },
    coordinator: any Coordinator = Alone(), seed: UInt64
  ) {
    self.configuration = configuration
    self.makePlan = makePlan
    self.coordinator = coordinator
    retries = RetryPolicy(seed: seed)
  }

  /// Takes the limits of a new configuration.
  package mutating func setConfiguration(_ configuration: Configuration) {
    self.configuration = configuration
  }

  // MARK: Events

  /// A commit ended.
  package mutating func committed(_ id: CommitID, _ result: Result<Void, StoreError>, now: Moment) -> [Action] {
    for purpose in commits.removeValue(forKey: id) ?? [] {
      switch (purpose, result) {
      case (.store(let key), .success): stored(key, now: now)
      case (.store(let key), .failure(let error)): notStored(key, error, now: now)
      case (.mark(let key), .success): marked(key, now: now)
      case (.mark(let key), .failure): notMarked(key, now: now)
      case (.advance(let key), .success): perform(jobs[key]?.advanced(), key, now: now)
      case (.finish(let key), .success): finished(key)
      case (.name(let key), let result): named(key, result)
      case (.advance(let key), .failure), (.finish(let key), .failure):
        deadlines.insert(.commit(key), due: now.monotonic + Self.storeRetry)
      }
    }
    return takeActions()
  }

  /// The time of `nextDeadline` has come; any other time does no harm.
  package mutating func timePassed(now: Moment) -> [Action] {
    while let due = deadlines.popDue(at: now.monotonic) {
      switch due {
      case .waiter(let id): deadlineExceeded(id, now: now)
      case .pause(let key): perform(jobs[key]?.pauseEnded(now: now.monotonic), key, now: now)
      case .commit(let key):
        if let change = jobs[key]?.repeatedCommit { commit(change, key) }
      case .target(let name):
        // A deadline that was set before an earlier one has lost its meaning.
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

  // MARK: Carrying out what a job decides

  /// Carries out what a job decided on an event.
  mutating func perform(_ action: RegistrationJob.Action?, _ key: RegistrationKey, now: Moment) {
    switch action {
    case .commit(let change): commit(change, key)
    case .enqueue: enqueue(key, now: now)
    case .call(let call): actions.append(.call(key, call))
    case .impossible(let fault): actions.append(.report(fault))
    case .nothing, nil: break
    }
  }

  /// Adds a change to the commit of the event at hand.
  mutating func commit(_ change: StoreChange, _ key: RegistrationKey) {
    changes.append(change)
    switch change {
    case .enqueue: purposes.append(.store(key))
    case .markCallStarted: purposes.append(.mark(key))
    case .noteProgress: purposes.append(.advance(key))
    case .complete, .fail: purposes.append(.finish(key))
    case .nameDevice: purposes.append(.name(key))
    // Nothing waits for these.
    case .noteAttempt, .dequeue, .forget: break
    }
  }

  /// What one event asks for, with its changes as one commit at the end.
  mutating func takeActions() -> [Action] {
    if !changes.isEmpty {
      actions.append(.commit(nextCommit, changes))
      commits[nextCommit] = purposes
      nextCommit += 1
      changes.removeAll(keepingCapacity: true)
      purposes.removeAll(keepingCapacity: true)
    }
    let bound = 4 * (jobs.count + waiters.count) + 1024
    if deadlines.count > bound { sweepDeadlines(bound) }
    defer { actions = [] }
    return actions
  }

  /// Drops deadlines of callers and jobs that are gone, so that memory follows what is under way.
  private mutating func sweepDeadlines(_ bound: Int) {
    let (waiters, jobs) = (waiters, jobs)
    deadlines.sweep(ifMoreThan: bound) { deadline in
      switch deadline {
      case .waiter(let id): waiters.contains(id)
      case .pause(let key): jobs[key]?.pausesUntil != nil
      case .commit(let key): jobs[key]?.repeatedCommit != nil
      case .target, .age: true
      }
    }
  }

  // MARK: Views

  /// When `timePassed` has to be called next; `nil`: there is nothing to wait for.
  package var nextDeadline: MonotonicTime? { deadlines.earliest }

  /// Whether nobody waits and no call or commit is under way: a draining daemon may stop.
  package var isQuiet: Bool {
    waiters.isEmpty && commits.isEmpty && targets.values.allSatisfy { $0.gate.callsUnderWay == 0 }
  }

  /// How many registrations are under way.
  package var pendingCount: Int { jobs.count }

  /// Whether the registration was asked for and has not ended.
  package func isUnderWay(_ key: RegistrationKey) -> Bool { jobs[key] != nil }

  /// What is known of a registration under way; `nil`: it is not under way.
  package func pending(_ key: RegistrationKey, now: MonotonicTime) -> PendingView? {
    guard let job = jobs[key] else { return nil }
    var pause: Duration?
    if let until = job.pausesUntil { pause = max(.zero, until - now) }
    return PendingView(registration: job.pending, nextAttemptAfter: pause)
  }

  /// When the oldest registration under way was asked for.
  package var oldestPending: WallTime? { ledger.oldest.flatMap { jobs[$0.key]?.pending.enqueuedAt } }
}
