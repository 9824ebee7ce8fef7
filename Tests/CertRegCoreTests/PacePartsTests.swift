import Testing

@testable import CertRegCore

private func time(_ seconds: Double) -> MonotonicTime { MonotonicTime(nanoseconds: Int64(seconds * 1e9)) }

@Suite struct UpstreamBucketTests {
  @Test func `fills at the rate, up to the burst`() {
    var bucket = UpstreamBucket(burst: 3, now: time(0))
    for _ in 0..<3 { bucket.take(now: time(0)) }
    // Until the first call is answered, or so long as a full bucket takes at the most, it does not fill.
    #expect(bucket.isOpen && bucket.level(now: time(0.2), rate: 10) == 0)
    bucket.callEnded(startedAt: time(0), now: time(0.2))
    #expect(!bucket.isOpen)
    #expect(bucket.level(now: time(0.3), rate: 10) == 1)
    #expect(bucket.level(now: time(9), rate: 10) == 3)
    #expect(bucket.timeOfNextToken(now: time(0.25), rate: 10) >= time(0.3))
  }

  @Test func `an emptied bucket owes the calls that are under way`() {
    var bucket = UpstreamBucket(burst: 10, now: time(0))
    bucket.emptied(now: time(1), owed: 2)
    #expect(bucket.level(now: time(1), rate: 10) == -2)
    #expect(bucket.timeOfNextToken(now: time(1), rate: 10) >= time(1.3))
    bucket.giveBack()
    #expect(bucket.level(now: time(1), rate: 10) == -1)
  }

  @Test(arguments: [0, .leastNonzeroMagnitude, 1e-300, 1e-12, 1e-7])
  func `the time of a token is one that there is, also at the lowest rate`(rate: Double) {
    var bucket = UpstreamBucket(burst: 1, now: time(0))
    bucket.emptied(now: time(1), owed: 1_000_000)
    #expect(bucket.timeOfNextToken(now: time(1), rate: rate) == MonotonicTime(nanoseconds: .max))
    bucket.take(now: time(2))
    #expect(bucket.level(now: time(3), rate: rate) < 0)
    // A burst of 0 takes no time to come, or any.
    var empty = UpstreamBucket(burst: 0, now: time(0))
    empty.take(now: time(0))
    #expect(empty.timeOfNextToken(now: time(0), rate: rate) > time(0))
  }

  @Test func `a smaller burst takes the tokens beyond it`() {
    var bucket = UpstreamBucket(burst: 10, now: time(0))
    bucket.setBurst(2)
    #expect(bucket.tokens == 2)
    bucket.cap(at: 1)
    bucket.charge()
    #expect(bucket.tokens == 0)
  }
}

@Suite struct OperationPaceTests {
  /// The lowest rate that can be configured or learnt, at the smallest share.
  @Test(arguments: [0, .leastNonzeroMagnitude, 1e-4], [.leastNonzeroMagnitude, 0.001])
  func `a share of next to nothing is waited for`(part: Double, rate: Double) {
    var pace = OperationPace(limits: OperationLimits(ratePerSecond: rate, burst: 1), now: time(0))
    guard case .now(let permit) = pace.admit(.registerCertificateWithoutCA, now: time(0)) else {
      Issue.record("the burst was not there")
      return
    }
    pace.setShare(PaceShare(part: part, probing: .thisHost), now: time(0))
    _ = pace.throttled(permit, retryAfter: nil, troubleAt: nil, now: time(1))
    for second in 2...5 {
      let now = time(Double(second))
      if case .now = pace.admit(.registerCertificateWithoutCA, now: now) { Issue.record("admitted at \(second)") }
      #expect(pace.nextPermit(now: now) > now)
    }
  }
}

@Suite struct HoldTests {
  @Test(arguments: [(1, 0.05, 0.1), (2, 0.1, 0.2), (3, 0.2, 0.4), (9, 2, 4), (90, 2, 4)] as [(Int, Double, Double)])
  func `doubles with each failure up to its limit, and is spread over half of its length`(
    _ failures: Int, _ shortest: Double, _ longest: Double
  ) {
    for (random, seconds) in [(0.0, shortest), (1.0, longest)] {
      var hold = Hold(first: .milliseconds(100), longest: .seconds(4))
      for _ in 1..<failures { hold.failed(now: time(-1000), random: 0) }
      hold.failed(now: time(10), random: random)
      #expect(hold.end(after: time(10)) == time(10 + seconds))
    }
  }

