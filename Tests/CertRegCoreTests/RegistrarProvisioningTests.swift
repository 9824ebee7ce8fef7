import CertRegTesting
import Testing

@testable import CertRegCore

/// The steps that make a device, one after the other.
@Suite struct RegistrarProvisioningTests {
  private static let positions = Array(DevicesUnderTest.operations.indices)
  private static let whole = DeviceResources(
    thingName: "d1", thingARN: "a:d1", policies: ["p", "q"], groups: ["g", "h"])

  @Test func `a request that takes an existing certificate for an error shares the call under way, and its outcome`() {
    var test = DevicesUnderTest()
    test.ask(1, nil)
    test.ask(2, nil, ifExists: .error)
    test.succeed()
    #expect(test.calls.count == 1 && test.registration(toldTo: 2)?.outcome == .created)
    test.ask(3, nil, refresh: true)
    test.ask(4, nil, ifExists: .error, refresh: true)
    test.succeed(exists: true)
    #expect(test.registration(toldTo: 3)?.outcome == .existing && test.error(toldTo: 4)?.reason == .alreadyRegistered)
  }

  @Test func `a plan has its steps in the order in which they depend on each other`() throws {
    func operations(_ purpose: JobPurpose, _ provisioning: Provisioning?) -> [UpstreamOperation] {
      let row = PendingRegistration(
        key: DevicesUnderTest.key, sequence: 1, purpose: purpose, der: [1], status: .active,
        enqueuedAt: ManualClock().now.wall, callStarted: false, attempts: 0, lastError: nil,
        requester: Requester(uid: 1), basis: .anyTime, provisioning: provisioning)
      return Plan.plan(for: row).steps.map(\.operation)
    }
    let (register, middle) = (UpstreamOperation.registerCertificateWithoutCA, DevicesUnderTest.operations)
    #expect(operations(.register, DevicesUnderTest.device()) == [register] + middle)
    let last = DevicesUnderTest.device(activatesLast: true)
    for purpose in [JobPurpose.registerAndSet, .registerNew] {
      #expect(operations(purpose, last) == [register] + middle + [.updateCertificate])
    }
    #expect(operations(.registerNew, DevicesUnderTest.device()) == [register] + middle)
    let template = Provisioning.Work.template(FilledTemplate(body: "{}", parameters: []))
    let byTemplate = Provisioning(profile: "p", tag: ProvisioningTag(rawValue: 1), work: template)
    #expect(operations(.register, byTemplate) == [register, .registerThing])
    let policy = DeviceParts(thing: nil, policies: ["p"], activatesLast: false)
    let onlyPolicy = Provisioning(profile: "p", tag: ProvisioningTag(rawValue: 1), work: .parts(policy))
    #expect(operations(.register, onlyPolicy) == [register, .attachPolicy])
    #expect(operations(.update, nil) == [.updateCertificate])
  }

  @Test func `each step is on disk before the next one is called, and the device before it is told`() {
    var test = DevicesUnderTest()
    test.ask(1)
    test.succeed()
    for (position, operation) in DevicesUnderTest.operations.enumerated() {
      #expect(test.operations.last == operation && test.answers.isEmpty && test.result == nil)
      #expect(test.rows.first?.facts.completedSteps == position + 1)
      #expect(test.rows.first?.facts.registered?.provisioned?.completedSteps == (position == 0 ? nil : position + 1))
      if case .provision(let call)? = test.calls.last {
        #expect(call.certificateARN == "arn" && call.certificateID == DevicesUnderTest.key.certificateID)
      }
      test.succeed()
    }
    #expect(test.operations == [.registerCertificateWithoutCA] + DevicesUnderTest.operations)
    let provisioned = Provisioned(profile: "p", tag: DevicesUnderTest.device().tag, resources: Self.whole)
    #expect(test.registration(toldTo: 1)?.provisioned == provisioned && test.rows.isEmpty)
    #expect(test.remembered == [test.result] && test.registrar.isQuiet)
  }

  @Test(arguments: positions)
  func `a step that fails for good is named, and asking again goes on with it`(position: Int) {
    var test = DevicesUnderTest()
    test.ask(1)
    test.succeed(1 + position)
    test.fail()
    let operation = DevicesUnderTest.operations[position]
    #expect(test.error(toldTo: 1)?.failedStep?.operation == operation.rawValue)
    #expect(test.error(toldTo: 1)?.failedStep?.certificateARN == "arn")
    #expect(test.result?.outcome == .created && test.rows.isEmpty)
    #expect(test.result?.provisioned?.completedSteps == (position == 0 ? nil : 1 + position))
    #expect(test.remembered == [test.result])
    let before = test.calls.count
    test.ask(2)
    #expect(Array(test.operations[before...]) == [operation] && test.rows.first?.callStarted == false)
    test.succeed(DevicesUnderTest.operations.count - position)
    #expect(Array(test.operations[before...]) == Array(DevicesUnderTest.operations[position...]))
    #expect(test.registration(toldTo: 2)?.provisioned?.resources == Self.whole)
    #expect(test.registration(toldTo: 2)?.outcome == .created)
    // The pace of the registration has nothing to do with it.
    let view = test.registrar.target(DevicesUnderTest.target, now: test.now.monotonic)
    #expect(view?.underWay == 0 && view?.queued == 0)
  }

