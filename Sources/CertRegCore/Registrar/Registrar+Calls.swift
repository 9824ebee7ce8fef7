// Calls: their order and their results.
extension Registrar {
  /// Puts a job into its target's queue, unless it has become too old to wait.
  mutating func enqueue(_ id: JobID, now: Moment) {
    guard let job = jobs[id], let operation = job.step?.operation else { return }
    if isOverdue(job, now: now) {
      finish(id, job.expiry(now: now.wall), now: now)
      return
    }
    let isAwaited = isAwaited(id)
    targets[id.target]?.enqueue(
      id, operation, caller: job.caller, isAwaited: isAwaited, isRetry: job.attemptsOfStep > 0)
    dispatch(id.target, now: now)
  }

  /// Begins as many calls as the target allows.
  mutating func dispatch(_ name: TargetName, now: Moment) {
    while let next = targets[name]?.next(now: now.monotonic, isDraining: isDraining) {
      switch next {
      case .call(let id, let permit): beginCall(id, permit, now: now)
      case .notBefore(let time):
        wake(name, at: time)
        return
      }
    }
  }

  private mutating func wake(_ name: TargetName, at time: MonotonicTime) {
    // The pace's arithmetic is not exact to the nanosecond. A new timer for each difference would mean one for every
    // event.
    if let wakeAt = targets[name]?.wakeAt, wakeAt <= time + .microseconds(100) { return }
    targets[name]?.wakeAt = time
    deadlines.insert(.target(name), due: time)
  }

  private mutating func beginCall(_ id: JobID, _ permit: CallPermit, now: Moment) {
    guard let job = jobs[id] else { return }
    if isOverdue(job, now: now) {
      targets[id.target]?.gate.cancel(permit)
      finish(id, job.expiry(now: now.wall), now: now)
    } else if job.step?.isMarked == true, !coordinator.mayCall(job.pending) {
      perform(jobs[id]?.awaitLeave(with: permit), id, now: now)
    } else {
      perform(jobs[id]?.admitted(permit, now: now.monotonic), id, now: now)
    }
  }

  mutating func marked(_ id: JobID, now: Moment) {
    // A reload may have removed the target while the mark was on its way to disk.
    if targets[id.target]?.isConfigured != true, let permit = jobs[id]?.gaveBackPermit() {
      giveBack(permit, id)
      return
    }
    perform(jobs[id]?.marked(now: now.monotonic), id, now: now)
  }

  mutating func notMarked(_ id: JobID, now: Moment) {
    guard case .marking(let permit)? = jobs[id]?.state else { return }
    targets[id.target]?.gate.cancel(permit)
    backOff(id, for: Self.storeRetry, now: now)
    // Another job may use the permit, even if this one has ended. While the disk fails, it has to wait.
    wake(id.target, at: now.monotonic + Self.storeRetry)
  }

  /// Takes back an unused permit; the job waits again.
  mutating func giveBack(_ permit: CallPermit, _ id: JobID) {
    targets[id.target]?.gate.cancel(permit)
    guard let job = jobs[id], let operation = job.step?.operation else { return }
    let isAwaited = isAwaited(id)
    targets[id.target]?.enqueue(
      id, operation, caller: job.caller, isAwaited: isAwaited, isRetry: job.attemptsOfStep > 0)
  }

  /// A call ended. What the reply says belongs to `home`; `nil`: that is not known.
  package mutating func replied(
    _ id: JobID, _ reply: UpstreamReply, from home: JobHome? = nil, now: Moment
  ) -> [Action] {
    guard let job = jobs[id] else { return takeActions() }
    guard let call = jobs[id]?.replied(reply, from: home) else {
      perform(job.impossible("replied"), id, now: now)
      return takeActions()
    }
    switch call.result {
    case .done(let facts):
      callEnded(id, call, .answered, now: now)
      perform(jobs[id]?.advance(facts, now: now.wall), id, now: now)
    case .failed(let failure):
      failed(id, call, failure, now: now)
    }
    dispatch(id.target, now: now)
    return takeActions()
  }

  /// A call was not made, since it has to go to another home than the one that its target points to now.
  package mutating func moved(_ id: JobID, now: Moment) -> [Action] {
    let home = home(of: id)
    guard let (permit, left) = jobs[id]?.moved(now: now.wall) else { return takeActions() }
    targets[id.target]?.gate.cancel(permit)
    if let left { keep(left, at: home) }
    if let change = jobs[id]?.repeatedCommit { commit(change, id) }
    dispatch(id.target, now: now)
    return takeActions()
  }