  @Test func `never becomes shorter, and ends with a success`() {
    var hold = Hold(first: .milliseconds(100), longest: .seconds(4))
    hold.extend(to: time(9))
    hold.failed(now: time(1), random: 0)
    #expect(hold.end(after: time(1)) == time(9) && hold.end(after: time(9)) == nil)
    hold.interrupt()
    #expect(hold.failures == 0 && hold.until == time(9))
    hold.end()
    #expect(hold.until == nil)
  }
}

@Suite struct RateEstimatorTests {
  private func permit(_ seconds: Double, isProbe: Bool = false) -> CallPermit {
    CallPermit(.registerCertificateWithoutCA, admittedAt: time(seconds), isProbe: isProbe)
  }

  @Test func `an unexpected throttle lowers the rate, which returns to its former value`() throws {
    var estimator = RateEstimator(ratePerSecond: 10, bound: nil)
    #expect(estimator.throttled(now: time(1), burst: 10) == .unexpected)
    #expect(estimator.rate == 7)
    for second in 2...10 { _ = estimator.answered(permit(Double(second)), now: time(Double(second))) }
    #expect(estimator.rate == 10)
  }

  @Test func `an accepted probe lets the rate climb, a throttled one changes nothing`() throws {
    var estimator = RateEstimator(ratePerSecond: 10, bound: nil)
    estimator.probeBegan(now: time(1))
    #expect(estimator.throttled(now: time(1), burst: 10) == .expected)
    #expect(estimator.rate == 10)
    estimator.probeEnded()
    estimator.probeBegan(now: time(20))
    let wasTaken = estimator.answered(permit(20, isProbe: true), now: time(20))
    #expect(wasTaken)
    estimator.probeEnded()
    for step in 1...10 {
      estimator.noteLimited(now: time(20.1), rate: 10)
      _ = estimator.answered(permit(20 + Double(step) / 100), now: time(20.2))
    }
    #expect(try #require(estimator.rate) > 10)
  }

  /// A configured rate may be lower than the one that throttles otherwise lead to.
  @Test(arguments: [0.001, 0.02, 0.2, 0.5, 3], [nil, 0.001, 0.3] as [Double?])
  func `no throttle, and nothing that other hosts have learnt, raises the rate`(rate: Double, bound: Double?) throws {
    var estimator = RateEstimator(ratePerSecond: rate, bound: bound)
    let highest = min(rate, bound ?? rate)
    for round in 1...6 {
      let now = time(Double(round) * 100)
      _ = estimator.throttled(now: now, burst: 10)
      #expect(try #require(estimator.rate) <= highest)
      estimator.adopt(estimator.rateOfAll, now: now)
      #expect(try #require(estimator.rate) <= highest)
      _ = estimator.answered(permit(Double(round) * 100 + 50), now: now)
      #expect(try #require(estimator.rate) <= highest)
    }
  }

  @Test func `after an outage the rate begins low and returns to its goal`() throws {
    var estimator = RateEstimator(ratePerSecond: nil, bound: nil)
    estimator.targetWasAway()
    #expect(estimator.rate == 50)
    _ = estimator.answered(permit(0), now: time(0))
    _ = estimator.answered(permit(2), now: time(2))
    #expect(try #require(estimator.rate) > 100)
    _ = estimator.answered(permit(20), now: time(20))
    #expect(estimator.rate == nil)
  }
}

@Suite struct CallGroupsTests {
  @Test func `calls that give way begin in groups of four, 1.6 ms apart, and others at once`() {
    var groups = CallGroups(now: time(0))
    #expect(groups.begin(100, now: time(1), givesWay: false) == 100)
    for group in 0..<3 {
      let now = time(2) + .microseconds(Int64(1600 * group))
      #expect(groups.begin(3, now: now, givesWay: true) == 3)
      #expect(groups.begin(3, now: now + .microseconds(1599), givesWay: true) == 1)
      #expect(groups.begin(3, now: now + .microseconds(1599), givesWay: true) == 0)
      #expect(groups.nextGroup == now + .microseconds(1600))
    }
  }
}