  @Test func `a step that goes on keeps to the pace of its own operation`() {
    var test = DevicesUnderTest()
    test.ask(1)
    test.succeed(4)
    test.fail()
    test.restart()
    test.ask(2)
    let view = test.registrar.target(DevicesUnderTest.target, now: test.now.monotonic)
    #expect(view?.calls.map(\.operation) == [.attachPolicy])
  }

  @Test(arguments: positions) func `a lost answer, a throttle and an outage repeat the step alone`(position: Int) {
    var test = DevicesUnderTest()
    test.ask(1)
    test.succeed(1 + position)
    for isLost in [true, false] {
      test.fail(.unavailable(retryAfter: nil), isLost: isLost)
      test.pass(.seconds(30))
    }
    test.fail(.throttled(retryAfter: nil))
    test.pass(.seconds(30))
    #expect(test.answers.isEmpty)
    #expect(test.operations.count { $0 == DevicesUnderTest.operations[position] } >= 4)
    test.succeed(DevicesUnderTest.operations.count - position)
    #expect(test.operations.count == 1 + DevicesUnderTest.operations.count + 3)
    #expect(test.registration(toldTo: 1)?.provisioned?.resources == Self.whole)
  }

  @Test(arguments: positions) func `a restart goes on with the step that was under way`(position: Int) {
    var test = DevicesUnderTest()
    test.ask(1, wait: false)
    test.succeed(1 + position)
    test.restart()
    let operation = DevicesUnderTest.operations[position]
    #expect(test.operations.suffix(2) == [operation, operation])
    test.succeed(DevicesUnderTest.operations.count - position)
    #expect(test.operations.count == 2 + DevicesUnderTest.operations.count)
    #expect(test.result?.provisioned?.resources == Self.whole && test.result?.provisioned?.isComplete == true)
    #expect(test.rows.isEmpty && test.result?.outcome == .created)
  }

  // MARK: The status

  @Test(arguments: [false, true]) func `the certificate is activated after everything else`(exists: Bool) {
    var test = DevicesUnderTest()
    test.ask(1, DevicesUnderTest.device(activatesLast: true), .active)
    if case .registerCertificateWithoutCA(let call)? = test.calls.first { #expect(call.status == .inactive) }
    test.succeed(exists: exists)
    test.succeed(DevicesUnderTest.operations.count)
    #expect(test.operations.last == .updateCertificate && test.answers.isEmpty)
    #expect(test.rows.first?.facts.registered?.status == .inactive)
    test.succeed()
    #expect(test.registration(toldTo: 1)?.status == .active && test.result?.provisioned?.isComplete == true)
    #expect(test.operations.count == 2 + DevicesUnderTest.operations.count)
  }

  @Test func `a lost answer to the activation leaves the status in doubt, and asking again sets it`() {
    var test = DevicesUnderTest()
    let device = DevicesUnderTest.device(activatesLast: true)
    test.ask(1, device, .active)
    test.succeed(1 + DevicesUnderTest.operations.count)
    test.fail(.unavailable(retryAfter: nil), isLost: true)
    test.pass(.seconds(30))
    test.fail()
    #expect(test.error(toldTo: 1)?.failedStep?.operation == "UpdateCertificate")
    #expect(test.result?.status == nil && test.result?.provisioned?.isComplete == false)
    let before = test.calls.count
    test.ask(2, device, .active)
    test.succeed(exists: true, .inactive)
    test.succeed()
    #expect(Array(test.operations[before...]) == [.registerCertificateWithoutCA, .updateCertificate])
    #expect(test.registration(toldTo: 2)?.status == .active && test.result?.provisioned?.isComplete == true)
  }

  @Test func `a device whose last step somebody else made is complete without a call`() {
    var test = DevicesUnderTest()
    let device = DevicesUnderTest.device(activatesLast: true)
    test.ask(1, device, .active)
    test.succeed(1 + DevicesUnderTest.operations.count)
    test.fail()
    test.askForStatus(2, .active)
    test.succeed()
    let before = test.calls.count
    test.ask(3, device, .active)
    #expect(test.calls.count == before)
    #expect(test.registration(toldTo: 3)?.status == .active && test.result?.provisioned?.isComplete == true)
  }

  @Test func `nothing is done to a certificate that exists, for a caller that takes that for an error`() {
    var test = DevicesUnderTest()
    test.ask(1, DevicesUnderTest.device(activatesLast: true), .active, ifExists: .error)
    #expect(test.rows.first?.purpose == .registerNew)
    // It has a job of its own: others want the device in any case.
    test.ask(2, DevicesUnderTest.device(activatesLast: true), .active)
    #expect(test.rows.count == 2)
    test.succeed(exists: true)
    #expect(test.error(toldTo: 1)?.reason == .alreadyRegistered && test.answers[2] == nil)
    #expect(test.result?.provisioned == nil && test.operations.last == .createThing)
    test.succeed(DevicesUnderTest.operations.count + 1)
    #expect(test.registration(toldTo: 2)?.status == .active)
  }

  @Test func `a new certificate becomes a device also for a caller that takes one that exists for an error`() {
    var test = DevicesUnderTest()
    test.ask(1, DevicesUnderTest.device(activatesLast: true), .active, ifExists: .error)
    test.succeed(3)
    test.fail()
    test.ask(2, DevicesUnderTest.device(activatesLast: true), .active, ifExists: .error)
    test.succeed(DevicesUnderTest.operations.count - 1)
    #expect(test.registration(toldTo: 2)?.status == .active && test.result?.provisioned?.isComplete == true)
    #expect(test.operations.count { $0 == .createThing } == 1)
  }
}
