import CertRegCore
import CertRegHost
import CertRegSettings
import CertRegTesting
import Testing

@testable import CertRegDaemon

/// Requests of a target with a profile, with an upstream whose replies the test chooses.
@Suite struct RequestServiceProvisioningTests {
  private let pem: String
  private let profile: ProvisioningProfile

  init() throws {
    pem = try ServiceUnderTest.issueCertificate().split(separator: "\n").joined(separator: "\\n")
    profile = ProvisioningProfile(
      name: "p",
      form: .parts(
        thing: .init(name: try PlaceholderText("{deviceId}")), policies: [try PlaceholderText("base")],
        activatesLast: false))
  }

  private func line(_ members: String = #","deviceId":"d""#, operation: String = "register") -> String {
    #"{"id":1,"op":"\#(operation)","certificatePem":"\#(pem)"\#(members)}"#
  }

  private func error(_ answer: [String: any Sendable]) -> [String: String] {
    (answer["error"] as? [String: any Sendable] ?? [:]).compactMapValues { $0 as? String }
  }

  private func device(_ answer: [String: any Sendable]) -> [String: any Sendable]? {
    answer["provisioning"] as? [String: any Sendable]
  }

  /// A failure of a step that asking again cannot mend.
  private static let noPolicy = UpstreamReply.failed(
    UpstreamFailure(
      error: ServiceError(.resourceNotFound, reason: "policy_not_found", message: "x", origin: .upstream),
      disposition: .final))