  private mutating func callEnded(
    _ id: JobID, _ call: RegistrationJob.EndedCall, _ result: CallResult, now: Moment
  ) {
    targets[id.target]?.gate.callEnded(
      result, permit: call.permit, startedAt: call.since, now: now.monotonic, random: retries.random())
    if result == .answered {
      targets[id.target]?.lastSuccessAt = now.wall
      targets[id.target]?.retries.answered(taken: jobs[id]?.retryCost ?? 0)
    }
  }

  private mutating func failed(
    _ id: JobID, _ call: RegistrationJob.EndedCall, _ failure: UpstreamFailure, now: Moment
  ) {
    switch failure.disposition {
    case .final:
      callEnded(id, call, .answered, now: now)
      jobs[id]?.keep(failure.error)
      if let change = jobs[id]?.beginAnew(after: failure.error) {
        commit(change, id)
      } else if let job = jobs[id] {
        finish(id, job.failure(failure.error, now: now.wall), now: now)
      }
    case .identity:
      callEnded(id, call, .unauthorized(isForOperation: failure.error.reason == .accessDenied), now: now)
      keep(failure.error, id)
      refusedIdentity(id, failure.error, now: now)
    case .throttled(let retryAfter):
      callEnded(id, call, .throttled(retryAfter: retryAfter), now: now)
      tryAgain(id, failure.error, after: max(retries.pauseAfterThrottle(), retryAfter ?? .zero), now: now)
    case .incomplete:
      callEnded(id, call, .answered, now: now)
      tryAgain(id, failure.error, after: pause(id, failure), now: now)
    case .unavailable(let retryAfter):
      callEnded(id, call, .unavailable(retryAfter: retryAfter), now: now)
      tryAgain(id, failure.error, after: max(pause(id, failure), retryAfter ?? .zero), now: now)
    }
  }

  private mutating func pause(_ id: JobID, _ failure: UpstreamFailure) -> Duration {
    let cost = targets[id.target]?.retries.take(afterTimeout: failure.isTimeout)
    jobs[id]?.retryCost = cost ?? 0
    return retries.pause(
      attempts: jobs[id]?.attemptsOfStep ?? 1, isAwaited: isAwaited(id), hasBudget: cost != nil)
  }

  /// Answers with the error say when to ask again: at the next try of this registration, when there is a permit
  /// for it.
  private mutating func tryAgain(
    _ id: JobID, _ error: ServiceError, after pause: Duration, now: Moment
  ) {
    var error = error
    error.retryAfterMilliseconds = max(now.monotonic + pause, nextCall(id, now: now)).milliseconds(since: now)
    keep(error, id)
    backOff(id, for: pause, now: now)
  }

  /// The time of the target's next call if no other job waited.
  func nextCall(_ id: JobID, now: Moment) -> MonotonicTime {
    guard let job = jobs[id], let operation = job.step?.operation, let target = targets[id.target] else {
      return now.monotonic
    }
    return target.gate.nextPermit(for: operation, now: now.monotonic)
  }

  /// Stores the number of attempts and the last error, for `lookup` after a restart. Nothing waits for that commit.
  private mutating func keep(_ error: ServiceError, _ id: JobID) {
    jobs[id]?.keep(error)
    targets[id.target]?.lastError = error
    if let attempts = jobs[id]?.pending.attempts {
      commit(.noteAttempt(id, attempts: attempts, lastError: error), id)
    }
  }

  /// The upstream refused the daemon's identity. Waiting callers are answered at once. Registrations that were answered
  /// `queued` stay queued until the operator corrects the identity.
  private mutating func refusedIdentity(_ id: JobID, _ error: ServiceError, now: Moment) {
    guard let job = jobs[id] else { return }
    if !job.isPromised, waiters.hasWaiters(id) {
      finish(id, job.failure(error, now: now.wall), now: now)
      return
    }
    let ending = job.failure(error, now: now.wall)
    for waiter in waiters.removeAll(of: id) { actions.append(.answer(waiter.id, waiter.answer(to: ending).0, .goesOn)) }
    backOff(id, for: RetryPolicy.longestPause, now: now)
  }

  private mutating func backOff(_ id: JobID, for duration: Duration, now: Moment) {
    guard let job = jobs[id] else { return }
    if isOverdue(job, now: now) {
      finish(id, job.expiry(now: now.wall), now: now)
      return
    }
    let until = now.monotonic + duration
    perform(jobs[id]?.backOff(until: until), id, now: now)
    deadlines.insert(.pause(id), due: until)
  }
}
