import Glibc

/// The configured or learnt rate at which an upstream accepts calls of one operation.
///
/// - An unexpected throttle lowers the rate to 0.7 of the upstream's measured rate, and it returns along the curve of
///   CUBIC (RFC 9438 section 4.2; the adaptive retry mode of the AWS SDKs). Then it stays: following the curve
///   further would cause a throttle every few seconds.
/// - While the demand exceeds the rate, a single call goes out early from time to time. If that *probe* is
///   throttled, nothing changes. If it is accepted, each answer raises the rate until a throttle. The calls accepted
///   between two throttles give the upstream's rate, since each throttle shows that its bucket is empty.
/// - After an outage of the target the rate begins low and grows with every second without a failure, so that a queue
///   of thousands does not overload an upstream that has just recovered.
struct RateEstimator: Sendable {
  /// The meaning of a throttle.
  enum Throttle {
    /// The result of a probe.
    case expected
    /// The limit that the rate was climbing to.
    case limit
    /// A lower rate of the upstream than expected.
    case unexpected
  }

  /// The movement of the rate.
  enum Course: Sendable {
    /// The rate is constant. Next: climbing after a probe, returning after a throttle.
    case holding
    /// The rate rises to the plateau, after a throttle. Next: holding if the plateau was measured, climbing if it is a
    /// guess.
    case returning(plateau: Double, since: MonotonicTime, isMeasured: Bool)
    /// The rate rises with each answer to a call that began after an accepted probe. Next: holding, at a throttle or if
    /// there is too little to do.
    case climbing(from: Double, since: MonotonicTime, answers: Int)
    /// The rate rises after an outage, up to the goal (`nil`: no pace), from the first answer on. Next: holding.
    case restarting(since: MonotonicTime?, goal: Double?)
  }

  private struct Probe: Sendable {
    /// A call was throttled meanwhile. The probe may have overtaken it and taken its token.
    var isSpoiled = false
  }

  /// Multiplier of the rate at a throttle, and growth constant of the curve (RFC 9438 section 4.1; the SDKs use the
  /// same).
  private static let decrease = 0.7
  private static let growth = 0.4
  /// Calls a second that each answer adds while the rate climbs: a factor of 4.5 each second.
  private static let climb = 1.5
  /// The same for one of several hosts, of their common rate.
  private static let climbOfHosts = 1.0
  /// The same after several unexpected throttles: each host may be throttled before it hears that the climb has ended.
  private static let carefulClimbOfHosts = 0.1
  /// A probe may have used the token of another call, which is then throttled. This number of calls has to succeed
  /// first.
  static let answersBeforeClimb = 3
  /// Between probes: long enough that one in a hundred calls at most is throttled for it at 17 calls a second and more,
  /// short enough that a higher quota is found within seconds.
  private static let probePause = Duration.seconds(6)
  /// After an unexpected throttle: a quota was lowered or another client is busy, and neither ends soon.
  private static let carefulProbePause = Duration.seconds(15)
  private static let callsBetweenProbes = 60.0
  private static let carefulCallsBetweenProbes = 150.0
  /// The same for hosts that share a rate, of which a climb costs each a few throttles.
  private static let carefulCallsOfHosts = 300.0
  static let carefulTime = Duration.seconds(300)
  /// The calls accepted since the last throttle show the rate after at least, and up to at most, this number of
  /// seconds.
  private static let measurableSeconds = 1.0...60.0
  /// From so many answers on they show the rate of which this host makes a part.
  private static let leastAnswersOfPart = 4.0
  /// The same beyond a burst, where the rate climbs.
  private static let leastExcessOfPart = 2.0
  /// What hosts that share a rate measure is inexact: further unexpected throttles lower it by a twentieth at least,
  /// and by no more where the answers show at least `nearlyRight` of it.
  private static let decreaseOfHosts = 0.95
  private static let nearlyRight = 0.9
  /// The rate after an outage, and its growth with every second without a failure.
  private static let rateAfterOutage = 50.0
  private static let growthAfterOutage = 1.5
  /// A learnt rate is dropped once it is this high: then the number of calls at once is the limit.
  private static let rateWithoutMeaning = 2_000.0
  private static let lowestRate = 0.5

  /// The time in which all hosts that share a rate hear what one of them has learnt.
  static let hearing = Duration.milliseconds(600)

