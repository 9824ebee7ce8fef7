// Revocations: a certificate in the wrong hands must not stay valid because a call of an earlier job fails again and
// again.
extension Registrar {
  /// A job is on disk. If it revokes its certificate, the job at work gives way, now or when its call has ended.
  func noteRevocation(_ job: RegistrationJob, now: Moment) {
    guard job.pending.isRevocation else { return }
    lines.noteRevocation(job.id)
    coordinator.revokes(job.pending)
    giveWayAtOnce(job.id.key, now: now)
  }

  /// Another host waits to revoke a certificate that this one works on.
  package func revokedElsewhere(_ key: RegistrationKey, now: Moment) -> [Action] {
    lines.noteRevocationElsewhere(key)
    giveWayAtOnce(key, now: now)
    return takeActions()
  }

  /// Another host has revoked a certificate that this one works on, or has lost its status, and this one does not take over
  /// the result meanwhile. The news may be older than what a job knows of the certificate: so the upstream is asked
  /// before the certificate is activated.
  package func mayBeRevoked(_ key: RegistrationKey, now: Moment) -> [Action] {
    lines.noteToldRevocation(of: key)
    if let first = lines.first(of: key).flatMap({ jobs[$0] }), first.isWaiting, let operation = first.step?.operation,
      first.askAboutRevocation(lines.revocationsTold(of: key))
    {
      targets[key.target]?.remove(first.id, operation)
      enqueue(first.id, now: now)
    }
    return takeActions()
  }

  private func giveWayAtOnce(_ key: RegistrationKey, now: Moment) {
    guard let first = lines.first(of: key).flatMap({ jobs[$0] }), first.canEndNow else { return }
    _ = giveWay(first, now: now)
  }

  /// Ends a job that is about to wait, if a revocation behind it must not wait for it.
  ///
  /// - Returns: Whether the job ends.
  func giveWay(_ job: RegistrationJob, now: Moment) -> Bool {
    guard lines.isRevoked(job.id.key), job.givesWayToRevocation else { return false }
    var ending = job.failure(.certificateRevoked(job.id.key.certificateID), now: now.wall)
    // What other hosts hear of this end must not hide the revocation that one of them has made since.
    if lines.isRevokedElsewhere(job.id.key) { ending.doubtStatus() }
    finish(job, ending, now: now)
    return true
  }
}

extension RegistrationJob {
  /// Another host told of a revocation. If this job is to activate the certificate, the upstream is asked first.
  ///
  /// - Parameter told: How often it was told.
  /// - Returns: Whether the registration is the next step now.
  func askAboutRevocation(_ told: Int) -> Bool {
    guard told > revocationsHeard else { return false }
    revocationsHeard = told
    var doubting = pending
    doubting.facts.registered?.status = nil
    guard doubting.askForUnknownStatus() else { return false }
    pending = doubting
    beginStep()
    return true
  }

  /// Whether a later revocation ends the job. Steps that make a device have no use any more. Any other call is made
  /// once as asked, and not tried again.
  ///
  /// A registration of which nothing is known stays: the upstream cannot revoke what it does not have, and the
  /// certificate would be registered afterwards.
  fileprivate var givesWayToRevocation: Bool {
    let facts = pending.facts
    if pending.isRevocation { return false }
    if facts.registered != nil, pending.provisioning != nil { return true }
    let isKnown = facts.registered != nil || facts.earlier.map { !$0.isGone } ?? !pending.purpose.registers
    return isKnown && attemptsOfStep > 0
  }
}

extension Ending {
  /// The status that a failed job knew need not be the present one; a revocation stays.
  fileprivate mutating func doubtStatus() {
    guard case .failed(var failure) = self, failure.registered?.status != .revoked else { return }
    failure.registered?.status = nil
    self = .failed(failure)
  }
}

extension PendingRegistration {
  /// Whether the job revokes its certificate, and does nothing else.
  fileprivate var isRevocation: Bool { purpose == .update && status == .revoked }
}
