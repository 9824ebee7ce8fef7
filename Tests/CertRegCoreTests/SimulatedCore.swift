@testable import CertRegCore

/// The core's interface for the simulation. A change of that interface changes only this file.
struct SimulatedCore {
  typealias CommitID = Registrar.CommitID
  typealias WaiterID = Registrar.WaiterID

  private var registrar: Registrar

  init(maxPending: Int, maxAge: Duration?, makePlan: @escaping Plan.Maker, seed: UInt64) {
    registrar = Registrar(
      configuration: .init(maxPending: maxPending, maxAge: maxAge), makePlan: makePlan, seed: seed)
  }

  // MARK: Events

  mutating func setTargets(_ limits: [TargetName: TargetLimits], now: Moment) -> [Registrar.Action] {
    registrar.setTargets(limits, now: now)
  }

  mutating func setConfiguration(maxPending: Int, maxAge: Duration?) {
    registrar.setConfiguration(.init(maxPending: maxPending, maxAge: maxAge))
  }

  mutating func resume(
    _ pending: [PendingRegistration], firstSequence: Int64, now: Moment
  ) -> [Registrar.Action] {
    registrar.resume(pending, firstSequence: firstSequence, now: now)
  }

  mutating func register(_ request: Registrar.Request, waiter: WaiterID, now: Moment) -> [Registrar.Action] {
    registrar.register(request, waiter: waiter, now: now)
  }

  mutating func committed(
    _ id: CommitID, _ result: Result<Void, StoreError>, now: Moment
  ) -> [Registrar.Action] {
    registrar.committed(id, result, now: now)
  }

  mutating func replied(_ id: JobID, _ reply: UpstreamReply, now: Moment) -> [Registrar.Action] {
    registrar.replied(id, reply, now: now)
  }

  mutating func timePassed(now: Moment) -> [Registrar.Action] { registrar.timePassed(now: now) }

  mutating func beginDraining(now: Moment) -> [Registrar.Action] { registrar.beginDraining(now: now) }

  mutating func endDraining() -> [Registrar.Action] { registrar.endDraining() }

  // MARK: Views

  var nextDeadline: MonotonicTime? { registrar.nextDeadline }
  var isQuiet: Bool { registrar.isQuiet }
  var pendingCount: Int { registrar.pendingCount }
  var ageCount: Int { registrar.ledger.ageCount }
  var deadlineCount: Int { registrar.deadlines.count }

  func isWell(_ target: TargetName) -> Bool { registrar.health(of: target) == .ok }

  func isBackingOff(_ id: JobID) -> Bool { registrar.jobs[id]?.pausesUntil != nil }

  /// Whether a job has a place at its target, and its call begins after the commit.
  func isBeginning(_ id: JobID) -> Bool {
    if case .storing(_?)? = registrar.jobs[id]?.state { true } else { false }
  }

  /// The operation of a job's next call.
  func operation(of id: JobID) -> UpstreamOperation {
    registrar.jobs[id]?.step?.operation ?? .registerCertificateWithoutCA
  }

  /// Whether the request needs no job of its own.
  func shares(_ request: Registrar.Request) -> Bool { registrar.job(sharedBy: request) != nil }

  func hasJob(of key: RegistrationKey) -> Bool { registrar.hasJob(of: key) }

  /// Registrations in the queue and calls under way, as `status` shows them; `nil`: the target was never configured.
  func counts(of target: TargetName, now: Moment) -> (queued: Int, underWay: Int)? {
    registrar.target(target, now: now.monotonic).map { ($0.queued, $0.underWay) }
  }
}
