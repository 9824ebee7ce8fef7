import Glibc

/// When the next call to one target may begin.
///
/// Three limits work together: a rate with a burst (the account's quota as far as it is known), a number of calls at once,
/// and a hold after the upstream failed. The rate follows what the upstream says: a throttle lowers it and success raises it
/// again along a cubic curve (the adaptive mode of the AWS SDKs; CUBIC, RFC 9438 section 4.2). After an outage calls begin
/// one at a time and slowly, so that a queue of thousands does not fall on an upstream that has just come back.
package struct Pacer: Sendable {
  /// The limits to start from.
  package struct Limits: Hashable, Sendable {
    /// Calls a second; `nil`: no pace until the upstream throttles.
    package var ratePerSecond: Double?
    /// Calls that may begin at once after a pause.
    package var burst: Double
    /// Calls under way at once.
    package var maxConcurrent: Int

    package init(ratePerSecond: Double?, burst: Double, maxConcurrent: Int) {
      self.ratePerSecond = ratePerSecond
      self.burst = burst
      self.maxConcurrent = maxConcurrent
    }
  }

  /// What became of a call, as far as it matters here.
  package enum CallResult: Hashable, Sendable {
    /// The upstream answered; whether it said yes or no to the certificate does not matter.
    case answered
    case throttled(retryAfter: Duration?)
    case unavailable(retryAfter: Duration?)
    /// The daemon's identity was refused.
    case unauthorized
  }

  /// How the target looks from here.
  package enum Health: String, Hashable, Sendable {
    case ok
    case throttled
    case unavailable
    case unauthorized
  }

  package enum Admission: Hashable, Sendable {
    /// A call may begin; it is counted as under way.
    case now
    /// Ask again then.
    case notBefore(MonotonicTime)
    /// Ask again when a call has ended.
    case whenCallEnds
  }

  /// Multiplier of the rate at a throttle, and growth constant of the curve (RFC 9438 section 4.1; the SDKs use the same).
  private static let decrease = 0.7
  private static let growth = 0.4
  /// Rate after an outage, and its growth with every second that goes well.
  private static let rateAfterOutage = 50.0
  private static let growthAfterOutage = 1.5
  /// A rate that the upstream taught is dropped once it is that high: then the number of calls at once is the limit.
  private static let rateWithoutMeaning = 2_000.0
  private static let firstHold = Duration.milliseconds(100)
  private static let longestHold = Duration.seconds(4)
  private static let firstIdentityHold = Duration.seconds(5)
  private static let longestIdentityHold = Duration.seconds(300)

  private var limits: Limits
  private var rate: Double?
  private var tokens: Double
  private var filledAt: MonotonicTime
  private var callsUnderWay = 0
  private var concurrencyLimit: Int
  private var heldUntil: MonotonicTime?
  private var identityHeldUntil: MonotonicTime?
  private var identityRefusals = 0
  private var consecutiveFailures = 0
  private var lastTroubleAt: MonotonicTime?
  /// The first answer after an outage.
  private var recoveringSince: MonotonicTime?
  private var rateAtThrottle = 0.0
  private var throttledAt: MonotonicTime?
  private var answers = RateMeter()
  package private(set) var health = Health.ok
  package private(set) var throttles = 0

  package init(limits: Limits, now: MonotonicTime) {
    self.limits = limits
    rate = limits.ratePerSecond
    tokens = limits.burst
    filledAt = now
    concurrencyLimit = limits.maxConcurrent
  }

  /// Takes other limits, from a new configuration. What the upstream taught is forgotten.
  package mutating func setLimits(_ limits: Limits) {
    guard limits != self.limits else { return }
    self.limits = limits
    rate = limits.ratePerSecond
    tokens = min(tokens, limits.burst)
    concurrencyLimit = limits.maxConcurrent
    throttledAt = nil
  }

  /// Calls a second that are allowed now; `nil`: not paced.
  package var currentRate: Double? { rate }
  package var underWay: Int { callsUnderWay }

  /// Whether a call may begin at `now`.
  ///
  /// While the daemon's identity is refused, only a call that somebody waits for (`isAwaited`) is let through: it brings the
  /// caller the error at once, and is the probe that ends the hold.
  package mutating func admit(now: MonotonicTime, isAwaited: Bool) -> Admission {
    if callsUnderWay >= concurrencyLimit { return .whenCallEnds }
    if let heldUntil, now < heldUntil { return .notBefore(heldUntil) }
    if !isAwaited, let identityHeldUntil, now < identityHeldUntil { return .notBefore(identityHeldUntil) }
    if let rate {
      fill(now: now, rate: rate)
      // A token's arrival may be rounded to the nanosecond before it.
      guard tokens >= 1 - 1e-6 else {
        return .notBefore(now + .nanoseconds(Int64((1 - tokens) / rate * 1e9) + 1))
      }
      tokens -= 1
    }
    callsUnderWay += 1
    return .now
  }

  /// Gives back an admission that was not used.
  package mutating func cancelAdmission() {
    callsUnderWay -= 1
    if rate != nil { tokens += 1 }
  }

  /// Takes the end of a call that began at `startedAt`. `random` is uniform in 0..<1 and spreads the attempts of many hosts.
  package mutating func callEnded(
    _ result: CallResult, startedAt: MonotonicTime, now: MonotonicTime, random: Double
  ) {
    callsUnderWay -= 1
    // Calls that were under way together fail together: they are one piece of news, not many.
    let isNews = lastTroubleAt.map { startedAt >= $0 } ?? true
    switch result {
    case .answered:
      answers.count(at: now)
      if health == .unavailable { recoveringSince = now }
      health = .ok
      consecutiveFailures = 0
      heldUntil = nil
      identityHeldUntil = nil
      identityRefusals = 0
      concurrencyLimit = min(limits.maxConcurrent, concurrencyLimit + 1)
      raiseRate(now: now)
    case .throttled(let retryAfter):
      throttles += 1
      health = .throttled
      consecutiveFailures = 0
      if isNews {
        lastTroubleAt = now
        lowerRate(now: now)
      }
      if let retryAfter { hold(until: now + retryAfter) }
    case .unavailable(let retryAfter):
      if isNews {
        lastTroubleAt = now
        consecutiveFailures += 1
        if consecutiveFailures > 1 {
          health = .unavailable
          concurrencyLimit = 1
          rate = min(rate ?? Self.rateAfterOutage, Self.rateAfterOutage)
          tokens = min(tokens, 1)
          throttledAt = nil
          recoveringSince = nil
        }
        let step = Double(1 << min(consecutiveFailures - 1, 16)) * Double(Self.firstHold.nanoseconds)
        let capped = min(step, Double(Self.longestHold.nanoseconds))
        hold(until: now + .nanoseconds(Int64(capped * (0.5 + random / 2))))
      }
      if let retryAfter { hold(until: now + retryAfter) }
    case .unauthorized:
      health = .unauthorized
      identityRefusals += 1
      let step = Self.firstIdentityHold.nanoseconds << min(identityRefusals - 1, 8)
      let hold = min(Self.longestIdentityHold.nanoseconds, step)
      identityHeldUntil = now + .nanoseconds(Int64(Double(hold) * (0.5 + random / 2)))
    }
  }

  private mutating func hold(until time: MonotonicTime) {
    heldUntil = max(heldUntil ?? time, time)
  }

  private mutating func fill(now: MonotonicTime, rate: Double) {
    guard now > filledAt else { return }
    tokens = min(limits.burst, tokens + rate * Double((now - filledAt).nanoseconds) / 1e9)
    filledAt = now
  }

  private mutating func lowerRate(now: MonotonicTime) {
    let seen = answers.perSecond(at: now)
    let before = min(rate ?? .infinity, max(seen, 1))
    rateAtThrottle = before.isFinite ? before : max(seen, 1)
    throttledAt = now
    rate = max(0.5, rateAtThrottle * Self.decrease)
    tokens = min(tokens, 0)
    filledAt = now
  }

  private mutating func raiseRate(now: MonotonicTime) {
    guard let current = rate else { return }
    if let throttledAt {
      let elapsed = Double((now - throttledAt).nanoseconds) / 1e9
      let plateau = cbrt(rateAtThrottle * (1 - Self.decrease) / Self.growth)
      let offset = elapsed - plateau
      let curve = Self.growth * offset * offset * offset + rateAtThrottle
      // Never far above what really goes out: an idle hour must not buy a burst of hundreds.
      let ceiling = max(2 * answers.perSecond(at: now), limits.ratePerSecond ?? 1)
      setRate(max(current, min(curve, ceiling)))
    } else if let configured = limits.ratePerSecond, current >= configured {
      return
    } else if let recoveringSince {
      let seconds = Double((now - recoveringSince).nanoseconds) / 1e9
      setRate(max(current, Self.rateAfterOutage * pow(Self.growthAfterOutage, min(seconds, 20))))
    }
  }

  private mutating func setRate(_ wanted: Double) {
    if limits.ratePerSecond == nil, wanted >= Self.rateWithoutMeaning {
      rate = nil
      throttledAt = nil
    } else if throttledAt == nil, let configured = limits.ratePerSecond {
      rate = min(wanted, configured)
    } else {
      rate = wanted
    }
  }
}

/// Counts events over the last second in ten slots.
struct RateMeter: Sendable {
  private static let slots = 10
  private static let slotNanoseconds: Int64 = 100_000_000
  private var counts = [Int](repeating: 0, count: slots)
  private var newest: Int64 = .min

  mutating func count(at now: MonotonicTime) {
    advance(to: now)
    counts[slot(newest)] += 1
  }

  mutating func perSecond(at now: MonotonicTime) -> Double {
    advance(to: now)
    return Double(counts.reduce(0, +))
  }

  private mutating func advance(to now: MonotonicTime) {
    let current = now.nanoseconds / Self.slotNanoseconds
    guard current > newest else { return }
    if newest == .min || current - newest >= Int64(Self.slots) {
      counts = [Int](repeating: 0, count: Self.slots)
    } else {
      for passed in (newest + 1)...current { counts[slot(passed)] = 0 }
    }
    newest = current
  }

  private func slot(_ number: Int64) -> Int {
    Int(((number % Int64(Self.slots)) + Int64(Self.slots)) % Int64(Self.slots))
  }
}
