/// Decides when the next call to one target may begin.
///
/// Rates and missing rights belong to the operations: see ``OperationPace``. Outages and identities that the upstream
/// does not know belong to the target, as does the number of calls at once. After an outage calls begin one at a time,
/// and one more with every answer.
struct TargetGate: Sendable {
  private var limits: TargetLimits
  private var paces = OperationTable<OperationPace>()
  /// Shares of operations, also of those that are not in use.
  private var shares: [UpstreamOperation: PaceShare] = [:]
  private(set) var callsUnderWay = 0
  private(set) var health = TargetHealth.ok
  private var concurrencyLimit: Int
  private var outage = Hold(first: .milliseconds(100), longest: .seconds(4))
  private var identity = Self.identityHold
  /// Operations that the identity has no right to, until a call of theirs is answered.
  private var refusals: [UpstreamOperation: Refusal] = [:]
  /// The last newly discovered outage or refusal.
  private var troubleAt: MonotonicTime?

  private struct Refusal: Sendable {
    var hold = TargetGate.identityHold
    /// When it was discovered last.
    var at: MonotonicTime
  }

  private static let identityHold = Hold(first: .seconds(5), longest: .seconds(300))

  init(limits: TargetLimits, now: MonotonicTime) {
    self.limits = limits
    concurrencyLimit = limits.maxConcurrent
  }

  /// Sets the limits of a new configuration. If a limit differs, the learnt rate is forgotten.
  mutating func setLimits(_ limits: TargetLimits) {
    guard limits != self.limits else { return }
    self.limits = limits
    concurrencyLimit = limits.maxConcurrent
    for place in paces.places { paces[place].setLimits(limits.limits(of: paces.operations[place])) }
  }

  /// Limits the rate of an operation to this host's share; `nil`: the whole rate.
  mutating func setShare(_ share: PaceShare?, of operation: UpstreamOperation, now: MonotonicTime) {
    guard shares[operation] != share else { return }
    shares[operation] = share
    if let place = paces.place(of: operation) { paces[place].setShare(share, now: now) }
  }

  /// Takes over what other hosts have learnt of an operation's rate.
  mutating func learn(_ rate: FleetLane.Rate, of operation: UpstreamOperation, now: MonotonicTime) {
    let place = place(of: operation, now: now)
    paces[place].learn(rate, now: now)
  }

  /// The rate rises no further here: others are throttled, or cannot be heard any more.
  mutating func endRise(_ operation: UpstreamOperation, now: MonotonicTime) {
    if let place = paces.place(of: operation) { paces[place].endRise(now: now) }
  }

  /// What this host knows of an operation's rate, and whether its own calls have changed that since the last time.
  mutating func takeRate(of operation: UpstreamOperation, now: MonotonicTime) -> (rate: FleetLane.Rate, isNews: Bool) {
    guard let place = paces.place(of: operation) else { return (pace(of: operation, now: now).rateOfAll, false) }
    return (paces[place].rateOfAll, paces[place].takeNews())
  }

  /// What this host's own calls have changed of an operation's rate is not known to others.
  mutating func rateIsUntold(of operation: UpstreamOperation) {
    if let place = paces.place(of: operation) { paces[place].rateIsUntold() }
  }

  /// Where the pace of an operation is. A new one begins with a full bucket.
  private mutating func place(of operation: UpstreamOperation, now: MonotonicTime) -> Int {
    paces.place(of: operation) {
      var pace = OperationPace(limits: limits.limits(of: operation), now: now)
      if let share = shares[operation] { pace.setShare(share, now: now) }
      return pace
    }
  }

  /// The pace of an operation, for views.
  private func pace(of operation: UpstreamOperation, now: MonotonicTime) -> OperationPace {
    paces[operation] ?? OperationPace(limits: limits.limits(of: operation), now: now)
  }

  // MARK: Views

  /// The health of the target, for views: also a single failure is one until a call is answered.
  var shownHealth: TargetHealth { health == .ok && outage.failures > 0 ? .unavailable : health }

  /// The present rate in calls a second; `nil` without a pace.
  func rate(of operation: UpstreamOperation, now: MonotonicTime) -> Double? { pace(of: operation, now: now).shownRate }

  /// The operations that were called.
  var operations: [UpstreamOperation] { paces.operations }

  /// The number of calls that may begin at once at `now`; `nil` without a pace.
  func tokens(of operation: UpstreamOperation, now: MonotonicTime) -> Double? {
    pace(of: operation, now: now).tokens(now: now)
  }

  /// Calls of an operation that are under way.
  func callsUnderWay(of operation: UpstreamOperation) -> Int { paces[operation]?.underWay ?? 0 }

  /// The number of throttled calls of an operation.
  func throttles(of operation: UpstreamOperation) -> Int { paces[operation]?.throttles ?? 0 }

  /// The number of throttled calls.
  var throttles: Int { paces.places.reduce(0) { $0 + paces[$1].throttles } }

