/// When the next call of one operation may begin, as far as its rate is concerned.
struct OperationPace: Sendable {
  /// The part of the rate that a share is at least: at a rate of 0 no time would be the next call's.
  private static let leastShare = 1e-4

  private var limits: OperationLimits
  private var bucket: UpstreamBucket
  private var estimator: RateEstimator
  private var calls = PermitTimes()
  /// The pause that a throttle asked for.
  private var heldUntil: MonotonicTime?
  /// The last throttle that was news.
  private var throttledAt: MonotonicTime?
  private(set) var throttles = 0
  /// When the token comes that a call waits for.
  private var tokenDue: MonotonicTime?
  /// This host's part of the account's rate; `nil`: all of it.
  private var share: PaceShare?

  init(limits: OperationLimits, now: MonotonicTime) {
    self.limits = limits
    bucket = UpstreamBucket(burst: limits.burst, now: now)
    estimator = RateEstimator(
      ratePerSecond: limits.ratePerSecond, bound: limits.maxRatePerSecond, probesSeldom: limits.probesSeldom)
  }

  /// Takes other limits, from a new configuration. What the upstream taught is forgotten.
  mutating func setLimits(_ limits: OperationLimits) {
    guard limits != self.limits else { return }
    self.limits = limits
    setBurst()
    estimator.setRate(limits.ratePerSecond, bound: limits.maxRatePerSecond, probesSeldom: limits.probesSeldom)
  }

  /// Leaves the rest of the rate, and of the burst, to other hosts; `nil`: no longer.
  mutating func setShare(_ share: PaceShare?, now: MonotonicTime) {
    settle(now: now)
    let before = part
    self.share = share
    // With a part of the rate goes that part of the tokens. The bucket itself holds one at least: a limit below that
    // would starve a host that hears of its share more often than tokens come.
    if part < before { bucket.scale(by: part / before) }
    estimator.part = part
    estimator.othersProbe = share?.probing == .anotherHost
    setBurst()
  }

  private mutating func setBurst() {
    bucket.setBurst(share == nil ? limits.burst : max(1, limits.burst * part))
  }

  /// Counts the time so far at the rate so far.
  private mutating func settle(now: MonotonicTime) {
    if let rate { bucket.fill(now: now, rate: rate) }
  }

  private var part: Double { share.map { min(1, max($0.part, Self.leastShare)) } ?? 1 }

  /// Calls a second that are allowed now; `nil`: not paced.
  var rate: Double? { estimator.rate.map { $0 * part } }

  /// The same for views, in which an operation that is not paced has no pace after an outage either.
  var shownRate: Double? { estimator.isPacedForNow ? nil : rate }

  /// The rate that all hosts together have, as far as this one knows it; `nil`: not paced.
  var rateOfAll: FleetLane.Rate { estimator.rateOfAll }

  /// Whether this host's own calls have changed the rate since the last time this was asked.
  mutating func takeNews() -> Bool {
    defer { estimator.hasNews = false }
    return estimator.hasNews
  }

  mutating func rateIsUntold() { estimator.hasNews = true }

  /// Takes over what other hosts have learnt.
  mutating func learn(_ rate: FleetLane.Rate, now: MonotonicTime) {
    settle(now: now)
    estimator.adopt(rate, now: now)
    setBurst()
  }

  /// Calls that might begin at once at `now`; `nil`: not paced.
  func tokens(now: MonotonicTime) -> Double? {
    shownRate.map { max(0, bucket.level(now: now, rate: $0)) }
  }

  /// When the next call might begin, were there no other that waits.
  func nextPermit(now: MonotonicTime) -> MonotonicTime {
    let held = max(now, heldUntil ?? now)
    return rate.map { max(held, bucket.timeOfNextToken(now: now, rate: $0)) } ?? held
  }

  /// When the pause that a throttle asked for is over, if that is after `now`.
  func holdEnd(after now: MonotonicTime) -> MonotonicTime? {
    heldUntil.flatMap { now < $0 ? $0 : nil }
  }

  /// The rate rises no further: others are throttled, or cannot be heard any more.
  mutating func endRise(now: MonotonicTime) {
    settle(now: now)
    estimator.endRise(now: now, burst: limits.burst)
    setBurst()
  }

  // MARK: Calls

