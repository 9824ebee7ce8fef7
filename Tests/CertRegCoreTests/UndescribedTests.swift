import CertRegTesting
import Testing

@testable import CertRegCore

/// Certificates that exist and are to be activated last, while DescribeCertificate does not tell their status.
@Suite struct UndescribedTests {
  private static let last = DevicesUnderTest.device(activatesLast: true)
  private static let register = UpstreamOperation.registerCertificateWithoutCA
  private static let denied = failure(
    .unauthorized, "access_denied", .identity, "not authorized to perform: iot:DescribeCertificate")

  private static func failure(
    _ kind: ServiceError.Kind, _ reason: Reason, _ disposition: UpstreamFailure.Disposition, _ message: String = "m"
  ) -> UpstreamReply {
    .alreadyExists(
      certificateARN: "arn", status: nil, requestID: nil,
      undescribed: UpstreamFailure(
        error: ServiceError(kind, reason: reason, message: message, origin: .upstream), disposition: disposition))
  }

  private static func target(_ test: DevicesUnderTest) -> Registrar.TargetView? {
    test.registrar.target(DevicesUnderTest.target, now: test.now.monotonic)
  }

  @Test func `a waiting caller is told which permission is missing`() {
    var test = DevicesUnderTest()
    test.ask(1, Self.last, .active)
    test.reply(Self.denied)
    let error = test.error(toldTo: 1)
    #expect(error?.reason == .accessDenied && error?.kind == .unauthorized && test.rows.isEmpty)
    #expect(error?.message.contains("the identity needs iot:DescribeCertificate") == true)
    #expect(error?.failedStep?.operation == "DescribeCertificate" && error?.failedStep?.certificateARN == "arn")
    let target = Self.target(test)
    #expect(target?.health == .unauthorized && target?.lastError?.message.contains("iot:DescribeCertificate") == true)
    // It is registered all the same, and `lookup` says so.
    guard case .failed(let failure)? = test.disk.record(for: DevicesUnderTest.key) else {
      Issue.record("no failure is kept")
      return
    }
    #expect(failure.registered?.certificateARN == "arn" && failure.registered?.outcome == .existing)
    #expect(failure.registered?.status == nil && failure.error.reason == .accessDenied)
    // A repeat asks again, and another answer ends the refusal.
    test.ask(2, Self.last, .active)
    test.succeed(exists: true, .inactive)
    #expect(Self.target(test)?.health == .ok && test.operations.last == .createThing)
  }

  @Test func `other operations and registrations go on while only DescribeCertificate is refused`() {
    var test = DevicesUnderTest()
    test.ask(1, Self.last, .active, wait: false)
    test.reply(Self.denied)
    #expect(test.registrar.callsAtOnce(DevicesUnderTest.target, now: test.now.monotonic))
    // Another job of the target, with no waiting caller.
    let other = RegistrationKey(
      certificateID: CertificateID(words: (2, 0, 0, 0)), target: DevicesUnderTest.target)
    test.send(
      Registrar.Request(
        key: other, der: [2], basis: .anyTime, namedStatus: nil, status: nil, ifExists: .return,
        requester: Requester(uid: 1), expectation: .queued), 2)
    #expect(test.operations == [Self.register, Self.register])
  }

  @Test(arguments: [false, true])
  func `a queued request is tried again at the pace of refused identities`(restarts: Bool) {
    var test = DevicesUnderTest()
    test.ask(1, Self.last, .active, wait: false)
    test.reply(Self.denied)
    var tries = 1
    if restarts { test.restart() }
    for _ in 0..<3600 {
      if test.caller != nil {
        tries += 1
        test.reply(Self.denied)
      }
      test.pass(.seconds(1))
    }
    // The pauses grow to five minutes. A retry every 20 seconds would make 180.
    #expect((12...30).contains(tries))
    #expect(test.rows.first?.lastError?.reason == .accessDenied)
    // A caller that waits is told at once, and the request stays queued.
    test.ask(2, Self.last, .active)
    test.pass(.seconds(1))
    test.reply(Self.denied)
    #expect(test.error(toldTo: 2)?.reason == .accessDenied && test.rows.count == 1)
    // Once the permission is there, the device is made.
    test.pass(.seconds(600))
    test.succeed(exists: true, .inactive)
    #expect(test.operations.last == .createThing)
  }

