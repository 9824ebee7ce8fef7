// Calls: their order and their results.
extension Registrar {
  /// Puts a job into its target's queue, unless it has become too old to wait.
  func enqueue(_ id: JobID, now: Moment) {
    guard let job = jobs[id] else { return }
    _ = job.askAboutRevocation(lines.revocationsTold(of: id.key))
    guard let operation = job.step?.operation else { return }
    if isOverdue(job, now: now) {
      finish(job, job.expiry(now: now.wall), now: now)
      return
    }
    if giveWay(job, now: now) { return }
    targets[id.target]?.enqueue(
      id, operation, caller: job.caller, isAwaited: isAwaited(id), after: takeLastTurn(job))
    dispatch(id.target, now: now)
  }

  private func takeLastTurn(_ job: RegistrationJob) -> TargetLine.LastTurn {
    defer { job.hasUnusedTurn = false }
    return job.hasUnusedTurn ? .unused : job.attemptsOfStep > 0 ? .failed : .none
  }

  /// Begins as many calls as the target allows.
  func dispatch(_ name: TargetName, now: Moment) {
    while let next = targets[name]?.next(now: now.monotonic, isDraining: isDraining) {
      switch next {
      case .call(let id, let permit): beginCall(id, permit, now: now)
      case .notBefore(let time):
        wake(name, at: time)
        return
      }
    }
  }

  func wake(_ name: TargetName, at time: MonotonicTime) {
    // The pace's arithmetic is not exact to the nanosecond. A new timer for each difference would mean one for every
    // event.
    if let wakeAt = targets[name]?.wakeAt, wakeAt <= time + .microseconds(100) { return }
    targets[name]?.wakeAt = time
    deadlines.insert(.target(name), due: time)
  }

  private func beginCall(_ id: JobID, _ permit: CallPermit, now: Moment) {
    guard let job = jobs[id] else { return }
    if isOverdue(job, now: now) {
      targets[id.target]?.gate.cancel(permit)
      finish(job, job.expiry(now: now.wall), now: now)
    } else if job.lacksDescription, !isAwaited(id),
      let end = targets[id.target]?.gate.refusalEnd(of: .describeCertificate, after: now.monotonic)
    {
      targets[id.target]?.gate.cancel(permit)
      backOff(job, for: end - now.monotonic, now: now)
    } else if job.step?.isMarked == true, !coordinator.mayCall(job.pending) {
      perform(job.awaitLeave(with: permit), id, now: now)
    } else {
      perform(job.admitted(permit, now: now.monotonic), id, now: now)
    }
  }

  func marked(_ id: JobID, now: Moment) {
    guard let job = jobs[id] else { return }
    // A reload may have removed the target while the mark was on its way to disk.
    if targets[id.target]?.isConfigured != true, let permit = job.gaveBackPermit() {
      giveBack(permit, job)
      return
    }
    perform(job.marked(now: now.monotonic), id, now: now)
  }

  func notMarked(_ id: JobID, now: Moment) {
    guard let job = jobs[id], case .marking(let permit, _) = job.state else { return }
    targets[id.target]?.gate.cancel(permit)
    backOff(job, for: Self.storeRetry, now: now)
    // Another job may use the permit, even if this one has ended. While the disk fails, it has to wait.
    wake(id.target, at: now.monotonic + Self.storeRetry)
  }

  /// Takes back an unused permit; the job waits again.
  func giveBack(_ permit: CallPermit, _ job: RegistrationJob) {
    guard let target = targets[job.id.target] else { return }
    target.gate.cancel(permit)
    guard let operation = job.step?.operation else { return }
    target.enqueue(job.id, operation, caller: job.caller, isAwaited: isAwaited(job.id), after: .unused)
  }

  /// A call ended. What the reply says belongs to `home`; `nil`: that is not known.
  package func replied(
    _ id: JobID, _ reply: UpstreamReply, from home: JobHome? = nil, now: Moment
  ) -> [Action] {
    guard let job = jobs[id] else { return takeActions() }
    guard let call = job.replied(reply, from: home) else {
      perform(job.impossible("replied"), id, now: now)
      return takeActions()
    }
    switch call.result {
    case .done(let facts):
      callEnded(job, call, .answered, now: now)
      perform(job.advance(facts, now: now.wall), id, now: now)
    case .failed(let failure):
      failed(job, call, failure, isAnswered: reply.isAnswer, now: now)
    }
    noteDescription(reply, call, id.target, now: now)
    dispatch(id.target, now: now)
    return takeActions()
  }

  /// A call was not made, since it has to go to another home than the one that its target points to now.
  package func moved(_ id: JobID, now: Moment) -> [Action] {
    guard let job = jobs[id], let (permit, left, isInDoubt) = job.moved(now: now.wall) else { return takeActions() }
    targets[id.target]?.gate.cancel(permit)
    let home = job.pending.facts.home
    if let left { keep(left, at: home) } else if isInDoubt { doubtStatus(of: id.key, at: home, now: now) }
    if let change = job.repeatedCommit { commit(change, id) }
    dispatch(id.target, now: now)
    return takeActions()
  }

