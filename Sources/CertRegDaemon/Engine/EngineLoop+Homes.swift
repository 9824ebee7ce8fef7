import CertRegCore

// Where results belong on disk.
extension EngineLoop {
  /// Takes what an earlier process left unfinished.
  ///
  /// - Parameter firstSequence: The number of the next registration.
  func resume(_ pending: [PendingRegistration], firstSequence: Int64) {
    var pending = pending
    for index in pending.indices where pending[index].facts.earlier == nil {
      pending[index].facts.place = known.place(stored: pending[index].facts.place, of: pending[index].key.target)
    }
    perform(registrar.resume(pending, firstSequence: firstSequence, now: clock.now))
  }

  /// The name that the store keeps the results of a job under. It is not that of the target's present home if a reload
  /// moved the target during a call, or after it.
  private func storedName(of id: JobID) -> TargetName {
    known.home(of: id.target, at: registrar.home(of: id)).storedName
  }

  /// Changes as the store takes them, with notes of what the fleet has to be told.
  func kept(_ changes: [StoreChange]) -> [StoreChange] {
    guard fleet != nil else { return changes.map(kept) }
    return changes.flatMap { change in [kept(change)] + (note(of: change).map { [$0] } ?? []) }
  }

  /// A change as the store takes it: the queue goes by targets, results are kept by homes.
  func kept(_ change: StoreChange) -> StoreChange {
    switch change {
    case .complete(let id, var registration):
      registration.key.target = storedName(of: id)
      return .complete(id, registration)
    case .setStatus(let id, var update):
      update.key.target = storedName(of: id)
      return .setStatus(id, update)
    case .fail(let id, var failure):
      failure.key.target = storedName(of: id)
      return .fail(id, failure)
    case .keep(var registration, let home):
      registration.key.target = known.home(of: registration.key.target, at: home).storedName
      return .keep(registration, home)
    case .doubtStatus(var key, let home, let time):
      key.target = known.home(of: key.target, at: home).storedName
      return .doubtStatus(key, home, at: time)
    case .enqueue(var pending) where pending.facts.earlier == nil:
      // An earlier result belongs to an account, too.
      pending.facts.place = known.storedPlace(pending.facts.place, of: pending.key.target)
      return .enqueue(pending)
    case .enqueue, .markCallStarted, .noteAttempt, .noteProgress, .nameDevice, .forget, .share: return change
    }
  }
}
