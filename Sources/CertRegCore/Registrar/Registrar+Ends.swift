// Beginnings and ends of jobs, and their ages.
extension Registrar {
  mutating func add(_ job: RegistrationJob, now: Moment) {
    jobs[job.pending.key] = job
    ledger.add(job.ledgerEntry)
    watchAge(now: now)
  }

  /// Drops a job; `ending` is its end on disk, `nil`: it was never there.
  mutating func remove(_ key: RegistrationKey, _ ending: Ending?) {
    guard let job = jobs.removeValue(forKey: key) else { return }
    ledger.remove(job.ledgerEntry)
    coordinator.ended(key, ending)
  }

  /// Ends a job, once the disk knows.
  mutating func finish(_ key: RegistrationKey, _ ending: Ending, now: Moment) {
    if let job = jobs[key], job.isWaiting, let operation = job.step?.operation {
      targets[key.target]?.remove(key, operation)
    }
    perform(jobs[key]?.finish(ending), key, now: now)
  }

  /// The end is on disk.
  mutating func finished(_ key: RegistrationKey) {
    guard case .finishing(let ending)? = jobs[key]?.state else { return }
    remove(key, ending)
    if case .registered(let registration) = ending { actions.append(.remember(registration)) }
    for waiter in waiters.removeAll(of: key) {
      let (answer, relation) = waiter.answer(to: ending)
      actions.append(.answer(waiter.id, answer, relation))
    }
    actions.append(.ended(ending))
  }

  /// The coordinator answers a question of this host that it did not answer at once.
  ///
  /// - Parameters:
  ///   - key: The registration.
  ///   - sequence: The one that the question named. An answer to an earlier question for the key changes nothing.
  ///   - answer: What comes of the question.
  ///   - now: The time of the event.
  package mutating func coordinated(
    _ key: RegistrationKey, sequence: Int64, _ answer: Coordination.Answer, now: Moment
  ) -> [Action] {
    guard let job = jobs[key], job.pending.sequence == sequence else { return takeActions() }
    switch answer {
    case .granted(let earlierCall):
      perform(jobs[key]?.coordinated(.granted, earlierCall: earlierCall), key, now: now)
    case .known(let registration):
      if job.isWaiting, let operation = job.step?.operation { targets[key.target]?.remove(key, operation) }
      perform(jobs[key]?.coordinated(.known(registration), earlierCall: false), key, now: now)
    }
    return takeActions()
  }

  // MARK: Age

  /// How often ages are looked at: not all the time while the oldest job is overdue and its call does not end, and often enough
  /// to notice a shorter `maxAge`.
  private static let ageInterval = (shortest: Duration.milliseconds(100), longest: Duration.seconds(60))
  /// When a great many jobs are overdue, they end in steps of this size.
  private static let mostEndedAtOnce = 1000

  func isOverdue(_ job: RegistrationJob, now: Moment) -> Bool {
    configuration.maxAge.map { now.monotonic - job.since > $0 } ?? false
  }

  /// Ends jobs that waited too long, also where the target's state lets no call begin. A call or a commit under way comes to its
  /// own end, which looks at the age, too.
  mutating func endOverdue(now: Moment) {
    guard let maxAge = configuration.maxAge else { return }
    var busy: [QueueLedger.Overdue] = []
    for _ in 0..<Self.mostEndedAtOnce {
      guard let overdue = ledger.takeOverdue(before: now.monotonic + (.zero - maxAge)) else { break }
      if let job = jobs[overdue.key], job.canEndNow {
        finish(overdue.key, job.expiry(now: now.wall), now: now)
      } else {
        busy.append(overdue)
      }
    }
    for overdue in busy { ledger.putBack(overdue) }
  }

  /// Sets the time at which the oldest job may be too old.
  mutating func watchAge(now: Moment) {
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
      key: pending.key, sequence: pending.sequence, slots: pending.slots, share: share, since: since)
  }
}

extension WaiterTable.Waiter {
  /// The end of the registration as an answer to what the waiter asked for.
  fileprivate func answer(to ending: Ending) -> (Registrar.Answer, Registrar.Relation) {
    switch ending {
    case .failed(let failure): (.failed(failure.error), .end)
    case .registered(let registration):
      if let error = registration.objection(namedStatus: namedStatus, ifExists: ifExists, isRepeat: false) {
        (.failed(error), .refused)
      } else {
        (.registered(registration), .end)
      }
    }
  }
}
