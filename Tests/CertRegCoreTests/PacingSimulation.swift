import CertRegTesting

@testable import CertRegCore

/// Callers, a registrar, a disk and an upstream with a token bucket, in virtual time. Every delay comes from one seed.
///
/// Each caller asks for one certificate, waits for the answer, and asks for the next.
struct PacingSimulation {
  struct Caller {
    var uid: UInt32 = 1000
    var connection: UInt64 = 1
    var waits = true
    /// Its start, in seconds after that of the simulation.
    var begins = 0.0
  }

  /// Delays in seconds.
  struct Delays {
    var commit: ClosedRange<Double> = 0.001...0.008
    /// To the upstream, and back.
    var way: ClosedRange<Double> = 0.001...0.006
    /// The additional delay of the first calls, which open connections.
    var connecting = 0.03
    /// The delay of timers.
    var timer: ClosedRange<Double> = 0.0...0.002
  }

  private enum Event {
    case asks(caller: Int)
    case committed(Registrar.CommitID)
    case arrives(RegistrationKey)
    case answered(RegistrationKey, UpstreamReply)
  }

  /// The times of accepted and throttled calls and the caller of each answer, in seconds since the start.
  private(set) var taken: [Double] = []
  private(set) var throttled: [Double] = []
  private(set) var answers: [(at: Double, uid: UInt32, waits: Bool)] = []
  private(set) var now = 0.0

  private static let target = TargetName("default")
  private let callers: [Caller]
  private let delays: Delays
  private var registrar: Registrar
  private var random: SplitMix64
  private var events = DeadlineQueue<Event>()
  private var waiting: [Registrar.WaiterID: Int] = [:]
  private var asked: UInt64 = 0
  private var left: Int
  // The upstream's bucket.
  private var rate: Double
  private var burst: Double
  private var tokens: Double
  private var filledAt = 0.0

  /// - Parameters:
  ///   - certificates: The number for all callers together.
  ///   - rate: The upstream's rate, and the configured one unless `configured` says otherwise.
  init(
    seed: UInt64, callers: [Caller], certificates: Int, rate: Double = 10, burst: Double = 10,
    configured: TargetLimits? = nil, delays: Delays = Delays()
  ) {
    self.callers = callers
    self.delays = delays
    self.rate = rate
    self.burst = burst
    tokens = burst
    left = certificates
    random = SplitMix64(seed: seed)
    registrar = Registrar(configuration: .init(maxPending: 100_000, maxAge: nil), seed: seed)
    _ = registrar.setTargets(
      [Self.target: configured ?? .one(ratePerSecond: rate, burst: burst, maxConcurrent: 32)], now: Self.moment(0))
    for (number, caller) in callers.enumerated() { schedule(.asks(caller: number), at: caller.begins) }
  }

  var pace: Double? { registrar.target(Self.target, now: Self.moment(now).monotonic)?.ratePerSecond }

  /// Gives the upstream another rate.
  mutating func setUpstreamRate(_ rate: Double) {
    fill()
    self.rate = rate
  }

  /// Another user of the account takes a token. Returns whether there was one.
  mutating func neighbourCalls() -> Bool {
    fill()
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }

  /// Lets time pass until no work is left, at most until `end`.
  mutating func run(until end: Double = .infinity) {
    while true {
      let timer = registrar.nextDeadline.map { Double($0.nanoseconds) / 1e9 - Self.epoch }
      let event = events.earliest.map { Double($0.nanoseconds) / 1e9 - Self.epoch } ?? .infinity
      if let timer, timer < event {
        guard timer < end else { break }
        now = max(now, timer + Double.random(in: delays.timer, using: &random))
        // Events during the timer's delay come first.
        if event > now {
          perform(registrar.timePassed(now: Self.moment(now)))
          continue
        }
      } else if event >= end {
        break
      }
      now = max(now, event)
      guard let next = events.popDue(at: Self.moment(now + 1e-8).monotonic) else { break }
      handle(next)
    }
    if end < .infinity { now = max(now, end) }
  }

  private static let epoch = 1000.0

  private static func moment(_ seconds: Double) -> Moment {
    Moment(
      monotonic: MonotonicTime(nanoseconds: Int64((epoch + seconds) * 1e9)),
      wall: WallTime(millisecondsSinceEpoch: 1_800_000_000_000 + Int64(seconds * 1000)))
  }

  private mutating func schedule(_ event: Event, at time: Double) {
    events.insert(event, due: Self.moment(time).monotonic)
  }

  private mutating func after(_ range: ClosedRange<Double>) -> Double {
    now + Double.random(in: range, using: &random)
  }

  private mutating func handle(_ event: Event) {
    switch event {
    case .asks(let caller): ask(caller)
    case .committed(let id): perform(registrar.committed(id, .success(()), now: Self.moment(now)))
    case .arrives(let key): schedule(.answered(key, reply()), at: after(delays.way))
    case .answered(let key, let reply): perform(registrar.replied(key, reply, now: Self.moment(now)))
    }
  }

  private mutating func ask(_ number: Int) {
    guard left > 0 else { return }
    left -= 1
    asked += 1
    let caller = callers[number]
    waiting[asked] = number
    let key = RegistrationKey(certificateID: CertificateID(words: (asked, 0, 0, 0)), target: Self.target)
    let moment = Self.moment(now)
    perform(
      registrar.register(
        Registrar.Request(
          key: key, der: [1], basis: .anyTime, namedStatus: nil, status: nil, ifExists: .return,
          requester: Requester(uid: caller.uid), connection: caller.connection,
          expectation: caller.waits ? .result(deadline: moment.monotonic + .seconds(300)) : .queued),
        waiter: asked, now: moment))
  }

  private mutating func perform(_ actions: [Registrar.Action]) {
    for action in actions {
      switch action {
      case .commit(let id, _): schedule(.committed(id), at: after(delays.commit))
      case .call(let id, _):
        let connecting = taken.count + throttled.count < 10 ? delays.connecting : 0
        schedule(.arrives(id.key), at: after(delays.way) + connecting)
      case .answer(let waiter, .registered, _), .answer(let waiter, .queued, _):
        guard let caller = waiting.removeValue(forKey: waiter) else { continue }
        answers.append((now, callers[caller].uid, callers[caller].waits))
        schedule(.asks(caller: caller), at: after(0.0001...0.002))
      case .answer, .remember, .rememberStatus, .forget, .ended, .report: break
      }
    }
  }

  private mutating func fill() {
    tokens = min(burst, tokens + (now - filledAt) * rate)
    filledAt = now
  }

  private mutating func reply() -> UpstreamReply {
    fill()
    guard tokens >= 1 else {
      throttled.append(now)
      return .failed(
        UpstreamFailure(
          error: ServiceError(.throttling, reason: "throttled_by_upstream", message: "x", retryable: true),
          disposition: .throttled(retryAfter: nil)))
    }
    tokens -= 1
    taken.append(now)
    return .registered(certificateARN: "arn", requestID: nil)
  }
}
