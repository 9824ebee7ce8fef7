import CertRegTesting
import Testing

@testable import CertRegCore

/// A revocation behind jobs that cannot go on.
@Suite struct RegistrarRevocationTests {
  private static let positions = Array(DevicesUnderTest.operations.indices)

  private func revokes(_ call: UpstreamCall?) -> Bool {
    if case .updateCertificate(let call)? = call { call.status == .revoked } else { false }
  }

  /// The revocation is the next call, and the last one ever.
  private func expectRevocation(_ test: inout DevicesUnderTest, toldTo waiter: Registrar.WaiterID) {
    let before = test.calls.count
    #expect(revokes(test.calls.last))
    test.succeed()
    if case .updated(let update)? = test.answers[waiter] {
      #expect(update.status == .revoked)
    } else {
      Issue.record("not revoked: \(String(describing: test.answers[waiter]))")
    }
    test.pass(.seconds(800))
    #expect(test.calls.count == before && test.rows.isEmpty && test.registrar.isQuiet)
  }

  @Test(arguments: positions, [false, true])
  func `a revocation ends a device whose step is to be tried again`(position: Int, isPromised: Bool) {
    var test = DevicesUnderTest()
    test.ask(1, DevicesUnderTest.device(activatesLast: true), .active, wait: !isPromised)
    test.succeed(1 + position)
    test.fail(.incomplete)
    test.askForStatus(2, .revoked)
    if !isPromised {
      let error = test.error(toldTo: 1)
      #expect(error?.reason == .certificateRevoked)
      #expect(error?.failedStep?.operation == DevicesUnderTest.operations[position].rawValue)
      #expect(error?.failedStep?.certificateARN == "arn")
    }
    #expect(test.result?.certificateARN == "arn")
    expectRevocation(&test, toldTo: 2)
    #expect(test.result?.status == .revoked && test.result?.outcome == .created)
  }

  @Test(arguments: positions, [false, true])
  func `another host's revocation ends a device whose step is to be tried again`(position: Int, isCalling: Bool) {
    var test = DevicesUnderTest()
    test.ask(1, DevicesUnderTest.device(activatesLast: true), .active)
    test.succeed(1 + position)
    if !isCalling { test.fail(.incomplete) }
    test.hearOfRevocation()
    #expect((test.error(toldTo: 1) == nil) == isCalling)
    if isCalling { test.succeed() }
    let calls = test.calls.count
    #expect(test.error(toldTo: 1)?.reason == .certificateRevoked)
    test.pass(.seconds(800))
    #expect(test.calls.count == calls && test.rows.isEmpty && test.result?.certificateARN == "arn")
    // What was known of the status before must not hide the revocation.
    #expect(test.result?.status == nil)
  }

  @Test(arguments: positions) func `a device is not made any further once another host has revoked its certificate`(
    position: Int
  ) {
    var test = DevicesUnderTest()
    test.ask(1, DevicesUnderTest.device(activatesLast: true), .active)
    test.succeed(1 + position)
    test.fail(.incomplete)
    let calls = test.calls.count
    test.hear(.revoked)
    #expect(test.error(toldTo: 1)?.reason == .statusDiffers && test.error(toldTo: 1)?.status == .revoked)
    test.pass(.seconds(800))
    #expect(test.calls.count == calls && test.rows.isEmpty && test.result?.status == .revoked)
  }

  enum Present: CaseIterable {
    case calling
    case pausing
    case waiting
  }

  @Test(arguments: positions, Present.allCases)
  func `the upstream is asked before a certificate is activated that another host has revoked`(
    position: Int, present: Present
  ) {
    for status in [CertificateStatus.revoked, .inactive] {
      var test = DevicesUnderTest()
      test.ask(1, DevicesUnderTest.device(activatesLast: true), .active)
      test.succeed(1 + position)
      switch present {
      case .calling: test.hearThatItWasRevoked()
      case .pausing:
        test.fail(.incomplete)
        test.hearThatItWasRevoked()
        test.pass(.seconds(120))
      case .waiting:
        test.removeTarget()
        test.fail(.incomplete)
        test.pass(.seconds(120))
        test.hearThatItWasRevoked()
        test.point(to: nil)
      }
      if present == .calling { test.succeed() }
      #expect(test.asksForStatus)
      test.succeed(exists: true, status)
      let done = position + (present == .calling ? 1 : 0)
      if status == .revoked {
        #expect(test.error(toldTo: 1)?.reason == .statusDiffers && test.result?.status == .revoked)
        #expect(test.rows.isEmpty && !test.operations.contains(.updateCertificate))
        #expect(test.result?.provisioned?.completedSteps == (done == 0 ? nil : 1 + done))
      } else {
        // The news were wrong: the device goes on where it was.
        #expect(test.operations.last == (DevicesUnderTest.operations + [.updateCertificate])[done])
        test.succeed(DevicesUnderTest.operations.count - done + 1)
        #expect(test.registration(toldTo: 1)?.status == .active && test.registration(toldTo: 1)?.outcome == .created)
      }
    }
  }

