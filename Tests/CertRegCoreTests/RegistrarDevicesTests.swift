import CertRegTesting
import Testing

@testable import CertRegCore

/// Provisioning beside other requests, and its ends.
@Suite struct RegistrarDevicesTests {
  private static let steps = DevicesUnderTest.operations.count

  @Test func `requests for the same device share its calls`() {
    var test = DevicesUnderTest()
    test.ask(1)
    test.succeed(2)
    test.ask(2)
    test.ask(3, wait: false)
    #expect(test.rows.count == 1 && test.answers == [3: .queued])
    test.succeed(Self.steps - 1)
    #expect(test.registration(toldTo: 1) == test.registration(toldTo: 2) && test.calls.count == 1 + Self.steps)
    #expect(test.registration(toldTo: 2)?.provisioned?.isComplete == true)
  }

  @Test func `another device waits for the first, and does not register the certificate again`() {
    var test = DevicesUnderTest()
    test.ask(1)
    test.ask(2, DevicesUnderTest.device(8, thing: "d2"))
    test.succeed(1 + Self.steps)
    #expect(test.registration(toldTo: 1)?.provisioned?.tag.rawValue == 7 && test.answers[2] == nil)
    #expect(test.rows.first?.facts.completedSteps == 1)
    test.succeed(Self.steps)
    #expect(test.registration(toldTo: 2)?.provisioned?.tag.rawValue == 8)
    #expect(test.result?.provisioned?.resources.thingName == "d2" && test.result?.outcome == .created)
    #expect(test.operations.count { $0 == .registerCertificateWithoutCA } == 1)
  }

  @Test func `another device is made although a step of the first fails, and that one is not lost before`() {
    var test = DevicesUnderTest()
    test.ask(1)
    test.ask(2, DevicesUnderTest.device(8, thing: "d2"))
    test.succeed(3)
    test.fail()
    #expect(test.error(toldTo: 1)?.failedStep?.operation == "AddThingToThingGroup")
    #expect(test.operations.last == .createThing && test.result?.provisioned?.tag.rawValue == 7)
    test.fail()
    // Nothing of the second device is there.
    #expect(test.error(toldTo: 2)?.failedStep?.operation == "CreateThing")
    #expect(test.result?.provisioned?.tag.rawValue == 7 && test.result?.provisioned?.completedSteps == 3)
    test.ask(3)
    #expect(test.operations.last == .addThingToThingGroup)
  }

  @Test func `a request behind one for the same device with a status goes on where that one failed`() {
    var test = DevicesUnderTest()
    test.ask(1)
    test.ask(2, DevicesUnderTest.device(), .active, ifExists: .update)
    #expect(test.rows.count == 2)
    test.succeed(4)
    test.fail()
    #expect(test.answers[2] == nil && test.operations.last == .attachPolicy)
    test.succeed(4)
    #expect(test.operations.last == .updateCertificate && test.registration(toldTo: 2)?.status == .active)
    #expect(test.operations.count { $0 == .createThing } == 1)
  }

  @Test func `a plain request has its registration where a later step fails, and no device is told of`() {
    var test = DevicesUnderTest()
    test.ask(1)
    test.ask(2, nil)
    #expect(test.rows.count == 1)
    test.succeed(2)
    test.fail()
    #expect(test.error(toldTo: 1)?.failedStep != nil)
    #expect(test.registration(toldTo: 2)?.certificateARN == "arn")
    #expect(test.registration(toldTo: 2)?.provisioned?.isComplete != true)
  }

  @Test(arguments: [false, true])
  func `a plain request is answered as soon as the certificate is registered, and not with another status`(
    isLater: Bool
  ) {
    var test = DevicesUnderTest()
    let device = DevicesUnderTest.device(activatesLast: true)
    test.ask(1, device, .active)
    if isLater { test.succeed(2) }
    test.ask(2, nil)
    test.ask(3, nil, named: .active)
    test.ask(4, nil, wait: false)
    if !isLater {
      #expect(test.answers == [4: .queued])
      test.succeed()
    }
    test.fail(.throttled(retryAfter: nil))
    #expect(test.registration(toldTo: 2)?.status == .inactive && test.rows.count == 1)
    #expect(test.answers[1] == nil && test.answers[3] == nil && test.answers[4] == .queued)
    test.pass(.seconds(600))
    test.succeed(isLater ? Self.steps : Self.steps + 1)
    #expect(test.registration(toldTo: 3)?.status == .active && test.registration(toldTo: 1)?.status == .active)
  }

