import Glibc

/// When the next call to one target may begin.
///
/// Three limits work together: a rate with a burst (the account's quota as far as it is known), a number of calls at once,
/// and a hold after the upstream failed.
///
/// The rate and the burst make a token bucket that is meant to be the upstream's own, so that calls arrive when it has a
/// token and none is throttled. The rate is learnt:
/// - A throttle that was not looked for lowers it to 0.7 of what the upstream took, and it comes back along the curve of CUBIC
///   (RFC 9438 section 4.2; the adaptive mode of the AWS SDKs). There it stays: to go on along the curve would ask for a
///   throttle every few seconds.
/// - While there is more to do than the rate allows, a single call goes out ahead of it from time to time. If that *probe* is
///   throttled, nothing changes. If it is taken, each answer raises the rate until a throttle says that it is enough. What the
///   upstream took between two throttles is its rate, since each of them says that its bucket is empty.
///
/// After an outage calls begin one at a time and slowly, so that a queue of thousands does not fall on an upstream that has
/// just come back.
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

  /// Leave for one call.
  package struct Place: Hashable, Sendable {
    package var admittedAt: MonotonicTime
    /// Ahead of the pace, to see whether the upstream takes more.
    package var isProbe: Bool

    package init(admittedAt: MonotonicTime, isProbe: Bool = false) {
      self.admittedAt = admittedAt
      self.isProbe = isProbe
    }
  }

  package enum Admission: Hashable, Sendable {
    /// A call may begin; it is counted as under way.
    case now(Place)
    /// Ask again then.
    case notBefore(MonotonicTime)
    /// Ask again when a call has ended.
    case whenCallEnds
  }

  /// Where the rate is going.
  private enum Course: Sendable {
    /// Nowhere. Next: climbing after a probe, returning after a throttle.
    case holding
    /// To the plateau, after a throttle. Next: holding where the plateau was measured, climbing where it is a guess.
    case returning(plateau: Double, since: MonotonicTime, isMeasured: Bool)
    /// Up, with each answer to a call that began since a probe that was taken. Next: holding, at a throttle or where there is
    /// too little to do.
    case climbing(from: Double, since: MonotonicTime, answers: Int)
    /// After an outage, up to the goal (`nil`: no pace). It begins with the first answer. Next: holding.
    case restarting(since: MonotonicTime?, goal: Double?)
  }

  private struct Probe: Sendable {
    /// A call was throttled meanwhile. It may have been overtaken by the probe, which then took its token.
    var isSpoiled = false
  }

  /// Multiplier of the rate at a throttle, and growth constant of the curve (RFC 9438 section 4.1; the SDKs use the same).
  private static let decrease = 0.7
  private static let growth = 0.4
  /// Calls a second that each answer adds while the rate climbs: a factor of 4.5 each second.
  private static let climb = 1.5
  /// A probe may have been taken with the token of another call, which is throttled then: so many have to go well first.
  private static let answersBeforeClimb = 3
  /// Between probes: long enough that one in a hundred calls at most is throttled for it at 17 calls a second and more, short
  /// enough that a higher quota is found within seconds.
  private static let probePause = Duration.seconds(6)
  /// After a throttle that was not looked for, a quota was lowered or a neighbour is busy: neither is over soon.
  private static let carefulProbePause = Duration.seconds(15)
  private static let callsBetweenProbes = 60.0
  private static let carefulCallsBetweenProbes = 150.0
  private static let carefulTime = Duration.seconds(300)
  /// What was taken since the last throttle says something about the rate from that many seconds on, and up to so many.
  private static let measurableSeconds = 1.0...60.0
  /// Rate after an outage, and its growth with every second that goes well.
  private static let rateAfterOutage = 50.0
  private static let growthAfterOutage = 1.5
  /// A rate that the upstream taught is dropped once it is that high: then the number of calls at once is the limit.
  private static let rateWithoutMeaning = 2_000.0
  private static let lowestRate = 0.5
  /// While others go first: calls that begin together, and the time from one such group to the next. What a group sets off is
  /// done before the next begins, so that those who go first meet it seldom; 2,500 calls a second are more than any quota.
  private static let callsOfGroup = 4
  private static let groupInterval = Duration.microseconds(1600)
  private static let firstHold = Duration.milliseconds(100)
  private static let longestHold = Duration.seconds(4)
  private static let firstIdentityHold = Duration.seconds(5)
  private static let longestIdentityHold = Duration.seconds(300)

  private var limits: Limits
  private var rate: Double?
  private var course = Course.holding
  private var tokens: Double
  private var filledAt: MonotonicTime
  /// The bucket was full when a call began then, of which no answer has come: until it does, nobody knows since when the
  /// upstream's own bucket fills again.
  private var openedAt: MonotonicTime?
  private var shortestCall: Duration?
  private var callsUnderWay = 0
  private var groupBeganAt: MonotonicTime
  private var callsInGroup = 0
  private var concurrencyLimit: Int
  private var heldUntil: MonotonicTime?
  private var identityHeldUntil: MonotonicTime?
  private var identityRefusals = 0
  private var consecutiveFailures = 0
  private var lastTroubleAt: MonotonicTime?
  private var answers = RateMeter()
  /// Since when there has been more to do than the rate allows, and when that was seen last.
  private var limitedSince: MonotonicTime?
  private var limitedAt: MonotonicTime?
  private var probedAt: MonotonicTime?
  private var probe: Probe?
  private var carefulUntil: MonotonicTime?
  /// The last throttle that was not looked for.
  private var unexpectedAt: MonotonicTime?
  /// The last throttle, and the answers to calls that began after it.
  private var emptyAt: MonotonicTime?
  private var answersSinceEmpty = 0
  package private(set) var health = Health.ok
  package private(set) var throttles = 0

  package init(limits: Limits, now: MonotonicTime) {
    self.limits = limits
    rate = limits.ratePerSecond
    tokens = limits.burst
    filledAt = now
    groupBeganAt = now
    concurrencyLimit = limits.maxConcurrent
  }

  /// Takes other limits, from a new configuration. What the upstream taught is forgotten.
  package mutating func setLimits(_ limits: Limits) {
    guard limits != self.limits else { return }
    self.limits = limits
    rate = limits.ratePerSecond
    course = .holding
    tokens = min(tokens, limits.burst)
    concurrencyLimit = limits.maxConcurrent
    carefulUntil = nil
    emptyAt = nil
  }

  /// Calls a second that are allowed now; `nil`: not paced.
  package var currentRate: Double? { rate }
  package var underWay: Int { callsUnderWay }

  /// Calls that might begin at once at `now`; `nil`: not paced.
  package func tokens(now: MonotonicTime) -> Double? {
    rate.map { max(0, level(now: now, rate: $0)) }
  }

  /// When the next call might begin, were there no other that waits.
  package func nextPlace(now: MonotonicTime) -> MonotonicTime {
    var next = max(now, heldUntil ?? now)
    if let rate { next = max(next, timeOfNextToken(now: now, rate: rate)) }
    return next
  }

  /// Whether a call may begin at `now`.
  ///
  /// While the daemon's identity is refused, only a call that somebody waits for (`isAwaited`) is let through: it brings the
  /// caller the error at once, and is the probe that ends the hold. While the daemon has more pressing work (`givesWay`), calls
  /// begin in small groups.
  package mutating func admit(now: MonotonicTime, isAwaited: Bool, givesWay: Bool = false) -> Admission {
    if callsUnderWay >= concurrencyLimit { return .whenCallEnds }
    if let heldUntil, now < heldUntil { return .notBefore(heldUntil) }
    if !isAwaited, let identityHeldUntil, now < identityHeldUntil { return .notBefore(identityHeldUntil) }
    if let rate {
      fill(now: now, rate: rate)
      // A token's arrival may be rounded to the nanosecond before it.
      guard tokens >= 1 - 1e-6 else {
        noteLimited(now: now, rate: rate)
        guard isProbeDue(now: now, rate: rate) else { return .notBefore(timeOfNextToken(now: now, rate: rate)) }
        probedAt = now
        probe = Probe()
        return begin(Place(admittedAt: now, isProbe: true))
      }
    }
    if now - groupBeganAt >= Self.groupInterval { (groupBeganAt, callsInGroup) = (now, 0) }
    if givesWay, callsInGroup >= Self.callsOfGroup { return .notBefore(groupBeganAt + Self.groupInterval) }
    if rate != nil {
      if tokens >= limits.burst, openedAt == nil { openedAt = now }
      tokens -= 1
    }
    return begin(Place(admittedAt: now))
  }

  private mutating func begin(_ place: Place) -> Admission {
    callsUnderWay += 1
    callsInGroup += 1
    return .now(place)
  }

  /// Gives back an admission that was not used.
  package mutating func cancelAdmission(_ place: Place) {
    callsUnderWay -= 1
    if place.isProbe {
      probe = nil
    } else if rate != nil {
      tokens = min(limits.burst, tokens + 1)
    }
  }

  /// Takes the end of a call that had `place` and was sent at `startedAt`. `random` is uniform in 0..<1 and spreads the attempts of many hosts.
  package mutating func callEnded(
    _ result: CallResult, place: Place, startedAt: MonotonicTime, now: MonotonicTime, random: Double
  ) {
    callsUnderWay -= 1
    upstreamWasReached(startedAt: startedAt, now: now)
    // Calls that were admitted together fail together: they are one piece of news, not many.
    let isNews = lastTroubleAt.map { place.admittedAt >= $0 } ?? true
    switch result {
    case .answered:
      answers.count(at: now)
      if let emptyAt, place.admittedAt >= emptyAt { answersSinceEmpty += 1 }
      health = .ok
      consecutiveFailures = 0
      heldUntil = nil
      identityHeldUntil = nil
      identityRefusals = 0
      concurrencyLimit = min(limits.maxConcurrent, concurrencyLimit + 1)
      raiseRate(after: place, now: now)
      if place.isProbe, probe?.isSpoiled == false, case .holding = course, let rate {
        course = .climbing(from: rate, since: place.admittedAt, answers: 0)
        tokens -= 1
      }
    case .throttled(let retryAfter):
      throttles += 1
      consecutiveFailures = 0
      if isNews {
        lastTroubleAt = now
        throttled(now: now)
      } else if !place.isProbe {
        // It was charged for twice, when it was admitted and at the throttle before, and took no token.
        tokens = min(limits.burst, tokens + 1)
      }
      // A probe was ahead of its time: that it is told to wait says nothing about the others.
      if !place.isProbe, let retryAfter { hold(until: now + retryAfter) }
    case .unavailable(let retryAfter):
      if isNews {
        lastTroubleAt = now
        consecutiveFailures += 1
        if consecutiveFailures > 1 { outage() }
        let step = Double(1 << min(consecutiveFailures - 1, 16)) * Double(Self.firstHold.nanoseconds)
        let capped = min(step, Double(Self.longestHold.nanoseconds))
        hold(until: now + .nanoseconds(Int64(capped * (0.5 + random / 2))))
      }
      if let retryAfter { hold(until: now + retryAfter) }
    case .unauthorized:
      health = .unauthorized
      guard isNews else { break }
      lastTroubleAt = now
      identityRefusals += 1
      let step = Self.firstIdentityHold.nanoseconds << min(identityRefusals - 1, 8)
      let hold = min(Self.longestIdentityHold.nanoseconds, step)
      identityHeldUntil = now + .nanoseconds(Int64(Double(hold) * (0.5 + random / 2)))
    }
    if place.isProbe { probe = nil }
  }

  private mutating func hold(until time: MonotonicTime) {
    heldUntil = max(heldUntil ?? time, time)
  }
}