  /// Calls a second of all hosts together; `nil`: not paced.
  var rate: Double?
  /// The part of the calls that this host makes, 0...1. What it measures is its own calls.
  var part = 1.0
  /// Whether another host may try more than the rate now, and this one has not lost a token by it yet.
  var othersProbe = false
  /// When the rate was lowered for the last time, here or by another host.
  var loweredAt: MonotonicTime?
  /// Whether this host's own calls have changed the rate; cleared by the reader.
  var hasNews = false
  var configuredRate: Double?
  /// The rate never passes it; `nil`: there is no bound.
  private var bound: Double?
  /// Whether probes are always as rare as after several unexpected throttles.
  private var probesSeldom: Bool
  var course = Course.holding
  var answers = RateMeter()
  /// The first and the last time of the present demand above the rate.
  private var limitedSince: MonotonicTime?
  private var limitedAt: MonotonicTime?
  var probedAt: MonotonicTime?
  private var probe: Probe?
  var carefulUntil: MonotonicTime?
  /// The last unexpected throttle.
  private var unexpectedAt: MonotonicTime?
  /// The last throttle, and the answers to calls that began after it.
  private var emptyAt: MonotonicTime?
  private var answersSinceEmpty = 0

  /// - Parameters:
  ///   - ratePerSecond: The configured rate; `nil`: no pace until the upstream throttles.
  ///   - bound: Calls a second that are never passed, whatever the upstream takes; `nil`: there is no bound.
  ///   - probesSeldom: Whether more than the rate is tried seldom.
  init(ratePerSecond: Double?, bound: Double?, probesSeldom: Bool = false) {
    self.probesSeldom = probesSeldom
    configuredRate = ratePerSecond
    self.bound = bound
    rate = bounded(ratePerSecond)
  }

  /// Sets another configured rate and bound, and forgets the learnt rate.
  mutating func setRate(_ ratePerSecond: Double?, bound: Double?, probesSeldom: Bool = false) {
    self.probesSeldom = probesSeldom
    // Hosts that share the rate have to hear of it.
    hasNews = hasNews || ratePerSecond != configuredRate
    configuredRate = ratePerSecond
    self.bound = bound
    rate = bounded(ratePerSecond)
    course = .holding
    carefulUntil = nil
    emptyAt = nil
  }

  /// Whether there is a pace only until the target has recovered from an outage.
  var isPacedForNow: Bool { if case .restarting(_, nil) = course { true } else { false } }

  func bounded(_ rate: Double?) -> Double? {
    bound.map { min(rate ?? $0, $0) } ?? rate
  }

  /// The rate that throttles do not lower any further. An operator may configure a lower one, or bound it lower.
  var lowest: Double { min(Self.lowestRate, configuredRate ?? Self.lowestRate, bound ?? Self.lowestRate) }

  // MARK: Probes

  /// Records demand above the rate.
  mutating func noteLimited(now: MonotonicTime, rate: Double) {
    let longestGap = Duration.nearest(toSeconds: max(1, 2 / rate))
    if limitedAt.map({ now - $0 > longestGap }) ?? true { limitedSince = now }
    limitedAt = now
  }

  /// Whether a call may go out early, as a probe.
  func isProbeDue(now: MonotonicTime, bucket: UpstreamBucket) -> Bool {
    // Right after a call within the pace, when the upstream's bucket has least: else the probe would take the next
    // one's token.
    guard case .holding = course, probe == nil, bucket.tokens < 0.25, !bucket.isOpen, let limitedSince, let rate else {
      return false
    }
    // What lies above the bound is others', and need not be found.
    if let bound, rate >= bound { return false }
    let isCareful = isCareful(now: now)
    let carefulCalls = part < 1 ? Self.carefulCallsOfHosts : Self.carefulCallsBetweenProbes
    let calls = isCareful ? carefulCalls : Self.callsBetweenProbes
    let pause = max(isCareful ? Self.carefulProbePause : Self.probePause, .nearest(toSeconds: calls / rate))
    return now - max(limitedSince, probedAt ?? limitedSince) >= pause
  }

  private func isCareful(now: MonotonicTime) -> Bool { probesSeldom || carefulUntil.map { now < $0 } ?? false }

  mutating func probeBegan(now: MonotonicTime) {
    probedAt = now
    probe = Probe()
  }

  /// A probe has ended, or was not made.
  mutating func probeEnded() {
    probe = nil
  }

  // MARK: Results of calls

  /// A call was answered.
  ///
  /// - Returns: Whether it was an accepted probe, which has cost a token.
  mutating func answered(_ permit: CallPermit, now: MonotonicTime) -> Bool {
    answers.count(at: now)
    if let emptyAt, permit.admittedAt >= emptyAt { answersSinceEmpty += 1 }
    raiseRate(after: permit, now: now)
    guard permit.isProbe, probe?.isSpoiled == false, case .holding = course, let rate else { return false }
    course = .climbing(from: rate, since: permit.admittedAt, answers: 0)
    return true
  }

