import CertRegCore
import Testing

extension Pacer.Admission {
  fileprivate var isNow: Bool { if case .now = self { true } else { false } }
}

@Suite struct PacerTests {
  private func time(_ seconds: Double) -> MonotonicTime {
    MonotonicTime(nanoseconds: Int64(seconds * 1e9))
  }

  /// Runs calls that end at once for `seconds`; returns how many began.
  private func drive(_ pacer: inout Pacer, from start: Double, seconds: Double) -> Int {
    var begun = 0
    var now = time(start)
    let end = time(start + seconds)
    while now < end {
      switch pacer.admit(now: now, isAwaited: true) {
      case .now(let place):
        begun += 1
        pacer.callEnded(.answered, place: place, startedAt: now, now: now, random: 0.5)
      case .notBefore(let next): now = max(next, now + .nanoseconds(1))
      case .whenCallEnds:
        Issue.record("a call is under way that was ended")
        return begun
      }
    }
    return begun
  }

  @Test func `lets the burst go at once and then keeps the rate`() {
    var pacer = Pacer(limits: .init(ratePerSecond: 10, burst: 10, maxConcurrent: 16), now: time(0))
    #expect(drive(&pacer, from: 0, seconds: 0.001) == 10)
    #expect((49...51).contains(drive(&pacer, from: 0.001, seconds: 5)))
  }

  @Test func `does not pace what has no rate`() {
    var pacer = Pacer(limits: .init(ratePerSecond: nil, burst: 10, maxConcurrent: 2), now: time(0))
    #expect(pacer.admit(now: time(0), isAwaited: true).isNow)
    #expect(pacer.admit(now: time(0), isAwaited: true).isNow)
    #expect(pacer.admit(now: time(0), isAwaited: true) == .whenCallEnds)
  }

