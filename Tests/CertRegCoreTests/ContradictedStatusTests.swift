import CertRegTesting
import Testing

@testable import CertRegCore

/// Certificates whose status contradicts a request for a device.
@Suite struct ContradictedStatusTests {
  private static let steps = DevicesUnderTest.operations.count
  private static let last = DevicesUnderTest.device(activatesLast: true)

  @Test(arguments: [true, false], [IfExists.return, .error])
  func `no device is made for a status that the certificate does not have`(waits: Bool, ifExists: IfExists) {
    var test = DevicesUnderTest()
    test.ask(1, DevicesUnderTest.device(), named: .active, ifExists: ifExists, wait: waits)
    test.ask(2, nil)
    test.succeed(exists: true)
    #expect(test.operations == [.registerCertificateWithoutCA] && test.rows.isEmpty)
    let error = test.error(toldTo: 1)
    #expect(!waits || error?.reason == .statusDiffers && error?.status == .inactive && error?.resourceARN == "arn")
    #expect(test.result?.status == .inactive && test.result?.provisioned == nil)
    #expect(test.registration(toldTo: 2)?.status == .inactive)
    guard case .failed(let failure)? = test.disk.record(for: DevicesUnderTest.key) else {
      Issue.record("no failure is kept")
      return
    }
    #expect(failure.error.reason == .statusDiffers && failure.registered?.certificateARN == "arn")
  }

  @Test func `the device is made for a caller that names no status, beside one that does`() {
    var test = DevicesUnderTest()
    test.ask(1, DevicesUnderTest.device(), named: .active)
    test.ask(2, DevicesUnderTest.device(), .active)
    test.ask(3, DevicesUnderTest.device(), named: .active)
    #expect(test.rows.count == 2)
    test.restart()
    test.succeed(exists: true)
    #expect(test.operations.last == .createThing)
    test.succeed(Self.steps)
    #expect(test.result?.provisioned?.isComplete == true && test.result?.status == .inactive && test.rows.isEmpty)
    // A status that is not known contradicts nothing.
    test = DevicesUnderTest()
    test.ask(1, DevicesUnderTest.device(), named: .active)
    test.succeed(exists: true, nil)
    test.succeed(Self.steps)
    #expect(test.registration(toldTo: 1)?.provisioned?.isComplete == true)
  }

  @Test func `a revoked certificate is not activated last`() {
    var test = DevicesUnderTest()
    test.ask(1, Self.last, .active)
    guard case .registerCertificateWithoutCA(let call)? = test.calls.last else {
      Issue.record("no call")
      return
    }
    #expect(call.needsStatus)
    test.succeed(exists: true, .revoked)
    #expect(test.operations == [.registerCertificateWithoutCA])
    #expect(test.error(toldTo: 1)?.reason == .statusDiffers && test.error(toldTo: 1)?.status == .revoked)
    // What is asked for in so many words is left to the upstream.
    test.ask(2, Self.last, .active, ifExists: .update)
    test.succeed(Self.steps)
    #expect(test.operations.last == .updateCertificate)
  }

  @Test func `a certificate whose status cannot be had is not activated last`() {
    var test = DevicesUnderTest()
    test.ask(1, Self.last, .active)
    test.succeed(exists: true, nil)
    #expect(test.answers[1] == nil && test.rows.first?.lastError?.reason == .statusUnknown)
    test.restart()
    test.pass(.seconds(120))
    #expect(test.operations == [.registerCertificateWithoutCA, .registerCertificateWithoutCA])
    // Also behind a call whose answer was lost.
    test.succeed(exists: true, nil)
    test.pass(.seconds(120))
    test.succeed(exists: true, .inactive)
    test.succeed(1 + Self.steps)
    #expect(test.result?.status == .active && test.result?.provisioned?.isActivated == true)
  }

  @Test func `a certificate that was deactivated stays so where the upstream is asked anew`() {
    var test = DevicesUnderTest()
    test.ask(1, Self.last, .active)
    test.succeed(2 + Self.steps)
    test.askForStatus(2, .inactive)
    test.succeed()
    let made = test.operations.count
    test.ask(3, Self.last, .active, refresh: true)
    test.succeed(exists: true, .inactive)
    #expect(test.error(toldTo: 3)?.reason == .statusDiffers && test.operations.count == made + 1)
    #expect(test.result?.provisioned?.isActivated == true && test.result?.status == .inactive)
  }

  @Test func `a certificate that is deactivated meanwhile stays so`() {
    var test = DevicesUnderTest()
    test.ask(1, Self.last, .active)
    test.succeed(2 + Self.steps)
    #expect(test.result?.provisioned?.isActivated == true && test.result?.status == .active)
    test.askForStatus(2, .inactive)
    test.ask(3, DevicesUnderTest.device(8, activatesLast: true), .active)
    test.ask(4, DevicesUnderTest.device(8, activatesLast: true), .active, ifExists: .update)
    test.succeed()
    #expect(test.error(toldTo: 3)?.reason == .statusDiffers && test.operations.last == .createThing)
    test.succeed(1 + Self.steps)
    #expect(test.registration(toldTo: 4)?.status == .active && test.result?.provisioned?.tag.rawValue == 8)
  }