  /// - Parameter thing: What the refresh is to make; `nil`: nothing.
  @Test(arguments: [nil, "d1", "d2"] as [String?], [false, true])
  func `a refresh behind what is only known from before asks the upstream`(thing: String?, restarts: Bool) {
    var test = DevicesUnderTest()
    test.ask(1, nil)
    test.succeed()
    test.ask(2)
    test.ask(3, thing.map { DevicesUnderTest.device(thing: $0) }, refresh: true)
    #expect(test.answers[3] == nil && test.operations.last == .createThing)
    if restarts { test.restart() }
    test.succeed(Self.steps)
    #expect(test.answers[3] == nil && test.operations.last == .registerCertificateWithoutCA)
    test.succeed(exists: true)
    if thing != nil { test.succeed(Self.steps) }
    #expect(restarts || test.registration(toldTo: 3) != nil)
    #expect(test.rows.isEmpty && test.operations.count { $0 == .registerCertificateWithoutCA } == 2)
  }

  @Test func `a refresh shares a call that has not been answered`() {
    var test = DevicesUnderTest()
    test.ask(1, nil)
    test.ask(2, nil, refresh: true)
    #expect(test.rows.count == 1)
    test.succeed()
    #expect(test.registration(toldTo: 1) != nil && test.registration(toldTo: 2) != nil)
  }

  @Test func `what another host left does not share the error of a job that ends`() throws {
    let (key, now) = (DevicesUnderTest.key, ManualClock().now)
    let registrar = Registrar(configuration: .init(maxPending: 9, maxAge: nil), seed: 1)
    _ = registrar.setTargets([key.target: .one(ratePerSecond: nil, burst: 9, maxConcurrent: 9)], now: now)
    let request = Registrar.Request(
      key: key, der: [1], basis: .anyTime, namedStatus: nil, status: nil, ifExists: .return,
      requester: Requester(uid: 1), expectation: .result(deadline: now.monotonic + .seconds(9)))
    var stored: [PendingRegistration] = []
    for case .commit(let id, let changes) in registrar.register(request, waiter: 1, now: now) {
      stored += changes.compactMap { if case .enqueue(let row) = $0 { row } else { nil } }
      _ = registrar.committed(id, .success(()), now: now)
    }
    let first = try #require(stored.first)
    let refused = UpstreamFailure(
      error: ServiceError(.unauthorized, reason: .accessDenied, message: "m", origin: .upstream), disposition: .identity
    )
    let ending = registrar.replied(first.id, .failed(refused), now: now)
    // Its end is on its way to the disk.
    let (job, isStored, _) = try #require(registrar.adopt(first, now: now))
    #expect(job != first.id && !isStored)
    for case .commit(let id, _) in ending { _ = registrar.committed(id, .success(()), now: now) }
    #expect(registrar.isUnderWay(job))
  }

