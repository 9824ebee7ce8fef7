/// RegisterCertificateWithoutCA, the first step of every plan
/// (https://docs.aws.amazon.com/iot/latest/apireference/API_RegisterCertificateWithoutCA.html).
package struct RegisterStep: Step {
  package let operation = UpstreamOperation.registerCertificateWithoutCA

  /// A 409 can be the answer to our own earlier call, whose answer was lost with the process that made it.
  package let isMarked = true

  package init() {}

  package func call(for pending: PendingRegistration) -> UpstreamCall {
    .registerCertificateWithoutCA(
      RegisterCertificateCall(
        certificateID: pending.key.certificateID, der: pending.der, status: pending.firstStatus,
        needsStatus: pending.isActivatedLast))
  }

  package func read(
    _ reply: UpstreamReply, to pending: PendingRegistration, mayHaveTakenEffect: Bool
  ) -> StepResult {
    var facts = pending.facts
    facts.isRecalled = false
    facts.asksAnew = false
    switch reply {
    case .registered(let arn, let requestID):
      facts.registered = RegisteredCertificate(
        certificateARN: arn, outcome: .created, status: pending.firstStatus ?? .ofUnnamed, requestID: requestID)
    // Others may have revoked it.
    case .alreadyExists(let arn, nil, _, let cause) where pending.isActivatedLast && !pending.overridesStatus:
      let step = FailedStep(
        operation: UpstreamOperation.describeCertificate.rawValue, certificateID: pending.key.certificateID.hex,
        certificateARN: arn)
      return .failed(.unknownStatus(cause, step))
    case .alreadyExists(let arn, let status, let requestID, _):
      if mayHaveTakenEffect, facts.earlier?.isGone ?? true {
        // That the status is the one that the lost call named is likely, and not enough where it is to be set.
        let assumed = pending.setsStatus ? nil : pending.status ?? .ofUnnamed
        facts.registered = RegisteredCertificate(
          certificateARN: arn, outcome: .created, status: status ?? assumed, requestID: requestID)
      } else {
        let earlier = facts.earlier
        // The lost call may have registered a certificate that was deleted: then it has the status of that call. The
        // job has a reason to suspect that only if a step missed something, or if the caller does not trust the result.
        let isSuspected = facts.isBegunAnew || pending.facts.asksAnew
        let isDoubtful = mayHaveTakenEffect && isSuspected && earlier?.status != pending.firstStatus ?? .ofUnnamed
        facts.registered = RegisteredCertificate(
          certificateARN: arn, outcome: earlier?.outcomeOfConflict ?? .existing,
          status: status ?? (isDoubtful ? nil : earlier?.status), requestID: requestID)
        var kept = facts
        kept.registered?.provisioned = earlier?.provisioned
        let isAsKnown = !mayHaveTakenEffect || facts.registered?.status == earlier?.status
        if earlier?.lacksOnlyStatus == true || isAsKnown && pending.leavesDevice(of: kept) { facts = kept }
      }
    case .failed(let failure):
      return .failed(failure)
    case .updated, .provisioned:
      return .failed(.foreignReply)
    }
    return .done(facts)
  }
}

extension EarlierResult {
  /// The outcome of a registration that the upstream answers with 409.
  fileprivate var outcomeOfConflict: RegistrationOutcome { keepsOutcome ? outcome : .existing }
}

extension PendingRegistration {
  /// Whether the last step sets the certificate ACTIVE.
  fileprivate var isActivatedLast: Bool { provisioning?.activatesLast == true && status == .active }

  /// Has the upstream asked for a status that is not known, where the last step would activate the certificate:
  /// somebody may have revoked or deactivated it. The upstream is asked by another registration, whose 409 brings the
  /// status. The steps that are done count on.
  ///
  /// - Returns: Whether the registration is the next step now.
  @discardableResult
  mutating func askForUnknownStatus() -> Bool {
    guard isActivatedLast, setsStatus, !overridesStatus, !isLeftAlone, let known = facts.registered, known.status == nil
    else { return false }
    facts = JobFacts(
      earlier: EarlierResult(
        outcome: known.outcome, status: nil, provisioned: known.provisioned, keepsOutcome: true,
        certificateARN: known.certificateARN),
      place: facts.home ?? facts.place, isBegunAnew: facts.isBegunAnew)
    return true
  }

  /// Whether no step after the registration touches the device that was made of the certificate before.
  fileprivate func leavesDevice(of facts: JobFacts) -> Bool {
    var after = self
    after.facts = facts
    return provisioning == nil || after.isLeftAlone
  }
}