  @Test func `a certificate that was deleted meanwhile is registered`() {
    var test = DevicesUnderTest()
    test.ask(1, Self.last, .active)
    test.reply(Self.failure(.resourceNotFound, .certificateNotFound, .final))
    #expect(test.answers[1] == nil && test.rows.first?.lastError?.reason == .statusUnknown)
    test.pass(.seconds(5))
    #expect(test.operations == [Self.register, Self.register])
    test.succeed(2 + DevicesUnderTest.operations.count)
    #expect(test.registration(toldTo: 1)?.outcome == .created && test.result?.status == .active)
  }

  @Test func `another permanent answer ends the request`() {
    var test = DevicesUnderTest()
    test.ask(1, Self.last, .active)
    test.reply(Self.failure(.invalidRequest, "upstream_refused_request", .final))
    #expect(test.error(toldTo: 1)?.reason == "upstream_refused_request" && test.rows.isEmpty)
    #expect(test.error(toldTo: 1)?.failedStep?.operation == "DescribeCertificate")
    #expect(Self.target(test)?.health == .ok)
  }

  @Test(
    arguments: [.unavailable(retryAfter: nil), .throttled(retryAfter: nil)] as [UpstreamFailure.Disposition])
  func `a temporary failure is tried again and told`(disposition: UpstreamFailure.Disposition) {
    var test = DevicesUnderTest()
    test.ask(1, Self.last, .active)
    test.reply(Self.failure(.serviceUnavailable, "upstream_unavailable", disposition, "HTTP 503"))
    let error = test.rows.first?.lastError
    #expect(error?.reason == .statusUnknown && error?.message.hasSuffix(": HTTP 503") == true)
    #expect(Self.target(test)?.health == .ok && test.answers[1] == nil)
    test.pass(.seconds(5))
    test.succeed(exists: true, .inactive)
    #expect(test.operations.last == .createThing)
  }

  @Test(
    arguments: [
      failure(.internalFailure, "upstream_failed", .unavailable(retryAfter: nil)),
      failure(.throttling, "throttled_by_upstream", .throttled(retryAfter: nil)),
      failure(.resourceNotFound, .certificateNotFound, .final),
    ])
  func `a status that is asked for as configured is waited for`(reply: UpstreamReply) {
    var test = DevicesUnderTest()
    test.ask(1, nil, named: .active)
    test.reply(reply)
    #expect(test.answers[1] == nil && test.rows.first?.lastError?.reason == .statusUnknown)
    #expect(test.rows.first?.lastError?.message.contains("describeExisting") == true)
    test.restart()
    test.ask(2, nil, named: .active)
    test.pass(.seconds(60))
    test.succeed(exists: true, .inactive)
    #expect(test.error(toldTo: 2)?.reason == .statusDiffers && test.result?.status == .inactive)
    // It is not needed where it is set.
    test = DevicesUnderTest()
    test.ask(1, nil, .active, ifExists: .update)
    test.reply(reply)
    #expect(test.operations.last == .updateCertificate)
  }

  @Test func `a certificate that exists is known although its request waited too long for its status`() {
    var test = DevicesUnderTest(maxAge: .seconds(60))
    test.ask(1, Self.last, .active, wait: false)
    test.reply(Self.failure(.serviceUnavailable, "upstream_unavailable", .unavailable(retryAfter: nil)))
    test.pass(.seconds(120))
    #expect(test.rows.isEmpty && test.result?.certificateARN == "arn" && test.result?.status == nil)
  }

  @Test func `a status that was only asked for as configured is left out, and the refusal is told`() {
    var test = DevicesUnderTest()
    test.ask(1, nil)
    test.reply(Self.denied)
    #expect(test.registration(toldTo: 1)?.outcome == .existing && test.result?.status == nil)
    #expect(Self.target(test)?.health == .unauthorized && Self.target(test)?.lastError?.reason == .accessDenied)
  }
}
