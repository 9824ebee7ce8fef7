import CertRegTesting
import Testing

@testable import CertRegCore

/// A registrar with one certificate, a disk that takes everything, and an upstream whose replies the test gives.
struct DevicesUnderTest {
  static let target = TargetName("default")
  static let key = RegistrationKey(certificateID: CertificateID(words: (1, 0, 0, 0)), target: target)
  static let home = JobHome(location: .aws(region: "eu-central-1"), account: nil)

  /// A device with all steps.
  static func device(
    _ tag: UInt64 = 7, thing: String = "d1", activatesLast: Bool = false
  ) -> Provisioning {
    let thing = DeviceParts.Thing(
      name: thing, type: "t", attributes: [NamedText("a", "b")], groups: ["g", "h"], isExclusive: true)
    return Provisioning(
      profile: "p", tag: ProvisioningTag(rawValue: tag),
      work: .parts(DeviceParts(thing: thing, policies: ["p", "q"], activatesLast: activatesLast)))
  }

  /// The operations of such a device after the registration.
  static let operations: [UpstreamOperation] = [
    .createThing, .addThingToThingGroup, .addThingToThingGroup, .attachPolicy, .attachPolicy, .attachThingPrincipal,
  ]

  private(set) var registrar: Registrar
  private(set) var disk = StoreModel()
  private(set) var answers: [Registrar.WaiterID: Registrar.Answer] = [:]
  /// The calls that began, and of the present one its job.
  private(set) var calls: [UpstreamCall] = []
  private(set) var caller: JobID?
  /// Changes that were made durable.
  private(set) var changes: [StoreChange] = []
  private(set) var remembered: [Registration] = []
  /// Whether the disk takes nothing.
  var isDiskFull = false
  /// Where the target's upstream is; `nil`: not known.
  private var location: UpstreamLocation?
  var now = ManualClock().now
  private let maxAge: Duration?

  init(maxAge: Duration? = nil) {
    self.maxAge = maxAge
    registrar = Registrar(configuration: .init(maxPending: 99, maxAge: maxAge), seed: 1)
    point(to: nil)
  }

  /// A reload says where the target's upstream is.
  mutating func point(to location: UpstreamLocation?) {
    self.location = location
    let limits = TargetLimits.one(ratePerSecond: nil, burst: 9, maxConcurrent: 9)
    perform(
      registrar.setTargets([Self.target: limits], at: location.map { [Self.target: $0] } ?? [:], now: now))
  }

  /// A reload leaves the target out.
  mutating func removeTarget() { perform(registrar.setTargets([:], now: now)) }

  /// The operations called so far.
  var operations: [UpstreamOperation] { calls.map(\.operation) }

  var result: Registration? { disk.results[Self.key] }

  var rows: [PendingRegistration] { disk.pendingRegistrations }

  mutating func ask(
    _ waiter: Registrar.WaiterID, _ provisioning: Provisioning? = device(), _ status: CertificateStatus? = nil,
    named: CertificateStatus? = nil, ifExists: IfExists = .return, wait: Bool = true, refresh: Bool = false
  ) {
    let status = status ?? named
    let sets = ifExists == .update && status != nil || provisioning?.activatesLast == true && status == .active
    var request = Registrar.Request(
      key: Self.key, purpose: sets ? .registerAndSet : .register, der: [1], basis: .anyTime, namedStatus: named,
      status: status, ifExists: ifExists, requester: Requester(uid: 1),
      expectation: wait ? .result(deadline: now.monotonic + .seconds(900)) : .queued, refreshes: refresh,
      provisioning: provisioning)
    request.place = location.map { JobHome(location: $0, account: nil) }
    if let known = result {
      if refresh { request.earlier = EarlierResult(known) } else { request.takeKnown(known, at: nil) }
    }
    send(request, waiter)
  }

  mutating func askForStatus(_ waiter: Registrar.WaiterID, _ status: CertificateStatus) {
    var request = Registrar.Request(
      key: Self.key, purpose: .update, der: [], basis: .none, namedStatus: status, status: status, ifExists: .return,
      requester: Requester(uid: 1), expectation: .result(deadline: now.monotonic + .seconds(900)))
    if let known = result { request.takeKnown(known, at: nil) }
    send(request, waiter)
  }

  mutating func send(_ request: Registrar.Request, _ waiter: Registrar.WaiterID) {
    perform(registrar.register(request, waiter: waiter, now: now))
  }

  /// The present call succeeds.
  ///
  /// - Parameter exists: Whether the upstream has the certificate already, with `status`.
  mutating func succeed(
    exists: Bool = false, _ status: CertificateStatus? = .inactive, from home: JobHome? = nil
  ) {
    guard let call = calls.last else { return }
    switch call {
    case .registerCertificateWithoutCA:
      reply(
        exists
          ? .alreadyExists(certificateARN: "arn", status: status, requestID: nil)
          : .registered(certificateARN: "arn", requestID: nil), from: home)
    case .updateCertificate: reply(.updated(requestID: nil), from: home)
    case .provision(let call):
      var named = DeviceResources()
      if case .createThing(let name, _, _) = call.action {
        named = DeviceResources(thingName: name, thingARN: "a:" + name)
      }
      reply(.provisioned(named, requestID: nil), from: home)
    }
  }

