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
      outcome: known.outcome, status: isGone || isStatusInDoubt ? nil : known.status,
      provisioned: isGone ? nil : known.provisioned?.begunAnew, keepsOutcome: !isGone, isGone: isGone)
    state = .advancing(JobFacts(earlier: earlier, place: facts.home ?? facts.place, isBegunAnew: true))
    return repeatedCommit
  }

  /// A call of the first step would go elsewhere than the target pointed when the request came, or when the last call
  /// began. After a restart the disk has to say where it went, since a 409 there can be its answer. So the call waits
  /// for another commit.
  ///
  /// - Parameter location: Where the target points; `nil`: not known.
  /// - Returns: The facts for the disk, which are the job's own once they are there; `nil`: the call may begin.
  func markMove(to location: UpstreamLocation?) -> JobFacts? {
    guard case .calling(let permit, _) = state, let location, step?.isMarked == true, pending.facts.registered == nil
    else { return nil }
    var facts = pending.facts
    guard facts.place != nil, facts.moved(to: JobHome(location: location, account: nil)) else { return nil }
    state = .marking(permit, movedTo: location)
    return facts
  }
}
