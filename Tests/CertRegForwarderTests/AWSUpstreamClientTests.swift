import CertRegClock
import CertRegCodec
import CertRegCore
import CertRegCrypto
import CertRegSigV4
import CertRegTesting
import Logging
import NIOHTTP1
import Testing

@testable import CertRegForwarder

@Suite struct AWSUpstreamClientTests {
  private static let der = Array("any bytes do: the client does not look into the certificate".utf8)
  private static let id = SHA256.digest(of: der)
  private static let arn = "arn:aws:iot:eu-central-1:123456789012:cert/\(id.hex)"
  private static let success = CannedReply.json(
    200, #"{"certificateArn":"\#(arn)","certificateId":"\#(id.hex)"}"#, [("x-amzn-RequestId", "r-1")])
  private let call = RegisterCertificateCall(certificateID: id, der: der, status: .active)

  /// A reply to DescribeCertificate.
  private static func described(_ arn: String, _ status: String) -> CannedReply {
    .json(200, #"{"certificateDescription":{"certificateArn":"\#(arn)","status":"\#(status)"}}"#)
  }

  private func reason(_ reply: UpstreamReply) -> String? {
    if case .failed(let failure) = reply { failure.error.reason.rawValue } else { nil }
  }

  @Test func `sends what the API reference asks for, signed`() async throws {
    try await withUpstreamClient { _, _ in
      Self.success
    } _: { client, server in
      let reply = await client.registerCertificateWithoutCA(call)
      #expect(reply == .registered(certificateARN: Self.arn, requestID: "r-1"))
      let request = try #require(server.requests.first)
      #expect(request.method == "POST" && request.uri == "/certificate/register-no-ca")
      let body = try JSONValue(parsing: Array(request.body.utf8))
      #expect(body["certificatePem"]?.string == PEM.certificate(der: Self.der))
      #expect(body["status"]?.string == "ACTIVE")
      #expect(request.headers["Content-Type"] == ["application/json"])
      #expect(request.headers["Accept-Encoding"] == [])
      #expect(request.headers["Host"] == ["127.0.0.1:\(server.port)"])
      #expect(try signatureHolds(request))
    }
  }

  @Test func `a reply with an ARN comes with the signer of its request`() async throws {
    let keys = SigningCredentials(accessKeyID: "AKIAQNZGKIQYABCDEFGH", secretAccessKey: "secret")
    let signer = try #require(keys.signer)
    try await withUpstreamClient(credentials: FixedCredentials(keys)) { request, _ in
      request.method == "GET" ? Self.described(Self.arn, "ACTIVE") : Self.success
    } _: { client, _ in
      let (reply, signed) = await client.signedReply(to: .registerCertificateWithoutCA(call))
      #expect(reply.certificateARN == Self.arn && signed == signer)
      let certificate = try await client.described(Self.id)
      #expect(certificate.signer == signer)
    }
  }

  @Test func `sets a status with its query signed`() async throws {
    try await withUpstreamClient { _, _ in
      CannedReply(status: 200, headers: [("x-amzn-RequestId", "r-2")])
    } _: { client, server in
      let call = UpdateCertificateCall(certificateID: Self.id, status: .revoked, home: nil)
      #expect(await client.perform(.updateCertificate(call)) == .updated(requestID: "r-2"))
      let request = try #require(server.requests.first)
      #expect(request.method == "PUT")
      #expect(request.uri == "/certificates/\(Self.id.hex)?newStatus=REVOKED" && request.body.isEmpty)
      #expect(try signatureHolds(request))
    }
  }

  @Test(arguments: [
    (404, "ResourceNotFoundException", ServiceError.Kind.resourceNotFound, "certificate_not_found"),
    (406, "CertificateStateException", .certificateState, "upstream_refused_state"),
    (404, "UnknownOperationException", .internalFailure, "upstream_not_found"),
  ])
  func `passes an upstream's refusal to set a status on`(
    status: Int, type: String, kind: ServiceError.Kind, reason: String
  ) async throws {
    try await withUpstreamClient { _, _ in
      .json(status, #"{"message":"no"}"#, [("x-amzn-ErrorType", type), ("x-amzn-RequestId", "r-3")])
    } _: { client, _ in
      let call = UpdateCertificateCall(certificateID: Self.id, status: .active, home: nil)
      guard case .failed(let failure) = await client.perform(.updateCertificate(call)) else {
        Issue.record("no failure")
        return
      }
      #expect(failure.error.kind == kind && failure.error.reason.rawValue == reason)
      #expect(failure.error.requestID == "r-3" && failure.disposition == .final)
    }
  }

  @Test func `a page in place of an answer does not count as a status that was set`() async throws {
    try await withUpstreamClient { _, _ in
      CannedReply(status: 200, headers: [("Content-Type", "text/html")], body: "<html>log in</html>")
    } _: { client, _ in
      let call = UpdateCertificateCall(certificateID: Self.id, status: .active, home: nil)
      #expect(reason(await client.perform(.updateCertificate(call))) == "upstream_garbled")
    }
  }

  @Test func `sends no status where none is asked for`() async throws {
    try await withUpstreamClient { _, _ in
      Self.success
    } _: { client, server in
      _ = await client.registerCertificateWithoutCA(
        RegisterCertificateCall(certificateID: Self.id, der: Self.der, status: nil))
      let request = try #require(server.requests.first)
      let body = try JSONValue(parsing: Array(request.body.utf8))
      #expect(body["status"] == nil)
    }
  }

  @Test func `calls that follow each other share a connection`() async throws {
    try await withUpstreamClient { _, _ in
      Self.success
    } _: { client, server in
      for _ in 0..<5 { _ = await client.registerCertificateWithoutCA(call) }
      #expect(server.requests.count == 5 && server.connections == 1)
    }
  }

  @Test func `a base path of the endpoint goes before the operation's and is signed`() async throws {
    try await withUpstreamClient(configure: { $0.endpoint?.append("/base") }) { _, _ in
      Self.success
    } _: { client, server in
      _ = await client.registerCertificateWithoutCA(call)
      let request = try #require(server.requests.first)
      #expect(request.uri == "/base/certificate/register-no-ca")
      #expect(try signatureHolds(request))
    }
  }

  @Test(arguments: ["ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException"])
  func `refused credentials are replaced once`(refusal: String) async throws {
    let credentials = FixedCredentials(afterRefresh: FixedCredentials.second)
    try await withUpstreamClient(credentials: credentials) { request, count in
      count == 0 ? .json(403, "{}", [("x-amzn-ErrorType", refusal)]) : Self.success
    } _: { client, server in
      #expect(
        await client.registerCertificateWithoutCA(call) == .registered(certificateARN: Self.arn, requestID: "r-1"))
      let used = server.requests.compactMap { $0.headers.first(name: "X-Amz-Security-Token") }
      #expect(used == ["first-token", "second-token"])
    }
  }

  @Test func `refused credentials that stay the same are not tried again`() async throws {
    try await withUpstreamClient { _, _ in
      .json(403, "{}", [("x-amzn-ErrorType", "UnrecognizedClientException")])
    } _: { client, server in
      #expect(reason(await client.registerCertificateWithoutCA(call)) == "unknown_identity")
      #expect(server.requests.count == 1)
    }
  }

  @Test func `there is never a third request`() async throws {
    let credentials = FixedCredentials(afterRefresh: FixedCredentials.second)
    try await withUpstreamClient(credentials: credentials) { _, _ in
      .json(403, "{}", [("x-amzn-ErrorType", "ExpiredTokenException")])
    } _: { client, server in
      #expect(reason(await client.registerCertificateWithoutCA(call)) == "expired_token")
      #expect(server.requests.count == 2)
    }
  }

  @Test func `a clock that is wrong is corrected once and for the calls that follow`() async throws {
    let upstream = CivilTime.wallTime(year: 2026, month: 11, day: 24, hour: 9)
    let clock = HostClock(monotonic: { HostClock.system.monotonic }, wall: { upstream + .seconds(-7200) })
    let entries = RecordedEntries()
    try await withUpstreamClient(clock: clock, logger: Logger(label: "test") { _ in entries }) { request, _ in
      guard request.headers.first(name: "X-Amz-Date") == upstream.amzDate else {
        let message = "Signature expired: A is now earlier than B (\(upstream.amzDate) - 5 min.)"
        return .json(403, #"{"message":"\#(message)"}"#, [("x-amzn-ErrorType", "InvalidSignatureException")])
      }
      return Self.success
    } _: { client, server in
      #expect(client.clockOffset == .zero)
      for _ in 0..<3 {
        #expect(
          await client.registerCertificateWithoutCA(call) == .registered(certificateARN: Self.arn, requestID: "r-1"))
      }
      #expect(server.requests.count == 4)
      #expect(client.clockOffset == .seconds(7200))
      #expect(entries.recorded.map(\.metadata) == [["event": "clock_corrected", "upstream_ahead_ms": "7200000"]])
    }
  }

  struct Breakage: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var reply: CannedReply
    var reason: String
  }

  static let breakages = [
    Breakage(
      testDescription: "closed in the middle",
      reply: CannedReply(body: success.body, sentBytes: 20, ending: .close), reason: "connection_lost"),
    Breakage(
      testDescription: "closed at once", reply: CannedReply(raw: "", ending: .close), reason: "connection_lost"),
    Breakage(testDescription: "silent", reply: .silence, reason: "request_timeout"),
    Breakage(
      testDescription: "silent after the head",
      reply: CannedReply(raw: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", ending: .hang),
      reason: "request_timeout"),
    Breakage(
      testDescription: "not HTTP", reply: CannedReply(raw: "SSH-2.0-OpenSSH\r\n\r\n", ending: .close),
      reason: "upstream_garbled"),
    Breakage(
      testDescription: "announced as huge",
      reply: CannedReply(raw: "HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n{", ending: .hang),
      reason: "upstream_garbled"),
    Breakage(
      testDescription: "huge without a length",
      reply: CannedReply(
        raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n" + String(repeating: " ", count: 0x20000),
        ending: .hang), reason: "upstream_garbled"),
    Breakage(
      testDescription: "a redirect", reply: .json(307, "", [("Location", "http://127.0.0.1:1/")]),
      reason: "upstream_redirected"),
  ]

  @Test(arguments: breakages)
  func `an answer that does not come can be asked for again`(breakage: Breakage) async throws {
    // Short only if it has to run out: otherwise a slow machine would decide the result.
    let timeout: Duration = breakage.reason == "request_timeout" ? .seconds(2) : .seconds(30)
    try await withUpstreamClient(configure: { $0.requestTimeout = timeout }) { _, _ in
      breakage.reply
    } _: { client, server in
      guard case .failed(let failure) = await client.registerCertificateWithoutCA(call) else {
        Issue.record("no failure")
        return
      }
      #expect(failure.error.reason.rawValue == breakage.reason)
      #expect(failure.error.retryable && failure.disposition == .unavailable(retryAfter: nil))
      #expect(server.requests.count == 1)
    }
  }

  @Test func `a refused connection is named as such`() async throws {
    try await withUpstreamClient { _, _ in
      Self.success
    } _: { client, server in
      try await server.stop()
      #expect(reason(await client.registerCertificateWithoutCA(call)) == "connection_refused")
    }
  }

  @Test func `a host that cannot be resolved is named as such`() async throws {
    try await withUpstreamClient(configure: { $0.endpoint = "http://does-not-exist.invalid" }) { _, _ in
      Self.success
    } _: { client, _ in
      #expect(reason(await client.registerCertificateWithoutCA(call)) == "name_resolution")
    }
  }

  @Test func `an upstream without TLS behind an https endpoint is a TLS failure`() async throws {
    try await withUpstreamClient(
      configure: { $0.endpoint = $0.endpoint?.replacing("http://", with: "https://") }
    ) { _, _ in
      Self.success
    } _: { client, _ in
      #expect(["tls_failure", "connection_lost"].contains(reason(await client.registerCertificateWithoutCA(call))))
    }
  }

  @Test func `credentials that do not come in time are the daemon's fault`() async throws {
    try await withUpstreamClient(
      credentials: StuckCredentials(), configure: { $0.requestTimeout = .milliseconds(50) }
    ) { _, _ in
      Self.success
    } _: { client, server in
      guard case .failed(let failure) = await client.registerCertificateWithoutCA(call) else {
        Issue.record("no failure")
        return
      }
      #expect(failure.error.reason == "credentials_unavailable" && failure.error.origin == .daemon)
      #expect(server.requests.isEmpty)
    }
  }

  @Test func `asks for the status of a certificate that exists where that is configured`() async throws {
    let conflict = #"{"resourceId":"\#(Self.id.hex)","resourceArn":"\#(Self.arn)"}"#
    try await withUpstreamClient(configure: { $0.describeExisting = true }) { request, _ in
      request.method == "POST"
        ? .json(409, conflict) : Self.described(Self.arn, "REVOKED")
    } _: { client, server in
      let reply = await client.registerCertificateWithoutCA(call)
      #expect(reply == .alreadyExists(certificateARN: Self.arn, status: .revoked, requestID: nil))
      let last = try #require(server.requests.last)
      #expect(last.uri == "/certificates/\(Self.id.hex)")
      #expect(try signatureHolds(last))
    }
  }

  @Test(arguments: ["arn:aws:iot:eu-central-1:123456789012:cert/\(String(repeating: "0", count: 64))", ""])
  func `takes no status from a reply about another certificate`(arn: String) async throws {
    let conflict = #"{"resourceId":"\#(Self.id.hex)","resourceArn":"\#(Self.arn)"}"#
    try await withUpstreamClient(configure: { $0.describeExisting = true }) { request, _ in
      request.method == "POST" ? .json(409, conflict) : Self.described(arn, "ACTIVE")
    } _: { client, _ in
      guard case .alreadyExists(Self.arn, nil, nil, let undescribed?) = await client.registerCertificateWithoutCA(call)
      else {
        Issue.record("no conflict, or no reason why there is no status")
        return
      }
      #expect(undescribed.error.reason == "upstream_garbled")
    }
  }

  @Test(
    arguments: [
      (403, "AccessDeniedException", "access_denied", .identity),
      (404, "ResourceNotFoundException", "certificate_not_found", .final),
      (503, "ServiceUnavailableException", "upstream_unavailable", .unavailable(retryAfter: nil)),
    ] as [(Int, String, Reason, UpstreamFailure.Disposition)])
  func `tells why the status of a certificate that exists cannot be had`(
    status: Int, type: String, reason: Reason, disposition: UpstreamFailure.Disposition
  ) async throws {
    let conflict = #"{"resourceId":"\#(Self.id.hex)","resourceArn":"\#(Self.arn)"}"#
    try await withUpstreamClient(configure: { $0.describeExisting = true }) { request, _ in
      request.method == "POST"
        ? .json(409, conflict) : .json(status, #"{"message":"no"}"#, [("x-amzn-ErrorType", type)])
    } _: { client, _ in
      let reply = await client.registerCertificateWithoutCA(call)
      #expect(reply.certificateARN == Self.arn)
      #expect(reply.failure?.error.reason == reason && reply.failure?.disposition == disposition)
    }
  }

  @Test func `asks for the status where the call needs it, and again while that is throttled`() async throws {
    let conflict = #"{"resourceId":"\#(Self.id.hex)","resourceArn":"\#(Self.arn)"}"#
    let throttled = CannedReply.json(
      429, #"{"message":"Rate exceeded"}"#, [("x-amzn-ErrorType", "ThrottlingException"), ("x-amz-retry-after", "10")])
    let described = Self.described(Self.arn, "INACTIVE")
    var needy = call
    needy.needsStatus = true
    try await withUpstreamClient { request, number in
      request.method == "POST" ? .json(409, conflict) : number < 3 ? throttled : described
    } _: { client, server in
      #expect(
        await client.registerCertificateWithoutCA(call)
          == .alreadyExists(certificateARN: Self.arn, status: nil, requestID: nil))
      #expect(server.requests.count == 1)
      #expect(
        await client.registerCertificateWithoutCA(needy)
          == .alreadyExists(certificateARN: Self.arn, status: .inactive, requestID: nil))
      #expect(server.requests.count > 3)
    }
    // It ends: that the certificate exists is worth more than its status.
    try await withUpstreamClient(configure: { $0.requestTimeout = .seconds(2) }) { request, _ in
      request.method == "POST" ? .json(409, conflict) : throttled
    } _: { client, _ in
      let reply = await client.registerCertificateWithoutCA(needy)
      #expect(reply.certificateARN == Self.arn && reply.failure?.error.reason == "throttled_by_upstream")
    }
  }

  @Test func `does not ask for a status whose turn comes too late`() async throws {
    let conflict = #"{"resourceId":"\#(Self.id.hex)","resourceArn":"\#(Self.arn)"}"#
    try await withUpstreamClient(configure: { $0.describeExisting = true }) { _, _ in
      .json(409, conflict)
    } _: { client, server in
      client.describeTurns.hold(until: HostClock.system.monotonic + .seconds(9000))
      let reply = await client.registerCertificateWithoutCA(call)
      #expect(
        reply
          == .alreadyExists(certificateARN: Self.arn, status: nil, requestID: nil, undescribed: .describeTurnMissed))
      #expect(server.requests.count == 1)
    }
  }

  /// DescribeCertificate returns the certificate, which may be written with six bytes for each of 65,536 characters.
  @Test func `reads the status of the largest certificate`() async throws {
    let conflict = #"{"resourceId":"\#(Self.id.hex)","resourceArn":"\#(Self.arn)"}"#
    let pem = String(repeating: #"\u0041"#, count: 65_536)
    try await withUpstreamClient(configure: { $0.describeExisting = true }) { request, _ in
      request.method == "POST"
        ? .json(409, conflict)
        : Self.described(Self.arn, #"INACTIVE","certificatePem":"\#(pem)"#)
    } _: { client, _ in
      let reply = await client.registerCertificateWithoutCA(call)
      #expect(reply == .alreadyExists(certificateARN: Self.arn, status: .inactive, requestID: nil))
    }
  }

  @Test func `a proxy is asked for the way to the endpoint, and its refusal is told from the upstream's`() async throws
  {
    let proxy = try await LoopbackServer.start { _, _ in CannedReply(status: 407, ending: .close) }
    try await withUpstreamClient(
      configure: {
        $0.endpoint = "http://iot.example.test"
        $0.proxy = "http://station:pass%40%+1word@127.0.0.1:\(proxy.port)"
      }
    ) { _, _ in
      Self.success
    } _: { client, _ in
      #expect(reason(await client.registerCertificateWithoutCA(call)) == "proxy_refused")
      let request = try #require(proxy.requests.first)
      #expect(request.method == "CONNECT" && request.uri == "iot.example.test:80")
      #expect(request.headers["Proxy-Authorization"] == ["Basic \(Base64.encode(Array("station:pass@%+1word".utf8)))"])
      #expect(!request.headers.contains(name: "Authorization"))
    }
    try await proxy.stop()
  }
}
