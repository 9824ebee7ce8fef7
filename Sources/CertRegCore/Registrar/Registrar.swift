/// Decides about every registration and every change of a status: when to write it to disk, when to call the upstream,
/// whether to repeat a failed call, and the answer of each caller.
///
/// Events go in as method calls. Each returns `Action`s in the order in which they have to be carried out. There is
/// no I/O, clock or randomness in here: each event has its time, and random numbers come from a seeded generator.
///
/// The registrar routes. Each request begins a `RegistrationJob` or joins one; `JobLines` say which job of a
/// certificate and target is at work. Callers wait in a `WaiterTable`; the `QueueLedger` counts slots, shares and ages;
/// a `TargetLine` for each target says which job may call next.
///
/// The disk has the request before a caller is answered `queued`, the start of a call before the call is made, and the
/// result before the result is answered.
///
/// It is used on one thread. A class, since it is one thing with many parts, of which each event changes a few.
package final class Registrar {
  enum Deadline: Sendable {
    case waiter(WaiterID)
    case pause(JobID)
    case commit(JobID)
    case target(TargetName)
    case age
  }

  /// The purpose of a commit.
  enum CommitPurpose: Sendable {
    case store(JobID)
    case mark(JobID)
    case advance(JobID)
    case finish(JobID)
    indirect case keep(Registration, JobHome?)
    indirect case doubt(RegistrationKey, JobHome?)
    case name(JobID)
  }

  static let storeRetry = Duration.seconds(1)

  var configuration: Configuration
  let makePlan: Plan.Maker
  var coordinator: any Coordinator
  var targets: [TargetName: TargetLine] = [:]
  var jobs: [JobID: RegistrationJob] = [:]
  var lines = JobLines()
  let pauses = PausedJobs()
  var waiters = WaiterTable()
  var ledger = QueueLedger()
  var retries: RetryPolicy
  var deadlines = DeadlineQueue<Deadline>()
  /// Whether the deadline `age` is set. It is set while there are jobs.
  var watchesAge = false
  /// Whether requests are refused, and only calls with a waiting caller begin.
  package internal(set) var isDraining = false
  private var commits: [CommitID: [CommitPurpose]] = [:]
  private var nextCommit: CommitID = 1
  private var changes: [StoreChange] = []
  private var purposes: [CommitPurpose] = []
  /// What the disk did not take of results elsewhere. The next commit begins with it: the job that was to go on repeats
  /// its own part then, and must not go on without the rest.
  private var refused: [(change: StoreChange, purpose: CommitPurpose)] = []
  var actions: [Action] = []

  /// - Parameters:
  ///   - configuration: The limits of the queue.
  ///   - makePlan: The steps of a job.
  ///   - coordinator: Joins this host with others.
  ///   - seed: The seed of the generator that spreads retries.
  package init(
    configuration: Configuration, makePlan: @escaping Plan.Maker = Plan.plan,
    coordinator: any Coordinator = Alone(), seed: UInt64
  ) {
    self.configuration = configuration
    self.makePlan = makePlan
    self.coordinator = coordinator
    retries = RetryPolicy(seed: seed)
  }

  /// Sets the limits of a new configuration.
  package func setConfiguration(_ configuration: Configuration) {
    self.configuration = configuration
  }

  // MARK: Events

  /// A commit ended.
  package func committed(_ id: CommitID, _ result: Result<Void, StoreError>, now: Moment) -> [Action] {
    for purpose in commits.removeValue(forKey: id) ?? [] {
      switch (purpose, result) {
      case (.store(let id), .success): stored(id, now: now)
      case (.store(let id), .failure(let error)): notStored(id, error, now: now)
      case (.mark(let id), .success): marked(id, now: now)
      case (.mark(let id), .failure): notMarked(id, now: now)
      case (.advance(let id), .success):
        guard let job = jobs[id] else { break }
        let next = job.advanced()
        tellOfRegistration(job, now: now)
        perform(next, id, now: now)
      case (.finish(let id), .success): finished(id, now: now)
      case (.keep(let registration, let home), .success): actions.append(.remember(registration, home))
      case (.doubt(let key, let home), .success): actions.append(.forget(key, home))
      case (.name(let id), let result): named(id, result, now: now)
      case (.advance(let id), .failure), (.finish(let id), .failure):
        deadlines.insert(.commit(id), due: now.monotonic + Self.storeRetry)
      case (.keep(let registration, let home), .failure): refused.append((.keep(registration, home), purpose))
      case (.doubt(let key, let home), .failure): refused.append((.doubtStatus(key, home, at: now.wall), purpose))
      }
    }
    return takeActions()
  }

  /// The time of `nextDeadline` has come. Calls at other times do no harm.
  package func timePassed(now: Moment) -> [Action] {
    while let due = deadlines.popDue(at: now.monotonic) {
      switch due {
      case .waiter(let id): deadlineExceeded(id, now: now)
      case .pause(let id): perform(jobs[id]?.pauseEnded(now: now.monotonic), id, now: now)
      case .commit(let id):
        if let change = jobs[id]?.repeatedCommit { perform(.commit(change), id, now: now) }
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
  func perform(_ action: RegistrationJob.Action?, _ id: JobID, now: Moment) {
    switch action {
    case .commit(let change):
      commit(change, id)
      handOver(id)
    case .enqueue: enqueue(id, now: now)
    case .call(let call):
      if let facts = jobs[id]?.markMove(to: targets[id.target]?.location) {
        changes.append(.noteProgress(id, facts))
        commit(.markCallStarted(id), id)
      } else {
        actions.append(.call(id, call))
      }
    case .impossible(let fault): actions.append(.report(fault))
    case .nothing, nil: break
    }
  }

  /// Adds a change to the commit of the current event.
  func commit(_ change: StoreChange, _ id: JobID) {
    changes.append(change)
    switch change {
    case .enqueue: purposes.append(.store(id))
    case .markCallStarted: purposes.append(.mark(id))
    case .noteProgress: purposes.append(.advance(id))
    case .complete, .setStatus, .fail: purposes.append(.finish(id))
    case .nameDevice: purposes.append(.name(id))
    // Nothing waits for these.
    case .noteAttempt, .keep, .doubtStatus, .forget, .share: break
    }
  }

  /// Adds a result to the commit of the current event that belongs elsewhere than the jobs' own.
  func keep(_ registration: Registration, at home: JobHome?) {
    changes.append(.keep(registration, home))
    purposes.append(.keep(registration, home))
  }

  /// Adds that the status of a certificate elsewhere is not certain to the commit of the current event.
  func doubtStatus(of key: RegistrationKey, at home: JobHome?, now: Moment) {
    changes.append(.doubtStatus(key, home, at: now.wall))
    purposes.append(.doubt(key, home))
  }

  /// How many jobs of a certificate learn at once what the one before them established. The others learn it from them.
  private static let mostHeirs = 16

  /// Gives what a job that ends established to the jobs behind it: the next one may end without having used it. It is
  /// on disk together with the end, and again after a failure of the disk.
  private func handOver(_ id: JobID) {
    guard let job = jobs[id], case .finishing(let ending) = job.state else { return }
    var heir = lines.next(after: id)
    for _ in 0..<Self.mostHeirs {
      guard let next = heir else { return }
      if let facts = jobs[next]?.inherit(ending, from: job.pending.facts) { changes.append(.noteProgress(next, facts)) }
      heir = lines.next(after: next)
    }
  }

  /// The actions of one event, with its changes as one commit at the end.
  func takeActions() -> [Action] {
    if !changes.isEmpty {
      if !refused.isEmpty {
        changes = refused.map(\.change) + changes
        purposes = refused.map(\.purpose) + purposes
        refused = []
      }
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

  /// Drops deadlines of answered callers and finished jobs, and those that others have replaced, so that memory stays in
  /// proportion to the work under way.
  private func sweepDeadlines(_ bound: Int) {
    deadlines.sweep(ifMoreThan: bound) { deadline, due in
      switch deadline {
      case .waiter(let id): waiters.contains(id)
      case .pause(let id): jobs[id]?.pausesUntil == due
      case .commit(let id): jobs[id]?.repeatedCommit != nil
      case .target(let name): targets[name]?.wakeAt == due
      case .age: true
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

  /// The number of jobs under way.
  package var pendingCount: Int { jobs.count }

  /// Whether to ask for jobs of other hosts. The other half of the queue is left to this host's own callers.
  package var hasRoomForOthers: Bool { jobs.count < configuration.maxPending / 2 }

  /// Whether any job of the certificate is under way.
  package func hasJob(of key: RegistrationKey) -> Bool { lines.first(of: key) != nil }

  /// Whether the job is under way.
  package func isUnderWay(_ id: JobID) -> Bool { jobs[id] != nil }

  /// A job under way by its number.
  package func job(_ sequence: Int64) -> PendingRegistration? {
    jobs[JobID(key: Self.anyKey, sequence: sequence)]?.pending
  }

  /// Numbers alone tell jobs apart.
  private static let anyKey = RegistrationKey(certificateID: CertificateID(), target: TargetName(""))

  /// Where the results of a job under way belong; `nil`: where its target points.
  package func home(of id: JobID) -> JobHome? { jobs[id]?.pending.facts.home }

  /// The state of a certificate's registration under way, or else of the job that was asked for last; `nil` if there is
  /// none.
  package func pending(_ key: RegistrationKey, now: MonotonicTime) -> PendingView? {
    guard let job = (lines.registration(of: key) ?? lines.last(of: key)).flatMap({ jobs[$0] }) else { return nil }
    var pause: Duration?
    if let until = job.pausesUntil { pause = max(.zero, until - now) }
    return PendingView(registration: job.pending, nextAttemptAfter: pause)
  }

  /// The request time of the oldest registration under way.
  package var oldestPending: WallTime? { ledger.oldest.flatMap { jobs[$0.id]?.pending.enqueuedAt } }
}
