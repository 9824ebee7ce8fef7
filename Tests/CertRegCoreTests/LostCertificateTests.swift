import CertRegTesting
import Testing

@testable import CertRegCore

/// Certificates that somebody deleted in the upstream after they were registered.
@Suite struct LostCertificateTests {
  private static let steps = DevicesUnderTest.operations.count
  private static let register = UpstreamOperation.registerCertificateWithoutCA

  /// A known device with all steps.
  private static func known(_ outcome: RegistrationOutcome = .created) -> DevicesUnderTest {
    var test = DevicesUnderTest()
    test.ask(1)
    test.succeed(exists: outcome == .existing, .active)
    test.succeed(steps)
    return test
  }

  @Test(arguments: [true, false])
  func `a request for a status registers a deleted certificate anew`(waits: Bool) {
    var test = Self.known()
    test.ask(2, nil, .active, ifExists: .update, wait: waits)
    #expect(test.operations.last == .updateCertificate)
    test.fail(reason: .certificateNotFound)
    #expect(test.operations.last == Self.register && test.rows.first?.facts.isBegunAnew == true)
    test.restart()
    test.succeed()
    #expect(test.result?.outcome == .created && test.result?.status == .active && test.result?.provisioned == nil)
    #expect(test.rows.isEmpty)
  }

  @Test(arguments: 0..<5, [RegistrationOutcome.created, .existing])
  func `another device of a deleted certificate is made from the beginning`(
    position: Int, _ outcome: RegistrationOutcome
  ) {
    var test = Self.known(outcome)
    test.ask(2, DevicesUnderTest.device(8))
    test.succeed(position)
    test.fail()
    #expect(test.operations.last == Self.register && test.answers[2] == nil)
    #expect(test.result?.provisioned?.tag.rawValue == 7)
    test.succeed(1 + Self.steps)
    #expect(test.registration(toldTo: 2)?.outcome == .created)
    #expect(test.registration(toldTo: 2)?.provisioned?.tag.rawValue == 8)
  }

  @Test(arguments: [RegistrationOutcome.created, .existing])
  func `where the certificate is there, something else is missing, and what was known stays known`(
    _ outcome: RegistrationOutcome
  ) {
    var test = Self.known(outcome)
    let status = test.result?.status
    test.ask(2, DevicesUnderTest.device(8))
    test.succeed(3)
    test.fail()
    test.succeed(exists: true, nil)
    #expect(test.operations.last == .createThing)
    test.succeed(3)
    test.fail()
    #expect(test.error(toldTo: 2)?.reason == "policy_not_found")
    #expect(test.error(toldTo: 2)?.failedStep?.operation == "AttachPolicy")
    #expect(test.result?.outcome == outcome && test.result?.status == status)
    #expect(test.result?.provisioned?.completedSteps == 4 && test.rows.isEmpty)
  }

  @Test func `a job that has registered the certificate itself does not do so again`() {
    var test = DevicesUnderTest()
    test.ask(1)
    test.ask(2, DevicesUnderTest.device(8))
    test.succeed(4)
    test.fail()
    #expect(test.error(toldTo: 1)?.reason == "policy_not_found")
    // Nor does the one behind it, which knows of the registration from the first.
    test.succeed(3)
    test.fail()
    #expect(test.error(toldTo: 2)?.reason == "policy_not_found")
    #expect(test.operations.count { $0 == Self.register } == 1)
  }

  @Test func `a lost answer to the second registration leaves no status that may be wrong`() {
    var test = Self.known(.existing)
    test.ask(2, DevicesUnderTest.device(8))
    test.fail()
    test.fail(.unavailable(retryAfter: nil), isLost: true)
    test.pass(.seconds(60))
    test.succeed(exists: true, nil)
    test.succeed(Self.steps)
    // It was ACTIVE, and the lost call may have registered it as INACTIVE.
    #expect(test.registration(toldTo: 2)?.status == nil && test.result?.outcome == .existing)
  }

  @Test(arguments: [false, true])
  func `a refresh whose answer was lost keeps no status that a new certificate would not have`(restarts: Bool) {
    var test = Self.known()
    test.askForStatus(2, .active)
    test.succeed()
    test.ask(3, nil, refresh: true)
    if restarts {
      test.restart()
    } else {
      test.fail(.unavailable(retryAfter: nil), isLost: true)
      test.pass(.seconds(30))
    }
    test.succeed(exists: true, nil)
    #expect(test.rows.isEmpty && test.result?.certificateARN == "arn" && test.result?.status == nil)
  }

  // MARK: A template that sets the status

  /// How a job ends whose RegisterThing may have taken effect.
  enum End: CaseIterable {
    case failure, identity, age, restart
  }

  @Test(arguments: End.allCases)
  func `a step that may have set the status leaves none that may be wrong`(end: End) {
    var test = DevicesUnderTest(maxAge: .seconds(100))
    test.ask(1, Self.template)
    test.succeed()
    #expect(test.operations.last == .registerThing)
    if end == .restart { test.restart() } else { test.fail(.unavailable(retryAfter: nil), isLost: true) }
    // Between two tries nobody is told the status of before.
    test.ask(2, nil, named: .inactive)
    test.ask(3, nil)
    #expect(test.answers.isEmpty)
    switch end {
    case .failure, .restart:
      test.pass(.seconds(30))
      test.fail()
    case .identity:
      test.pass(.seconds(30))
      test.fail(.identity)
    case .age: test.pass(.seconds(101))
    }
    #expect(test.rows.isEmpty && test.result?.certificateARN == "arn" && test.result?.status == nil)
    #expect(test.registration(toldTo: 3)?.certificateARN == "arn" && test.registration(toldTo: 3)?.status == nil)
  }

