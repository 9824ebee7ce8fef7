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
        checkInheritance(changes)
        disk.commits.append((id, changes))
      case .call(let id, let call): check(call, of: id)
      case .remember(let registration, _):
        if disk.results[registration.key]?.ofJob != registration { violations.append(.remembersWhatIsNotOnDisk) }
      case .rememberStatus(let update, _):
        if disk.results[update.key]?.status != update.status { violations.append(.remembersWhatIsNotOnDisk) }
      case .forget(let key, _):
        if disk.results[key]?.status != nil { violations.append(.remembersWhatIsNotOnDisk) }
      case .answer(let waiter, let answer, _): check(answer, of: waiter)
      case .ended(let id, let ending): check(ending, of: id)
      case .report(let fault): violations.append(.impossibleEvent(fault))
      }
    }
  }

  private mutating func check(_ change: StoreChange) {
    switch change {
    case .markCallStarted(let id):
      takeTurn(id)
      flights[id]?.isBeginning = true
    case .noteProgress(let id, let facts):
      if replied == id || flights[id]?.isAdvancing == true {
        if let registered = facts.registered { check(registered, of: id) }
        checkProgress(facts, of: id)
        flights[id]?.isAdvancing = true
      } else {
        reach(.inheritance)
      }
    case .complete(let id, let registration):
      if flights[id]?.isEnding != true, let registered = RegisteredCertificate(registration) {
        check(registered, of: id)
      }
      checkTruth(of: registration.provisioned, id.key)
      flights[id]?.isEnding = true
    case .setStatus(let id, _): flights[id]?.isEnding = true
    case .fail(let id, let failure):
      if failure.error.reason == .queueExpired { checkExpiry(of: id) }
      if failure.statusIsInDoubt { reach(.doubt) }
      flights[id]?.isEnding = true
    case .enqueue, .noteAttempt, .keep, .doubtStatus, .nameDevice, .forget, .share: break
    }
  }

  private mutating func check(_ ending: Ending, of id: JobID) {
    promisedUpdates.remove(id)
    switch ending {
    case .failed(let failure):
      if failure.error.reason == .queueExpired { reach(.queueExpiry) }
      if failure.isGone { reach(.unknownCertificate) }
      if failure.error.reason == .certificateRevoked { reach(.revocation) }
      guard failure.error.failedStep != nil else { return }
      reach(.failedStep)
      if let step = failure.error.failedStep, Self.provisioningOperations.contains(step.operation) {
        reach(.provisioningFailed)
      }
      if disk.results[id.key]?.certificateARN == nil, !failure.isGone { violations.append(.registrationLost) }
    case .updated:
      if let last = lastUpdates[id.key], last.sequence > id.sequence { violations.append(.updateOvertaken) }
      lastUpdates[id.key] = id
    case .registered(let registration):
      if registration.provisioned?.isComplete == true { reach(.device) }
    }
  }

  /// Whether no other job of the certificate was asked for before.
  func isFirst(_ id: JobID) -> Bool {
    !flights.keys.contains { $0.key == id.key && $0.sequence < id.sequence }
  }

  private mutating func checkExpiry(of id: JobID) {
    guard let flight = flights[id], !flight.isEnding else { return }
    // At its turn the registration may have been too old.
    turns.take(id.target, core.operation(of: id), nil, uid: flight.uid, at: now.monotonic)
    if settings.maxAge.map({ now.monotonic - flight.since <= $0 }) ?? true { violations.append(.expiredTooEarly) }
  }

  private mutating func check(_ call: UpstreamCall, of id: JobID) {
    if calls.contains(where: { $0.key == id.key }) {
      // A second reply would be an impossible event.
      violations.append(.twoCallsAtOnce)
      return
    }
    if !settings.targets.contains(id.target) { violations.append(.callsUnconfiguredTarget) }
    guard let row = disk.row(id) else {
      violations.append(.callThatDiskDoesNotKnow)
      return
    }
    if !isFirst(id) { violations.append(.callOutOfTurn) }
    let made: SimulatedUpstream.Call
    switch call {
    case .registerCertificateWithoutCA(let call):
      if !row.pending.callStarted { violations.append(.callThatDiskDoesNotKnow) }
      made = .init(id: id, kind: .register, status: call.status, needsStatus: call.needsStatus)
    case .updateCertificate(let call):
      if row.pending.purpose.registers {
        reach(.secondStep)
        if row.pending.facts.registered == nil { violations.append(.callThatDiskDoesNotKnow) }
      }
      made = .init(id: id, kind: .update, status: call.status)
      checkActivation(row.pending)
    case .provision(let call):
      made = .init(id: id, kind: .provision(call.action), status: row.pending.status)
      check(call, row.pending)
    }
    if made.status != expectedStatus(made.kind, row.pending) { violations.append(.callWithAnotherStatus) }
    if committed.remove(id) == nil { takeTurn(id) }
    calls.append(made)
    if id.target == Self.second { reach(.secondTargetCall) }
    let underWay = calls.count { $0.key.target == id.target }
    if underWay > Self.maxConcurrent[id.target] ?? 0 { violations.append(.tooManyCallsAtOnce) }
  }

  // MARK: Results

  /// A result is on its way to disk: it has to agree with the upstream.
  private mutating func check(_ result: RegisteredCertificate, of id: JobID) {
    guard let row = disk.row(id), let certificate = upstream.certificates[id.key] else {
      violations.append(.successWithoutCertificate)
      return
    }
    let described = described?.id == id ? described?.status : nil
    if let described, result.status != described { violations.append(.describedStatusDiscarded) }
    if let known = row.pending.facts.registered {
      // Steps after the registration, and what was known before, do not change the outcome.
      if known.outcome != result.outcome { violations.append(.outcomeChanged) }
      return
    }
    if let earlier = row.pending.facts.earlier, earlier.keepsOutcome {
      // Nobody deletes a certificate here: the upstream has it still.
      if earlier.outcome != result.outcome { violations.append(.outcomeChanged) }
      return
    }
    let isOurs = certificate.serial == id.sequence
    if isOurs, result.outcome == .existing, !row.history.hadResult { violations.append(.existingAlthoughOurs) }
    guard !isOurs, result.outcome == .created else { return }
    if row.history.hadResult, let earlier = disk.results[id.key], earlier.isKnownToExist {
      violations.append(.createdAlthoughItExisted)
    } else if !row.history.hadResult, !row.history.isAmbiguous {
      violations.append(.createdAlthoughNotOurs)
    } else if !row.history.hadResult, described == nil {
      // A 409 after a lost answer counts as that answer. No client can see the difference.
      upstream.excuse(SimulatedUpstream.status(named: expectedStatus(.register, row.pending)), of: id.key)
    }
  }

  /// A result takes the place of an earlier one.
  mutating func checkReplacement(_ result: Registration, by id: JobID) {
    check(told: result.status, result.key)
    guard let earlier = disk.results[result.key] else { return }
    if earlier.status != nil, result.status == nil, lost[id] == nil, flights[id]?.purpose == .register,
      let row = disk.row(id), !row.pending.facts.isBegunAnew,
      // A refresh whose answer was lost may have registered the certificate anew.
      !refreshes.contains(id) || !row.history.isAmbiguous,
      // A step that failed may have set another status.
      result.failure == nil || !row.pending.hasTemplateWithStatus
    {
      violations.append(.knownStatusLost)
    }
    if earlier.isKnownToExist, result.outcome == .created { violations.append(.createdAlthoughItExisted) }
  }

  mutating func check(told status: CertificateStatus?, _ key: RegistrationKey) {
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
    case .updated(let update): check(update, toldTo: waiter)
    case .failed(let error): check(error, toldTo: waiter)
    }
  }

  private mutating func checkPromise(to waiter: Waiter) {
    let rows = disk.rows(of: waiter.key).filter { $0.purpose.registers == waiter.purpose.registers }
    guard !rows.isEmpty else {
      violations.append(.queuedBeforeDisk)
      return
    }
    let agreeing = rows.filter { $0.mayLead(to: waiter.namedStatus) || inherits($0, waiter.namedStatus) }
    if agreeing.isEmpty { violations.append(.queuedForAnotherStatus) }
    if let tag = waiter.provisioning?.tag, !agreeing.contains(where: { $0.provisioning?.tag == tag }) {
      violations.append(.queuedForAnotherDevice)
    }
    if waiter.purpose == .update, let id = agreeing.map(\.id).max(by: { $0.sequence < $1.sequence }) {
      promisedUpdates.insert(id)
    }
  }

  /// Whether a row leaves the certificate the status that the jobs before it give it, and they may give it this one.
  /// Their end changes what the job knows; the row follows with the job's own progress. What becomes of a change of the
  /// status is open until then.
  private func inherits(_ row: PendingRegistration, _ named: CertificateStatus?) -> Bool {
    guard row.status == nil, row.facts.registered == nil else { return false }
    let before = disk.rows(of: row.key).filter { $0.sequence < row.sequence }
    let isGiven = before.contains { !$0.purpose.registers || $0.status == named }
    return isGiven || disk.results[row.key]?.status == named
  }

  private mutating func check(_ update: StatusUpdate, toldTo waiter: Waiter) {
    if waiter.purpose != .update || update.status != waiter.namedStatus { violations.append(.answerToAnother) }
    if disk.results[waiter.key]?.status != update.status { violations.append(.successBeforeDisk) }
    if upstream.certificates[waiter.key]?.statuses.contains(update.status) != true {
      violations.append(.updateWithoutEffect)
    }
    check(told: update.status, waiter.key)
  }

  private mutating func check(_ registration: Registration, toldTo waiter: Waiter) {
    if registration.key != waiter.key { violations.append(.answerToAnother) }
    if let before = waiter.refreshedAfter, registerReplies[waiter.key] ?? 0 == before {
      violations.append(.refreshWithoutCall)
    }
    let isOnDisk =
      disk.results[waiter.key]?.ofJob == registration
      || disk.rows(of: waiter.key).contains { row in
        var known = row.facts.registered
        // A call under way may have changed it.
        if registration.status == nil { known?.status = nil }
        return known == RegisteredCertificate(registration)
      }
    if !isOnDisk { violations.append(.successBeforeDisk) }
    if let named = waiter.namedStatus, let known = registration.status, named != known {
      violations.append(.quietSuccessForAnotherStatus)
    }
    checkDevice(registration, toldTo: waiter)
    if waiter.purpose == .registerAndSet, registration.status != waiter.status {
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
    case .deadlineExceeded where !error.message.contains("not on disk yet"):
      // The error says that the request goes on.
      if disk.rows(of: waiter.key).isEmpty { violations.append(.queuedBeforeDisk) }
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
    for (id, flight) in flights { checkAge(id, flight) }
    for id in flights.keys where core.isBackingOff(id) { checkRevocation(behind: id) }
  }

  private mutating func checkRevocation(behind id: JobID) {
    func isRevocation(_ row: PendingRegistration) -> Bool { row.purpose == .update && row.status == .revoked }
    guard let row = disk.row(id)?.pending, row.facts.registered != nil, !isRevocation(row) else { return }
    if disk.rows(of: id.key).contains(where: { $0.sequence > id.sequence && isRevocation($0) }) {
      violations.append(.revocationHeldUp)
    }
  }

  /// `change`: the longest time from a start or a change of `queue.maxAge` to the next look at the ages. `stay`: how
  /// long an overdue registration may stay otherwise.
  private static let ageTolerance = (change: Duration.seconds(60), stay: Duration.milliseconds(200))

  private mutating func checkAge(_ id: JobID, _ flight: Flight) {
    guard let maxAge = settings.maxAge, flight.since + maxAge < now.monotonic,
      changedAt + Self.ageTolerance.change < now.monotonic,
      isWaiting(id, flight) || core.isBackingOff(id)
    else {
      flights[id]?.lateSince = nil
      return
    }
    let lateSince = flight.lateSince ?? now.monotonic
    flights[id]?.lateSince = lateSince
    if now.monotonic - lateSince > Self.ageTolerance.stay { violations.append(.tooOld) }
  }
}

extension PendingRegistration {
  fileprivate var hasTemplateWithStatus: Bool {
    if case .template(let template)? = provisioning?.work { template.status != .kept } else { false }
  }

  /// Whether the certificate may have a status after the job that a caller named; `nil`: the caller named none.
  fileprivate func mayLead(to named: CertificateStatus?) -> Bool {
    guard let named, status != named else { return true }
    if case .template(let template)? = provisioning?.work, template.status != .kept {
      return template.status == .unknown || template.status == .set(named)
    }
    if let registered = facts.registered { return registered.status == nil || registered.status == named }
    if status == nil, let earlier = facts.earlier { return earlier.status == nil || earlier.status == named }
    return status == nil && named == .inactive
  }
}

extension Registration {
  /// Whether the certificate was found in the upstream. A change of its status alone, after the result was forgotten,
  /// says nothing about who created it.
  fileprivate var isKnownToExist: Bool { outcome == .existing && certificateARN != nil }
}

extension Registration {
  /// As jobs and the memory have it, without what a `describe` has found to be otherwise.
  fileprivate var ofJob: Registration {
    var result = self
    result.asked = nil
    return result
  }
}
