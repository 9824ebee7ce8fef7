/// When the calls of one operation that are under way got their permits.
struct PermitTimes: Sendable {
  /// In ascending order.
  private var permitted: [MonotonicTime] = []

  var count: Int { permitted.count }

  /// A call was permitted.
  mutating func begin(_ permit: CallPermit) {
    permitted.insert(permit.admittedAt, at: index { $0 <= permit.admittedAt })
  }

  /// A call has ended, or was not made.
  mutating func end(_ permit: CallPermit) {
    let index = index { $0 < permit.admittedAt }
    if index < permitted.count, permitted[index] == permit.admittedAt { permitted.remove(at: index) }
  }

  /// The calls that may not have reached the upstream when it throttled another one. That answer took as long as from
  /// the permit to `now`: calls that were permitted earlier by more than that time have arrived, and took their tokens.
  func undecided(throttled permit: CallPermit, now: MonotonicTime) -> Int {
    let earliest = permit.admittedAt + (permit.admittedAt - now)
    return permitted.count - index { $0 < earliest }
  }

  /// The number of times at the beginning for which a condition holds.
  private func index(where holds: (MonotonicTime) -> Bool) -> Int {
    var (lower, upper) = (0, permitted.count)
    // Nearly every call is the last one that was permitted.
    if let last = permitted.last, holds(last) { return upper }
    while lower < upper {
      let middle = (lower + upper) / 2
      if holds(permitted[middle]) { lower = middle + 1 } else { upper = middle }
    }
    return lower
  }
}