  private func callEnded(
    _ job: RegistrationJob, _ call: RegistrationJob.EndedCall, _ result: CallResult, now: Moment
  ) {
    guard let target = targets[job.id.target] else { return }
    target.gate.callEnded(
      result, permit: call.permit, startedAt: call.since, now: now.monotonic, random: retries.random())
    if result == .answered {
      target.lastSuccessAt = now.wall
      target.retries.answered(taken: job.retryCost)
      job.retryCost = 0
    }
  }

  /// DescribeCertificate, which is no job's own call, may have been called after the registration.
  private func noteDescription(
    _ reply: UpstreamReply, _ call: RegistrationJob.EndedCall, _ name: TargetName, now: Moment
  ) {
    guard case .alreadyExists(_, let status, _, let undescribed) = reply, let target = targets[name] else { return }
    if status != nil { target.gate.accepted(.describeCertificate, now: now.monotonic) }
    guard let undescribed, undescribed.disposition == .identity else { return }
    target.gate.refused(.describeCertificate, call.permit, now: now.monotonic, random: retries.random())
    target.lastError = undescribed.error
  }

  /// - Parameter isAnswered: Whether the upstream answered the call, and the answer does not suffice.
  private func failed(
    _ job: RegistrationJob, _ call: RegistrationJob.EndedCall, _ failure: UpstreamFailure, isAnswered: Bool,
    now: Moment
  ) {
    switch failure.disposition {
    case .final:
      callEnded(job, call, .answered, now: now)
      job.keep(failure.error)
      if let change = job.beginAnew(after: failure.error) {
        commit(change, job.id)
      } else {
        finish(job, job.failure(failure.error, now: now.wall), now: now)
      }
    case .identity:
      let isForOperation = failure.error.reason == .accessDenied
      callEnded(job, call, isAnswered ? .answered : .unauthorized(isForOperation: isForOperation), now: now)
      keep(failure.error, job)
      refusedIdentity(job, failure.error, now: now)
    case .throttled(let retryAfter):
      callEnded(job, call, .throttled(retryAfter: retryAfter), now: now)
      job.hasUnusedTurn = true
      tryAgain(job, failure.error, after: max(retries.pauseAfterThrottle(), retryAfter ?? .zero), now: now)
    case .incomplete:
      callEnded(job, call, .answered, now: now)
      tryAgain(job, failure.error, after: pause(job, failure), now: now)
    case .unavailable(let retryAfter):
      callEnded(job, call, .unavailable(retryAfter: retryAfter), now: now)
      tryAgain(job, failure.error, after: max(pause(job, failure), retryAfter ?? .zero), now: now)
    }
  }

  private func pause(_ job: RegistrationJob, _ failure: UpstreamFailure) -> Duration {
    let cost = targets[job.id.target]?.retries.take(afterTimeout: failure.isTimeout)
    job.retryCost = cost ?? 0
    return retries.pause(attempts: job.attemptsOfStep, isAwaited: isAwaited(job.id), hasBudget: cost != nil)
  }

  /// Answers with the error say when to ask again: at the next try of this registration, when there is a permit
  /// for it.
  private func tryAgain(
    _ job: RegistrationJob, _ error: ServiceError, after pause: Duration, now: Moment
  ) {
    var error = error
    error.retryAfterMilliseconds = max(now.monotonic + pause, nextCall(job, now: now)).milliseconds(since: now)
    keep(error, job)
    backOff(job, for: pause, now: now)
  }

  /// The time of the target's next call if no other job waited.
  func nextCall(_ job: RegistrationJob?, now: Moment) -> MonotonicTime {
    guard let job, let operation = job.step?.operation, let target = targets[job.id.target] else {
      return now.monotonic
    }
    return target.gate.nextPermit(for: operation, now: now.monotonic)
  }

  /// Stores the number of attempts and the last error, for `lookup` after a restart. Nothing waits for that commit.
  private func keep(_ error: ServiceError, _ job: RegistrationJob) {
    let error = job.namingStep(error)
    job.keep(error)
    targets[job.id.target]?.lastError = error
    commit(.noteAttempt(job.id, attempts: job.pending.attempts, lastError: error), job.id)
  }

  /// The upstream refused the daemon's identity. Waiting callers are answered at once. Registrations that were answered
  /// `queued` stay queued until the operator corrects the identity.
  private func refusedIdentity(_ job: RegistrationJob, _ error: ServiceError, now: Moment) {
    if !job.isPromised, waiters.hasWaiters(job.id) {
      finish(job, job.failure(error, now: now.wall), now: now)
      return
    }
    let ending = job.failure(error, now: now.wall, isEnd: false)
    for waiter in waiters.removeAll(of: job.id) {
      actions.append(.answer(waiter.id, waiter.answer(to: ending).0, .goesOn))
    }
    backOff(job, for: RetryPolicy.longestPause, now: now)
  }

  private func backOff(_ job: RegistrationJob, for duration: Duration, now: Moment) {
    if isOverdue(job, now: now) {
      finish(job, job.expiry(now: now.wall), now: now)
      return
    }
    if giveWay(job, now: now) { return }
    let until = now.monotonic + duration
    perform(job.backOff(until: until), job.id, now: now)
    deadlines.insert(.pause(job.id), due: until)
  }
}
