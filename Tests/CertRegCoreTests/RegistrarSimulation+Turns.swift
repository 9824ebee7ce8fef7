import CertRegCore

// Fairness: within a lane the next call belongs to the user with the fewest turns in the last second.
extension RegistrarSimulation {
  /// The lane of a registration in the queue; `nil`: its callers have given up, and it may be in either.
  private func lane(of id: JobID, _ flight: Flight) -> SimulatedTurns.Lane? {
    if isAwaited(id) { return .awaited }
    return flight.wasAwaited ? nil : .others
  }

  /// A registration leaves the queue for a call.
  mutating func takeTurn(_ id: JobID) {
    if isDraining, !isAwaited(id) { violations.append(.beginsUnawaitedWhileDraining) }
    guard let flight = flights[id] else { return }
    let lane = lane(of: id, flight)
    // The actions of one event do not show the order in which several left the queue.
    if turnsOfEvent == 1, let lane, !isDraining { checkFairness(id, flight, lane) }
    turns.take(id.target, core.operation(of: id), lane, uid: flight.uid, at: now.monotonic)
  }

  private mutating func checkFairness(_ id: JobID, _ flight: Flight, _ lane: SimulatedTurns.Lane) {
    guard queuedBefore.contains(id),
      let taken = turns.count(id.target, core.operation(of: id), lane, uid: flight.uid, at: now.monotonic)
    else { return }
    for other in queuedBefore where other.target == id.target && core.operation(of: other) == core.operation(of: id) {
      guard let otherFlight = flights[other], otherFlight.uid != flight.uid, !otherFlight.isEnding,
        self.lane(of: other, otherFlight) == lane,
        let otherTaken = turns.count(id.target, core.operation(of: id), lane, uid: otherFlight.uid, at: now.monotonic)
      else { continue }
      reach(.fairnessCheck)
      if otherTaken < taken { violations.append(.unfairTurn) }
    }
  }

  /// An overdue registration takes a turn, too, when it is found to be overdue at its turn.
  func countTurns(_ actions: [Registrar.Action]) -> Int {
    actions.reduce(0) { count, action in
      switch action {
      case .commit(_, let changes):
        count
          + changes.count {
            switch $0 {
            case .markCallStarted: true
            case .fail(_, let failure): failure.error.reason == .queueExpired
            default: false
            }
          }
      case .call(let id, _): count + (committed.contains(id) ? 0 : 1)
      default: count
      }
    }
  }
}