  @Test(arguments: ServiceUnderTest.Route.allCases)
  func `a repeat is answered from memory, and another device is made`(_ route: ServiceUnderTest.Route) async throws {
    let service = try await ServiceUnderTest(route, replies: [], profile: profile)
    let first = try await service.ask(line())
    #expect(device(first)?["thingName"] as? String == "d" && device(first)?["policies"] as? [String] == ["base"])
    let calls = service.callCount
    let second = try await service.ask(line())
    #expect(second["cached"] as? Bool == true && device(second)?["thingName"] as? String == "d")
    let plain = try await service.ask(line(#","provision":null"#))
    #expect(plain["cached"] as? Bool == true && device(plain) == nil && service.callCount == calls)
    let other = try await service.ask(line(#","deviceId":"e""#))
    #expect(device(other)?["thingName"] as? String == "e" && other["cached"] as? Bool == false)
    #expect(service.upstreamCalls.count { $0.operation == .registerCertificateWithoutCA } == 1)
    await service.stop()
  }

  @Test(arguments: ServiceUnderTest.Route.allCases)
  func `a missing value is told before any call`(_ route: ServiceUnderTest.Route) async throws {
    let service = try await ServiceUnderTest(route, replies: [], profile: profile)
    #expect(error(try await service.ask(line("")))["reason"] == "invalid_provisioning")
    #expect(error(try await service.ask(line(#","provision":"q""#)))["reason"] == "unknown_profile")
    #expect(service.callCount == 0)
    await service.stop()
  }

  @Test func `a failed step is named, and a repeat goes on with it`() async throws {
    let created = UpstreamReply.registered(certificateARN: "arn:x", requestID: nil)
    let made = UpstreamReply.provisioned(DeviceResources(), requestID: nil)
    let service = try await ServiceUnderTest(.direct, replies: [created, made, Self.noPolicy], profile: profile)
    let failed = error(try await service.ask(line()))
    #expect(failed["reason"] == "policy_not_found" && failed["step"] == "AttachPolicy")
    #expect(failed["certificateArn"]?.hasPrefix("arn:x") == true)
    let before = service.callCount
    let lookup = try await service.ask(line("", operation: "lookup"))
    let lastError = lookup["lastError"] as? [String: any Sendable]
    #expect(lookup["state"] as? String == "registered" && lookup["outcome"] as? String == "created")
    #expect(lookup["certificateArn"] as? String == failed["certificateArn"])
    #expect(lookup["status"] as? String == "INACTIVE")
    #expect(lastError?["step"] as? String == "AttachPolicy")
    #expect(device(lookup)?["complete"] as? Bool == false && device(lookup)?["thingName"] as? String == "d")
    #expect(device(try await service.ask(line())) != nil)
    #expect(
      service.upstreamCalls.dropFirst(before).map(\.operation) == [.attachPolicy, .attachThingPrincipal])
    let after = try await service.ask(line("", operation: "lookup"))
    #expect(after["state"] as? String == "registered" && after["lastError"] == nil)
    #expect(device(after) != nil && device(after)?["complete"] == nil)
    let entry = service.entries.first { $0["EVENT"] == "registration_failed" || $0["event"] == "registration_failed" }
    #expect(entry?.values.contains("AttachPolicy") == true)
    await service.stop()
  }

  @Test func `a device that is not there yet is queued, also where the certificate is known`() async throws {
    let busy = UpstreamReply.failed(
      UpstreamFailure(
        error: ServiceError(.throttling, reason: "throttled_by_upstream", message: "x", origin: .upstream),
        disposition: .throttled(retryAfter: .seconds(600))))
    let created = UpstreamReply.registered(certificateARN: "arn:x", requestID: nil)
    let service = try await ServiceUnderTest(.direct, replies: [created, busy], profile: profile)
    _ = try await service.ask(line(#","provision":null"#))
    #expect(try await service.ask(line("", operation: "lookup"))["state"] as? String == "registered")
    #expect(try await service.ask(line(#","deviceId":"d","wait":false"#))["outcome"] as? String == "queued")
    let known = try await service.ask(line("", operation: "lookup"))
    #expect(known["state"] as? String == "queued" && known["outcome"] as? String == "created")
    #expect(known["certificateArn"] != nil && known["status"] as? String == "INACTIVE")
    await service.stop()
  }

  @Test func `a rule grants profiles`() async throws {
    var rule = AccessRule()
    rule.profiles = ["q"]
    var settings = AccessSettings()
    settings.rules = [rule]
    let access = AccessControl(settings, maxPending: 9, database: .system, clock: ManualClock().clock)
    let service = try await ServiceUnderTest(.direct, replies: [], access: access, profile: profile)
    #expect(error(try await service.ask(line()))["reason"] == "peer_not_allowed")
    #expect(service.callCount == 0)
    #expect(try await service.ask(line(#","provision":null"#))["outcome"] as? String == "created")
    await service.stop()
  }

  @Test func `what the upstream has detached is attached again when it is asked for`() async throws {
    let bare = UpstreamCertificate(certificateARN: "arn:x", status: .inactive, things: ["d"], policies: [])
    let service = try await ServiceUnderTest(
      .direct, replies: [], certificates: [.success(bare)], profile: profile)
    #expect(device(try await service.ask(line())) != nil)
    _ = try await service.ask(line("", operation: "describe"))
    let lookup = try await service.ask(line("", operation: "lookup"))
    let asked = lookup["asked"] as? [String: any Sendable]
    #expect(asked?["thingName"] as? String == "d" && asked?["policies"] as? [String] == ["base"])
    let before = service.callCount
    #expect(device(try await service.ask(line())) != nil)
    #expect(service.upstreamCalls.dropFirst(before).contains { $0.operation == .attachPolicy })
    #expect(try await service.ask(line("", operation: "lookup"))["asked"] == nil)
    await service.stop()
  }

  private func lastProfile() throws -> ProvisioningProfile {
    ProvisioningProfile(
      name: "p", form: .parts(thing: nil, policies: [try PlaceholderText("base")], activatesLast: true))
  }

  @Test func `a describe does not take the protection from a deactivated device, and is told in the log`() async throws
  {
    let bare = UpstreamCertificate(certificateARN: "arn:x", status: .inactive, things: [], policies: [])
    let service = try await ServiceUnderTest(
      .direct, replies: [], certificates: [.success(bare), .success(bare)], profile: lastProfile())
    #expect(try await service.ask(line())["status"] as? String == "ACTIVE")
    _ = try await service.ask(line(#","status":"INACTIVE""#, operation: "update"))
    for _ in 0..<2 {
      #expect(error(try await service.ask(line()))["reason"] == "status_differs")
      _ = try await service.ask(line("", operation: "describe"))
    }
    let known = try await service.ask(line("", operation: "lookup"))
    #expect(device(known)?["complete"] as? Bool == false && (device(known)?["policies"] as? [String])?.isEmpty == true)
    // The second one found nothing else.
    let corrections = service.entries.filter { $0.values.contains("result_corrected") }
    #expect(corrections.count == 1)
    #expect(try await service.ask(line(#","ifExists":"update""#))["status"] as? String == "ACTIVE")
    await service.stop()
  }

  @Test(arguments: ["INACTIVE", nil])
  func `a profile that activates last decides about the status`(byDefault: String?) async throws {
    let status = byDefault.flatMap(CertificateStatus.init)
    let service = try await ServiceUnderTest(.direct, replies: [], profile: lastProfile(), defaultStatus: status)
    #expect(error(try await service.ask(line(#","status":"INACTIVE""#)))["reason"] == "invalid_provisioning")
    #expect(service.callCount == 0)
    #expect(try await service.ask(line())["status"] as? String == "ACTIVE")
    // What is known is told first.
    #expect(error(try await service.ask(line(#","status":"INACTIVE""#)))["reason"] == "status_differs")
    await service.stop()
  }
}
