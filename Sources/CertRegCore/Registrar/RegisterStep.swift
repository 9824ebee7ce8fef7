/// RegisterCertificateWithoutCA, the first step of every plan
/// (https://docs.aws.amazon.com/iot/latest/apireference/API_RegisterCertificateWithoutCA.html).
package struct RegisterStep: Step {
  package let operation = UpstreamOperation.registerCertificateWithoutCA

  /// A 409 can be the answer to our own earlier call, whose answer was lost with the process that made it.
  package let isMarked = true

  package init() {}

  package func call(for pending: PendingRegistration) -> UpstreamCall {
    .registerCertificateWithoutCA(
      RegisterCertificateCall(certificateID: pending.key.certificateID, der: pending.der, status: pending.firstStatus))
  }

  package func read(
    _ reply: UpstreamReply, to pending: PendingRegistration, mayHaveTakenEffect: Bool
  ) -> StepResult {
    var facts = pending.facts
    switch reply {
    case .registered(let arn, let requestID):
      facts.registered = RegisteredCertificate(
        certificateARN: arn, outcome: .created, status: pending.firstStatus ?? .ofUnnamed, requestID: requestID)
    case .alreadyExists(let arn, let status, let requestID):
      if mayHaveTakenEffect, facts.earlier == nil {
        // That the status is the one that the lost call named is likely, and not enough where it is to be set.
        let assumed = pending.setsStatus ? nil : pending.status ?? .ofUnnamed
        facts.registered = RegisteredCertificate(
          certificateARN: arn, outcome: .created, status: status ?? assumed, requestID: requestID)
      } else {
        facts.registered = RegisteredCertificate(
          certificateARN: arn, outcome: .existing, status: status ?? facts.earlier?.status, requestID: requestID)
      }
    case .failed(let failure):
      return .failed(failure)
    case .updated, .provisioned:
      return .failed(.foreignReply)
    }
    return .done(facts)
  }
}