  /// The time at which the next call may begin if no other call waits.
  func nextPermit(for operation: UpstreamOperation, now: MonotonicTime) -> MonotonicTime {
    max(outage.end(after: now) ?? now, pace(of: operation, now: now).nextPermit(now: now))
  }

  // MARK: Calls

  /// Whether a call may begin at `now`.
  ///
  /// - Parameter isAwaited: Whether a caller waits for the call. While the daemon's identity is refused, only such a
  ///   call is let through: it brings the caller the error at once, and is the probe that ends the hold.
  mutating func admit(_ operation: UpstreamOperation, now: MonotonicTime, isAwaited: Bool) -> Admission {
    if callsUnderWay >= concurrencyLimit { return .whenCallEnds }
    let place = place(of: operation, now: now)
    if let end = latest(outage.end(after: now), paces[place].holdEnd(after: now)) { return .notBefore(end) }
    if !isAwaited, let end = latest(identity.end(after: now), refusalEnd(of: operation, after: now)) {
      return .notBefore(end)
    }
    let admission = paces[place].admit(operation, now: now)
    if case .now = admission { callsUnderWay += 1 }
    return admission
  }

  /// Takes back an unused permit.
  mutating func cancel(_ permit: CallPermit) {
    callsUnderWay -= 1
    if let place = paces.place(of: permit.operation) { paces[place].cancel(permit) }
  }

  /// A call has ended.
  ///
  /// - Parameters:
  ///   - startedAt: When it was sent.
  ///   - random: A number in 0..<1, which spreads the attempts of many hosts.
  mutating func callEnded(
    _ result: CallResult, permit: CallPermit, startedAt: MonotonicTime, now: MonotonicTime, random: Double
  ) {
    callsUnderWay -= 1
    let index = place(of: permit.operation, now: now)
    paces[index].callEnded(permit, startedAt: startedAt, now: now)
    switch result {
    case .answered:
      outage.end()
      identity.end()
      if !refusals.isEmpty { refusals[permit.operation] = nil }
      health = healthWhenAnswered(now: now)
      concurrencyLimit = min(limits.maxConcurrent, concurrencyLimit + 1)
      paces[index].answered(permit, now: now)
    case .throttled(let retryAfter):
      outage.interrupt()
      let throttle = paces[index].throttled(permit, retryAfter: retryAfter, troubleAt: troubleAt, now: now)
      if throttle == .unexpected { health = .throttled }
    case .unavailable(let retryAfter):
      if isNews(permit) {
        troubleAt = now
        outage.failed(now: now, random: random)
        if outage.failures > 1 { targetIsAway() }
      }
      if let retryAfter { outage.extend(to: now + retryAfter) }
      paces[index].failed(permit)
    case .unauthorized(let isForOperation):
      if isForOperation {
        refused(permit.operation, permit, now: now, random: random)
      } else {
        health = .unauthorized
        if isNews(permit) {
          troubleAt = now
          identity.failed(now: now, random: random)
        }
      }
      paces[index].failed(permit)
    }
  }

  /// The upstream refuses the identity an operation: the permit's own, or one that was called after it.
  mutating func refused(_ operation: UpstreamOperation, _ permit: CallPermit, now: MonotonicTime, random: Double) {
    health = .unauthorized
    var refusal = refusals[operation] ?? Refusal(at: permit.admittedAt)
    if permit.admittedAt >= refusal.at {
      refusal.hold.failed(now: now, random: random)
      refusal.at = now
    }
    refusals[operation] = refusal
  }

  /// The upstream does not refuse the identity an operation that was called after another one.
  mutating func accepted(_ operation: UpstreamOperation, now: MonotonicTime) {
    if refusals.removeValue(forKey: operation) != nil { health = healthWhenAnswered(now: now) }
  }

  /// An operation counts as refused until a call of it is answered, or none is tried any more.
  private func healthWhenAnswered(now: MonotonicTime) -> TargetHealth {
    refusals.values.contains { $0.hold.until.map { now < $0 + Self.timeOfRetries } ?? false } ? .unauthorized : .ok
  }

  /// The calls that a hold kept waiting are made again in this time after its end.
  private static let timeOfRetries = Duration.seconds(60)

  /// When an operation that the identity has no right to may be called again without a waiting caller; `nil`: now.
  func refusalEnd(of operation: UpstreamOperation, after now: MonotonicTime) -> MonotonicTime? {
    refusals.isEmpty ? nil : refusals[operation]?.hold.end(after: now)
  }

  /// Whether a failure is news. Calls that were admitted together fail together.
  private func isNews(_ permit: CallPermit) -> Bool {
    latest(troubleAt, paces[permit.operation]?.lastThrottle).map { permit.admittedAt >= $0 } ?? true
  }

  private mutating func targetIsAway() {
    health = .unavailable
    concurrencyLimit = 1
    for place in paces.places { paces[place].targetWasAway() }
  }
}
