// A job among the other jobs of its certificate.
extension RegistrationJob {
  /// The job before it is gone.
  func cameFirst(now: WallTime) -> Action {
    guard case .following = state else { return .nothing }
    return takeTurn(now: now)
  }

  /// What the job before it established counts for this one.
  ///
  /// - Parameters:
  ///   - ending: The end of that job.
  ///   - before: Its facts, which include what the jobs before it established.
  /// - Returns: The facts, if the disk has to know them.
  func inherit(_ ending: Ending, from before: JobFacts) -> JobFacts? {
    guard isBehind, !before.belongElsewhere(than: pending.facts.place) else { return nil }
    supersedeKnownResult(by: ending, at: before.home)
    var known = before.registered
    switch ending {
    case .registered(let registration):
      takeOver(RegisteredCertificate(registration), at: before.home, isRecalled: before.isRecalled)
    case .updated(let update):
      known?.status = update.status
      takeOver(known, from: before, else: EarlierResult(outcome: .existing, status: update.status))
    case .failed(let failure) where failure.isGone: forgetFacts()
    case .failed(let failure):
      if let registration = failure.registered {
        takeOver(RegisteredCertificate(registration), at: before.home, isRecalled: before.isRecalled)
        break
      }
      if failure.statusIsInDoubt {
        known?.status = nil
        pending.facts.registered?.status = nil
        pending.facts.earlier?.status = nil
      }
      // The job before has brought nothing to believe a status for that this one does not believe.
      let isDoubted = pending.facts.registered == nil && pending.facts.earlier.map { $0.status == nil } ?? false
      var earlier = pending.facts.earlier ?? before.earlier
      if failure.statusIsInDoubt { earlier?.status = nil }
      takeOver(known, from: before, else: earlier)
      if isDoubted { pending.facts.earlier?.status = nil }
    }
    pending.askForUnknownStatus()
    return pending.facts
  }

  /// Nothing is known of the certificate any more, and no call of this job was made for it.
  func forgetFacts() {
    pending.facts = JobFacts(place: pending.facts.place)
    mayHaveTakenEffect = false
  }

  /// The job before this one is newer than the result of another host that was to end this one.
  ///
  /// - Parameter newerHome: Where what that job established belongs.
  private func supersedeKnownResult(by ending: Ending, at newerHome: JobHome?) {
    guard case .known(var registration, let home) = leave else { return }
    // A job that was to ask the upstream once more has given up its claim for the result, and cannot call any more.
    let isAnswered = pending.facts.asksAnew
    switch ending {
    case .registered(let newer): leave = isAnswered ? .known(newer, home: newerHome) : .granted
    case .updated(let update): leave = .known(update.applied(to: registration), home: home)
    case .failed(let failure) where failure.isGone: leave = .granted
    case .failed(let failure) where failure.registered != nil:
      leave = isAnswered ? .known(failure.registered ?? registration, home: newerHome) : .granted
    case .failed(let failure) where failure.statusIsInDoubt:
      registration.status = nil
      leave = .known(registration, home: home)
    case .failed: break
    }
  }

  /// The certificate is registered: that step is done.
  private func takeOver(_ known: RegisteredCertificate?, at home: JobHome?, isRecalled: Bool) {
    guard let known else { return }
    guard !pending.facts.asksAnew else { return takeForEarlier(known) }
    pending.facts.home = home
    pending.facts.isRecalled = isRecalled
    // What was known before the request is older. A job before this one that ends without a result brings it up again.
    pending.facts.earlier?.status = known.status
    if pending.purpose.registers {
      pending.facts.take(known, for: pending.provisioning)
    } else {
      pending.facts.registered = known
    }
  }

  /// The certificate is known. A job that was to ask the upstream about it, whatever is known, still asks.
  private func takeOver(_ known: RegisteredCertificate?, from before: JobFacts, else earlier: EarlierResult?) {
    if pending.facts.registered != nil || !pending.purpose.registers, let known {
      takeOver(known, at: before.home, isRecalled: before.isRecalled)
    } else if let known {
      takeForEarlier(known)
    } else if let earlier {
      var present = pending.facts.earlier ?? earlier
      present.status = earlier.status
      pending.facts.earlier = present
      pending.facts.registered?.status = earlier.status
    }
  }

  /// The certificate is known, and the upstream is asked about it all the same.
  private func takeForEarlier(_ known: RegisteredCertificate) {
    pending.facts.earlier = EarlierResult(
      outcome: known.outcome, status: known.status, provisioned: known.provisioned,
      keepsOutcome: pending.facts.earlier?.keepsOutcome ?? false,
      certificateARN: pending.facts.earlier?.certificateARN)
  }

  /// Another host may have made the call and lost its answer, before anybody found the certificate: that call has made
  /// what this job found since, or finds.
  ///
  /// - Parameter status: The status that is known by now, whatever that call named; `nil`: none.
  func learnEarlierCall(status: CertificateStatus?) {
    mayHaveTakenEffect = true
    if pending.facts.lackingOnlyStatus != nil { pending.facts.earlier?.outcome = .created }
    if !pending.facts.isRecalled { pending.facts.registered?.outcome = .created }
    if let status, pending.facts.earlier == nil, pending.facts.registered == nil {
      pending.facts.earlier = EarlierResult(outcome: .created, status: status, keepsOutcome: true)
    }
  }

  /// Goes on with the first step that is needed; ends at once where none is.
  func goOn(now: WallTime) -> Action {
    guard step != nil else {
      guard let ending = success(now: now) else { return impossible("goOn without a certificate") }
      return finish(ending)
    }
    state = .waiting
    return .enqueue
  }

  /// No other job of the certificate is before it.
  func takeTurn(now: WallTime) -> Action {
    switch leave {
    case .granted: return goOn(now: now)
    case .asked:
      state = .asking
      return .nothing
    case .known(let registration, let home):
      return takeResult(registration, at: home, now: now)
    }
  }

  /// Another host has registered the certificate. That ends the job, unless more than the registration was asked for.
  ///
  /// - Parameter home: Where the result belongs, and with it the later steps.
  func takeResult(_ registration: Registration, at home: JobHome?, now: WallTime) -> Action {
    guard pending.setsStatus || pending.provisioning != nil else {
      pending.facts.home = home
      return finish(.registered(registration))
    }
    if pending.facts.completedSteps == 0, var known = RegisteredCertificate(registration) {
      if let earlier = pending.facts.earlier, earlier.lacksOnlyStatus {
        known.provisioned = known.provisioned ?? earlier.provisioned
        // The other host may only have found what a call of this job made.
        if earlier.outcome == .created { known.outcome = .created }
      }
      beginStep()
      pending.facts.asksAnew = false
      takeOver(known, at: home, isRecalled: true)
      pending.askForUnknownStatus()
      // After a crash without the others, nobody would know that a call of a host made the certificate.
      guard step == nil else {
        state = .advancing(pending.facts)
        return .commit(.noteProgress(id, pending.facts))
      }
    } else {
      // The other host may have revoked it while this job waited.
      pending.facts.registered?.status = registration.status
    }
    if pending.askForUnknownStatus() { beginStep() }
    return goOn(now: now)
  }
}