  @Test(
    arguments: [
      (FilledTemplate.StatusEffect.set(.active), CertificateStatus.active), (.kept, .inactive), (.unknown, nil),
    ] as [(FilledTemplate.StatusEffect, CertificateStatus?)])
  func `the status after RegisterThing is what the template makes of it`(
    effect: FilledTemplate.StatusEffect, status: CertificateStatus?
  ) {
    var test = DevicesUnderTest()
    let filled = FilledTemplate(body: "{}", parameters: [], status: effect)
    test.ask(1, Provisioning(profile: "p", tag: ProvisioningTag(rawValue: 1), work: .template(filled)))
    test.succeed(2)
    #expect(test.registration(toldTo: 1)?.status == status && test.result?.status == status)
  }

  // MARK: Deactivated devices

  /// A device that was complete and ACTIVE, and was deactivated since.
  private static func deactivated(_ device: Provisioning, steps: Int) -> DevicesUnderTest {
    var test = DevicesUnderTest()
    test.ask(1, device, device.activatesLast ? .active : nil)
    test.succeed(steps)
    #expect(test.result?.status == .active && test.result?.provisioned?.isActivated == true)
    test.askForStatus(2, .inactive)
    test.succeed()
    return test
  }

  private static func template(_ tag: UInt64, _ status: FilledTemplate.StatusEffect = .set(.active)) -> Provisioning {
    Provisioning(
      profile: "t", tag: ProvisioningTag(rawValue: tag),
      work: .template(FilledTemplate(body: "{}", parameters: [], status: status)))
  }

  @Test func `a deactivated device stays so although another profile fails before its first step`() {
    var test = Self.deactivated(Self.last, steps: 2 + Self.steps)
    let other = Provisioning(
      profile: "q", tag: ProvisioningTag(rawValue: 9),
      work: .parts(DeviceParts(thing: nil, policies: ["typo"], activatesLast: false)))
    test.ask(3, other)
    test.fail()
    // The certificate may be missing, and is there.
    test.succeed(exists: true, nil)
    test.fail()
    #expect(test.error(toldTo: 3)?.reason == "policy_not_found")
    #expect(test.result?.status == .inactive && test.result?.provisioned?.isActivated == true)
    #expect(test.result?.provisioned?.isComplete == false)
    test.ask(4, Self.last, .active)
    #expect(test.error(toldTo: 4)?.reason == .statusDiffers && test.rows.isEmpty)
    test.ask(5, Self.last, .active, ifExists: .update)
    test.succeed(1 + Self.steps)
    #expect(test.registration(toldTo: 5)?.status == .active)
    #expect(test.registration(toldTo: 5)?.provisioned?.resources.policies == ["p", "q"])
  }

  @Test(arguments: [false, true])
  func `a template does not activate a deactivated device again`(refresh: Bool) {
    var test = Self.deactivated(Self.template(1), steps: 2)
    let made = test.operations.count
    test.ask(3, Self.template(refresh ? 1 : 2), refresh: refresh)
    if refresh { test.succeed(exists: true, nil) }
    #expect(test.error(toldTo: 3)?.reason == .statusDiffers && test.error(toldTo: 3)?.status == .inactive)
    #expect(!test.operations.dropFirst(made).contains(.registerThing) && test.result?.status == .inactive)
    // One that leaves the status alone is applied.
    test.ask(4, Self.template(3, .kept))
    test.succeed()
    #expect(test.registration(toldTo: 4)?.status == .inactive)
    test.ask(5, Self.template(2), .active, ifExists: .update)
    test.succeed()
    #expect(test.registration(toldTo: 5)?.status == .active)
  }

  @Test func `a template is not applied to a certificate that is known as revoked`() {
    var test = DevicesUnderTest()
    test.ask(1, nil)
    test.succeed()
    test.askForStatus(2, .revoked)
    test.succeed()
    test.ask(3, Self.template(1))
    #expect(test.error(toldTo: 3)?.reason == .statusDiffers && test.operations.last == .updateCertificate)
  }

  @Test func `a refresh for a part of the device keeps it from being activated by the next request`() {
    var test = Self.deactivated(Self.last, steps: 2 + Self.steps)
    test.ask(3, DevicesUnderTest.device(8), refresh: true)
    test.succeed(exists: true, nil)
    test.fail()
    #expect(test.result?.provisioned?.isActivated == true)
    test.ask(4, Self.last, .active)
    #expect(test.error(toldTo: 4)?.reason == .statusDiffers)
  }
}
