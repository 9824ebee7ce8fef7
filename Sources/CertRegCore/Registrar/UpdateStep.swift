/// UpdateCertificate, which sets the status of a certificate
/// (https://docs.aws.amazon.com/iot/latest/apireference/API_UpdateCertificate.html).
package struct UpdateStep: Step {
  package let operation = UpstreamOperation.updateCertificate

  /// The operation is idempotent: it is made again where its answer was lost.
  package let isMarked = false

  package let changesStatus = true

  package init() {}

  package func isNeeded(for pending: PendingRegistration) -> Bool {
    if pending.purpose == .update { return true }
    return pending.setsStatus && !pending.isLeftAlone && pending.status != nil
      && pending.facts.registered?.status != pending.status
  }

  package func call(for pending: PendingRegistration) -> UpstreamCall {
    .updateCertificate(
      UpdateCertificateCall(
        certificateID: pending.key.certificateID, status: pending.status ?? .ofUnnamed, home: pending.facts.home))
  }

  package func read(
    _ reply: UpstreamReply, to pending: PendingRegistration, mayHaveTakenEffect: Bool
  ) -> StepResult {
    switch reply {
    case .updated:
      var facts = pending.facts
      facts.registered?.status = pending.status
      return .done(facts)
    case .failed(let failure): return .failed(failure)
    case .registered, .alreadyExists, .provisioned: return .failed(.foreignReply)
    }
  }
}