  @Test func `what other hosts left does not pass the bound of the queue`() throws {
    let now = ManualClock().now
    let target = DevicesUnderTest.key.target
    let registrar = Registrar(configuration: .init(maxPending: 3, maxAge: nil), seed: 1)
    _ = registrar.setTargets([target: .one(ratePerSecond: nil, burst: 9, maxConcurrent: 9)], now: now)
    func left(_ number: UInt64) -> PendingRegistration {
      PendingRegistration(
        key: RegistrationKey(certificateID: CertificateID(words: (number, 0, 0, 0)), target: target), sequence: 0,
        der: [1], status: nil, enqueuedAt: now.wall, callStarted: false, attempts: 0, lastError: nil,
        requester: Requester(uid: 1), basis: .anyTime)
    }
    for number in 1...3 as ClosedRange<UInt64> { #expect(registrar.adopt(left(number), now: now) != nil) }
    #expect(registrar.adopt(left(4), now: now) == nil && registrar.pendingCount == 3)
    // A job that is there already serves for it.
    #expect(registrar.adopt(left(2), now: now) != nil)
  }

  @Test func `nothing is made of a certificate that the upstream refuses`() {
    var test = DevicesUnderTest()
    test.ask(1)
    test.ask(2, DevicesUnderTest.device(8))
    for waiter in [1, 2] as [Registrar.WaiterID] {
      test.fail(reason: "certificate_invalid")
      let error = test.error(toldTo: waiter)
      #expect(error?.reason == "certificate_invalid" && error?.failedStep == nil)
    }
    #expect(test.operations == [.registerCertificateWithoutCA, .registerCertificateWithoutCA] && test.result == nil)
  }

  @Test func `a certificate that is gone is forgotten, and the next job registers it anew`() {
    var test = DevicesUnderTest()
    test.ask(1)
    test.ask(2, DevicesUnderTest.device(8))
    test.succeed(4)
    test.fail(reason: .certificateNotFound)
    #expect(test.operations.last == .registerCertificateWithoutCA && test.answers.isEmpty)
    test.succeed(4)
    test.fail(reason: .certificateNotFound)
    #expect(test.error(toldTo: 1)?.reason == .certificateNotFound && test.result == nil)
    #expect(test.operations.last == .registerCertificateWithoutCA)
    test.succeed(1 + Self.steps)
    #expect(test.registration(toldTo: 2)?.provisioned?.isComplete == true)
  }

  @Test func `an update waits for the device, and keeps it`() {
    var test = DevicesUnderTest()
    test.ask(1)
    test.askForStatus(2, .active)
    test.succeed(1 + Self.steps)
    #expect(test.operations.last == .updateCertificate && test.registration(toldTo: 1)?.status == .inactive)
    test.succeed()
    guard case .updated(let update)? = test.answers[2] else {
      Issue.record("no answer: \(test.answers)")
      return
    }
    #expect(update.status == .active && update.certificateARN == "arn")
    #expect(test.result?.status == .active && test.result?.provisioned?.isComplete == true)
  }

  @Test func `what a job established is on disk for all jobs behind it, updates included`() {
    var test = DevicesUnderTest()
    test.ask(1, wait: false)
    test.askForStatus(2, .active)
    test.ask(3, DevicesUnderTest.device(), .active, ifExists: .update, wait: false)
    test.succeed(1 + Self.steps)
    #expect(test.rows.count == 2 && test.rows.allSatisfy { $0.facts.registered?.provisioned?.isComplete == true })
    test.restart()
    // The update fails: what it had taken over counts all the same.
    test.fail(reason: "r")
    #expect(test.operations.last == .updateCertificate && test.rows.first?.facts.completedSteps == 1 + Self.steps)
    test.succeed()
    #expect(test.result?.status == .active && test.result?.outcome == .created && test.rows.isEmpty)
    #expect(test.operations.count { $0 == .createThing } == 1)
  }

  @Test func `a target that moved in the middle has its device made anew, and the old one stays known`() {
    var test = DevicesUnderTest()
    test.ask(1)
    test.succeed(from: DevicesUnderTest.home)
    test.succeed(2)
    #expect(test.calls.last?.home == DevicesUnderTest.home)
    test.move()
    guard case .keep(let left, DevicesUnderTest.home)? = test.changes.first(where: { $0.isKeep }) else {
      Issue.record("the result was lost: \(test.changes)")
      return
    }
    #expect(left.provisioned?.completedSteps == 3 && left.provisioned?.resources.groups == ["g"])
    #expect(test.operations.last == .registerCertificateWithoutCA && test.rows.first?.facts == JobFacts())
    test.succeed(from: JobHome(location: .aws(region: "eu-west-1"), account: nil))
    test.succeed(Self.steps)
    #expect(test.registration(toldTo: 1)?.provisioned?.resources.groups == ["g", "h"])
  }

  @Test func `a device that takes too long fails between two calls, and goes on when it is asked for again`() {
    var test = DevicesUnderTest(maxAge: .seconds(60))
    test.ask(1)
    test.succeed(3)
    test.pass(.seconds(100))
    #expect(test.answers.isEmpty)
    test.succeed()
    #expect(test.error(toldTo: 1)?.reason == .queueExpired)
    #expect(test.error(toldTo: 1)?.failedStep?.operation == "AttachPolicy")
    #expect(test.result?.provisioned?.completedSteps == 4 && test.rows.isEmpty)
    test.ask(2)
    test.succeed(Self.steps - 3)
    #expect(test.registration(toldTo: 2)?.provisioned?.isComplete == true && test.calls.count == 1 + Self.steps)
  }

  @Test func `a drain goes on while a caller waits, and the next process does the rest`() {
    var test = DevicesUnderTest()
    test.ask(1)
    test.drain()
    test.succeed(3)
    #expect(test.caller != nil && !test.registrar.isQuiet)
    test.endDraining()
    #expect(test.error(toldTo: 1)?.reason == .draining)
    test.succeed()
    // Nobody waits any more: no call begins.
    #expect(test.caller == nil && test.registrar.isQuiet && test.rows.first?.facts.completedSteps == 4)
    test.restart()
    test.succeed(Self.steps - 3)
    #expect(test.result?.provisioned?.isComplete == true && test.calls.count == 1 + Self.steps)
  }

  @Test func `the identity that a step's call is refused for keeps what is done`() {
    var test = DevicesUnderTest()
    test.ask(1)
    test.succeed(2)
    test.fail(.identity, reason: "access_denied")
    #expect(test.error(toldTo: 1)?.failedStep?.operation == "AddThingToThingGroup")
    #expect(test.result?.provisioned?.completedSteps == 2)
    test.ask(2, wait: false)
    test.pass(.seconds(600))
    test.fail(.identity, reason: "access_denied")
    #expect(test.rows.count == 1 && test.answers[2] == .queued)
    test.ask(3)
    test.pass(.seconds(600))
    test.fail(.identity, reason: "access_denied")
    #expect(test.error(toldTo: 3)?.failedStep?.operation == "AddThingToThingGroup" && test.rows.count == 1)
    test.pass(.seconds(600))
    test.succeed(Self.steps - 1)
    #expect(test.result?.provisioned?.isComplete == true)
  }

  @Test func `a step that is refused shows in the counts and names itself`() {
    var test = DevicesUnderTest()
    test.ask(1, nil)
    test.succeed()
    test.ask(2, wait: false)
    test.fail(.identity, reason: "access_denied")
    let target = test.registrar.target(DevicesUnderTest.target, now: test.now.monotonic)
    #expect(target?.queued == 1 && target?.underWay == 0 && test.registrar.pendingCount == 1)
    #expect(target?.calls.map(\.queued) == [0, 1])
    #expect(target?.lastError?.failedStep?.operation == "CreateThing")
    #expect(test.rows.first?.lastError?.failedStep?.operation == "CreateThing")
    test.pass(.seconds(600))
    let calling = test.registrar.target(DevicesUnderTest.target, now: test.now.monotonic)
    #expect(calling?.queued == 0 && calling?.underWay == 1)
  }

  @Test(arguments: [false, true])
  func `a request for the registration alone leaves the failure of a step`(refresh: Bool) {
    var test = DevicesUnderTest()
    test.ask(1)
    test.succeed(4)
    test.fail()
    test.ask(2, nil, refresh ? nil : .active, ifExists: refresh ? .return : .update, refresh: refresh)
    test.succeed(exists: true)
    #expect(test.registration(toldTo: 2) != nil && test.rows.isEmpty)
    guard case .failed(let failure)? = test.disk.record(for: DevicesUnderTest.key) else {
      Issue.record("the failure is gone")
      return
    }
    #expect(failure.error.failedStep?.operation == "AttachPolicy" && failure.registered?.status == test.result?.status)
    test.ask(3)
    test.succeed(Self.steps - 3)
    guard case .registered? = test.disk.record(for: DevicesUnderTest.key) else {
      Issue.record("the failure stays")
      return
    }
  }

  // MARK: Several hosts

  private struct Distant: Coordinator {
    func askLeave(for pending: PendingRegistration, isPromised: Bool) -> Coordination.Leave { .later }
    func mayCall(_ pending: PendingRegistration) -> Bool { true }
    func revokes(_ pending: PendingRegistration) {}
    func isSafe(_ pending: PendingRegistration) -> Bool { true }
    mutating func ended(_ id: JobID, _ ending: Ending?) {}
    func share(of operation: UpstreamOperation, target: TargetName) -> PaceShare? { nil }
  }

  @Test func `the result of another host is the registration alone where a device was asked for`() {
    let (key, now) = (DevicesUnderTest.key, ManualClock().now)
    let registrar = Registrar(configuration: .init(maxPending: 9, maxAge: nil), coordinator: Distant(), seed: 1)
    _ = registrar.setTargets([key.target: .one(ratePerSecond: nil, burst: 9, maxConcurrent: 9)], now: now)
    let request = Registrar.Request(
      key: key, der: [1], basis: .anyTime, namedStatus: nil, status: nil, ifExists: .return,
      requester: Requester(uid: 1), expectation: .queued, provisioning: DevicesUnderTest.device())
    for case .commit(let id, _) in registrar.register(request, waiter: 1, now: now) {
      _ = registrar.committed(id, .success(()), now: now)
    }
    let known = Registration(
      key: key, certificateARN: "arn", outcome: .created, status: nil, requestID: nil, finishedAt: now.wall,
      basis: .anyTime)
    let taken = registrar.coordinated(key, sequence: 1, .known(known, home: DevicesUnderTest.home), now: now)
    // The next process has to know that a host made the certificate.
    guard case .commit(let id, let changes)? = taken.first,
      case .noteProgress(_, let facts)? = changes.first, facts.registered?.outcome == .created
    else {
      Issue.record("\(taken)")
      return
    }
    let actions = registrar.committed(id, .success(()), now: now)
    guard case .call(_, .provision(let call))? = actions.first else {
      Issue.record("\(actions)")
      return
    }
    #expect(call.action.operation == .createThing && call.certificateARN == "arn" && actions.count == 1)
    // A reload may point the target elsewhere before the call.
    #expect(call.home == DevicesUnderTest.home)
  }

  @Test func `what another host has only found stays created where this job made it and asks for the status alone`() {
    let (key, now) = (DevicesUnderTest.key, ManualClock().now)
    let registrar = Registrar(configuration: .init(maxPending: 9, maxAge: nil), coordinator: Distant(), seed: 1)
    _ = registrar.setTargets([key.target: .one(ratePerSecond: nil, burst: 9, maxConcurrent: 9)], now: now)
    var pending = PendingRegistration(
      key: key, sequence: 1, purpose: .register, der: [1], status: nil, enqueuedAt: now.wall, callStarted: false,
      attempts: 0, lastError: nil, requester: Requester(uid: 1), basis: .anyTime,
      provisioning: DevicesUnderTest.device())
    pending.facts.earlier = EarlierResult(outcome: .created, status: nil, keepsOutcome: true, certificateARN: "arn")
    _ = registrar.resume([pending], firstSequence: 2, now: now)
    let found = Registration(
      key: key, certificateARN: "arn", outcome: .existing, status: .inactive, requestID: nil, finishedAt: now.wall,
      basis: .anyTime)
    _ = registrar.coordinated(key, sequence: 1, .known(found, home: DevicesUnderTest.home), now: now)
    #expect(registrar.job(1)?.facts.registered?.outcome == .created)
    #expect(registrar.job(1)?.facts.registered?.status == .inactive)
  }
}

extension StoreChange {
  fileprivate var isKeep: Bool { if case .keep = self { true } else { false } }
}
