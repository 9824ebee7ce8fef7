import CertRegCore

// Fairness: within a lane the next call belongs to the user with the fewest turns in the last second.
extension RegistrarSimulation {
  /// The lane of a registration in the queue; `nil`: its callers have given up, and it may be in either.
  private func lane(of key: RegistrationKey, _ flight: Flight) -> SimulatedTurns.Lane? {
    if isAwaited(key) { return .awaited }
    return flight.wasAwaited ? nil : .others
  }

  /// A registration leaves the queue for a call.
  mutating func takeTurn(_ key: RegistrationKey) {
    if isDraining, !isAwaited(key) { violations.append(.beginsUnawaitedWhileDraining) }
    guard let flight = flights[key] else { return }
    let lane = lane(of: key, flight)
    // The actions of one event do not show the order in which several left the queue.
    if turnsOfEvent == 1, let lane, !isDraining { checkFairness(key, flight, lane) }
    turns.take(key.target, lane, uid: flight.uid, at: now.monotonic)
  }

  private mutating func checkFairness(_ key: RegistrationKey, _ flight: Flight, _ lane: SimulatedTurns.Lane) {
    guard queuedBefore.contains(key),
      let taken = turns.count(key.target, lane, uid: flight.uid, at: now.monotonic)
    else { return }
    for other in queuedBefore where other.target == key.target {
      guard let otherFlight = flights[other], otherFlight.uid != flight.uid, !otherFlight.isEnding,
        self.lane(of: other, otherFlight) == lane,
        let otherTaken = turns.count(key.target, lane, uid: otherFlight.uid, at: now.monotonic)
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
            case .fail(let failure): failure.error.reason == .queueExpired
            default: false
            }
          }
      case .call(let key, _): count + (committed.contains(key) ? 0 : 1)
      default: count
      }
    }
  }
}
