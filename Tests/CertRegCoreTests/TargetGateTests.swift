import Testing

@testable import CertRegCore

extension Admission {
  fileprivate var isNow: Bool { if case .now = self { true } else { false } }
}

@Suite struct TargetGateTests {
  private let register = UpstreamOperation.registerCertificateWithoutCA

  private func time(_ seconds: Double) -> MonotonicTime {
    MonotonicTime(nanoseconds: Int64(seconds * 1e9))
  }

  /// Runs calls that end at once for `seconds`, and returns their number.
  private func drive(_ gate: inout TargetGate, from start: Double, seconds: Double) -> Int {
    var begun = 0
    var now = time(start)
    let end = time(start + seconds)
    while now < end {
      switch gate.admit(register, now: now, isAwaited: true) {
      case .now(let permit):
        begun += 1
        gate.callEnded(.answered, permit: permit, startedAt: now, now: now, random: 0.5)
      case .notBefore(let next): now = max(next, now + .nanoseconds(1))
      case .whenCallEnds:
        Issue.record("a call is under way that was ended")
        return begun
      }
    }
    return begun
  }

  @Test func `lets the burst go at once and then keeps the rate`() {
    var gate = TargetGate(limits: .one(ratePerSecond: 10, burst: 10, maxConcurrent: 16), now: time(0))
    #expect(drive(&gate, from: 0, seconds: 0.001) == 10)
    #expect((49...51).contains(drive(&gate, from: 0.001, seconds: 5)))
  }

  @Test func `does not pace an operation without a rate`() {
    var gate = TargetGate(limits: .one(ratePerSecond: nil, burst: 10, maxConcurrent: 2), now: time(0))
    #expect(gate.admit(register, now: time(0), isAwaited: true).isNow)
    #expect(gate.admit(register, now: time(0), isAwaited: true).isNow)
    #expect(gate.admit(register, now: time(0), isAwaited: true) == .whenCallEnds)
  }

  @Test func `a throttle lowers the rate and success raises it again`() throws {
    var gate = TargetGate(limits: .one(ratePerSecond: nil, burst: 10, maxConcurrent: 16), now: time(0))
    for step in 0..<50 {
      let now = time(Double(step) * 0.01)
      #expect(gate.admit(register, now: now, isAwaited: true).isNow)
      gate.callEnded(.answered, permit: CallPermit(register, admittedAt: now), startedAt: now, now: now, random: 0.5)
    }
    #expect(gate.admit(register, now: time(0.5), isAwaited: true).isNow)
    gate.callEnded(
      .throttled(retryAfter: nil), permit: CallPermit(register, admittedAt: time(0.5)), startedAt: time(0.5),
      now: time(0.5),
      random: 0.5)
    let lowered = try #require(gate.rate(of: register, now: time(0)))
    #expect(lowered < 50)
    #expect(gate.health == .throttled)
    _ = drive(&gate, from: 0.5, seconds: 5)
    #expect(try #require(gate.rate(of: register, now: time(0))) > lowered)
    #expect(gate.health == .ok)
  }

