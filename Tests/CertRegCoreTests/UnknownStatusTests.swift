import CertRegTesting
import Testing

@testable import CertRegCore

/// Certificates of an unknown status, which somebody may have revoked.
@Suite struct UnknownStatusTests {
  private static let steps = DevicesUnderTest.operations.count
  private static let last = DevicesUnderTest.device(activatesLast: true)

  enum Profile: CaseIterable {
    case plain
    case activatesLast
    case activatesWhatever

    var provisioning: Provisioning { DevicesUnderTest.device(activatesLast: self != .plain) }
    var status: CertificateStatus? { self == .plain ? nil : .active }
    var ifExists: IfExists { self == .activatesWhatever ? .update : .return }
  }

  @Test(arguments: [nil, .inactive, .active, .revoked] as [CertificateStatus?], Profile.allCases)
  func `only a status that is not known is asked for, and only before an activation`(
    status: CertificateStatus?, profile: Profile
  ) {
    var test = DevicesUnderTest()
    test.ask(1, nil)
    test.succeed(exists: true, status)
    #expect(test.result?.outcome == .existing && test.result?.status == status)
    test.ask(2, profile.provisioning, profile.status, ifExists: profile.ifExists)
    switch (status, profile) {
    case (nil, .activatesLast): #expect(test.asksForStatus && test.calls.count == 2)
    case (.revoked, .activatesLast):
      #expect(test.error(toldTo: 2)?.reason == .statusDiffers && test.calls.count == 1)
    default: #expect(test.operations.last == .createThing)
    }
  }

  @Test(arguments: [nil, .inactive, .active, .revoked] as [CertificateStatus?], [false, true])
  func `what becomes of the device depends on the status that the upstream tells`(
    status: CertificateStatus?, restarts: Bool
  ) {
    var test = DevicesUnderTest()
    test.ask(1, nil)
    test.succeed(exists: true, nil)
    test.ask(2, Self.last, .active)
    if restarts { test.restart() }
    #expect(test.asksForStatus)
    test.succeed(exists: true, status)
    switch status {
    case nil: #expect(test.rows.first?.lastError?.reason == .statusUnknown && test.calls.count == (restarts ? 3 : 2))
    case .revoked:
      #expect(restarts || test.error(toldTo: 2)?.reason == .statusDiffers && test.error(toldTo: 2)?.status == .revoked)
      #expect(test.operations.last == .registerCertificateWithoutCA && test.rows.isEmpty)
      #expect(test.result?.status == .revoked)
    default:
      test.succeed(Self.steps)
      if status == .inactive { test.succeed() }
      #expect(test.result?.status == .active && test.result?.outcome == .existing && test.rows.isEmpty)
      #expect((test.operations.last == .updateCertificate) == (status == .inactive))
    }
  }

  @Test func `a certificate that a call of another host may have made counts as created`() {
    var test = DevicesUnderTest()
    test.ask(1, nil)
    test.succeed(exists: true, nil)
    test.ask(2, Self.last, .active)
    test.fail(.unavailable(retryAfter: nil))
    test.hearOfEarlierCall()
    test.pass(.seconds(11))
    #expect(test.asksForStatus)
    test.succeed(exists: true, .inactive)
    test.succeed(Self.steps + 1)
    #expect(test.result?.outcome == .created && test.result?.status == .active)
  }

  @Test func `what was found before a lost call of another host was heard of counts as created`() {
    var test = DevicesUnderTest()
    test.ask(1, Profile.plain.provisioning)
    test.succeed(exists: true, .inactive)
    test.hearOfEarlierCall()
    test.succeed(Self.steps)
    #expect(test.result?.outcome == .created)
  }

