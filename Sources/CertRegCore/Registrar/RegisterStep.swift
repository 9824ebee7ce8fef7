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
    // Others may have revoked it. A status that is asked for as the target is configured is waited for, unless it
    // cannot be had.
    case .alreadyExists(let arn, nil, _, let cause)
    where pending.asksForStatus || !pending.setsStatus && cause.map { !$0.isPermanent } ?? false:
      let step = FailedStep(
        operation: UpstreamOperation.describeCertificate.rawValue, certificateID: pending.key.certificateID.hex,
        certificateARN: arn)
      return .failed(.unknownStatus(cause, step, neededBy: pending.asksForStatus ? "activateLast" : "describeExisting"))
    case .alreadyExists(let arn, let status, let requestID, _):
      if mayHaveTakenEffect, facts.earlier?.isGone ?? true {
        // That the status is the one that the lost call named is likely, and not enough where it is to be set.
        let assumed = pending.setsStatus ? nil : pending.status ?? .ofUnnamed
        facts.registered = RegisteredCertificate(
          certificateARN: arn, outcome: .created, status: status ?? assumed, requestID: requestID)
      } else {
        let earlier = facts.earlier
        facts.registered = RegisteredCertificate(
          certificateARN: arn, outcome: earlier?.outcomeOfConflict ?? .existing,
          status: status ?? pending.statusOfConflict(mayHaveTakenEffect: mayHaveTakenEffect), requestID: requestID)
        // The device may be another one, or none. That the certificate was deactivated counts all the same.
        facts.registered?.provisioned = earlier?.provisioned?.begunAnew
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
  /// The certificate that a registration found, of which only the status could not be had.
  ///
  /// - Parameters:
  ///   - error: The error of that registration.
  ///   - mayHaveTakenEffect: Whether an earlier call of this step may have taken effect although its answer was lost.
  /// - Returns: `nil` if it found none.
  func found(by error: ServiceError, mayHaveTakenEffect: Bool) -> RegisteredCertificate? {
    guard let step = error.failedStep ?? lastError?.failedStep,
      step.operation == UpstreamOperation.describeCertificate.rawValue
    else { return nil }
    let isOurs = mayHaveTakenEffect && facts.earlier?.isGone ?? true
    return RegisteredCertificate(
      certificateARN: step.certificateARN, outcome: isOurs ? .created : facts.earlier?.outcomeOfConflict ?? .existing,
      status: isOurs ? nil : statusOfConflict(mayHaveTakenEffect: mayHaveTakenEffect), requestID: error.requestID,
      provisioned: isOurs ? nil : facts.earlier?.provisioned?.begunAnew)
  }

  /// The status of a certificate that a registration finds and nobody describes.
  ///
  /// The lost call may have registered a certificate that was deleted: then it has the status of that call. The job has
  /// a reason to suspect that only if a step missed something, or if the caller does not trust the result.
  fileprivate func statusOfConflict(mayHaveTakenEffect: Bool) -> CertificateStatus? {
    let isSuspected = facts.isBegunAnew || facts.asksAnew
    let isDoubtful = mayHaveTakenEffect && isSuspected && facts.earlier?.status != firstStatus ?? .ofUnnamed
    return isDoubtful ? nil : facts.earlier?.status
  }

  /// Whether a certificate that exists is left alone as long as its status is not known.
  fileprivate var asksForStatus: Bool { isActivatedLast && !overridesStatus }

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
