import CertRegCodec
import CertRegCore
import CertRegTesting
import NIOHTTP1
import Testing

@testable import CertRegForwarder

/// The request to Service Quotas, what is made of its replies, and its endpoint.
@Suite struct AccountRateTests {
  private static func quota(_ value: String, _ others: String = "") -> CannedReply {
    .json(200, #"{"Quota":{"QuotaCode":"L-4671C7C8","Value":\#(value)\#(others)}}"#, [("x-amzn-RequestId", "r")])
  }

  private func ask(
    environment: [String: String] = [:], configure: (inout TargetConfiguration) -> Void = { _ in },
    answer: @escaping LoopbackServer.Answer
  ) async throws -> (value: Result<Double, UpstreamFailure>, requests: [ReceivedRequest]) {
    try await withUpstream(environment: environment, configure: configure, answer: answer) { client in
      do throws(UpstreamFailure) { return .success(try await client.accountRate()) } catch { return .failure(error) }
    }
  }

  @Test func `asks for the quota of RegisterCertificateWithoutCA, signed for Service Quotas`() async throws {
    let (rate, requests) = try await ask { _, _ in
      Self.quota("25.0", #","Period":{"PeriodValue":1,"PeriodUnit":"SECOND"}"#)
    }
    #expect(rate == .success(25))
    let request = try #require(requests.first)
    #expect(requests.count == 1 && request.method == "POST" && request.uri == "/")
    #expect(request.headers["X-Amz-Target"] == ["ServiceQuotasV20190624.GetServiceQuota"])
    #expect(request.headers["Content-Type"] == ["application/x-amz-json-1.1"])
    #expect(
      try JSONValue(parsing: request.body)
        == .object(of: ["ServiceCode": .string("iotcore"), "QuotaCode": .string("L-4671C7C8")]))
    #expect(try signatureHolds(request, service: "servicequotas"))
  }

  @Test(arguments: [("0.001", 0.001), ("1e5", 100_000), ("10", 10), ("12.5", 12.5)])
  func `takes every rate that can be paced`(value: String, rate: Double) async throws {
    #expect(try await ask { _, _ in Self.quota(value) }.value == .success(rate))
  }

  private static let odd =
    ["0", "-1", "0.0009", "100000.1", "1e400", "\"10\"", "null", "{}"].map { quota($0) } + [
      quota("10", #","Period":{"PeriodValue":1,"PeriodUnit":"MINUTE"}"#), quota("10", #","Period":"SECOND""#),
      quota("10", #","QuotaCode":"L-00000000""#), .json(200, "{}"), .json(200, "[]"), .json(200, ""),
      .json(200, #"{"Quota":10}"#), CannedReply(body: "<html>"),
    ]

  @Test(arguments: odd)
  func `an answer that makes no sense is a failure that may pass`(_ reply: CannedReply) async throws {
    guard case .failure(let failure) = try await ask(answer: { _, _ in reply }).value else {
      Issue.record("\(reply.body) is a rate")
      return
    }
    #expect(failure.error.reason == "upstream_garbled" && failure.disposition == .unavailable(retryAfter: nil))
    #expect(failure.error.message.contains("Service Quotas"))
  }

  @Test(arguments: [
    (400, "AccessDeniedException", "access_denied"), (400, "NoSuchResourceException", "upstream_refused_request"),
    (400, "TooManyRequestsException", "throttled_by_upstream"), (500, "ServiceException", "upstream_internal"),
    (400, "IllegalArgumentException", "upstream_refused_request"),
    (404, "UnknownOperationException", "upstream_not_found"),
  ])
  func `passes an error on`(status: Int, type: String, reason: String) async throws {
    let (rate, _) = try await ask { _, _ in
      .json(status, #"{"__type":"\#(type)","Message":"no"}"#, [("x-amzn-RequestId", "r-4")])
    }
    guard case .failure(let failure) = rate else {
      Issue.record("no failure")
      return
    }
    #expect(failure.error.reason.rawValue == reason && failure.error.requestID == "r-4")
    #expect(failure.error.message == "no")
  }

  @Test func `the endpoint of the service may be configured beside that of AWS IoT`() async throws {
    let quotas = try await LoopbackServer.start { _, _ in Self.quota("7") }
    let (rate, requests) = try await ask(
      environment: ["AWS_ENDPOINT_URL_SERVICE_QUOTAS": "http://127.0.0.1:\(quotas.port)/base"],
      configure: { $0.endpoint = "https://iot.eu-central-1.amazonaws.com" }, answer: { _, _ in .silence })
    #expect(rate == .success(7) && requests.isEmpty)
    let request = try #require(quotas.requests.first)
    #expect(request.uri == "/base/" && request.headers["Host"] == ["127.0.0.1:\(quotas.port)"])
    #expect(try signatureHolds(request, service: "servicequotas"))
    try await quotas.stop()
  }

  @Test func `the proxy of the target leads to the service, too`() async throws {
    let proxy = try await LoopbackServer.start { _, _ in CannedReply(status: 407, ending: .close) }
    let (rate, _) = try await ask(
      configure: {
        $0.endpoint = nil
        $0.proxy = "http://127.0.0.1:\(proxy.port)"
      }, answer: { _, _ in .silence })
    guard case .failure(let failure) = rate else {
      Issue.record("no failure")
      return
    }
    #expect(failure.error.reason == "proxy_refused")
    #expect(proxy.requests.first?.uri == "servicequotas.eu-central-1.amazonaws.com:443")
    try await proxy.stop()
  }

  // MARK: The endpoint

  private func host(
    endpoint: String?, _ variables: [String: String] = [:], configure: (inout TargetConfiguration) -> Void = { _ in }
  ) throws -> String {
    var target = TargetConfiguration(credentials: .chain)
    target.endpoint = endpoint
    configure(&target)
    let resolver = resolver(target, variables)
    return try resolver.serviceQuotas(region: "us-east-1", iot: resolver.iot(region: "us-east-1")).host
  }

  @Test func `an endpoint that is not one of AWS is that of Service Quotas, too`() throws {
    let own = "https://sandbox.example.test"
    #expect(try host(endpoint: own) == "sandbox.example.test")
    #expect(try host(endpoint: own, ["AWS_ENDPOINT_URL": "https://other.example.test"]) == "sandbox.example.test")
    #expect(try host(endpoint: nil, ["AWS_ENDPOINT_URL_IOT": own]) == "sandbox.example.test")
    #expect(try host(endpoint: nil, ["AWS_ENDPOINT_URL": "https://all.example.test"]) == "all.example.test")
  }

  @Test func `targets at AWS ask the region's Service Quotas with their own flags`() throws {
    #expect(try host(endpoint: nil) == "servicequotas.us-east-1.amazonaws.com")
    #expect(try host(endpoint: nil) { $0.fips = true } == "servicequotas-fips.us-east-1.amazonaws.com")
    #expect(try host(endpoint: nil) { $0.dualStack = true } == "servicequotas.us-east-1.api.aws")
    let vpc = "https://vpce-1-a.iot.us-east-1.vpce.amazonaws.com"
    #expect(try host(endpoint: vpc) == "servicequotas.us-east-1.amazonaws.com")
  }
}