// MARK: - The bucket

extension Pacer {
  /// For how long at most the bucket does not fill because an answer is missing.
  private func longestOpening(rate: Double) -> Duration {
    .nanoseconds(Int64(min(1, limits.burst / rate) * 1e9))
  }

  /// From when the bucket fills; `nil`: not yet.
  private func fillsFrom(now: MonotonicTime, rate: Double) -> MonotonicTime? {
    guard let openedAt else { return filledAt }
    let latest = openedAt + longestOpening(rate: rate)
    return now >= latest ? latest : nil
  }

  private func level(now: MonotonicTime, rate: Double) -> Double {
    guard let from = fillsFrom(now: now, rate: rate), now > from else { return tokens }
    return min(limits.burst, tokens + rate * Double((now - from).nanoseconds) / 1e9)
  }

  private mutating func fill(now: MonotonicTime, rate: Double) {
    tokens = level(now: now, rate: rate)
    if fillsFrom(now: now, rate: rate) != nil {
      openedAt = nil
      filledAt = max(filledAt, now)
    }
  }

  private func timeOfNextToken(now: MonotonicTime, rate: Double) -> MonotonicTime {
    let level = level(now: now, rate: rate)
    if level >= 1 { return now }
    if let openedAt, fillsFrom(now: now, rate: rate) == nil { return openedAt + longestOpening(rate: rate) }
    return now + .nanoseconds(Int64((1 - level) / rate * 1e9) + 1)
  }

