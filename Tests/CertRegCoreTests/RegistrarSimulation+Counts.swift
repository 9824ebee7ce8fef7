import CertRegCore

// Compares the core's own counts with those of its actions.
extension RegistrarSimulation {
  /// Whether the registration is in the queue of its target.
  func isWaiting(_ id: JobID, _ flight: Flight) -> Bool {
    // A job enters the queue once its row is on disk and the jobs before it are gone.
    disk.row(id) != nil && isFirst(id) && !flight.isBeginning && !flight.isAdvancing && !flight.isEnding
      && !calls.contains { $0.id == id } && !core.isBackingOff(id)
  }

  mutating func checkCounts() {
    if core.pendingCount != flights.count { violations.append(.wrongPendingCount) }
    if core.isQuiet != (waiting.isEmpty && disk.commits.isEmpty && calls.isEmpty) { violations.append(.wrongQuiet) }
    if core.ageCount > 2 * flights.count + 65 { violations.append(.agesGrow) }
    if core.deadlineCount > 4 * (flights.count + waiting.count) + 1100 { violations.append(.deadlinesGrow) }
    var expected: [TargetName: (queued: Int, underWay: Int)] = [:]
    queuedBefore = []
    for (id, flight) in flights {
      if flight.isBeginning { expected[id.target, default: (0, 0)].underWay += 1 }
      if isWaiting(id, flight) { queuedBefore.insert(id) }
      // A job that pauses waits for its next try.
      if isWaiting(id, flight) || core.isBackingOff(id) { expected[id.target, default: (0, 0)].queued += 1 }
    }
    for call in calls { expected[call.key.target, default: (0, 0)].underWay += 1 }
    for target in [Self.first, Self.second] {
      guard var shown = core.counts(of: target, now: now) else { continue }
      if !troubledTargets.contains(target) {
        reach(.healthCheck)
        if !core.isWell(target) { violations.append(.healthyTargetBlamed) }
      }
      if mutant == .countsStaleEntries, reached[.join] != nil { shown.queued += 1 }
      let (queued, underWay) = expected[target] ?? (0, 0)
      if shown.queued != queued { violations.append(.wrongQueued(target, expected: queued, was: shown.queued)) }
      if shown.underWay != underWay {
        violations.append(.wrongUnderWay(target, expected: underWay, was: shown.underWay))
      }
    }
  }
}
