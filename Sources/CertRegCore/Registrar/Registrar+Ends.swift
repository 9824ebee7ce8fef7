// Beginnings and ends of jobs, and their ages.
extension Registrar {
  func add(_ job: RegistrationJob, now: Moment) {
    jobs[job.id] = job
    job.pauses = pauses
    ledger.add(job.ledgerEntry)
    watchAge(now: now)
  }

  /// Drops a job; `ending` is its end on disk, `nil`: it was never there. The job behind it takes its turn.
  func remove(_ id: JobID, _ ending: Ending?, now: Moment) {
    guard let job = jobs.removeValue(forKey: id) else { return }
    ledger.remove(job.ledgerEntry)
    coordinator.ended(id, ending)
    if let next = lines.remove(id) { perform(jobs[next]?.cameFirst(now: now.wall), next, now: now) }
  }

  /// Ends a job, once the disk knows.
  func finish(_ job: RegistrationJob, _ ending: Ending, now: Moment) {
    if job.isWaiting, let operation = job.step?.operation { targets[job.id.target]?.remove(job.id, operation) }
    perform(job.finish(ending), job.id, now: now)
  }

  /// The end is on disk.
  func finished(_ id: JobID, now: Moment) {
    guard let job = jobs[id], case .finishing(let ending) = job.state else { return }
    let home = job.pending.facts.home
    switch ending {
    case .registered(let registration): actions.append(.remember(registration, home))
    case .updated(let update): actions.append(.rememberStatus(update, home))
    case .failed(let failure) where failure.isGone || failure.statusIsInDoubt: actions.append(.forget(id.key, home))
    case .failed(let failure):
      if let registration = failure.registered { actions.append(.remember(registration, home)) }
    }
    for waiter in waiters.removeAll(of: id) {
      let (answer, relation) = waiter.answer(to: ending)
      actions.append(.answer(waiter.id, answer, relation))
    }
    actions.append(.ended(id, ending))
    remove(id, ending, now: now)
  }

  /// The coordinator answers a question of this host that it did not answer at once.
  ///
  /// - Parameters:
  ///   - key: The registration.
  ///   - sequence: The one that the question named. An answer to an earlier question for the key changes nothing.
  ///   - answer: What comes of the question.
  ///   - now: The time of the event.
  package func coordinated(
    _ key: RegistrationKey, sequence: Int64, _ answer: Coordination.Answer, now: Moment
  ) -> [Action] {
    let id = JobID(key: key, sequence: sequence)
    guard let job = jobs[id] else { return takeActions() }
    switch answer {
    case .granted(let earlierCall, let status):
      if earlierCall { job.learnEarlierCall(status: status) }
      perform(job.coordinated(.granted, now: now.wall), id, now: now)
    case .known(let registration, let home):
      if job.isWaiting, let operation = job.step?.operation { targets[id.target]?.remove(id, operation) }
      perform(job.coordinated(.known(registration, home: home), now: now.wall), id, now: now)
    }
    return takeActions()
  }

  /// A permit is good for this long. While other hosts are asked, permits add up that would make one burst.
  static let timeOfPermit = Duration.milliseconds(50)

  /// The coordinator answers whether a call may begin that has its permit.
  package func mayCall(_ id: JobID, _ isGranted: Bool, now: Moment) -> [Action] {
    guard let job = jobs[id], case .permitted(let permit) = job.state else { return takeActions() }
    let isLate = now.monotonic - permit.admittedAt > Self.timeOfPermit
    if isGranted, !isLate, targets[id.target]?.isConfigured == true {
      perform(job.mayCall(now: now.monotonic), job.id, now: now)
      return takeActions()
    }
    if isGranted {
      job.lostLeave(isAskedAgain: false)
      giveBack(permit, job)
    } else {
      targets[id.target]?.gate.cancel(permit)
      job.lostLeave(isAskedAgain: true)
    }
    // Answers to several jobs come together: what their permits were worth shows when the last one is given back.
    wake(id.target, at: now.monotonic)
    return takeActions()
  }

  // MARK: Age

  /// How often ages are looked at: not all the time while the oldest job is overdue and its call does not end, and
  /// often enough to notice a shorter `maxAge`.
  private static let ageInterval = (shortest: Duration.milliseconds(100), longest: Duration.seconds(60))
  /// When a great many jobs are overdue, they end in steps of this size.
  private static let mostEndedAtOnce = 1000

  func isOverdue(_ job: RegistrationJob, now: Moment) -> Bool {
    configuration.maxAge.map { now.monotonic - job.since > $0 } ?? false
  }

  /// Ends jobs that waited too long, also where the target's state lets no call begin. A call or a commit under way
  /// comes to its own end, which looks at the age, too.
  func endOverdue(now: Moment) {
    guard let maxAge = configuration.maxAge else { return }
    var busy: [QueueLedger.Overdue] = []
    for _ in 0..<Self.mostEndedAtOnce {
      guard let overdue = ledger.takeOverdue(before: now.monotonic + (.zero - maxAge)) else { break }
      if let job = jobs[overdue.id], job.canEndNow {
        finish(job, job.expiry(now: now.wall), now: now)
      } else {
        busy.append(overdue)
      }
    }
    for overdue in busy { ledger.putBack(overdue) }
  }

  /// Sets the time at which the oldest job may be too old.
  func watchAge(now: Moment) {
    guard !watchesAge, let oldest = ledger.oldest else { return }
    watchesAge = true
    let left = configuration.maxAge.map { $0 - (now.monotonic - oldest.since) } ?? Self.ageInterval.longest
    let wait = min(max(left, Self.ageInterval.shortest), Self.ageInterval.longest)
    deadlines.insert(.age, due: now.monotonic + wait)
  }
}

extension RegistrationJob {
  var ledgerEntry: QueueLedger.Entry {
    QueueLedger.Entry(
      id: id, slots: pending.slots, share: share, since: since)
  }
}

extension WaiterTable.Waiter {
  /// Whether a registration answers the waiter before the steps after it have ended.
  func isContent(with registration: Registration) -> Bool {
    isAwaiting && !wantsDevice && ifExists != .update
      && registration.objection(namedStatus: namedStatus, ifExists: ifExists, isRepeat: false) == nil
  }

  /// The end of the job as an answer to what the waiter asked for.
  func answer(to ending: Ending) -> (Registrar.Answer, Registrar.Relation) {
    switch ending {
    case .failed(let failure):
      // A caller that asked for neither the status nor a device has a registration all the same.
      if failure.purpose.registers, ifExists != .update, !wantsDevice, !failure.isGone,
        let registration = failure.registered
      {
        answer(to: registration)
      } else {
        (.failed(failure.error), .end)
      }
    case .updated(let update): (.updated(update), .end)
    case .registered(let registration): answer(to: registration)
    }
  }

  private func answer(to registration: Registration) -> (Registrar.Answer, Registrar.Relation) {
    if let error = registration.objection(namedStatus: namedStatus, ifExists: ifExists, isRepeat: false) {
      (.failed(error), .refused)
    } else {
      (.registered(registration), .end)
    }
  }
}