  @Test(arguments: [CertificateStatus.inactive, .revoked], [false, true])
  func `a half-made device whose status came into doubt goes on where it was`(
    status: CertificateStatus, restarts: Bool
  ) {
    var test = DevicesUnderTest(maxAge: .seconds(60))
    test.ask(1, Self.last, .active)
    test.succeed(4)
    test.fail()
    #expect(test.result?.provisioned?.completedSteps == 4)
    test.askForStatus(2, .revoked)
    test.pass(.seconds(50))
    test.ask(3, Self.last, .active)
    test.fail(.unavailable(retryAfter: nil), isLost: true)
    test.pass(.seconds(11))
    if restarts { test.restart() }
    #expect(test.asksForStatus)
    test.succeed(exists: true, status)
    guard status == .inactive else {
      #expect(restarts || test.error(toldTo: 3)?.reason == .statusDiffers)
      #expect(test.asksForStatus == false && test.rows.isEmpty)
      #expect(test.result?.status == .revoked && test.result?.provisioned?.completedSteps == 4)
      return
    }
    #expect(test.operations.last == .attachPolicy)
    test.succeed(Self.steps - 3 + 1)
    #expect(test.result?.status == .active && test.result?.outcome == .created && test.rows.isEmpty)
    #expect(test.result?.provisioned?.isComplete == true && test.operations.last == .updateCertificate)
  }

  @Test func `a certificate that was deleted meanwhile is registered, and its device is made from the beginning`() {
    var test = DevicesUnderTest()
    test.ask(1, Self.last, .active)
    test.succeed(1 + Self.steps)
    test.refuseState()
    test.ask(2, Self.last, .active)
    test.succeed()
    #expect(test.operations.last == .createThing)
    test.succeed(Self.steps + 1)
    #expect(test.registration(toldTo: 2)?.status == .active)
  }

  @Test func `a device goes on where it was after another host's result without a status`() {
    var test = DevicesUnderTest()
    test.ask(1, Self.last, .active)
    test.succeed(3)
    test.fail(.incomplete)
    test.hear(nil)
    #expect(test.asksForStatus)
    test.succeed(exists: true, .inactive)
    #expect(test.operations.last == DevicesUnderTest.operations[2])
    test.succeed(Self.steps - 2 + 1)
    #expect(test.registration(toldTo: 1)?.status == .active && test.registration(toldTo: 1)?.outcome == .created)
  }

  @Test func `what is known of a certificate stays where its status cannot be had`() {
    var test = DevicesUnderTest(maxAge: .seconds(60))
    test.ask(1, Self.last, .active)
    test.succeed(3)
    test.fail(.incomplete)
    test.hear(nil)
    test.succeed(exists: true, nil)
    test.pass(.seconds(61))
    #expect(test.error(toldTo: 1)?.reason == .queueExpired && test.rows.isEmpty)
    #expect(test.result?.outcome == .created && test.result?.certificateARN == "arn" && test.result?.status == nil)
    #expect(test.result?.provisioned?.completedSteps == 3)
  }

  @Test func `a certificate whose activation is refused for its state is asked about before the next one`() {
    var test = DevicesUnderTest()
    test.ask(1, Self.last, .active)
    test.succeed(1 + Self.steps)
    test.refuseState()
    #expect(test.error(toldTo: 1)?.reason == "upstream_refused_state" && test.result?.status == nil)
    test.ask(2, Self.last, .active)
    #expect(test.asksForStatus)
    test.succeed(exists: true, .revoked)
    #expect(test.error(toldTo: 2)?.reason == .statusDiffers && test.result?.status == .revoked)
    #expect(test.result?.outcome == .created && test.operations.count { $0 == .updateCertificate } == 1)
  }

  @Test(
    arguments: [.active, .inactive, .revoked, .pendingTransfer] as [CertificateStatus],
    [CertificateStatus.active, .inactive])
  func `a refused update shows that a certificate is not ACTIVE or INACTIVE`(
    known: CertificateStatus, asked: CertificateStatus
  ) {
    var test = DevicesUnderTest()
    test.ask(1, nil)
    test.succeed(exists: true, known)
    test.askForStatus(2, asked)
    test.refuseState()
    #expect(test.result?.status == ([.revoked, .pendingTransfer].contains(known) ? known : nil))
    #expect(test.error(toldTo: 2)?.reason == "upstream_refused_state" && test.result?.certificateARN == "arn")
  }
}