  @Test(arguments: [false, true])
  func `also jobs behind the one at work ask about another host's revocation`(comesLater: Bool) {
    var test = DevicesUnderTest()
    test.ask(1)
    test.succeed(2)
    if comesLater { test.hearThatItWasRevoked() }
    test.ask(2, DevicesUnderTest.device(activatesLast: true), .active)
    if !comesLater { test.hearThatItWasRevoked() }
    test.succeed(DevicesUnderTest.operations.count - 1)
    #expect(test.registration(toldTo: 1)?.provisioned?.isComplete == true && test.asksForStatus)
    test.succeed(exists: true, .revoked)
    #expect(test.error(toldTo: 2)?.reason == .statusDiffers && !test.operations.contains(.updateCertificate))
  }

  @Test func `a registration of which nothing is known goes on where another host waits to revoke it`() {
    var test = DevicesUnderTest()
    test.ask(1, nil, .active)
    test.fail(.incomplete)
    test.hearOfRevocation()
    test.pass(.seconds(800))
    test.succeed()
    #expect(test.registration(toldTo: 1)?.outcome == .created)
  }

  @Test(arguments: positions, [true, false])
  func `a revocation waits for the call under way and for no other`(position: Int, succeeds: Bool) {
    var test = DevicesUnderTest()
    test.ask(1, DevicesUnderTest.device(activatesLast: true), .active)
    test.succeed(1 + position)
    test.askForStatus(2, .revoked)
    #expect(test.operations.last == DevicesUnderTest.operations[position] && test.error(toldTo: 1) == nil)
    if succeeds { test.succeed() } else { test.fail(.incomplete) }
    #expect(test.error(toldTo: 1)?.reason == .certificateRevoked)
    expectRevocation(&test, toldTo: 2)
  }

  @Test func `devices that wait behind one another all give way, also after a restart`() {
    var test = DevicesUnderTest()
    test.ask(1, wait: false)
    test.succeed(4)
    test.fail(.incomplete)
    test.ask(2, DevicesUnderTest.device(8), wait: false)
    test.ask(3, DevicesUnderTest.device(9), wait: false)
    let before = test.calls.count
    test.restart()
    #expect(test.calls.count == before + 1)
    test.askForStatus(4, .revoked)
    test.fail(.incomplete)
    #expect(test.calls.count == before + 2)
    expectRevocation(&test, toldTo: 4)
  }

  @Test func `after a restart a revocation on disk is carried out before the steps of a device`() {
    var test = DevicesUnderTest()
    test.ask(1)
    test.succeed(2)
    test.askForStatus(2, .revoked)
    test.restart()
    #expect(revokes(test.calls.last) && test.rows.count == 1)
    test.succeed()
    #expect(test.result?.status == .revoked && test.rows.isEmpty)
  }

  @Test func `a registration of which nothing is known is not given up for a revocation`() {
    var test = DevicesUnderTest()
    test.ask(1, nil)
    test.fail(.unavailable(retryAfter: nil), isLost: true)
    test.askForStatus(2, .revoked)
    test.pass(.seconds(120))
    #expect(test.operations == [.registerCertificateWithoutCA, .registerCertificateWithoutCA])
    test.succeed()
    #expect(test.registration(toldTo: 1) != nil)
    expectRevocation(&test, toldTo: 2)
  }

  @Test func `a refresh of a known certificate is not tried again before its revocation`() {
    var test = DevicesUnderTest()
    test.ask(1, nil)
    test.succeed()
    test.ask(2, nil, refresh: true)
    test.askForStatus(3, .revoked)
    #expect(test.operations.last == .registerCertificateWithoutCA)
    test.fail(.incomplete)
    #expect(test.error(toldTo: 2)?.reason == .certificateRevoked)
    expectRevocation(&test, toldTo: 3)
  }

  @Test func `an earlier change of the status is not tried again before a revocation, and made once as asked`() {
    var test = DevicesUnderTest()
    test.askForStatus(1, .active)
    test.askForStatus(2, .inactive)
    test.askForStatus(3, .revoked)
    test.fail(.throttled(retryAfter: nil), isLost: true)
    #expect(test.error(toldTo: 1)?.reason == .certificateRevoked && test.error(toldTo: 2) == nil)
    test.pass(.seconds(60))
    test.succeed()
    expectRevocation(&test, toldTo: 3)
  }

  @Test(arguments: [CertificateStatus.active, .inactive])
  func `every other status waits for the device`(status: CertificateStatus) {
    var test = DevicesUnderTest()
    test.ask(1)
    test.succeed(2)
    test.fail(.incomplete)
    test.askForStatus(2, status)
    #expect(test.error(toldTo: 1) == nil)
    test.pass(.seconds(120))
    test.succeed(5)
    #expect(test.registration(toldTo: 1)?.provisioned?.isComplete == true)
    #expect(test.operations.last == .updateCertificate)
  }
}
