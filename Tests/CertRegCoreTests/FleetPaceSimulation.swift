import CertRegTesting

@testable import CertRegCore

/// Several hosts that call one account, with their gates, their machines and a model of the database's lanes, in
/// virtual time.
struct FleetPaceSimulation {
  struct Host {
    var name: String
    var gate: TargetGate
    var member: FleetMember
    /// Jobs that wait; `nil`: there is no end of them.
    var backlog: Int?
    var underWay: [(end: Int, permit: CallPermit, begin: Int, isThrottled: Bool)] = []
    var nextTick: Int
    var calls = 0
    var throttles: [Int] = []
  }

  static let operation = UpstreamOperation.registerCertificateWithoutCA
  static let lane = FleetLane.ID(target: "default sandbox r", operation: operation.rawValue)
  private static let latency = 20

  private(set) var hosts: [Host]
  private var random: SplitMix64
  /// Milliseconds.
  private(set) var time = 0
  private var database = FleetLaneModel()
  /// The account: calls a second, and its bucket.
  var quota: Double
  let burst: Double
  private var tokens: Double
  /// Accepted calls in each second.
  private(set) var accepted: [Int] = []

  init(hosts count: Int, quota: Double, burst: Double, seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let start = Moment(monotonic: MonotonicTime(nanoseconds: 0), wall: WallTime(secondsSinceEpoch: 1_800_000_000))
    hosts = (0..<count).map { number in
      let name = "m\(number)"
      return Host(
        name: name,
        gate: TargetGate(
          limits: TargetLimits(
            operations: [Self.operation: OperationLimits(ratePerSecond: quota, burst: burst)], maxConcurrent: 64),
          now: start.monotonic),
        member: FleetMember(
          name: name, progress: FleetProgress(fleetID: "f"), seed: random.next(), now: start),
        backlog: 0, nextTick: Int(random.next() % 250))
    }
    self.random = random
    self.quota = quota
    self.burst = burst
    tokens = burst
  }

  mutating func setBacklog(_ backlog: Int?, of host: Int) { hosts[host].backlog = backlog }

  private var now: MonotonicTime { MonotonicTime(nanoseconds: Int64(time) * 1_000_000) }
  private var moment: Moment {
    Moment(monotonic: now, wall: WallTime(millisecondsSinceEpoch: 1_800_000_000_000 + Int64(time)))
  }

  mutating func run(seconds: Double) {
    let end = time + Int(seconds * 1000)
    while time < end {
      time += 1
      tokens = min(burst, tokens + quota / 1000)
      if time % 1000 == 1 { accepted.append(0) }
      for index in hosts.indices {
        finishCalls(of: index)
        if time >= hosts[index].nextTick {
          exchange(index)
          hosts[index].nextTick = time + Int(hosts[index].member.tickPause.milliseconds) + Int(random.next() % 8)
        }
        beginCalls(of: index)
      }
    }
  }

  private mutating func finishCalls(of index: Int) {
    for call in hosts[index].underWay where call.end <= time {
      if call.isThrottled { hosts[index].backlog = hosts[index].backlog.map { $0 + 1 } }
      hosts[index].gate.callEnded(
        call.isThrottled ? .throttled(retryAfter: nil) : .answered, permit: call.permit,
        startedAt: MonotonicTime(nanoseconds: Int64(call.begin) * 1_000_000), now: now, random: 0.5)
    }
    hosts[index].underWay.removeAll { $0.end <= time }
  }

  private mutating func beginCalls(of index: Int) {
    while hosts[index].backlog.map({ $0 > 0 }) ?? true,
      case .now(let permit) = hosts[index].gate.admit(Self.operation, now: now, isAwaited: true)
    {
      hosts[index].backlog = hosts[index].backlog.map { $0 - 1 }
      let isThrottled = tokens < 1
      if isThrottled {
        hosts[index].throttles.append(time)
      } else {
        tokens -= 1
        hosts[index].calls += 1
        accepted[accepted.count - 1] += 1
      }
      let end = time + Self.latency + Int(random.next() % 5)
      hosts[index].underWay.append((end, permit, time, isThrottled))
    }
  }

  private mutating func exchange(_ index: Int) {
    let name = hosts[index].name
    let (known, isNews) = hosts[index].gate.takeRate(of: Self.operation, now: now)
    let want = Double(hosts[index].backlog ?? 10)
    let report = hosts[index].member.report(
      of: Self.lane, want: want, rate: known, hasLearnt: isNews,
      throttles: hosts[index].gate.throttles(of: Self.operation))
    let state = database.exchange(report, by: name)
    var batch = FleetBatch()
    batch.lanes = [report]
    batch.isFull = true
    var reply = FleetReply()
    reply.time = moment.wall.microsecondsSinceEpoch
    reply.lanes = [state]
    hosts[index].member.members = hosts.map { host in
      FleetReply.Member(
        name: host.name, sent: 0, queued: 0, heardOfSecondsAgo: 0, isGone: false, targets: [], joined: 0)
    }
    hosts[index].member.takeLanes(batch, reply)
    carryOut(index)
  }

  /// Takes the database away from a host.
  mutating func cutOff(_ index: Int) {
    hosts[index].nextTick = .max
    hosts[index].member.rest()
    carryOut(index)
  }

  /// Calls a second that a host may make at present.
  func rate(of index: Int) -> Double? { hosts[index].gate.rate(of: Self.operation, now: now) }

  /// Whether the rate that the hosts have in common rises.
  var isRising: Bool { database.rate?.climbingFrom != nil }

  private mutating func carryOut(_ index: Int) {
    for action in hosts[index].member.takeActions() {
      guard case .pace(_, let order) = action else { continue }
      if let learnt = order.learnt { hosts[index].gate.learn(learnt, of: Self.operation, now: now) }
      if order.endsRise { hosts[index].gate.endRise(Self.operation, now: now) }
      let share = order.share.map { PaceShare(part: $0, probing: order.probing) }
      hosts[index].gate.setShare(share, of: Self.operation, now: now)
    }
  }

  var throttled: Int { hosts.reduce(0) { $0 + $1.throttles.count } }

  /// Calls that were throttled at or after a time in milliseconds.
  func throttled(since begin: Int) -> Int {
    hosts.reduce(0) { $0 + $1.throttles.count { $0 >= begin } }
  }
}