  @Test func `calls that give way begin in groups of four, 1.6 ms apart`() {
    var pacer = Pacer(limits: .init(ratePerSecond: nil, burst: 10, maxConcurrent: 100), now: time(0))
    for group in 0..<3 {
      let now = time(1 + 0.0016 * Double(group))
      for _ in 0..<4 { #expect(pacer.admit(now: now, isAwaited: true, givesWay: true).isNow) }
      let next = Pacer.Admission.notBefore(now + .microseconds(1600))
      #expect(pacer.admit(now: now, isAwaited: true, givesWay: true) == next)
      #expect(pacer.admit(now: now + .microseconds(1599), isAwaited: false, givesWay: true) == next)
    }
    // Nobody is pressing any more.
    #expect(pacer.admit(now: time(1.0033), isAwaited: false).isNow)
  }

  @Test func `giving way takes nothing of a rate that is lower`() {
    var pacer = Pacer(limits: .init(ratePerSecond: 10, burst: 10, maxConcurrent: 16), now: time(0))
    var (begun, now) = (0, time(0))
    while now < time(5) {
      switch pacer.admit(now: now, isAwaited: true, givesWay: true) {
      case .now(let place):
        begun += 1
        pacer.callEnded(.answered, place: place, startedAt: now, now: now, random: 0.5)
      case .notBefore(let next): now = max(next, now + .nanoseconds(1))
      case .whenCallEnds: Issue.record("a call is under way that was ended")
      }
    }
    #expect((59...61).contains(begun))
  }

  @Test func `a throttle lowers the rate and success raises it again`() throws {
    var pacer = Pacer(limits: .init(ratePerSecond: nil, burst: 10, maxConcurrent: 16), now: time(0))
    for step in 0..<50 {
      let now = time(Double(step) * 0.01)
      #expect(pacer.admit(now: now, isAwaited: true).isNow)
      pacer.callEnded(.answered, place: .init(admittedAt: now), startedAt: now, now: now, random: 0.5)
    }
    #expect(pacer.admit(now: time(0.5), isAwaited: true).isNow)
    pacer.callEnded(
      .throttled(retryAfter: nil), place: .init(admittedAt: time(0.5)), startedAt: time(0.5), now: time(0.5),
      random: 0.5)
    let lowered = try #require(pacer.currentRate)
    #expect(lowered < 50)
    #expect(pacer.health == .throttled)
    _ = drive(&pacer, from: 0.5, seconds: 5)
    #expect(try #require(pacer.currentRate) > lowered)
    #expect(pacer.health == .ok)
  }

  @Test func `throttles that were under way together count once`() throws {
    var pacer = Pacer(limits: .init(ratePerSecond: 100, burst: 20, maxConcurrent: 20), now: time(0))
    for _ in 0..<10 { #expect(pacer.admit(now: time(1), isAwaited: true).isNow) }
    pacer.callEnded(
      .throttled(retryAfter: nil), place: .init(admittedAt: time(1)), startedAt: time(1), now: time(1.1), random: 0)
    let once = try #require(pacer.currentRate)
    for _ in 0..<9 {
      pacer.callEnded(
        .throttled(retryAfter: nil), place: .init(admittedAt: time(1)), startedAt: time(1), now: time(1.1), random: 0)
    }
    #expect(pacer.currentRate == once)
    #expect(pacer.throttles == 10)
  }

  @Test func `an outage leaves one probe at a time, further and further apart`() {
    var pacer = Pacer(limits: .init(ratePerSecond: nil, burst: 10, maxConcurrent: 16), now: time(0))
    var attempts = 0
    var now = time(0)
    while now < time(30) {
      switch pacer.admit(now: now, isAwaited: true) {
      case .now(let place):
        attempts += 1
        if attempts > 2 { #expect(pacer.admit(now: now, isAwaited: true) == .whenCallEnds) }
        pacer.callEnded(
          .unavailable(retryAfter: nil), place: place, startedAt: now, now: now + .milliseconds(1), random: 1)
        now = now + .milliseconds(1)
      case .notBefore(let next): now = next
      case .whenCallEnds:
        Issue.record("nothing is under way")
        return
      }
    }
    #expect((5...20).contains(attempts), "\(attempts) attempts in 30 s")
    #expect(pacer.health == .unavailable)
  }

  @Test func `comes back from an outage without a herd`() {
    var pacer = Pacer(limits: .init(ratePerSecond: nil, burst: 10, maxConcurrent: 64), now: time(0))
    for step in 0..<4 {
      let now = time(Double(step) * 5)
      #expect(pacer.admit(now: now, isAwaited: true).isNow)
      pacer.callEnded(.unavailable(retryAfter: nil), place: .init(admittedAt: now), startedAt: now, now: now, random: 0)
    }
    #expect(drive(&pacer, from: 20, seconds: 0.1) <= 40)
  }

  @Test func `a refused identity holds what nobody waits for`() {
    var pacer = Pacer(limits: .init(ratePerSecond: nil, burst: 10, maxConcurrent: 16), now: time(0))
    #expect(pacer.admit(now: time(0), isAwaited: false).isNow)
    pacer.callEnded(.unauthorized, place: .init(admittedAt: time(0)), startedAt: time(0), now: time(0), random: 1)
    guard case .notBefore = pacer.admit(now: time(1), isAwaited: false) else {
      Issue.record("a queue hammers with an identity that is refused")
      return
    }
    #expect(pacer.admit(now: time(1), isAwaited: true).isNow)
    pacer.callEnded(.answered, place: .init(admittedAt: time(1)), startedAt: time(1), now: time(1), random: 1)
    #expect(pacer.admit(now: time(1), isAwaited: false).isNow)
  }

  @Test func `an identity that is refused for many calls at once is one piece of news`() {
    var pacer = Pacer(limits: .init(ratePerSecond: nil, burst: 10, maxConcurrent: 16), now: time(0))
    for _ in 0..<10 { #expect(pacer.admit(now: time(0), isAwaited: false).isNow) }
    for call in 1...10 {
      let now = time(Double(call) / 100)
      pacer.callEnded(.unauthorized, place: .init(admittedAt: time(0)), startedAt: time(0), now: now, random: 1)
    }
    #expect(pacer.admit(now: time(5.01), isAwaited: false).isNow)
  }

  /// A pacer that has been at its rate for six seconds and makes a probe, and the time of it.
  private func probing() throws -> (pacer: Pacer, place: Pacer.Place) {
    var pacer = Pacer(limits: .init(ratePerSecond: 10, burst: 1, maxConcurrent: 16), now: time(0))
    var now = time(0)
    while now < time(20) {
      switch pacer.admit(now: now, isAwaited: true) {
      case .now(let place):
        if place.isProbe { return (pacer, place) }
        pacer.callEnded(.answered, place: place, startedAt: now, now: now, random: 0)
      case .notBefore(let next): now = next
      case .whenCallEnds: now = time(20)
      }
    }
    throw NoProbe()
  }

  private struct NoProbe: Error {}

  @Test func `a probe that is throttled changes nothing`() throws {
    var (pacer, place) = try probing()
    let now = place.admittedAt
    #expect(now >= time(6))
    pacer.callEnded(
      .throttled(retryAfter: .seconds(60)), place: place, startedAt: now, now: now + .milliseconds(5), random: 0)
    #expect(pacer.currentRate == 10)
    #expect(pacer.health == .ok)
    #expect(pacer.admit(now: now + .milliseconds(200), isAwaited: true).isNow)
  }

  @Test func `a probe that is taken lets the rate climb until a throttle`() throws {
    var (pacer, probe) = try probing()
    pacer.callEnded(.answered, place: probe, startedAt: probe.admittedAt, now: probe.admittedAt, random: 0)
    _ = drive(&pacer, from: Double(probe.admittedAt.nanoseconds) / 1e9, seconds: 3)
    let climbed = try #require(pacer.currentRate)
    #expect(climbed > 100)
    let now = probe.admittedAt + .seconds(3)
    let place = Pacer.Place(admittedAt: now)
    pacer.callEnded(.throttled(retryAfter: nil), place: place, startedAt: now, now: now, random: 0)
    #expect(try #require(pacer.currentRate) < climbed)
    #expect(try #require(pacer.currentRate) > 50)
  }

  @Test func `a probe that took another call's token is no success`() throws {
    var (pacer, probe) = try probing()
    let now = probe.admittedAt
    pacer.callEnded(
      .throttled(retryAfter: nil), place: .init(admittedAt: now), startedAt: now, now: now + .milliseconds(3),
      random: 0)
    pacer.callEnded(.answered, place: probe, startedAt: now, now: now + .milliseconds(5), random: 0)
    _ = drive(&pacer, from: Double(now.nanoseconds) / 1e9 + 0.01, seconds: 3)
    #expect(pacer.currentRate == 10)
  }

  @Test func `a bucket fills from the first answer and not while a connection is opened`() {
    var pacer = Pacer(limits: .init(ratePerSecond: 10, burst: 3, maxConcurrent: 16), now: time(0))
    for _ in 0..<3 { #expect(pacer.admit(now: time(0), isAwaited: true).isNow) }
    #expect(!pacer.admit(now: time(0.15), isAwaited: true).isNow)
    pacer.callEnded(.answered, place: .init(admittedAt: time(0)), startedAt: time(0), now: time(0.2), random: 0)
    #expect(!pacer.admit(now: time(0.29), isAwaited: true).isNow)
    #expect(pacer.admit(now: time(0.301), isAwaited: true).isNow)
  }

  @Test func `tells when the next call can begin`() {
    var pacer = Pacer(limits: .init(ratePerSecond: 10, burst: 1, maxConcurrent: 16), now: time(0))
    #expect(pacer.nextPlace(now: time(0)) == time(0))
    #expect(pacer.admit(now: time(0), isAwaited: true).isNow)
    pacer.callEnded(
      .throttled(retryAfter: .seconds(2)), place: .init(admittedAt: time(0)), startedAt: time(0), now: time(0.5),
      random: 0)
    #expect(pacer.nextPlace(now: time(0.5)) == time(2.5))
    #expect(pacer.tokens(now: time(0.5)) == 0)
  }
}
