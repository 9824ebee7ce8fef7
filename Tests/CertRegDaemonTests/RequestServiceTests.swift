import CertRegCore
import CertRegTesting
import Foundation
import Testing

@testable import CertRegDaemon

/// The operations from a line to its answer. Each test runs twice: with direct calls of the service, and through a
/// socket.
@Suite struct RequestServiceTests {
  private static let certificate = Result { try ServiceUnderTest.issueCertificate() }

  private func register(_ members: String = "") throws -> String {
    let pem = try Self.certificate.get().replacingOccurrences(of: "\n", with: "\\n")
    return #"{"id":1,"certificatePem":"\#(pem)"\#(members)}"#
  }

  /// Sends one request after the other, and returns the answers.
  private func answers(
    _ route: ServiceUnderTest.Route, replies: [UpstreamReply] = [], to lines: [String]
  ) async throws -> [[String: any Sendable]] {
    let service = try await ServiceUnderTest(route, replies: replies)
    var answers: [[String: any Sendable]] = []
    for line in lines { answers.append(try await service.ask(line)) }
    await service.stop()
    return answers
  }

  @Test(arguments: ServiceUnderTest.Route.allCases)
  func `registers once, and answers a repeat with the known result`(_ route: ServiceUnderTest.Route) async throws {
    let answers = try await answers(route, to: [try register(#","status":"ACTIVE""#), try register()])
    #expect(answers.map { $0["outcome"] as? String } == ["created", "created"])
    #expect(answers.map { $0["cached"] as? Bool } == [false, true])
    #expect(answers.map { $0["status"] as? String } == ["ACTIVE", "ACTIVE"])
  }

  @Test(arguments: ServiceUnderTest.Route.allCases)
  func `the last name that was given for a device is the one that lookup tells`(
    _ route: ServiceUnderTest.Route
  ) async throws {
    let pem = try Self.certificate.get().replacingOccurrences(of: "\n", with: "\\n")
    let lookup = #"{"id":2,"op":"lookup","certificatePem":"\#(pem)"}"#
    let answers = try await answers(
      route,
      to: [
        try register(#","deviceId":"pump 7""#), lookup, try register(), lookup,
        try register(#","deviceId":"\u0070ump 7","target":["default"]"#), try register(#","deviceId":"pump 8""#),
        lookup,
        try register(#","deviceId":"pump 8""#),
      ])
    #expect(answers.map { $0["deviceId"] as? String } == [nil, "pump 7", nil, "pump 7", nil, nil, "pump 8", nil])
    #expect(answers.map { $0["cached"] as? Bool } == [false, nil, true, nil, nil, true, nil, true])
  }

  @Test(arguments: ServiceUnderTest.Route.allCases)
  func `a certificate that was registered without a status is INACTIVE, and another status is refused`(
    _ route: ServiceUnderTest.Route
  ) async throws {
    let answers = try await answers(
      route, to: [try register(), try register(#","status":"INACTIVE""#), try register(#","status":"ACTIVE""#)])
    #expect(answers.map { $0["status"] as? String } == ["INACTIVE", "INACTIVE", nil])
    let refusal = answers[2]["error"] as? [String: any Sendable]
    #expect(refusal?["reason"] as? String == "status_differs" && refusal?["status"] as? String == "INACTIVE")
  }

  private func members(_ answer: [String: any Sendable]) -> [String: String] {
    (answer["error"] as? [String: any Sendable] ?? answer).compactMapValues { $0 as? String }
  }

  @Test(arguments: ServiceUnderTest.Route.allCases)
  func `update sets the status, which is the known one afterwards`(_ route: ServiceUnderTest.Route) async throws {
    let pem = try Self.certificate.get().replacingOccurrences(of: "\n", with: "\\n")
    let answers = try await answers(
      route,
      to: [
        try register(), #"{"id":2,"op":"update","certificatePem":"\#(pem)","status":"ACTIVE"}"#, try register(),
        try register(#","status":"ACTIVE""#), #"{"id":3,"op":"lookup","certificatePem":"\#(pem)"}"#,
        try register(#","status":"INACTIVE""#),
        #"{"id":4,"op":"update","certificatePem":"\#(pem)","status":"REVOKED","target":["default"]}"#,
      ])
    let told = answers.map(members)
    #expect(told.map { $0["status"] } == ["INACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", nil])
    #expect(told[1]["outcome"] == "updated" && told[1]["certificateArn"] == told[0]["certificateArn"])
    #expect(answers[1]["cached"] as? Bool == false && told[1]["target"] == "default")
    #expect(answers[3]["cached"] as? Bool == true && told[5]["reason"] == "status_differs")
    let results = answers[6]["results"] as? [any Sendable]
    let result = (results?.first as? [String: any Sendable]).map(members)
    #expect(result?["status"] == "REVOKED" && result?["outcome"] == "updated")
  }

  @Test(arguments: ServiceUnderTest.Route.allCases)
  func `the log tells the name of the device whose status is set`(_ route: ServiceUnderTest.Route) async throws {
    let refused = UpstreamFailure(
      error: ServiceError(.invalidRequest, reason: "upstream_refused_request", message: "no", origin: .upstream),
      disposition: .final)
    let service = try await ServiceUnderTest(
      route,
      replies: [
        .registered(certificateARN: "", requestID: nil), .updated(requestID: nil),
        .failed(refused),
      ])
    let pem = try Self.certificate.get().replacingOccurrences(of: "\n", with: "\\n")
    _ = try await service.ask(try register(#","deviceId":"pump-7""#))
    for status in ["ACTIVE", "INACTIVE"] {
      _ = try await service.ask(#"{"op":"update","certificatePem":"\#(pem)","status":"\#(status)"}"#)
    }
    await service.stop()
    let entries = service.entries.filter { $0["event"]?.hasPrefix("status_") == true }
    #expect(entries.map { $0["event"] } == ["status_set", "status_not_set"])
    #expect(entries.map { $0["device_id"] } == ["pump-7", "pump-7"])
  }

  @Test(arguments: ServiceUnderTest.Route.allCases)
  func `an update of a certificate that was never registered here tells nothing that is not known`(
    _ route: ServiceUnderTest.Route
  ) async throws {
    let pem = try Self.certificate.get().replacingOccurrences(of: "\n", with: "\\n")
    let exists = UpstreamReply.alreadyExists(certificateARN: "arn:x", status: nil, requestID: nil)
    let answers = try await answers(
      route, replies: [.updated(requestID: nil), exists],
      to: [
        #"{"op":"update","certificatePem":"\#(pem)","status":"ACTIVE"}"#,
        #"{"op":"lookup","certificatePem":"\#(pem)"}"#, try register(),
      ])
    let told = answers.map(members)
    #expect(told.map { $0["status"] } == ["ACTIVE", "ACTIVE", "ACTIVE"])
    #expect(told[0]["certificateArn"] == nil && told[1]["certificateArn"] == nil && told[1]["state"] == "registered")
    #expect(answers[2]["cached"] as? Bool == false && told[2]["outcome"] == "existing")
  }

  @Test(arguments: ServiceUnderTest.Route.allCases)
  func `a certificate that the upstream does not have is not known any more`(
    _ route: ServiceUnderTest.Route
  ) async throws {
    let pem = try Self.certificate.get().replacingOccurrences(of: "\n", with: "\\n")
    let gone = UpstreamFailure(
      error: ServiceError(
        .resourceNotFound, reason: "certificate_not_found", message: "x", origin: .upstream, requestID: "r"),
      disposition: .final)
    let created = UpstreamReply.registered(certificateARN: "arn:x", requestID: nil)
    let answers = try await answers(
      route, replies: [created, .failed(gone)],
      to: [
        try register(), #"{"op":"update","certificatePem":"\#(pem)","status":"ACTIVE"}"#,
        #"{"op":"lookup","certificatePem":"\#(pem)"}"#, try register(),
      ])
    let told = answers.map(members)
    #expect(told[1]["type"] == "ResourceNotFoundException" && told[1]["requestId"] == "r")
    #expect(told[2]["type"] == "ResourceNotFoundException" && told[3]["outcome"] == "created")
    #expect(answers[3]["cached"] as? Bool == false)
  }

  @Test(arguments: ServiceUnderTest.Route.allCases)
  func `ifExists update sets the status of a known certificate, and answers from memory where it is the same`(
    _ route: ServiceUnderTest.Route
  ) async throws {
    let service = try await ServiceUnderTest(route, replies: [])
    let first = members(try await service.ask(try register()))
    let second = try await service.ask(try register(#","status":"ACTIVE","ifExists":"update""#))
    let third = try await service.ask(try register(#","status":"ACTIVE","ifExists":"update""#))
    let fourth = try await service.ask(try register(#","ifExists":"update""#))
    let calls = service.upstreamCalls.map(\.operation)
    await service.stop()
    #expect(first["status"] == "INACTIVE")
    #expect(members(second)["status"] == "ACTIVE" && members(second)["outcome"] == "created")
    #expect(second["cached"] as? Bool == false && members(third)["status"] == "ACTIVE")
    #expect(third["cached"] as? Bool == true && fourth["cached"] as? Bool == true)
    #expect(calls == [.registerCertificateWithoutCA, .updateCertificate])
  }

  @Test(arguments: ServiceUnderTest.Route.allCases)
  func `a status that cannot be set is an error with its step, and the registration stays`(
    _ route: ServiceUnderTest.Route
  ) async throws {
    let refused = UpstreamFailure(
      error: ServiceError(
        .certificateState, reason: "upstream_refused_state", message: "x", origin: .upstream), disposition: .final)
    let exists = UpstreamReply.alreadyExists(certificateARN: "arn:x", status: .revoked, requestID: nil)
    let update = try register(#","status":"ACTIVE","ifExists":"update""#)
    let service = try await ServiceUnderTest(route, replies: [exists, .failed(refused)])
    let failed = members(try await service.ask(update))
    let known = members(try await service.ask(try register()))
    let again = members(try await service.ask(update))
    let calls = service.upstreamCalls.map(\.operation)
    await service.stop()
    #expect(failed["reason"] == "upstream_refused_state" && failed["step"] == "UpdateCertificate")
    #expect(failed["certificateId"]?.count == 64 && failed["certificateArn"]?.hasPrefix("arn:x:") == true)
    #expect(known["outcome"] == "existing" && known["status"] == "REVOKED")
    #expect(again["status"] == "ACTIVE" && again["outcome"] == "existing")
    #expect(calls == [.registerCertificateWithoutCA, .updateCertificate, .updateCertificate])
  }

  @Test(arguments: ServiceUnderTest.Route.allCases)
  func `another status than the known one is refused, with and without a refresh`(
    _ route: ServiceUnderTest.Route
  ) async throws {
    let exists = UpstreamReply.alreadyExists(certificateARN: "arn:x", status: nil, requestID: nil)
    let created = UpstreamReply.registered(certificateARN: "arn:x", requestID: nil)
    let answers = try await answers(
      route, replies: [created, exists],
      to: [
        try register(#","status":"ACTIVE""#), try register(#","status":"INACTIVE""#),
        try register(#","status":"INACTIVE","refresh":true"#),
      ])
    let reasons = answers.map { ($0["error"] as? [String: any Sendable])?["reason"] as? String }
    #expect(reasons == [nil, "status_differs", "status_differs"])
  }

  @Test(arguments: ServiceUnderTest.Route.allCases)
  func `lookup and forget follow a registration`(_ route: ServiceUnderTest.Route) async throws {
    let pem = try Self.certificate.get().replacingOccurrences(of: "\n", with: "\\n")
    let lookup = #"{"id":2,"op":"lookup","certificatePem":"\#(pem)"}"#
    let service = try await ServiceUnderTest(route, replies: [])
    #expect(try await service.ask(lookup)["error"] != nil)
    let id = try #require(try await service.ask(try register())["certificateId"] as? String)
    #expect(try await service.ask(lookup)["state"] as? String == "registered")
    let forgotten = try await service.ask(#"{"id":3,"op":"forget","certificateId":"\#(id)"}"#)
    #expect(forgotten["error"] == nil)
    #expect(try await service.ask(lookup)["error"] != nil)
    await service.stop()
  }

  @Test(arguments: ServiceUnderTest.Route.allCases)
  func `a certificate that is none is refused before a call is spent`(_ route: ServiceUnderTest.Route) async throws {
    let service = try await ServiceUnderTest(route, replies: [])
    let answer = try await service.ask(#"{"id":1,"certificatePem":"hello"}"#)
    #expect((answer["error"] as? [String: any Sendable])?["type"] as? String == "CertificateValidationException")
    #expect(service.callCount == 0)
    await service.stop()
  }
}
