// A job whose certificate the upstream may have lost.
extension RegistrationJob {
  /// A step of a registration found that the upstream does not have something. If that may be the certificate, the job
  /// registers it once more, and makes all steps again.
  ///
  /// Of most operations the error does not tell whether the certificate is missing or what is attached to it. A job
  /// that has just registered the certificate itself knows that it is the other thing.
  ///
  /// - Returns: The change that makes it durable; `nil`: the error is the end of the job.
  func beginAnew(after error: ServiceError) -> StoreChange? {
    let facts = pending.facts
    guard case .calling = state, error.kind == .resourceNotFound, error.origin == .upstream, pending.purpose.registers,
      !facts.isBegunAnew, let known = facts.registered, error.saysCertificateIsGone || facts.isRecalled
    else { return nil }
    let isGone = error.saysCertificateIsGone
    let earlier = EarlierResult(
      outcome: known.outcome, status: isGone || isStatusInDoubt ? nil : known.status, keepsOutcome: !isGone,
      isGone: isGone)
    state = .advancing(JobFacts(earlier: earlier, place: facts.home ?? facts.place, isBegunAnew: true))
    return repeatedCommit
  }
}