  @Test func `throttles that were under way together count once`() throws {
    var gate = TargetGate(limits: .one(ratePerSecond: 100, burst: 20, maxConcurrent: 20), now: time(0))
    for _ in 0..<10 { #expect(gate.admit(register, now: time(1), isAwaited: true).isNow) }
    gate.callEnded(
      .throttled(retryAfter: nil), permit: CallPermit(register, admittedAt: time(1)), startedAt: time(1),
      now: time(1.1), random: 0)
    let once = try #require(gate.rate(of: register, now: time(0)))
    for _ in 0..<9 {
      gate.callEnded(
        .throttled(retryAfter: nil), permit: CallPermit(register, admittedAt: time(1)), startedAt: time(1),
        now: time(1.1), random: 0)
    }
    #expect(gate.rate(of: register, now: time(0)) == once)
    #expect(gate.throttles == 10)
  }

  @Test(arguments: [0, 8]) func `a throttle does not wait for calls that hang`(hanging: Int) throws {
    var gate = TargetGate(limits: .one(ratePerSecond: 10, burst: 10, maxConcurrent: 20), now: time(0))
    for _ in 0..<hanging { #expect(gate.admit(register, now: time(1), isAwaited: true).isNow) }
    for _ in 0..<2 { #expect(gate.admit(register, now: time(9), isAwaited: true).isNow) }
    gate.callEnded(
      .throttled(retryAfter: nil), permit: CallPermit(register, admittedAt: time(9)), startedAt: time(9),
      now: time(9.1), random: 0)
    #expect(gate.callsUnderWay(of: register) == hanging + 1)
    // One token for the call that was begun with it, and one for the next call, at 0.7 of the rate.
    let next = gate.nextPermit(for: register, now: time(9.1))
    #expect(next > time(9.1 + 1.9 / 7) && next < time(9.1 + 2.1 / 7))
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>) func `calls under way are those that have not ended`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var calls = PermitTimes()
    var expected: [MonotonicTime] = []
    for step in 0..<500 {
      if expected.isEmpty || Bool.random(using: &random) {
        // Clocks of several events at once are equal.
        let now = time(Double(step / 3))
        calls.begin(CallPermit(register, admittedAt: now))
        expected.append(now)
      } else {
        let ended = expected.remove(at: Int.random(in: 0..<expected.count, using: &random))
        calls.end(CallPermit(register, admittedAt: ended))
      }
      #expect(calls.count == expected.count, "seed \(seed)")
      let begin = Double(Int.random(in: 0...step, using: &random) / 3)
      let earliest = time(begin - 2)
      #expect(
        calls.undecided(throttled: CallPermit(register, admittedAt: time(begin)), now: time(begin + 2))
          == expected.count { $0 >= earliest }, "seed \(seed)")
    }
  }

  @Test func `an outage leaves one probe at a time, further and further apart`() {
    var gate = TargetGate(limits: .one(ratePerSecond: nil, burst: 10, maxConcurrent: 16), now: time(0))
    var attempts = 0
    var now = time(0)
    while now < time(30) {
      switch gate.admit(register, now: now, isAwaited: true) {
      case .now(let permit):
        attempts += 1
        if attempts > 2 { #expect(gate.admit(register, now: now, isAwaited: true) == .whenCallEnds) }
        gate.callEnded(
          .unavailable(retryAfter: nil), permit: permit, startedAt: now, now: now + .milliseconds(1), random: 1)
        now = now + .milliseconds(1)
      case .notBefore(let next): now = next
      case .whenCallEnds:
        Issue.record("nothing is under way")
        return
      }
    }
    #expect((5...20).contains(attempts), "\(attempts) attempts in 30 s")
    #expect(gate.health == .unavailable)
  }

  @Test(arguments: [nil, 10] as [Double?])
  func `the pace after an outage is no rate of the target, and a single failure is told`(rate: Double?) {
    var gate = TargetGate(limits: .one(ratePerSecond: rate, burst: 10, maxConcurrent: 64), now: time(0))
    func end(_ result: CallResult, at second: Double) {
      #expect(gate.admit(register, now: time(second), isAwaited: true).isNow)
      gate.callEnded(
        result, permit: CallPermit(register, admittedAt: time(second)), startedAt: time(second), now: time(second),
        random: 0)
    }
    end(.unavailable(retryAfter: nil), at: 0)
    // Nobody has to be told of it, and whoever looks sees that the last call failed.
    #expect(gate.health == .ok && gate.shownHealth == .unavailable)
    end(.unavailable(retryAfter: nil), at: 5)
    #expect(gate.health == .unavailable && gate.rate(of: register, now: time(5)) == rate)
    end(.answered, at: 10)
    #expect(gate.shownHealth == .ok && gate.rate(of: register, now: time(10)) == rate)
    #expect((gate.tokens(of: register, now: time(10)) == nil) == (rate == nil))
  }

  @Test func `a right that is missing is told until a call with it is answered`() {
    var gate = TargetGate(limits: .one(ratePerSecond: nil, burst: 10, maxConcurrent: 64), now: time(0))
    func end(_ operation: UpstreamOperation, _ result: CallResult, at second: Double) {
      #expect(gate.admit(operation, now: time(second), isAwaited: true).isNow)
      gate.callEnded(
        result, permit: CallPermit(operation, admittedAt: time(second)), startedAt: time(second), now: time(second),
        random: 1)
    }
    end(.attachPolicy, .unauthorized(isForOperation: true), at: 0)
    // The pause is over, and nothing has shown that the right is there.
    end(register, .answered, at: 20)
    #expect(gate.health == .unauthorized)
    end(.attachPolicy, .answered, at: 21)
    #expect(gate.health == .ok)
    // Once nobody needs the right any more, it is not missing.
    end(.attachPolicy, .unauthorized(isForOperation: true), at: 30)
    end(register, .answered, at: 200)
    #expect(gate.health == .ok)
  }

  @Test func `comes back from an outage without a herd`() {
    var gate = TargetGate(limits: .one(ratePerSecond: nil, burst: 10, maxConcurrent: 64), now: time(0))
    for step in 0..<4 {
      let now = time(Double(step) * 5)
      #expect(gate.admit(register, now: now, isAwaited: true).isNow)
      gate.callEnded(
        .unavailable(retryAfter: nil), permit: CallPermit(register, admittedAt: now), startedAt: now, now: now,
        random: 0)
    }
    #expect(drive(&gate, from: 20, seconds: 0.1) <= 40)
  }

  @Test func `a refused identity holds calls without a waiting caller`() {
    var gate = TargetGate(limits: .one(ratePerSecond: nil, burst: 10, maxConcurrent: 16), now: time(0))
    #expect(gate.admit(register, now: time(0), isAwaited: false).isNow)
    gate.callEnded(
      .unauthorized(isForOperation: false), permit: CallPermit(register, admittedAt: time(0)), startedAt: time(0),
      now: time(0), random: 1)
    guard case .notBefore = gate.admit(register, now: time(1), isAwaited: false) else {
      Issue.record("a queue hammers with an identity that is refused")
      return
    }
    #expect(gate.admit(register, now: time(1), isAwaited: true).isNow)
    gate.callEnded(
      .answered, permit: CallPermit(register, admittedAt: time(1)), startedAt: time(1), now: time(1), random: 1)
    #expect(gate.admit(register, now: time(1), isAwaited: false).isNow)
  }

  @Test func `a right that is missing holds the calls of its operation alone`() {
    var gate = TargetGate(limits: .one(ratePerSecond: nil, burst: 10, maxConcurrent: 16), now: time(0))
    func end(_ operation: UpstreamOperation, _ result: CallResult, at second: Double) {
      gate.callEnded(
        result, permit: CallPermit(operation, admittedAt: time(second)), startedAt: time(second), now: time(second),
        random: 1)
    }
    for _ in 0..<3 { #expect(gate.admit(.attachPolicy, now: time(0), isAwaited: false).isNow) }
    for _ in 0..<3 { end(.attachPolicy, .unauthorized(isForOperation: true), at: 0) }
    #expect(!gate.admit(.attachPolicy, now: time(4), isAwaited: false).isNow && gate.health == .unauthorized)
    #expect(gate.admit(register, now: time(4), isAwaited: false).isNow)
    end(register, .answered, at: 4)
    // That the identity may do something else says nothing about this.
    #expect(!gate.admit(.attachPolicy, now: time(4.5), isAwaited: false).isNow && gate.health == .unauthorized)
    #expect(gate.admit(.attachPolicy, now: time(4.5), isAwaited: true).isNow)
    end(.attachPolicy, .answered, at: 4.5)
    #expect(gate.admit(.attachPolicy, now: time(4.6), isAwaited: false).isNow && gate.health == .ok)
  }

  @Test func `a refused identity of many calls at once is reported once`() {
    var gate = TargetGate(limits: .one(ratePerSecond: nil, burst: 10, maxConcurrent: 16), now: time(0))
    for _ in 0..<10 { #expect(gate.admit(register, now: time(0), isAwaited: false).isNow) }
    for call in 1...10 {
      let now = time(Double(call) / 100)
      gate.callEnded(
        .unauthorized(isForOperation: false), permit: CallPermit(register, admittedAt: time(0)), startedAt: time(0),
        now: now, random: 1)
    }
    #expect(gate.admit(register, now: time(5.01), isAwaited: false).isNow)
  }

  /// A gate that has been at its rate for six seconds and makes a probe, and the probe's time.
  private func probing() throws -> (gate: TargetGate, probe: CallPermit) {
    var gate = TargetGate(limits: .one(ratePerSecond: 10, burst: 1, maxConcurrent: 16), now: time(0))
    var now = time(0)
    while now < time(20) {
      switch gate.admit(register, now: now, isAwaited: true) {
      case .now(let permit):
        if permit.isProbe { return (gate, permit) }
        gate.callEnded(.answered, permit: permit, startedAt: now, now: now, random: 0)
      case .notBefore(let next): now = next
      case .whenCallEnds: now = time(20)
      }
    }
    throw NoProbe()
  }

  private struct NoProbe: Error {}

  @Test func `a probe that is throttled changes nothing`() throws {
    var (gate, permit) = try probing()
    let now = permit.admittedAt
    #expect(now >= time(6))
    gate.callEnded(
      .throttled(retryAfter: .seconds(60)), permit: permit, startedAt: now, now: now + .milliseconds(5), random: 0)
    #expect(gate.rate(of: register, now: time(0)) == 10)
    #expect(gate.health == .ok)
    #expect(gate.admit(register, now: now + .milliseconds(200), isAwaited: true).isNow)
  }

  @Test func `an accepted probe lets the rate climb until a throttle`() throws {
    var (gate, probe) = try probing()
    gate.callEnded(.answered, permit: probe, startedAt: probe.admittedAt, now: probe.admittedAt, random: 0)
    _ = drive(&gate, from: Double(probe.admittedAt.nanoseconds) / 1e9, seconds: 3)
    let climbed = try #require(gate.rate(of: register, now: time(0)))
    #expect(climbed > 100)
    let now = probe.admittedAt + .seconds(3)
    let permit = CallPermit(register, admittedAt: now)
    gate.callEnded(.throttled(retryAfter: nil), permit: permit, startedAt: now, now: now, random: 0)
    #expect(try #require(gate.rate(of: register, now: time(0))) < climbed)
    #expect(try #require(gate.rate(of: register, now: time(0))) > 50)
  }

  @Test func `a probe that took another call's token is no success`() throws {
    var (gate, probe) = try probing()
    let now = probe.admittedAt
    gate.callEnded(
      .throttled(retryAfter: nil), permit: CallPermit(register, admittedAt: now), startedAt: now,
      now: now + .milliseconds(3),
      random: 0)
    gate.callEnded(.answered, permit: probe, startedAt: now, now: now + .milliseconds(5), random: 0)
    _ = drive(&gate, from: Double(now.nanoseconds) / 1e9 + 0.01, seconds: 3)
    #expect(gate.rate(of: register, now: time(0)) == 10)
  }

  @Test func `a bucket fills from the first answer and not while a connection is opened`() {
    var gate = TargetGate(limits: .one(ratePerSecond: 10, burst: 3, maxConcurrent: 16), now: time(0))
    for _ in 0..<3 { #expect(gate.admit(register, now: time(0), isAwaited: true).isNow) }
    #expect(!gate.admit(register, now: time(0.15), isAwaited: true).isNow)
    gate.callEnded(
      .answered, permit: CallPermit(register, admittedAt: time(0)), startedAt: time(0), now: time(0.2), random: 0)
    #expect(!gate.admit(register, now: time(0.29), isAwaited: true).isNow)
    #expect(gate.admit(register, now: time(0.301), isAwaited: true).isNow)
  }

  @Test func `knows when the next call can begin`() {
    var gate = TargetGate(limits: .one(ratePerSecond: 10, burst: 1, maxConcurrent: 16), now: time(0))
    #expect(gate.nextPermit(for: register, now: time(0)) == time(0))
    #expect(gate.admit(register, now: time(0), isAwaited: true).isNow)
    gate.callEnded(
      .throttled(retryAfter: .seconds(2)), permit: CallPermit(register, admittedAt: time(0)), startedAt: time(0),
      now: time(0.5),
      random: 0)
    #expect(gate.nextPermit(for: register, now: time(0.5)) == time(2.5))
    #expect(gate.tokens(of: register, now: time(0.5)) == 0)
  }

  @Test func `a share bounds the rate and the burst, is not probed beyond, and ends`() {
    var gate = TargetGate(limits: .one(ratePerSecond: 100, burst: 10, maxConcurrent: 16), now: time(0))
    gate.setShare(PaceShare(part: 0.05, probing: .nobody), of: register, now: time(0))
    #expect((99...102).contains(drive(&gate, from: 0, seconds: 20)))
    gate.setShare(nil, of: register, now: time(20))
    #expect(gate.rate(of: register, now: time(20)) == 100)
  }

  @Test func `time before a larger share does not count at its rate`() {
    var gate = TargetGate(limits: .one(ratePerSecond: 100, burst: 100, maxConcurrent: 200), now: time(0))
    gate.setShare(PaceShare(part: 0.0001, probing: .nobody), of: register, now: time(0))
    #expect(!gate.admit(register, now: time(0), isAwaited: true).isNow)
    gate.setShare(PaceShare(part: 1, probing: .nobody), of: register, now: time(10))
    #expect(gate.tokens(of: register, now: time(10)).map { $0 < 1 } == true)
  }

  @Test(arguments: [0, -1, 1e-300]) func `a share of nothing lets calls begin all the same, seldom`(part: Double) {
    var gate = TargetGate(limits: .one(ratePerSecond: 100, burst: 1, maxConcurrent: 16), now: time(0))
    gate.setShare(PaceShare(part: part, probing: .nobody), of: register, now: time(0))
    #expect(drive(&gate, from: 0, seconds: 20) == 0)
    #expect(gate.nextPermit(for: register, now: time(20)) > time(20))
  }
}