  /// A full bucket of the upstream fills again from the first call that it takes. That was before the answer, by no less than
  /// the shortest call took: how long the first one took to connect must not be counted as time in which tokens came.
  private mutating func upstreamWasReached(startedAt: MonotonicTime, now: MonotonicTime) {
    if let openedAt, startedAt >= openedAt {
      filledAt = max(openedAt, now + (.zero - (shortestCall ?? .zero)))
      self.openedAt = nil
    }
    shortestCall = min(shortestCall ?? .seconds(3600), now - startedAt)
  }
}

// MARK: - The rate

extension Pacer {
  /// There is more to do than the rate allows.
  private mutating func noteLimited(now: MonotonicTime, rate: Double) {
    let longestGap = Duration.nanoseconds(Int64(max(1, 2 / rate) * 1e9))
    if limitedAt.map({ now - $0 > longestGap }) ?? true { limitedSince = now }
    limitedAt = now
  }

  private func isProbeDue(now: MonotonicTime, rate: Double) -> Bool {
    // Right after a call within the pace, when the upstream's bucket has least: else the probe would take the next one's token.
    guard case .holding = course, probe == nil, tokens < 0.25, openedAt == nil, let limitedSince else { return false }
    let isCareful = carefulUntil.map { now < $0 } ?? false
    let calls = isCareful ? Self.carefulCallsBetweenProbes : Self.callsBetweenProbes
    let pause = max(isCareful ? Self.carefulProbePause : Self.probePause, .nanoseconds(Int64(calls / rate * 1e9)))
    return now - max(limitedSince, probedAt ?? limitedSince) >= pause
  }

