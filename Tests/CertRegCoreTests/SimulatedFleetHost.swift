import CertRegTesting

@testable import CertRegCore

/// A host: what outlives its processes, and the process that runs at present.
final class SimulatedFleetHost {
  let name: String
  let takeoverMilliseconds: Int64
  /// What the wall clock is ahead of the database's.
  var skew: Duration
  /// Tells the state directory from any other.
  var instance: Int
  var store = MemoryStore()
  /// `certregd.fleet` in the state directory.
  var progress = FleetProgress()
  var process: SimulatedFleetProcess?
  /// Numbers of the jobs of this state that have ended.
  var ended: Set<Int64> = []
  /// Whether the network between the host and the database is cut.
  var isCutOff = false
  var isDiskFull = false
  /// Whether it never comes back.
  var isGoneForGood = false

  init(name: String, instance: Int, takeoverMilliseconds: Int64, skew: Duration) {
    self.name = name
    self.instance = instance
    self.takeoverMilliseconds = takeoverMilliseconds
    self.skew = skew
  }

  var identity: FleetModel.Identity {
    FleetModel.Identity(name: name, instance: instance, takeoverMilliseconds: takeoverMilliseconds)
  }

  /// Whether a restart or a heal of the network may bring it back.
  var isAlive: Bool { !isGoneForGood }
}

/// The machine of a host's fleet, for the registrar and the loop around it.
///
/// `@unchecked`: a simulation and all that belongs to it are touched by one thread.
final class SimulatedFleetMachine: @unchecked Sendable {
  var member: FleetMember
  var now: Moment
  var isStarted = false
  /// Jobs that ended in the present event, and whether they were on disk.
  var ended: [(id: JobID, isStored: Bool)] = []

  init(_ member: FleetMember, now: Moment) {
    self.member = member
    self.now = now
  }
}

/// As `FleetCoordinator` and `FleetLoop+Questions` of the daemon.
struct SimulatedFleetCoordinator: Coordinator {
  let machine: SimulatedFleetMachine

  static func fleetKey(_ key: RegistrationKey) -> FleetKey {
    FleetKey(certificateID: key.certificateID, target: FleetSimulation.target.text)
  }

  func askLeave(for pending: PendingRegistration, isPromised: Bool) -> Coordination.Leave {
    let key = Self.fleetKey(pending.key)
    if isPromised { machine.member.resume(pending.id, key, now: machine.now) }
    return machine.member.begin(
      pending.id, key, since: since(of: pending), goesOn: pending.changesCertificate,
      now: machine.now)
  }

  /// Only a later result ends a job that was asked for although one was known, and none ends an update.
  private func since(of pending: PendingRegistration) -> Int64? {
    guard pending.purpose.registers else { return nil }
    let facts = pending.facts
    guard facts.earlier != nil || facts.registered != nil || facts.asksAnew else { return .min }
    return machine.member.since(pending.enqueuedAt)
  }

  func mayCall(_ pending: PendingRegistration) -> Bool {
    guard machine.isStarted else { return true }
    return machine.member.mark(pending.id, Self.fleetKey(pending.key), now: machine.now)
  }

  func revokes(_ pending: PendingRegistration) { machine.member.revokes(pending.id, Self.fleetKey(pending.key)) }

  func isSafe(_ pending: PendingRegistration) -> Bool {
    guard machine.isStarted else { return true }
    return machine.member.secure(pending.id, Self.fleetKey(pending.key), now: machine.now)
  }

  func ended(_ id: JobID, _ ending: Ending?) {
    machine.member.end(id, Self.fleetKey(id.key), isAnswered: ending?.answersEarlierCalls ?? false)
    machine.ended.append((id, isStored: ending != nil))
  }

  func share(of operation: UpstreamOperation, target: TargetName) -> PaceShare? { nil }
}