  /// A call was throttled, and it is news.
  ///
  /// - Parameter burst: The calls that a full bucket accepts at once. Only calls beyond them show the rate.
  mutating func throttled(now: MonotonicTime, burst: Double) -> Throttle {
    let taken = rateSinceEmpty(now: now)
    emptyAt = now
    answersSinceEmpty = 0
    if probe != nil {
      probe?.isSpoiled = true
      return .expected
    }
    if othersProbe, case .holding = course {
      othersProbe = false
      return .expected
    }
    // Hosts that share a rate hear of each other's throttles a little later: together they lower it once.
    if part < 1, let loweredAt, now - loweredAt < Self.hearing { return .expected }
    let before = rate ?? max(answers.perSecond(at: now) / part, 1)
    loweredAt = now
    defer { hasNews = hasNews || rate != before }
    switch course {
    case .climbing(_, _, let answers) where answers <= Self.answersBeforeClimb:
      course = .holding
      return .expected
    case .climbing(let from, _, _):
      let highest = highestRate(beyond: burst, now: now)
      // Of a part of the calls the longer stretch says more.
      rate = min(before, max(from, part < 1 ? taken ?? highest : max(taken ?? 0, highest)))
      course = .holding
      probedAt = now
      return .limit
    case .holding, .returning, .restarting:
      // A single throttle may be an accident.
      let isRepeated = unexpectedAt.map { now - $0 < Self.carefulProbePause } ?? false
      let factor = part < 1 && (isRepeated || isCareful(now: now)) ? Self.decreaseOfHosts : 1
      let plateau = max(lowest, min(before * factor, taken ?? before))
      let isNearlyRight = part < 1 && (taken ?? 0) >= before * Self.nearlyRight
      rate = isNearlyRight ? plateau : max(lowest, plateau * Self.decrease)
      course = .returning(plateau: plateau, since: now, isMeasured: taken != nil || part < 1)
      if isRepeated { carefulUntil = now + Self.carefulTime }
      unexpectedAt = now
      probedAt = now
      return .unexpected
    }
  }

  /// The accepted calls a second of the last second, of all hosts.
  func highestRate(beyond burst: Double, now: MonotonicTime) -> Double {
    answers.highestRate(beyond: burst * part, least: part < 1 ? Self.leastExcessOfPart : 0, at: now) / part
  }

  /// The target had an outage.
  mutating func targetWasAway() {
    hasNews = true
    var goal = rate
    if case .restarting(_, let earlier) = course { goal = earlier }
    course = .restarting(since: nil, goal: goal)
    rate = min(rate ?? Self.rateAfterOutage, Self.rateAfterOutage)
  }

  /// The accepted calls a second since the upstream's bucket was empty, which shows its rate; `nil` if not known, or if
  /// there was less demand than the rate.
  private func rateSinceEmpty(now: MonotonicTime) -> Double? {
    guard let emptyAt, let limitedSince, limitedSince <= emptyAt else { return nil }
    let seconds = Double((now - emptyAt).nanoseconds) / 1e9
    guard Self.measurableSeconds.contains(seconds) else { return nil }
    // One answer may belong to a token from before. Of a part of the calls, one less would be several less of all; and
    // a few of them show nothing.
    let answers = Double(part < 1 ? answersSinceEmpty : answersSinceEmpty - 1)
    if part < 1, answers < Self.leastAnswersOfPart { return nil }
    return answers / seconds / part
  }

  private mutating func raiseRate(after permit: CallPermit, now: MonotonicTime) {
    guard let current = rate else { return }
    defer {
      // Every host returns along the curve by itself.
      if case .returning = course {} else { hasNews = hasNews || rate != current }
    }
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
      guard permit.admittedAt >= begin else { return }
      course = .climbing(from: from, since: begin, answers: answers + 1)
      guard answers >= Self.answersBeforeClimb else { return }
      if let limitedAt, now - limitedAt < .seconds(1) {
        // Of hosts that share a rate one climbs, for all, and the slower the more there are: the others hear of it
        // later.
        let climbOfHosts = isCareful(now: now) ? Self.carefulClimbOfHosts : Self.climbOfHosts
        let climb = part < 1 ? min(climbOfHosts / part, min(0.45, 8 * part) * current) : Self.climb
        rate = current + climb
        if let bound, current + climb >= bound { settle(rate: bound, now: now) }
        if configuredRate == nil, current >= Self.rateWithoutMeaning { settle(rate: nil, now: now) }
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
    self.rate = bounded(rate)
    course = .holding
    probedAt = now
  }
}
