import CertRegTesting

@testable import CertRegCore
@testable import CertRegFleet

/// A fleet in which every member always has work, in virtual time: the real machine and the real gate of each host, clocks
/// that differ, a database that takes milliseconds, and an account with a quota. Nothing fails.
final class FleetLoadSimulation {
  final class Host {
    let number: Int
    /// What the wall clock is ahead of the database's.
    let skew: Duration
    var gate: TargetGate
    var member: FleetMember
    /// Jobs that may call, and those that wait for the database to hear of their call.
    var ready: [JobID] = []
    var marking: [JobID: CallPermit] = [:]
    var callsUnderWay = 0
    var lastJob: Int64 = 0
    var demand = LaneDemand()
    var memberTimer: MonotonicTime?
    var callTimer: MonotonicTime?

    init(_ number: Int, skew: Duration, limits: TargetLimits, seed: UInt64, now: Moment) {
      self.number = number
      self.skew = skew
      gate = TargetGate(limits: limits, now: now.monotonic)
      member = FleetMember(
        name: FleetLoadSimulation.name(number), progress: FleetProgress(fleetID: "f"), seed: seed, now: now)
    }

    var identity: FleetIdentity { FleetIdentity(name: member.name, instance: "i", takeover: .seconds(120)) }
  }

  private static let operation = UpstreamOperation.registerCertificateWithoutCA
  private static let target = FleetTarget(name: TargetName("default"), location: .embedded(region: "r"))
  private static let lane = FleetLane.ID(target: target.text, operation: operation.rawValue)
  private static let start = WallTime(secondsSinceEpoch: 1_800_000_000)
  /// Registrations that the callers of each host have under way.
  private static let jobs = 4

  private var random: SplitMix64
  private var now = MonotonicTime(nanoseconds: 0)
  private var due = DeadlineQueue<Int>()
  private var bodies: [Int: () -> Void] = [:]
  private var nextBody = 0
  private(set) var hosts: [Host] = []
  private var database: FleetLaneModel
  private var joined: [FleetReply.Member] = []
  /// The account's bucket.
  private let quota: Double
  private let burst: Double
  private var tokens: Double
  private var filledAt = MonotonicTime(nanoseconds: 0)
  private(set) var figures: Figures

  /// What happened since the beginning, or since the last reset.
  struct Figures {
    var accepted: [Int]
    var throttled = 0
    var exchanges = 0
    var statements = 0
    /// By the operation's kind of statement.
    var kinds: [String: Int] = [:]

    init(hosts: Int) { accepted = Array(repeating: 0, count: hosts) }

    var calls: Int { accepted.reduce(throttled, +) }

    /// The distance between the member with the most calls and the one with the fewest, in parts of the mean.
    var spread: Double {
      let mean = Double(accepted.reduce(0, +)) / Double(accepted.count)
      return Double((accepted.max() ?? 0) - (accepted.min() ?? 0)) / mean
    }
  }

  /// - Parameters:
  ///   - count: How many members there are. They start one after the other, within `arrival`.
  ///   - arrival: The time within which they start.
  ///   - quota: Calls a second that the account allows, and that the members are told.
  ///   - burst: The size of the account's bucket.
  ///   - seed: Every choice comes from it.
  init(hosts count: Int, arrival: Duration, quota: Double, burst: Double, seed: UInt64) {
    random = SplitMix64(seed: seed)
    (self.quota, self.burst, tokens) = (quota, burst, burst)
    database = FleetLaneModel()
    figures = Figures(hosts: count)
    let limits = TargetLimits(
      operations: [Self.operation: OperationLimits(ratePerSecond: quota, burst: burst)], maxConcurrent: 64)
    for number in 0..<count {
      let begin = Duration.milliseconds(some(0...arrival.milliseconds))
      let skew = Duration.milliseconds(some(-300_000...300_000))
      let moment = Moment(monotonic: now + begin, wall: Self.start + begin + skew)
      hosts.append(Host(number, skew: skew, limits: limits, seed: random.next(), now: moment))
      joined.append(
        FleetReply.Member(
          name: Self.name(number), sent: 0, queued: 0, heardOfSecondsAgo: 0, isGone: true, targets: [], joined: 0))
      after(begin) { [self] in
        hosts[number].member.start(sentNumber: 0, firstSequence: 1, now: moment)
        for _ in 0..<Self.jobs { beginJob(hosts[number]) }
        settle(hosts[number])
      }
    }
  }

