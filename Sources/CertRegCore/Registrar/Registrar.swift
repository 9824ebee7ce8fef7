/// Decides about every registration: when to write it to disk, when to call the upstream, whether to repeat a failed
/// call, and the answer of each caller.
///
/// Events go in as method calls. Each returns `Action`s in the order in which they have to be carried out. There is
/// no I/O, clock or randomness in here: each event has its time, and random numbers come from a seeded generator.
///
/// The registrar routes. Each registration is a `RegistrationJob`, at most one for a certificate and target; callers
/// wait in a `WaiterTable`; the `QueueLedger` counts slots, shares and ages; a `TargetLine` for each target says which
/// job may call next.
///
/// The disk has the request before a caller is answered `queued`, the start of a call before the call is made, and the
/// result before the result is answered.
package struct Registrar: Sendable {
  enum Deadline: Sendable {
    case waiter(WaiterID)
    case pause(RegistrationKey)
    case commit(RegistrationKey)
    case target(TargetName)
    case age
  }

  /// The purpose of a commit.
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
  /// Whether the deadline `age` is set. It is set while there are jobs.
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
  ///   - seed: The seed of the generator that spreads retries.
  package init(
    configuration: Configuration, makePlan: @escaping Plan.Maker = { _ in .registration },
    coordinator: any Coordinator = Alone(), seed: UInt64
  ) {
    self.configuration = configuration
    self.makePlan = makePlan
    self.coordinator = coordinator
    retries = RetryPolicy(seed: seed)
  }

  /// Sets the limits of a new configuration.
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

  /// The time of `nextDeadline` has come. Calls at other times do no harm.
  package mutating func timePassed(now: Moment) -> [Action] {
    while let due = deadlines.popDue(at: now.monotonic) {
      switch due {
      case .waiter(let id): deadlineExceeded(id, now: now)
      case .pause(let key): perform(jobs[key]?.pauseEnded(now: now.monotonic), key, now: now)
      case .commit(let key):
        if let change = jobs[key]?.repeatedCommit { commit(change, key) }
      case .target(let name):
        // A deadline that was set before an earlier one no longer counts.
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

  // MARK: Decisions of jobs

  /// Carries out a job's decision on an event.
  mutating func perform(_ action: RegistrationJob.Action?, _ key: RegistrationKey, now: Moment) {
    switch action {
    case .commit(let change): commit(change, key)
    case .enqueue: enqueue(key, now: now)
    case .call(let call): actions.append(.call(key, call))
    case .impossible(let fault): actions.append(.report(fault))
    case .nothing, nil: break
    }
  }

  /// Adds a change to the commit of the current event.
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

  /// The actions of one event, with its changes as one commit at the end.
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

  /// Drops deadlines of answered callers and finished jobs, so that memory stays in proportion to the work under way.
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

  /// The time of the next call of `timePassed`; `nil` if there is nothing to wait for.
  package var nextDeadline: MonotonicTime? { deadlines.earliest }

  /// Whether no caller waits and no call or commit is under way, so that a draining daemon may stop.
  package var isQuiet: Bool {
    waiters.isEmpty && commits.isEmpty && targets.values.allSatisfy { $0.gate.callsUnderWay == 0 }
  }

  /// The number of registrations under way.
  package var pendingCount: Int { jobs.count }

  /// Whether the registration is under way.
  package func isUnderWay(_ key: RegistrationKey) -> Bool { jobs[key] != nil }

  /// The state of a registration under way; `nil` if it is not under way.
  package func pending(_ key: RegistrationKey, now: MonotonicTime) -> PendingView? {
    guard let job = jobs[key] else { return nil }
    var pause: Duration?
    if let until = job.pausesUntil { pause = max(.zero, until - now) }
    return PendingView(registration: job.pending, nextAttemptAfter: pause)
  }

  /// The request time of the oldest registration under way.
  package var oldestPending: WallTime? { ledger.oldest.flatMap { jobs[$0.key]?.pending.enqueuedAt } }
}