  private mutating func throttled(now: MonotonicTime) {
    let taken = rateSinceEmpty(now: now)
    emptyAt = now
    answersSinceEmpty = 0
    if probe != nil {
      probe?.isSpoiled = true
      return
    }
    let before = rate ?? max(answers.perSecond(at: now), 1)
    switch course {
    case .climbing(_, _, let answers) where answers <= Self.answersBeforeClimb:
      course = .holding
      return
    case .climbing(let from, _, _):
      let seen = max(taken ?? 0, answers.highestRate(beyond: limits.burst, at: now))
      rate = min(before, max(from, seen))
      course = .holding
      probedAt = now
    default:
      health = .throttled
      let plateau = max(Self.lowestRate, min(before, taken ?? before))
      rate = max(Self.lowestRate, plateau * Self.decrease)
      course = .returning(plateau: plateau, since: now, isMeasured: taken != nil)
      // One alone may be an accident.
      if let unexpectedAt, now - unexpectedAt < Self.carefulProbePause { carefulUntil = now + Self.carefulTime }
      unexpectedAt = now
    }
    // Those that are under way want tokens that the upstream does not have yet.
    tokens = min(tokens, -Double(callsUnderWay))
    filledAt = now
    openedAt = nil
  }

  /// What the upstream took a second since its bucket was empty, which is never more than its rate; `nil`: not known, or there
  /// was less to do than it would have taken.
  private func rateSinceEmpty(now: MonotonicTime) -> Double? {
    guard let emptyAt, let limitedSince, limitedSince <= emptyAt else { return nil }
    let seconds = Double((now - emptyAt).nanoseconds) / 1e9
    guard Self.measurableSeconds.contains(seconds) else { return nil }
    return Double(answersSinceEmpty - 1) / seconds
  }

  private mutating func outage() {
    health = .unavailable
    concurrencyLimit = 1
    var goal = rate
    if case .restarting(_, let earlier) = course { goal = earlier }
    course = .restarting(since: nil, goal: goal)
    rate = min(rate ?? Self.rateAfterOutage, Self.rateAfterOutage)
    tokens = min(tokens, 1)
  }

  private mutating func raiseRate(after place: Place, now: MonotonicTime) {
    guard let current = rate else { return }
    switch course {
    case .holding: break
    case .returning(let plateau, let since, let isMeasured):
      let elapsed = Double((now - since).nanoseconds) / 1e9
      let offset = elapsed - cbrt(plateau * (1 - Self.decrease) / Self.growth)
      if offset < 0 {
        rate = max(current, plateau + Self.growth * offset * offset * offset)
      } else {
        settle(rate: plateau, now: now)
        if !isMeasured { course = .climbing(from: plateau, since: now, answers: Self.answersBeforeClimb) }
      }
    case .climbing(let from, let begin, let answers):
      guard place.admittedAt >= begin else { return }
      course = .climbing(from: from, since: begin, answers: answers + 1)
      guard answers >= Self.answersBeforeClimb else { return }
      if let limitedAt, now - limitedAt < .seconds(1) {
        rate = current + Self.climb
        if limits.ratePerSecond == nil, current >= Self.rateWithoutMeaning { settle(rate: nil, now: now) }
      } else {
        settle(rate: current, now: now)
      }
    case .restarting(let since, let goal):
      let begin = since ?? now
      course = .restarting(since: begin, goal: goal)
      let seconds = Double((now - begin).nanoseconds) / 1e9
      let wanted = max(current, Self.rateAfterOutage * pow(Self.growthAfterOutage, min(seconds, 20)))
      if wanted >= goal ?? Self.rateWithoutMeaning { settle(rate: goal, now: now) } else { rate = wanted }
    }
  }

  private mutating func settle(rate: Double?, now: MonotonicTime) {
    self.rate = rate
    course = .holding
    probedAt = now
  }
}