  /// The next calls succeed.
  mutating func succeed(_ count: Int) {
    for _ in 0..<count { succeed() }
  }

  mutating func fail(
    _ disposition: UpstreamFailure.Disposition = .final, reason: Reason = "policy_not_found", isLost: Bool = false
  ) {
    reply(
      .failed(
        UpstreamFailure(
          error: ServiceError(.resourceNotFound, reason: reason, message: "m", origin: .upstream),
          disposition: disposition, mayHaveTakenEffect: isLost)))
  }

  /// The upstream refuses the present call for the state of the certificate.
  mutating func refuseState() {
    reply(
      .failed(
        UpstreamFailure(
          error: ServiceError(.certificateState, reason: "upstream_refused_state", message: "m", origin: .upstream),
          disposition: .final)))
  }

  mutating func reply(_ reply: UpstreamReply, from home: JobHome? = nil) {
    guard let id = caller else {
      Issue.record("no call is under way")
      return
    }
    caller = nil
    perform(registrar.replied(id, reply, from: home, now: now))
  }

  /// The present call is not made, since its target points elsewhere.
  mutating func move() {
    guard let id = caller else { return }
    caller = nil
    perform(registrar.moved(id, now: now))
  }

  mutating func pass(_ duration: Duration) {
    now = Moment(monotonic: now.monotonic + duration, wall: now.wall + duration)
    perform(registrar.timePassed(now: now))
  }

  mutating func hearOfRevocation() { perform(registrar.revokedElsewhere(Self.key, now: now)) }

  /// Another host has revoked the certificate, as far as it knows.
  mutating func hearThatItWasRevoked() { perform(registrar.mayBeRevoked(Self.key, now: now)) }

  /// The coordinator says that another host may have made the call.
  mutating func hearOfEarlierCall() {
    guard let job = rows.first else { return }
    perform(registrar.coordinated(Self.key, sequence: job.sequence, .granted(earlierCall: true), now: now))
  }

  /// Another host says what it knows of the certificate.
  mutating func hear(_ status: CertificateStatus?) {
    let known = Registration(
      key: Self.key, certificateARN: "arn", outcome: .created, status: status, requestID: nil, finishedAt: now.wall,
      basis: .anyTime)
    guard let job = rows.first else { return }
    perform(registrar.coordinated(Self.key, sequence: job.sequence, .known(known, home: nil), now: now))
  }

  mutating func drain() { perform(registrar.beginDraining(now: now)) }

  mutating func endDraining() { perform(registrar.endDraining()) }

  /// The process dies and starts again with what is on disk.
  mutating func restart() {
    registrar = Registrar(configuration: .init(maxPending: 99, maxAge: maxAge), seed: 1)
    (caller, answers) = (nil, [:])
    point(to: location)
    perform(registrar.resume(disk.pendingRegistrations, firstSequence: 1000, now: now))
  }

  private mutating func perform(_ actions: [Registrar.Action]) {
    var left = actions
    while !left.isEmpty {
      switch left.removeFirst() {
      case .commit(let id, _) where isDiskFull:
        left += registrar.committed(id, .failure(StoreError(.full, message: "m")), now: now)
      case .commit(let id, let batch):
        for change in batch { disk.apply(change) }
        changes += batch
        left += registrar.committed(id, .success(()), now: now)
      case .call(let id, let call):
        #expect(caller == nil, "two calls at once for a certificate")
        caller = id
        calls.append(call)
      case .answer(let waiter, let answer, _):
        if case .registered(let registration) = answer {
          let registered = RegisteredCertificate(registration)
          let isOnDisk = result == registration || rows.contains { $0.facts.registered == registered }
          #expect(isOnDisk, "told before it is on disk")
        }
        answers[waiter] = answer
      case .remember(let registration, _): remembered.append(registration)
      case .rememberStatus, .forget, .ended: break
      case .report(let fault): Issue.record("\(fault)")
      }
    }
  }

  /// The registration that a caller was told of.
  func registration(toldTo waiter: Registrar.WaiterID) -> Registration? {
    if case .registered(let registration)? = answers[waiter] { registration } else { nil }
  }

  /// Whether the present call asks for the status of a certificate that exists.
  var asksForStatus: Bool {
    if case .registerCertificateWithoutCA(let call)? = calls.last { caller != nil && call.needsStatus } else { false }
  }

  /// The error that a caller was told of.
  func error(toldTo waiter: Registrar.WaiterID) -> ServiceError? {
    if case .failed(let error)? = answers[waiter] { error } else { nil }
  }
}