  /// Whether the rate lets a call begin. The pause of ``holdEnd(after:)`` is looked at by the target.
  mutating func admit(_ operation: UpstreamOperation, now: MonotonicTime) -> Admission {
    guard let rate else { return begin(CallPermit(operation, admittedAt: now)) }
    let lost = share == nil ? 0 : lostByLateness(now: now, rate: rate)
    bucket.fill(now: now, rate: rate)
    // A token's arrival may be rounded to the nanosecond before it.
    if bucket.tokens >= 1 - 1e-6 {
      bucket.take(now: now)
      bucket.add(lost)
      tokenDue = nil
      return begin(CallPermit(operation, admittedAt: now))
    }
    tokenDue = bucket.timeOfNextToken(now: now, rate: rate)
    estimator.noteLimited(now: now, rate: rate)
    // Hosts that share a rate take turns in trying more.
    guard share.map({ $0.probing == .thisHost }) ?? true, estimator.isProbeDue(now: now, bucket: bucket) else {
      return .notBefore(bucket.timeOfNextToken(now: now, rate: rate))
    }
    if let time = timeOfProbe, now < time { return .notBefore(time) }
    estimator.probeBegan(now: now)
    return begin(CallPermit(operation, admittedAt: now, isProbe: true))
  }

  /// The most that counts as a little late.
  private static let lateness = 0.05

  /// A call that waits for its token begins a little after the token comes, because the timer or the host is late. At a
  /// share of a call a second the bucket of one token would lose that time, and the account's bucket would fill by it.
  private func lostByLateness(now: MonotonicTime, rate: Double) -> Double {
    guard let tokenDue, tokenDue < now else { return 0 }
    let late = min(Double((now - tokenDue).nanoseconds) / 1e9, Self.lateness)
    return min(late * rate, max(0, bucket.overflow(now: now, rate: rate)))
  }

  /// Hosts that began to work at the same time call at the same times. A probe in the middle of their calls would take
  /// the token of one of them, so it follows a little later.
  private var timeOfProbe: MonotonicTime? {
    guard share != nil, let rate = estimator.rate, let last = bucket.takenAt else { return nil }
    return last + .nearest(toSeconds: 0.4 / rate)
  }

  /// How many calls are under way.
  var underWay: Int { calls.count }

  private mutating func begin(_ permit: CallPermit) -> Admission {
    calls.begin(permit)
    return .now(permit)
  }

  /// Takes back a permit that was not used.
  mutating func cancel(_ permit: CallPermit) {
    calls.end(permit)
    if permit.isProbe {
      estimator.probeEnded()
    } else if rate != nil {
      bucket.giveBack()
    }
  }

  /// A call has ended, in whatever way. To be called before its result is taken.
  mutating func callEnded(_ permit: CallPermit, startedAt: MonotonicTime, now: MonotonicTime) {
    calls.end(permit)
    bucket.callEnded(startedAt: startedAt, now: now)
  }

  mutating func answered(_ permit: CallPermit, now: MonotonicTime) {
    heldUntil = nil
    if estimator.answered(permit, now: now) { bucket.charge() }
    if permit.isProbe { estimator.probeEnded() }
  }

  /// A call was throttled.
  ///
  /// - Parameter troubleAt: The target's last failure. Calls that were admitted together fail together: they are one
  ///   piece of news.
  /// - Returns: What it says; `nil` where it is no news.
  mutating func throttled(
    _ permit: CallPermit, retryAfter: Duration?, troubleAt: MonotonicTime?, now: MonotonicTime
  ) -> RateEstimator.Throttle? {
    throttles += 1
    defer {
      // A probe was early: its throttle shows nothing about other calls.
      if !permit.isProbe, let retryAfter { heldUntil = max(heldUntil ?? now, now + retryAfter) }
      if permit.isProbe { estimator.probeEnded() }
    }
    if let last = latest(throttledAt, troubleAt), permit.admittedAt < last {
      // It was charged for twice, when it was admitted and at the throttle before, and took no token.
      if !permit.isProbe { bucket.giveBack() }
      return nil
    }
    throttledAt = now
    let throttle = estimator.throttled(now: now, burst: limits.burst)
    if throttle != .expected { bucket.emptied(now: now, owed: calls.undecided(throttled: permit, now: now)) }
    return throttle
  }

  /// A call failed for another reason than the rate.
  mutating func failed(_ permit: CallPermit) {
    if permit.isProbe { estimator.probeEnded() }
  }

  /// The target was away: the rate begins low again.
  mutating func targetWasAway() {
    estimator.targetWasAway()
    bucket.cap(at: 1)
  }

  /// The last throttle that was news.
  var lastThrottle: MonotonicTime? { throttledAt }
}

/// This host's part of a rate that several hosts have together.
package struct PaceShare: Hashable, Sendable {
  /// 0...1.
  package var part: Double
  /// Who may try more than the rate.
  package var probing: Probing

  /// Whose turn it is to try more than the rate.
  package enum Probing: Hashable, Sendable {
    case nobody
    case thisHost
    /// Its probe may take the token of one of this host's calls.
    case anotherHost
  }

  package init(part: Double, probing: Probing) {
    self.part = part
    self.probing = probing
  }
}

/// The later of two times, where there is one.
func latest(_ first: MonotonicTime?, _ second: MonotonicTime?) -> MonotonicTime? {
  guard let first, let second else { return first ?? second }
  return max(first, second)
}
