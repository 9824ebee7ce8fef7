// The end of the process.
extension Registrar {
  /// From now on the registrar refuses requests and begins only calls with a waiting caller.
  package func beginDraining(now: Moment) -> [Action] {
    isDraining = true
    for id in jobs.keys { demote(id) }
    return takeActions()
  }

  /// Keeps a job from its turn during a drain, unless a caller waits for it.
  func demote(_ id: JobID) {
    guard !isAwaited(id), let job = jobs[id], job.isWaiting, let operation = job.step?.operation else {
      return
    }
    targets[id.target]?.demote(id, operation)
  }

  /// Answers all waiting callers that the daemon stops.
  package func endDraining() -> [Action] {
    for waiter in waiters.removeAll() { actions.append(.answer(waiter.id, .failed(.draining), .goesOn)) }
    return takeActions()
  }
}
