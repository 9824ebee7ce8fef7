import CertRegCore

// Carries out actions and checks each against the truth.
extension RegistrarSimulation {
  mutating func perform(_ decided: [Registrar.Action]) {
    turnsOfEvent = countTurns(decided)
    defer { queuedBefore = [] }
    for action in decided.flatMap(mutated) {
      switch action {
      case .commit(let id, let changes):
        for change in changes { check(change) }
        disk.commits.append((id, changes))
      case .call(let key, .registerCertificateWithoutCA(let call)): check(call: key, call.status)
      case .remember(let registration):
        if disk.results[registration.key] != registration { violations.append(.remembersWhatIsNotOnDisk) }
      case .answer(let waiter, let answer, _): check(answer, of: waiter)
      case .ended(.failed(let failure)) where failure.error.reason == .queueExpired: reach(.queueExpiry)
      case .ended: break
      case .report(let fault): violations.append(.impossibleEvent(fault))
      }
    }
  }

  private mutating func check(_ change: StoreChange) {
    switch change {
    case .markCallStarted(let key):
      takeTurn(key)
      flights[key]?.isBeginning = true
    case .complete(let registration):
      if flights[registration.key]?.isEnding != true { check(result: registration) }
      flights[registration.key]?.isEnding = true
    case .fail(let failure):
      if failure.error.reason == .queueExpired { checkExpiry(of: failure.key) }
      flights[failure.key]?.isEnding = true
    case .enqueue, .noteAttempt, .noteProgress, .nameDevice, .dequeue, .forget: break
    }
  }

  private mutating func checkExpiry(of key: RegistrationKey) {
    guard let flight = flights[key], !flight.isEnding else { return }
    // At its turn the registration may have been too old.
    turns.take(key.target, nil, uid: flight.uid, at: now.monotonic)
    if settings.maxAge.map({ now.monotonic - flight.since <= $0 }) ?? true { violations.append(.expiredTooEarly) }
  }

  private mutating func check(call key: RegistrationKey, _ status: CertificateStatus?) {
    if calls.contains(where: { $0.key == key }) {
      // A second reply would be an impossible event.
      violations.append(.twoCallsAtOnce)
      return
    }
    if !settings.targets.contains(key.target) { violations.append(.callsUnconfiguredTarget) }
    guard let row = disk.row(key), row.pending.callStarted else {
      violations.append(.callThatDiskDoesNotKnow)
      return
    }
    if row.pending.status != status { violations.append(.callWithAnotherStatus) }
    if committed.remove(key) == nil { takeTurn(key) }
    calls.append(.init(key: key, status: status, serial: row.history.serial))
    if key.target == Self.second { reach(.secondTargetCall) }
    let underWay = calls.count { $0.key.target == key.target }
    if underWay > Self.maxConcurrent[key.target] ?? 0 { violations.append(.tooManyCallsAtOnce) }
  }

  // MARK: Results

  /// A result is on its way to disk: it has to agree with the upstream.
  private mutating func check(result: Registration) {
    guard let row = disk.row(result.key), let certificate = upstream.certificates[result.key] else {
      violations.append(.successWithoutCertificate)
      return
    }
    if let described = describedStatus, result.status != described { violations.append(.describedStatusDiscarded) }
    let isOurs = certificate.serial == row.history.serial
    if isOurs, result.outcome == .existing, !row.history.hadResult { violations.append(.existingAlthoughOurs) }
    guard !isOurs else { return }
    if result.outcome == .created {
      if row.history.hadResult, disk.results[result.key]?.outcome == .existing {
        violations.append(.createdAlthoughItExisted)
      } else if !row.history.hadResult, !row.history.isAmbiguous {
        violations.append(.createdAlthoughNotOurs)
      } else if !row.history.hadResult, describedStatus == nil {
        // A 409 after a lost answer counts as that answer. No client can see the difference.
        upstream.excuse(SimulatedUpstream.status(named: row.pending.status), of: result.key)
      }
    }
  }

  /// A result takes the place of an earlier one.
  mutating func checkReplacement(_ result: Registration) {
    check(told: result.status, result.key)
    guard let earlier = disk.results[result.key] else { return }
    if earlier.status != nil, result.status == nil { violations.append(.knownStatusLost) }
    if earlier.outcome == .existing, result.outcome == .created { violations.append(.createdAlthoughItExisted) }
  }

  private mutating func check(told status: CertificateStatus?, _ key: RegistrationKey) {
    guard let status else { return }
    if upstream.certificates[key]?.mayBeToldAs(status) != true { violations.append(.falseStatus) }
  }

  // MARK: Answers

  private mutating func check(_ answer: Registrar.Answer, of id: SimulatedCore.WaiterID) {
    guard let waiter = waiting.removeValue(forKey: id) else {
      violations.append(.secondAnswer)
      return
    }
    reach(.answer)
    switch answer {
    case .queued: checkPromise(to: waiter)
    case .registered(let registration): check(registration, toldTo: waiter)
    case .failed(let error): check(error, toldTo: waiter)
    }
  }

  private mutating func checkPromise(to waiter: Waiter) {
    guard let row = disk.row(waiter.key) else {
      violations.append(.queuedBeforeDisk)
      return
    }
    if let named = waiter.namedStatus, let asked = row.pending.status, named != asked {
      violations.append(.queuedForAnotherStatus)
    }
  }

  private mutating func check(_ registration: Registration, toldTo waiter: Waiter) {
    if registration.key != waiter.key { violations.append(.answerToAnother) }
    if disk.results[waiter.key] != registration { violations.append(.successBeforeDisk) }
    if let named = waiter.namedStatus, let known = registration.status, named != known {
      violations.append(.quietSuccessForAnotherStatus)
    }
    if waiter.ifExists == .error, registration.outcome == .existing { violations.append(.quietSuccessAlthoughItExists) }
  }

  private mutating func check(_ error: ServiceError, toldTo waiter: Waiter) {
    switch error.reason {
    case .statusDiffers:
      reach(.statusConflict)
      // Without an ARN it is the status that another caller asked for.
      if error.resourceARN != nil { check(told: error.status, waiter.key) }
      if error.status == waiter.namedStatus { violations.append(.conflictWithoutDifference) }
    case .alreadyRegistered:
      reach(.existsRefusal)
      if waiter.ifExists != .error { violations.append(.refusalNobodyAskedFor) }
    default: break
    }
  }

  // MARK: Times

  mutating func checkTimes() {
    for (id, waiter) in waiting {
      guard let deadline = waiter.deadline, deadline <= now.monotonic else { continue }
      violations.append(.deadlineMissed)
      waiting[id] = nil
    }
    for (key, flight) in flights { checkAge(key, flight) }
  }

  /// `change`: the longest time from a start or a change of `queue.maxAge` to the next look at the ages. `stay`: how
  /// long an overdue registration may stay otherwise.
  private static let ageTolerance = (change: Duration.seconds(60), stay: Duration.milliseconds(200))

  private mutating func checkAge(_ key: RegistrationKey, _ flight: Flight) {
    guard let maxAge = settings.maxAge, flight.since + maxAge < now.monotonic,
      changedAt + Self.ageTolerance.change < now.monotonic,
      isWaiting(key, flight) || core.isBackingOff(key, now: now)
    else {
      flights[key]?.lateSince = nil
      return
    }
    let lateSince = flight.lateSince ?? now.monotonic
    flights[key]?.lateSince = lateSince
    if now.monotonic - lateSince > Self.ageTolerance.stay { violations.append(.tooOld) }
  }
}
