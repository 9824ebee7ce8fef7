import CertRegTesting

@testable import CertRegCore

/// Hosts of one account in virtual time: each with the real registrar and the real machine of its fleet, a disk, a
/// clock of its own, callers, crashes; one database that is slow, gone, emptied or restored; one upstream that loses
/// answers. Every choice comes from one seed.
///
/// `violations` collects every broken invariant.
final class FleetSimulation {
  static let target = FleetTarget(name: TargetName("default"), location: .embedded(region: "r"))
  /// Where two exchanges take longer than this each, a member may go on without the database.
  static let patience = Duration.milliseconds(400)
  static let start = WallTime(secondsSinceEpoch: 1_800_000_000)

  var random: SplitMix64
  private(set) var now = MonotonicTime(nanoseconds: 0)
  private var due = DeadlineQueue<Int>()
  private var bodies: [Int: () -> Void] = [:]
  private var nextBody = 0
  private(set) var events = 0
  var hosts: [SimulatedFleetHost] = []
  var nextInstance = 1
  private var records: [(pending: PendingRegistration, owner: Int)] = []

  // The database.
  var database: FleetModel
  var backup: FleetModel?
  /// Connections of other numbers are broken.
  var connection = 1
  var isDatabaseDown = false
  var isDatabaseSlow = false
  /// When the database last lost something that it had.
  var lostContentAt = MonotonicTime(nanoseconds: -10_000_000_000)
  /// When a member was last found to have been gone.
  var goneAt: [String: MonotonicTime] = [:]

  var upstream: SimulatedFleetUpstream
  var isWell = false
  var book = FleetSimulationBook()
  var reached: [Event: Int] = [:]
  private(set) var violations: [Violation] = []
  private let isTraced: Bool

  init(seed: UInt64, hosts count: Int, isTraced: Bool = false) {
    self.isTraced = isTraced
    random = SplitMix64(seed: seed)
    upstream = SimulatedFleetUpstream()
    database = FleetModel(id: "1", now: Self.start.microsecondsSinceEpoch)
    // Others registered some before.
    for number in 0..<FleetSimulation.certificates where oneIn(4) {
      upstream.certificates[Self.key(number)] = .init(maker: nil, status: .inactive)
    }
    for number in 0..<FleetSimulation.certificates where oneIn(3) { upstream.stuck.insert(Self.key(number)) }
    let haveClocks = oneIn(2)
    for number in 0..<count {
      let skew: Duration = haveClocks || oneIn(2) ? .zero : .milliseconds(some(-300_000...300_000))
      hosts.append(
        SimulatedFleetHost(
          name: "m\(number)", instance: nextInstance, takeoverMilliseconds: some(4000...8000), skew: skew))
      nextInstance += 1
    }
  }

  static let certificates: UInt64 = 8

  /// The device that callers want of certificates.
  static let device = Provisioning(
    profile: "p", tag: ProvisioningTag(rawValue: 1),
    work: .parts(DeviceParts(thing: nil, policies: ["p"], activatesLast: true)))

  static func key(_ number: UInt64) -> RegistrationKey {
    RegistrationKey(certificateID: CertificateID(words: (number, 0, 0, 0)), target: target.name)
  }

  /// For people.
  static func number(_ key: RegistrationKey) -> String { String(key.certificateID.hex.prefix(2)) }

  static func arn(_ key: RegistrationKey) -> String { "arn:aws:iot:r:1:cert/" + key.certificateID.hex }

  // MARK: Time

  func moment(of host: SimulatedFleetHost) -> Moment {
    Moment(monotonic: now, wall: Self.start + (now - MonotonicTime(nanoseconds: 0)) + host.skew)
  }

  /// Microseconds of the database's clock.
  var databaseTime: Int64 { Self.start.microsecondsSinceEpoch + now.nanoseconds / 1000 }

  func after(_ delay: Duration, _ body: @escaping () -> Void) {
    bodies[nextBody] = body
    due.insert(nextBody, due: now + max(.zero, delay))
    nextBody += 1
  }

  func run(for duration: Duration) {
    let end = now + duration
    while violations.count < 20, let next = due.earliest, next <= end {
      now = max(now, next)
      guard let body = due.popDue(at: now) else { break }
      events += 1
      bodies.removeValue(forKey: body)?()
    }
    now = end
  }

  // MARK: Choices

  func oneIn(_ count: Int) -> Bool { random.once(in: count) }

  func some(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &random) }

  func reach(_ event: Event) {
    if event != .exchange { trace("", "\(event)") }
    reached[event, default: 0] += 1
  }

  func violate(_ violation: Violation) {
    trace("VIOLATION", "\(violation)")
    violations.append(violation)
  }

  /// Says what happens, where one seed is repeated.
  func trace(_ who: @autoclosure () -> String, _ what: @autoclosure () -> String) {
    if isTraced { print("\(Double(now.nanoseconds / 1000) / 1_000_000) \(who()): \(what())") }
  }

  // MARK: Registrations as the database has them

  func record(of pending: PendingRegistration, on host: SimulatedFleetHost) -> [UInt8] {
    records.append((pending, host.instance))
    return Array("\(records.count - 1)".utf8)
  }

  /// The state directory of the host whose job a record is about.
  func owner(of record: [UInt8]) -> Int? { Int(String(decoding: record, as: UTF8.self)).map { records[$0].owner } }

  /// The registration for another host, which knows nothing of what this one knew.
  func pending(_ record: [UInt8], _ key: RegistrationKey) -> PendingRegistration? {
    guard let index = Int(String(decoding: record, as: UTF8.self)) else { return nil }
    var pending = records[index].pending
    guard pending.key == key else { return nil }
    (pending.callStarted, pending.attempts, pending.lastError, pending.facts) = (false, 0, nil, JobFacts())
    return pending
  }
}
