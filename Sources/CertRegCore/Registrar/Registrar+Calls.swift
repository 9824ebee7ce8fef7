// Calls: their order and their results.
extension Registrar {
  /// Puts a job into its target's queue, unless it has become too old to wait.
  mutating func enqueue(_ key: RegistrationKey, now: Moment) {
    guard let job = jobs[key], let operation = job.step?.operation else { return }
    if isOverdue(job, now: now) {
      finish(key, job.expiry(now: now.wall), now: now)
      return
    }
    targets[key.target]?.enqueue(
      key, operation, caller: job.caller, isAwaited: waiters.isAwaited(key), isRetry: job.attemptsOfStep > 0)
    dispatch(key.target, now: now)
  }

  /// Begins as many calls as the target allows.
  mutating func dispatch(_ name: TargetName, now: Moment) {
    while let next = targets[name]?.next(now: now.monotonic, isDraining: isDraining) {
      switch next {
      case .call(let key, let permit): beginCall(key, permit, now: now)
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

  private mutating func beginCall(_ key: RegistrationKey, _ permit: CallPermit, now: Moment) {
    guard let job = jobs[key] else { return }
    if isOverdue(job, now: now) {
      targets[key.target]?.gate.cancel(permit)
      finish(key, job.expiry(now: now.wall), now: now)
    } else {
      perform(jobs[key]?.admitted(permit, now: now.monotonic), key, now: now)
    }
  }

  mutating func marked(_ key: RegistrationKey, now: Moment) {
    // A reload may have removed the target while the mark was on its way to disk.
    if targets[key.target]?.isConfigured != true, let permit = jobs[key]?.gaveBackPermit() {
      giveBack(permit, key)
      return
    }
    perform(jobs[key]?.marked(now: now.monotonic), key, now: now)
  }

  mutating func notMarked(_ key: RegistrationKey, now: Moment) {
    guard case .marking(let permit)? = jobs[key]?.state else { return }
    targets[key.target]?.gate.cancel(permit)
    backOff(key, for: Self.storeRetry, now: now)
    // Another job may use the permit, even if this one has ended. While the disk fails, it has to wait.
    wake(key.target, at: now.monotonic + Self.storeRetry)
  }

  /// Takes back an unused permit; the job waits again.
  mutating func giveBack(_ permit: CallPermit, _ key: RegistrationKey) {
    targets[key.target]?.gate.cancel(permit)
    guard let job = jobs[key], let operation = job.step?.operation else { return }
    targets[key.target]?.enqueue(
      key, operation, caller: job.caller, isAwaited: waiters.isAwaited(key), isRetry: job.attemptsOfStep > 0)
  }

  /// A call ended.
  package mutating func replied(_ key: RegistrationKey, _ reply: UpstreamReply, now: Moment) -> [Action] {
    guard let job = jobs[key] else { return takeActions() }
    guard let call = jobs[key]?.replied(reply) else {
      perform(job.impossible("replied"), key, now: now)
      return takeActions()
    }
    switch call.result {
    case .done(let facts):
      callEnded(key, call, .answered, now: now)
      perform(jobs[key]?.advance(facts, now: now.wall), key, now: now)
    case .failed(let failure):
      failed(key, call, failure, now: now)
    }
    dispatch(key.target, now: now)
    return takeActions()
  }

  private mutating func callEnded(
    _ key: RegistrationKey, _ call: RegistrationJob.EndedCall, _ result: CallResult, now: Moment
  ) {
    targets[key.target]?.gate.callEnded(
      result, permit: call.permit, startedAt: call.since, now: now.monotonic, random: retries.random())
    if result == .answered {
      targets[key.target]?.lastSuccessAt = now.wall
      targets[key.target]?.retries.answered(taken: jobs[key]?.retryCost ?? 0)
    }
  }

  private mutating func failed(
    _ key: RegistrationKey, _ call: RegistrationJob.EndedCall, _ failure: UpstreamFailure, now: Moment
  ) {
    switch failure.disposition {
    case .final:
      callEnded(key, call, .answered, now: now)
      jobs[key]?.keep(failure.error)
      if let job = jobs[key] { finish(key, job.failure(failure.error, now: now.wall), now: now) }
    case .identity:
      callEnded(key, call, .unauthorized, now: now)
      keep(failure.error, key)
      refusedIdentity(key, failure.error, now: now)
    case .throttled(let retryAfter):
      callEnded(key, call, .throttled(retryAfter: retryAfter), now: now)
      tryAgain(key, failure.error, after: max(retries.pauseAfterThrottle(), retryAfter ?? .zero), now: now)
    case .unavailable(let retryAfter):
      callEnded(key, call, .unavailable(retryAfter: retryAfter), now: now)
      tryAgain(key, failure.error, after: max(pause(key, failure), retryAfter ?? .zero), now: now)
    }
  }

  private mutating func pause(_ key: RegistrationKey, _ failure: UpstreamFailure) -> Duration {
    let cost = targets[key.target]?.retries.take(afterTimeout: failure.isTimeout)
    jobs[key]?.retryCost = cost ?? 0
    return retries.pause(
      attempts: jobs[key]?.attemptsOfStep ?? 1, isAwaited: waiters.hasWaiters(key), hasBudget: cost != nil)
  }

  /// Answers with the error say when to ask again: at the next try of this registration, when there is a permit
  /// for it.
  private mutating func tryAgain(
    _ key: RegistrationKey, _ error: ServiceError, after pause: Duration, now: Moment
  ) {
    var error = error
    error.retryAfterMilliseconds = max(now.monotonic + pause, nextCall(key, now: now)).milliseconds(since: now)
    keep(error, key)
    backOff(key, for: pause, now: now)
  }

  /// The time of the target's next call if no other job waited.
  func nextCall(_ key: RegistrationKey, now: Moment) -> MonotonicTime {
    guard let job = jobs[key], let operation = job.step?.operation, let target = targets[key.target] else {
      return now.monotonic
    }
    return target.gate.nextPermit(for: operation, now: now.monotonic)
  }

  /// Stores the number of attempts and the last error, for `lookup` after a restart. Nothing waits for that commit.
  private mutating func keep(_ error: ServiceError, _ key: RegistrationKey) {
    jobs[key]?.keep(error)
    targets[key.target]?.lastError = error
    if let attempts = jobs[key]?.pending.attempts {
      commit(.noteAttempt(key, attempts: attempts, lastError: error), key)
    }
  }

  /// The upstream refused the daemon's identity. Waiting callers are answered at once. Registrations that were answered
  /// `queued` stay queued until the operator corrects the identity.
  private mutating func refusedIdentity(_ key: RegistrationKey, _ error: ServiceError, now: Moment) {
    guard let job = jobs[key] else { return }
    if !job.isPromised, waiters.hasWaiters(key) {
      finish(key, job.failure(error, now: now.wall), now: now)
      return
    }
    for waiter in waiters.removeAll(of: key) { actions.append(.answer(waiter.id, .failed(error), .goesOn)) }
    backOff(key, for: RetryPolicy.longestPause, now: now)
  }

  private mutating func backOff(_ key: RegistrationKey, for duration: Duration, now: Moment) {
    guard let job = jobs[key] else { return }
    if isOverdue(job, now: now) {
      finish(key, job.expiry(now: now.wall), now: now)
      return
    }
    let until = now.monotonic + duration
    perform(jobs[key]?.backOff(until: until), key, now: now)
    deadlines.insert(.pause(key), due: until)
  }
}
