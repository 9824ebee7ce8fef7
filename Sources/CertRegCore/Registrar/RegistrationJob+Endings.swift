/// How a job ended. On the heap, since it is large and is passed on several times.
package indirect enum Ending: Hashable, Sendable {
  case registered(Registration)
  case updated(StatusUpdate)
  case failed(FailedRegistration)

  /// The change that makes the end durable.
  func change(of id: JobID) -> StoreChange {
    switch self {
    case .registered(let registration): .complete(id, registration)
    case .updated(let update): .setStatus(id, update)
    case .failed(let failure):
      if let registered = failure.registered, !failure.isGone {
        .complete(id, registered.ended(by: failure))
      } else {
        .fail(id, failure)
      }
    }
  }

  /// The certificate and target of the job.
  package var key: RegistrationKey {
    switch self {
    case .registered(let registration): registration.key
    case .updated(let update): update.key
    case .failed(let failure): failure.key
    }
  }
}

extension RegistrationJob {
  /// The change that makes an end of this job durable.
  func change(for ending: Ending) -> StoreChange {
    guard case .registered(var registration) = ending, pending.provisioning == nil || pending.isLeftAlone else {
      return ending.change(of: id)
    }
    registration.leavesFailure = true
    return .complete(id, registration)
  }

  /// The result, as far as the steps have established it; `nil` before the certificate is registered.
  func registration(now: WallTime) -> Registration? {
    pending.facts.registered.map { registration($0, now: now) }
  }

  private func registration(_ registered: RegisteredCertificate, now: WallTime) -> Registration {
    Registration(
      key: pending.key, certificateARN: registered.certificateARN, outcome: registered.outcome,
      status: registered.status, requestID: registered.requestID, finishedAt: now, basis: pending.basis,
      requester: pending.requester, deviceID: pending.deviceID,
      provisioned: registered.provisioned)
  }

  /// The status that the certificate has after the job, as far as that is known before its calls; `nil`: it is not.
  var expectedStatus: CertificateStatus? {
    if !pending.purpose.registers || pending.setsStatus { return status ?? .ofUnnamed }
    switch pending.isLeftAlone ? .kept : pending.provisioning?.statusEffect ?? .kept {
    case .set(let status): return status
    case .unknown: return nil
    case .kept: break
    }
    if let registered = pending.facts.registered { return registered.status }
    if let earlier = pending.facts.earlier, !earlier.isGone, status == nil { return earlier.status }
    return status ?? .ofUnnamed
  }

  /// Whether the present step may have changed the status already.
  var isStatusInDoubt: Bool { mayHaveTakenEffect && step?.changesStatus == true }

  /// The registration, as soon as the upstream has told this job of it and the disk knows; `nil` while its status is in
  /// doubt, too.
  func ownRegistration(now: WallTime) -> Registration? {
    if isStatusInDoubt { return nil }
    switch state {
    case .asking, .waiting, .permitted, .marking, .calling, .advancing, .backingOff:
      return pending.purpose.registers && !pending.facts.isRecalled ? registration(now: now) : nil
    case .storing, .following, .finishing: return nil
    }
  }

  /// Another host's result as this registration's. The target's name, the caller and the device are this host's own.
  func ownResult(from registration: Registration) -> Registration {
    var own = registration
    own.key = pending.key
    // What the other host found may be what a call of this job made, whose answer was lost.
    let isFound = pending.facts.earlier.map { !$0.keepsOutcome || $0.outcome == .existing } ?? false
    if mayHaveTakenEffect, pending.facts.completedSteps == 0, !isFound { own.outcome = .created }
    own.basis = pending.basis
    own.requester = pending.requester
    if let deviceID = pending.deviceID {
      own.deviceID = deviceID
      own.deviceTag = deviceID.tag
    }
    return own
  }

  /// The end of a job whose steps are done; `nil` if a step established nothing.
  func success(now: WallTime) -> Ending? {
    if pending.purpose.registers {
      return registration(now: now).map { registration in
        if let (known, asked) = pending.contradiction {
          return failure(.statusDiffers(registration, known: known, named: asked), now: now)
        }
        var registration = registration
        if let provisioning = pending.provisioning, !pending.isLeftAlone {
          registration.provisioned = Provisioned(
            provisioning, progress: registration.provisioned, status: registration.status)
        }
        return .registered(registration)
      }
    }
    return .updated(
      StatusUpdate(
        key: pending.key, status: pending.status ?? .ofUnnamed,
        certificateARN: pending.facts.registered?.certificateARN,
        requestID: lastRequestID, finishedAt: now, requester: pending.requester, deviceID: pending.deviceID))
  }