  /// Names in the order of the numbers.
  private static func name(_ number: Int) -> String { "m\(1000 + number)" }

  func run(for duration: Duration) {
    let end = now + duration
    while let next = due.earliest, next <= end {
      now = max(now, next)
      guard let body = due.popDue(at: now) else { break }
      bodies.removeValue(forKey: body)?()
    }
    now = end
  }

  /// Counts anew.
  func resetFigures() { figures = Figures(hosts: hosts.count) }

  private func after(_ delay: Duration, _ body: @escaping () -> Void) {
    bodies[nextBody] = body
    due.insert(nextBody, due: now + max(.zero, delay))
    nextBody += 1
  }

  private func some(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &random) }

  private func moment(of host: Host) -> Moment {
    Moment(monotonic: now, wall: Self.start + (now - MonotonicTime(nanoseconds: 0)) + host.skew)
  }

  private func settle(_ host: Host) {
    host.member.timePassed(now: moment(of: host))
    repeat {
      while case let actions = host.member.takeActions(), !actions.isEmpty {
        for action in actions { carryOut(action, host) }
      }
      beginCalls(host)
    } while !host.member.actions.isEmpty
    let next = max(host.member.nextDeadline(now: now), now + .milliseconds(1))
    guard host.memberTimer.map({ next < $0 || $0 <= now }) ?? true else { return }
    host.memberTimer = next
    after(next - now) { [self] in
      if host.memberTimer == next { host.memberTimer = nil }
      settle(host)
    }
  }

  private func carryOut(_ action: FleetMember.Action, _ host: Host) {
    switch action {
    case .join: join(host)
    case .exchange(let batch): exchange(batch, host)
    case .coordinated(let id, .granted, _): host.ready.append(id)
    case .marked(let id, let isGranted): marked(id, isGranted, host)
    case .pace(_, let order):
      if let learnt = order.learnt { host.gate.learn(learnt, of: Self.operation, now: now) }
      if order.endsRise { host.gate.endRise(Self.operation, now: now) }
      let share = order.share.map { PaceShare(part: $0, probing: order.probing) }
      host.gate.setShare(share, of: Self.operation, now: now)
    case .answer, .coordinated, .giveWay, .safe, .adopt, .sent, .takeOver, .tellAgain, .stateChanged: break
    }
  }

  // MARK: The database

  private func latency() -> Duration {
    .microseconds(random.once(in: 20) ? some(2000...30_000) : some(500...4000))
  }

  private var databaseTime: Int64 { Self.start.microsecondsSinceEpoch + now.nanoseconds / 1000 }

  private func join(_ host: Host) {
    after(latency() + latency()) { [self] in
      joined[host.number].isGone = false
      joined[host.number].joined = databaseTime
      let welcome = FleetWelcome(
        fleetID: "f", isSameState: true, sent: 0, rows: [], claims: [], heard: 0, time: databaseTime)
      host.member.joined(welcome, now: moment(of: host))
      settle(host)
    }
  }

  private func exchange(_ batch: FleetBatch, _ host: Host) {
    var batch = batch
    if batch.isFull {
      batch.lanes = [report(host)]
      batch.endsOtherShares = host.member.hasOtherShares(than: batch.lanes)
    }
    host.member.filled(batch)
    let statements = FleetExchange(batch, FleetSession(identity: host.identity, number: 1)).statements
    figures.exchanges += 1
    figures.statements += statements.count
    for statement in statements { figures.kinds[statement.name, default: 0] += 1 }
    after(latency()) { [self] in
      let reply = reply(to: batch, host)
      after(latency()) { [self] in
        host.member.replied(reply, now: moment(of: host))
        settle(host)
      }
    }
  }

  private func report(_ host: Host) -> FleetLane.Report {
    let (rate, isNews) = host.gate.takeRate(of: Self.operation, now: now)
    host.demand.note(
      waiting: host.ready.count + host.marking.count + host.callsUnderWay, rate: rate.callsPerSecond, now: now)
    return host.member.report(
      of: Self.lane, want: host.demand.callsPerSecond, rate: rate, hasLearnt: isNews,
      throttles: host.gate.throttles(of: Self.operation))
  }

  private func reply(to batch: FleetBatch, _ host: Host) -> FleetReply {
    var reply = FleetReply()
    for claim in batch.claims { reply.granted[claim.key] = false }
    reply.marked = Set(batch.marks)
    if let last = batch.results.indices.last { joined[host.number].sent = batch.firstNumber + Int64(last) }
    guard batch.isFull else { return reply }
    reply.members = joined.filter { !$0.isGone }
    reply.lanes = batch.lanes.map { database.exchange($0, by: host.member.name) }
    reply.time = databaseTime
    return reply
  }

  // MARK: Jobs

  private static func key(_ id: JobID) -> FleetKey {
    FleetKey(certificateID: id.key.certificateID, target: target.text)
  }

  private func beginJob(_ host: Host) {
    host.lastJob += 1
    let certificate = CertificateID(words: (UInt64(host.number), UInt64(host.lastJob), 0, 0))
    let id = JobID(
      key: RegistrationKey(certificateID: certificate, target: Self.target.name), sequence: host.lastJob)
    if host.member.begin(id, Self.key(id), since: .min, now: moment(of: host)) == .granted { host.ready.append(id) }
  }

  private func beginCalls(_ host: Host) {
    while let id = host.ready.first {
      switch host.gate.admit(Self.operation, now: now, isAwaited: true) {
      case .now(let permit):
        host.ready.removeFirst()
        if host.member.mark(id, Self.key(id), now: moment(of: host)) {
          call(id, permit, host)
        } else {
          host.marking[id] = permit
        }
      case .notBefore(let time):
        // Each event finds a time that differs by nanoseconds.
        guard host.callTimer.map({ time + .microseconds(100) < $0 || $0 <= now }) ?? true else { return }
        host.callTimer = time
        // A timer is a little late.
        after(time - now + .microseconds(some(50...1500))) { [self] in
          if host.callTimer == time { host.callTimer = nil }
          settle(host)
        }
        return
      case .whenCallEnds: return
      }
    }
  }

  private func marked(_ id: JobID, _ isGranted: Bool, _ host: Host) {
    guard let permit = host.marking.removeValue(forKey: id) else { return }
    if isGranted, now - permit.admittedAt <= Registrar.timeOfPermit { return call(id, permit, host) }
    host.gate.cancel(permit)
    host.ready.insert(id, at: 0)
  }

  private func call(_ id: JobID, _ permit: CallPermit, _ host: Host) {
    let begin = now
    host.callsUnderWay += 1
    let duration = Duration.milliseconds(some(20...60))
    after(duration * 0.5) { [self] in
      let isThrottled = !takeToken()
      if isThrottled { figures.throttled += 1 } else { figures.accepted[host.number] += 1 }
      after(duration * 0.5) { [self] in
        host.callsUnderWay -= 1
        host.gate.callEnded(
          isThrottled ? .throttled(retryAfter: nil) : .answered, permit: permit, startedAt: begin, now: now,
          random: 0.5)
        if isThrottled { tryAgain(id, host) } else { end(id, host) }
        settle(host)
      }
    }
  }

  private func takeToken() -> Bool {
    tokens = min(burst, tokens + quota * Double((now - filledAt).nanoseconds) / 1e9)
    filledAt = now
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }

  private func tryAgain(_ id: JobID, _ host: Host) {
    after(.milliseconds(some(50...250))) { [self] in
      host.ready.insert(id, at: 0)
      settle(host)
    }
  }

  private func end(_ id: JobID, _ host: Host) {
    let key = Self.key(id)
    host.member.tell(key, stamp: host.member.stamp(moment(of: host).wall))
    host.member.end(id, key)
    beginJob(host)
  }
}
