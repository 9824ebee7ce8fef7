// A rate that several hosts have together.
extension RateEstimator {
  /// What this host knows of the rate, for other hosts.
  var rateOfAll: FleetLane.Rate {
    switch course {
    case .climbing(let from, _, let answers) where answers > Self.answersBeforeClimb:
      FleetLane.Rate(callsPerSecond: rate, climbingFrom: from)
    case .returning(let plateau, _, _): FleetLane.Rate(callsPerSecond: rate, returningTo: plateau)
    case .holding, .climbing, .restarting: FleetLane.Rate(callsPerSecond: rate)
    }
  }

  /// Takes over what another host has learnt. Where both have learnt something at the same time, the lower rate holds.
  mutating func adopt(_ learnt: FleetLane.Rate, now: MonotonicTime) {
    if case .returning = course, let loweredAt, now - loweredAt < Self.hearing, let known = rate,
      learnt.callsPerSecond.map({ $0 > known }) ?? true
    {
      hasNews = true
      return
    }
    if let lower = learnt.callsPerSecond, let known = rate, lower < known, learnt.climbingFrom == nil {
      loweredAt = now
      probedAt = now
      // A quota was lowered or another client is busy, also where this host has not met it itself.
      if learnt.returningTo != nil { carefulUntil = max(carefulUntil ?? now, now + Self.carefulTime) }
    }
    // A host that has a pace keeps one.
    rate = bounded((learnt.callsPerSecond ?? configuredRate).map { max(lowest, $0) })
    hasNews = false
    if let from = learnt.climbingFrom {
      course = .climbing(from: from, since: now, answers: Self.answersBeforeClimb + 1)
    } else if let plateau = learnt.returningTo {
      course = .returning(plateau: plateau, since: now, isMeasured: true)
    } else {
      course = .holding
      probedAt = now
    }
  }

  /// The rate rises no further. Where other hosts are throttled, the account has no more, and a probe that was accepted
  /// took the token of one of their calls. Where they cannot be heard any more, they could not say so.
  mutating func endRise(now: MonotonicTime, burst: Double) {
    guard case .climbing(let from, _, let answers) = course else { return }
    course = .holding
    probedAt = now
    guard answers > Self.answersBeforeClimb, let rate else { return }
    self.rate = min(rate, max(from, highestRate(beyond: burst, now: now)))
    loweredAt = now
    hasNews = true
  }
}
