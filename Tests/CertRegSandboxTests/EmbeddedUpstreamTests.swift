import CertRegCore
import CertRegSandbox
import CertRegTesting
import Testing

@Suite struct EmbeddedUpstreamTests {
  private let upstream = EmbeddedUpstream(SandboxAccount(), clock: ManualClock.atStart().clock, seed: 1)

  private func call(_ number: Int, status: CertificateStatus? = nil) -> RegisterCertificateCall {
    RegisterCertificateCall(certificateID: certificate(number).id, der: certificate(number).der, status: status)
  }

  @Test(arguments: [nil, .active, .inactive, .revoked] as [CertificateStatus?])
  func `registers once and says so the second time`(status: CertificateStatus?) async throws {
    let arn = "arn:aws:iot:eu-central-1:123456789012:cert/\(certificate(1).id.hex)"
    let reply = upstream.registerCertificateWithoutCA(call(1, status: status))
    guard case .registered(arn, let first?) = reply else {
      Issue.record("the first call did not register")
      return
    }
    guard case .alreadyExists(arn, nil, let second?, nil) = upstream.registerCertificateWithoutCA(call(1)) else {
      Issue.record("the second call did not find the certificate")
      return
    }
    #expect(first != second)
    #expect(upstream.certificateCount == 1)
  }

  @Test func `tells the status of what exists where that was asked for`() throws {
    _ = upstream.registerCertificateWithoutCA(call(1, status: .revoked))
    for describes in [true, false] {
      upstream.setDescribesExisting(describes)
      guard case .alreadyExists(_, let status, _, _) = upstream.registerCertificateWithoutCA(call(1)) else {
        Issue.record("the certificate does not exist")
        return
      }
      #expect(status == (describes ? .revoked : nil))
    }
  }

  @Test(arguments: [CertificateStatus.pendingTransfer, .registerInactive, .pendingActivation])
  func `refuses the statuses that AWS keeps to itself`(status: CertificateStatus) async throws {
    guard case .failed(let failure) = upstream.registerCertificateWithoutCA(call(1, status: status)) else {
      Issue.record("the call did not fail")
      return
    }
    #expect(failure.disposition == .final)
    #expect(failure.error.kind == .certificateState)
    #expect(failure.error.origin == .upstream)
    #expect(failure.error.retryable == false)
    #expect(failure.error.requestID != nil)
    #expect(failure.error.message == "Not allowed to register certificate with \(status.rawValue) status")
    #expect(upstream.certificateCount == 0)
  }

  @Test func `describes what is registered, and nothing else`() async throws {
    _ = upstream.registerCertificateWithoutCA(call(1, status: .active))
    let certificate = try await upstream.describe(certificate(1).id)
    #expect(certificate.status == .active && certificate.mode == "SNI_ONLY")
    #expect(certificate.certificateARN == "arn:aws:iot:eu-central-1:123456789012:cert/\(call(1).certificateID.hex)")
    #expect(certificate.things == [] && certificate.policies == [])
    let failure = await #expect(throws: UpstreamFailure.self) { try await upstream.describe(call(2).certificateID) }
    #expect(failure?.error.reason == .certificateNotFound && failure?.error.origin == .upstream)
  }

  @Test func `if many calls for one certificate come at once, one registers it`() async {
    let replies = await withTaskGroup(of: UpstreamReply.self) { group in
      for _ in 0..<100 { group.addTask { upstream.registerCertificateWithoutCA(call(1)) } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    let registered = replies.filter { if case .registered = $0 { true } else { false } }
    #expect(registered.count == 1)
    #expect(replies.count == 100)
  }
}