  @Test(arguments: [false, true])
  func `an update that is lost and has to go elsewhere leaves a status that is not known`(restarts: Bool) {
    var test = DevicesUnderTest()
    test.ask(1, nil)
    test.succeed(from: DevicesUnderTest.home)
    #expect(test.result?.status == .inactive)
    var update = Registrar.Request(
      key: DevicesUnderTest.key, purpose: .update, der: [], basis: .none, namedStatus: .active, status: .active,
      ifExists: .return, requester: Requester(uid: 1), expectation: .queued)
    if let known = test.result { update.takeKnown(known, at: DevicesUnderTest.home) }
    test.send(update, 2)
    if restarts {
      test.restart()
    } else {
      test.fail(.unavailable(retryAfter: nil), isLost: true)
      test.pass(.seconds(30))
    }
    test.move()
    #expect(test.result?.certificateARN == "arn" && test.result?.status == nil && test.rows.count == 1)
    #expect(test.calls.last?.home == nil)
  }

  @Test func `a template whose certificate seems gone may have set the status of one that is not`() {
    var test = DevicesUnderTest()
    test.ask(1, nil)
    test.succeed()
    test.ask(2, Self.template)
    test.fail(.unavailable(retryAfter: nil), isLost: true)
    test.pass(.seconds(30))
    test.fail()
    #expect(test.operations.last == .registerCertificateWithoutCA)
    test.succeed(exists: true, nil)
    test.fail()
    #expect(test.result?.outcome == .created && test.result?.status == nil)
  }

  private static let template = Provisioning(
    profile: "t", tag: ProvisioningTag(rawValue: 9),
    work: .template(FilledTemplate(body: "{}", parameters: [], status: .set(.active))))

  @Test func `a certificate that is gone for certain is created by a call whose answer is lost`() {
    var test = Self.known(.existing)
    test.ask(2, nil, .inactive, ifExists: .update)
    test.fail(reason: .certificateNotFound)
    test.fail(.unavailable(retryAfter: nil), isLost: true)
    test.pass(.seconds(60))
    test.succeed(exists: true, .inactive)
    #expect(test.registration(toldTo: 2)?.outcome == .created)
  }

  @Test func `a certificate that is gone and cannot be registered again is forgotten`() {
    var test = Self.known()
    test.ask(2, nil, .active, ifExists: .update)
    test.fail(reason: .certificateNotFound)
    #expect(test.result != nil)
    test.fail(reason: "certificate_invalid")
    #expect(test.error(toldTo: 2)?.reason == "certificate_invalid" && test.result == nil)
  }

  @Test func `an update of a certificate that is gone fails`() {
    var test = Self.known()
    test.askForStatus(2, .active)
    test.fail(reason: .certificateNotFound)
    #expect(test.error(toldTo: 2)?.reason == .certificateNotFound && test.result == nil && test.rows.isEmpty)
  }

  // MARK: What a 409 leaves

  @Test(arguments: [false, true])
  func `a plain refresh keeps the device, also one with steps left`(isWhole: Bool) {
    var test = DevicesUnderTest()
    test.ask(1)
    test.succeed(3)
    if isWhole { test.succeed(Self.steps - 2) } else { test.fail() }
    let before = test.result?.provisioned
    test.ask(2, nil, refresh: true)
    test.succeed(exists: true, nil)
    #expect(test.result?.outcome == .existing && before != nil && test.result?.provisioned == before)
    test.ask(3)
    #expect(isWhole || test.operations.last == .addThingToThingGroup)
    // A certificate that is registered anew has no device.
    test = Self.known()
    test.ask(2, nil, refresh: true)
    test.succeed()
    #expect(test.result?.provisioned == nil)
    // With a profile all steps are made again.
    test.ask(3, refresh: true)
    test.succeed(exists: true, nil)
    #expect(test.operations.last == .createThing)
  }

  @Test(arguments: [false, true])
  func `a refresh that leaves the certificate alone keeps the device`(isWhole: Bool) {
    var test = DevicesUnderTest()
    test.ask(1)
    test.succeed(3)
    if isWhole { test.succeed(Self.steps - 2) } else { test.fail() }
    let before = test.result?.provisioned
    test.ask(2, ifExists: .error, refresh: true)
    test.succeed(exists: true, nil)
    #expect(test.error(toldTo: 2)?.reason == .alreadyRegistered && test.result?.provisioned == before)
    test.ask(3, named: .revoked, refresh: true)
    test.succeed(exists: true, .active)
    #expect(test.error(toldTo: 3)?.reason == .statusDiffers && test.result?.provisioned == before)
  }

  @Test func `the outcome of a refresh is kept where others know it`() {
    for keeps in [false, true] {
      var test = Self.known()
      var request = Registrar.Request(
        key: DevicesUnderTest.key, der: [1], basis: .anyTime, namedStatus: nil, status: nil, ifExists: .return,
        requester: Requester(uid: 1), expectation: .result(deadline: test.now.monotonic + .seconds(9)))
      request.earlier = EarlierResult(outcome: .created, status: nil, keepsOutcome: keeps)
      test.send(request, 2)
      test.succeed(exists: true, nil)
      #expect(test.registration(toldTo: 2)?.outcome == (keeps ? .created : .existing))
    }
  }
}
