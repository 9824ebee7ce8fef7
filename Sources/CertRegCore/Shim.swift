package enum UpstreamOperation: String, CaseIterable, Hashable, Sendable {
  case registerCertificateWithoutCA = "RegisterCertificateWithoutCA"
  var index: Int { 0 }
}
package struct OperationLimits: Hashable, Sendable {
  package var ratePerSecond: Double?
  package var burst: Double
  package init(ratePerSecond: Double?, burst: Double) { self.ratePerSecond = ratePerSecond; self.burst = burst }
}
package struct TargetLimits: Hashable, Sendable {
  package var operations: [UpstreamOperation: OperationLimits]
  package var maxConcurrent: Int
  package init(operations: [UpstreamOperation: OperationLimits], maxConcurrent: Int) {
    self.operations = operations; self.maxConcurrent = maxConcurrent
  }
  var old: Pacer.Limits {
    .init(
      ratePerSecond: operations[.registerCertificateWithoutCA]!.ratePerSecond,
      burst: operations[.registerCertificateWithoutCA]!.burst, maxConcurrent: maxConcurrent)
  }
}
package typealias TargetHealth = Pacer.Health
package typealias CallResult = Pacer.CallResult
package typealias CallPermit = Pacer.Place
typealias Caller = FairQueue<RegistrationKey>.Caller
struct TargetGate: Sendable {
  var pacer: Pacer
  init(limits: TargetLimits, now: MonotonicTime) { pacer = Pacer(limits: limits.old, now: now) }
  mutating func admit(_ operation: UpstreamOperation, now: MonotonicTime, isAwaited: Bool) -> Pacer.Admission {
    pacer.admit(now: now, isAwaited: isAwaited)
  }
  mutating func cancel(_ permit: CallPermit) { pacer.cancelAdmission(permit) }
  mutating func callEnded(
    _ r: CallResult, permit: CallPermit, startedAt: MonotonicTime, now: MonotonicTime, random: Double
  ) { pacer.callEnded(r, place: permit, startedAt: startedAt, now: now, random: random) }
  func nextPermit(for operation: UpstreamOperation, now: MonotonicTime) -> MonotonicTime { pacer.nextPlace(now: now) }
  func currentRate(of operation: UpstreamOperation) -> Double? { pacer.currentRate }
  func tokens(of operation: UpstreamOperation, now: MonotonicTime) -> Double? { pacer.tokens(now: now) }
  var callsUnderWay: Int { pacer.underWay }
  var health: TargetHealth { pacer.health }
  var throttles: Int { pacer.throttles }
  mutating func setLimits(_ l: TargetLimits) { pacer.setLimits(l.old) }
  mutating func setShare(_ s: Double?, of operation: UpstreamOperation) {}
}
struct CallQueue<E: Hashable & Sendable>: Sendable {
  typealias C = FairQueue<RegistrationKey>.Caller
  var lanes = [FairQueue<E>(), FairQueue<E>()]
  var turn = 0
  var count: Int { lanes[0].count + lanes[1].count }
  var isEmpty: Bool { count == 0 }
  func c(_ c: C) -> FairQueue<E>.Caller { .init(uid: c.uid, connection: c.connection) }
  mutating func append(_ e: E, caller: C, isAwaited: Bool) { lanes[isAwaited ? 0 : 1].append(e, caller: c(caller)) }
  mutating func putBack(_ e: E, caller: C, isAwaited: Bool) { lanes[isAwaited ? 0 : 1].putBack(e, caller: c(caller)) }
  mutating func promote(_ e: E) {}
  mutating func remove(_ e: E) {}
  mutating func tookTurn(_ c: C, isAwaited: Bool, now: MonotonicTime) {
    lanes[isAwaited ? 0 : 1].tookTurn(c.uid, now: now)
  }
  func turns(isDraining: Bool) -> [Bool] {
    let order = turn % 8 == 7 ? [false, true] : [true, false]
    return order.filter { !lanes[$0 ? 0 : 1].isEmpty && !(isDraining && !$0) }
  }
  mutating func popFirst(isAwaited: Bool, now: MonotonicTime) -> E? {
    let e = lanes[isAwaited ? 0 : 1].popFirst(now: now); if e != nil { turn += 1 }; return e
  }
}
struct CallGroupsX {}
package struct CallGroups: Sendable {
  package init(now: MonotonicTime) {}
  package mutating func begin(_ count: Int, now: MonotonicTime, givesWay: Bool) -> Int { count }
  package var nextGroup: MonotonicTime? { nil }
}