  /// The end of a job with a permanent error. A certificate that is registered stays known as such.
  ///
  /// - Parameter isEnd: Whether the job ends. Otherwise only what the disk has is told.
  func failure(_ error: ServiceError, now: WallTime, isEnd: Bool = true) -> Ending {
    var failure = FailedRegistration(
      key: pending.key, purpose: pending.purpose, error: error, attempts: pending.attempts, finishedAt: now,
      requester: pending.requester, deviceID: pending.deviceID)
    let isUnknown = isStatusInDoubt || isKnownStatusRefuted(by: error)
    failure.statusIsInDoubt = isUnknown && !pending.purpose.registers
    failure.wasGone = pending.facts.earlier?.isGone ?? false
    let found = isEnd ? pending.found(by: error, mayHaveTakenEffect: mayHaveTakenEffect) : nil
    if pending.purpose.registers, let known = pending.facts.registered ?? pending.facts.lackingOnlyStatus ?? found {
      var registration = registration(known, now: now)
      if isUnknown { registration.status = nil }
      failure.registered = registration
      failure.error = naming(step, of: known, in: error)
    }
    return .failed(failure)
  }

  /// The error of the present step, which it names if the certificate is registered.
  func namingStep(_ error: ServiceError) -> ServiceError {
    guard pending.purpose.registers, let known = pending.facts.registered else { return error }
    return naming(step, of: known, in: error)
  }

  private func naming(
    _ step: (any Step)?, of certificate: RegisteredCertificate, in error: ServiceError
  ) -> ServiceError {
    guard error.failedStep == nil, let step else { return error }
    var named = error
    named.failedStep = FailedStep(
      operation: step.operation.rawValue, certificateID: pending.key.certificateID.hex,
      certificateARN: certificate.certificateARN)
    return named
  }

  /// Whether the upstream refuses UpdateCertificate for the state of a certificate that is known as ACTIVE or INACTIVE.
  /// From these a certificate can take every status that the operation sets: others must have revoked it, or begun a
  /// transfer.
  private func isKnownStatusRefuted(by error: ServiceError) -> Bool {
    guard error.kind == .certificateState, error.origin == .upstream, step?.operation == .updateCertificate,
      let known = pending.facts.registered?.status ?? pending.facts.earlier?.status,
      let asked = pending.status
    else { return false }
    return [.active, .inactive].contains(known) && [.active, .inactive, .revoked].contains(asked)
  }

  /// The end of a job that waited longer than `queue.maxAge`.
  func expiry(now: WallTime) -> Ending {
    failure(.queueExpired(lastError: pending.lastError), now: now)
  }

  /// Whether the next call fails as the last one did, while DescribeCertificate is refused.
  var lacksDescription: Bool {
    pending.lastError?.kind == .unauthorized && step?.operation == .registerCertificateWithoutCA
      && pending.lastError?.failedStep?.operation == UpstreamOperation.describeCertificate.rawValue
  }

  /// The commit that the job waits for, again after a failure of the disk.
  var repeatedCommit: StoreChange? {
    switch state {
    case .advancing(let facts): .noteProgress(id, facts)
    case .finishing(let ending): change(for: ending)
    case .storing, .following, .asking, .waiting, .permitted, .marking, .calling, .backingOff: nil
    }
  }

  var isFinishing: Bool {
    if case .finishing = state { true } else { false }
  }

  /// Whether the job ends with an error.
  var isFailing: Bool {
    if case .finishing(.failed) = state { true } else { false }
  }

  /// Whether the upstream has yet to say that it has the certificate.
  var asksUpstream: Bool {
    if case .known = leave { return false }
    switch state {
    case .advancing, .finishing: return false
    case .storing, .following, .asking, .waiting, .permitted, .marking, .calling, .backingOff:
      return pending.facts.completedSteps == 0 && pending.facts.registered == nil
    }
  }

  var isWaiting: Bool {
    if case .waiting = state { true } else { false }
  }

  /// Whether it is on its way to the disk.
  var isStoring: Bool {
    if case .storing = state { true } else { false }
  }

  /// Whether the end can be decided at once: no call and no commit is under way, and no other job is before it, which
  /// may yet establish something.
  var canEndNow: Bool {
    switch state {
    case .asking, .waiting, .backingOff: true
    case .storing, .following, .permitted, .marking, .calling, .advancing, .finishing: false
    }
  }

  /// Whether no call has begun, so that what happens to the job before it still counts.
  var isBehind: Bool {
    switch state {
    case .storing(nil), .following: true
    case .storing, .asking, .waiting, .permitted, .marking, .calling, .advancing, .backingOff, .finishing: false
    }
  }

  /// When a job that pauses after a failure is tried again; `nil` in every other state.
  var pausesUntil: MonotonicTime? {
    if case .backingOff(let until) = state { until } else { nil }
  }
}
