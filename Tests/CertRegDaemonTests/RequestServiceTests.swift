import CertRegCore
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
