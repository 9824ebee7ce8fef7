import CertRegCodec
import CertRegCore
import CertRegSandbox
import CertRegTesting
import Testing

/// Quotas, and faults of single operations.
@Suite struct OperationFaultsTests {
  // MARK: Service Quotas

  private func quota(_ endpoint: SandboxEndpoint, _ body: String, target: String = "GetServiceQuota")
    -> SandboxResponse?
  {
    endpoint.answer(
      SandboxRequest(
        method: "POST", target: "/", headers: [("X-Amz-Target", "ServiceQuotasV20190624.\(target)")],
        body: Array(body.utf8))
    ).response
  }

  @Test func `tells the quotas that it enforces, and AWS's defaults without one`() throws {
    var faults = FaultPlan()
    faults.operations[.attachPolicy, default: .init()].throttle = ThrottleRate(perSecond: 2.5)
    let endpoint = SandboxEndpoint.registry(faults: faults)
    for (code, name, value) in [
      ("L-4671C7C8", "RegisterCertificateWithoutCA API TPS", "10.0"), ("L-CA7D4E3E", "AttachPolicy API TPS", "2.5"),
    ] {
      let response = try #require(quota(endpoint, #"{"ServiceCode":"iotcore","QuotaCode":"\#(code)"}"#))
      #expect(response.status == 200 && response.header("Content-Type") == "application/x-amz-json-1.1")
      let answer = try #require(try JSONValue(parsing: response.body)["Quota"])
      #expect(answer["QuotaName"] == .string(name) && answer["Value"] == .number(value))
      #expect(answer["QuotaArn"] == .string("arn:aws:servicequotas:eu-central-1:123456789012:iotcore/\(code)"))
    }
  }

  @Test func `names errors of quotas as Service Quotas does`() throws {
    let known = #"{"ServiceCode":"iotcore","QuotaCode":"L-4671C7C8"}"#
    var broken = FaultPlan()
    broken.operations[.getServiceQuota, default: .init()].errorRate = 1
    var throttled = FaultPlan()
    throttled.operations[.getServiceQuota, default: .init()].throttle = ThrottleRate(perSecond: 1e-9)
    let empty = SandboxEndpoint.registry(faults: throttled)
    _ = quota(empty, known)
    for (endpoint, body, type) in [
      (SandboxEndpoint.registry(), #"{"ServiceCode":"iotcore","QuotaCode":"L-00000000"}"#, "NoSuchResourceException"),
      (SandboxEndpoint.registry(), #"{"ServiceCode":"ec2","QuotaCode":"L-4671C7C8"}"#, "NoSuchResourceException"),
      (SandboxEndpoint.registry(), #"{"ServiceCode":"iotcore"}"#, "IllegalArgumentException"),
      (SandboxEndpoint.registry(denied: [.getServiceQuota]), known, "AccessDeniedException"),
      (SandboxEndpoint.registry(faults: broken), known, "ServiceException"), (empty, known, "TooManyRequestsException"),
    ] {
      let response = try #require(quota(endpoint, body))
      #expect(response.status == (type == "ServiceException" ? 500 : 400))
      #expect(try JSONValue(parsing: response.body)["__type"] == .string(type))
    }
    #expect(quota(SandboxEndpoint.registry(), known, target: "ListServices")?.status == 404)
  }

  // MARK: Faults of operations

  private func control(_ endpoint: SandboxEndpoint, _ plan: String) -> SandboxResponse? {
    endpoint.ask("PUT", "/sandbox/faults", plan).response
  }

  @Test func `a plan for one operation leaves the others alone`() throws {
    let endpoint = try SandboxEndpoint.prepared()
    let plan = """
      {"latencyMs":[7,7],"operations":{"CreateThing":{"errorRate":1,"latencyMs":[1,1]},
      "AttachPolicy":{"dropRate":1},"DescribeThing":{"throttlePerSecond":1e-9,"throttleBurst":2}}}
      """
    #expect(control(endpoint, plan)?.status == 200)
    let created = endpoint.ask("POST", "/things/u")
    #expect(created.response?.status ?? 0 >= 500 && created.latency == .milliseconds(1))
    #expect(endpoint.ask("PUT", "/target-policies/p", #"{"target":"x"}"#).response == nil)
    let statuses = (0..<3).map { _ in endpoint.ask("GET", "/things/t").response?.status }
    #expect(statuses == [200, 200, 400])
    let listed = endpoint.ask("GET", "/things")
    #expect(listed.response?.status == 200 && listed.latency == .milliseconds(7))
  }

  @Test func `an operation loses one answer, with or without the effect`() throws {
    let endpoint = try SandboxEndpoint.prepared()
    let plan = """
      {"operations":{"AttachPolicy":{"answers":[{"cut":"closed","carriedOut":true},{"cut":"reset"}]},
      "RegisterCertificateWithoutCA":{"answers":[{"status":503}]}}}
      """
    #expect(control(endpoint, plan)?.status == 200)
    let body = #"{"target":"\#(registeredARN)"}"#
    func attached() throws -> Int? {
      try endpoint.succeed("POST", "/attached-policies/\(encodedARN)")["policies"]?.array?.count
    }
    let lost = endpoint.ask("PUT", "/target-policies/p", body)
    #expect(lost.response == nil && lost.cut == .closed && lost.operation == .attachPolicy)
    #expect(try attached() == 1)
    try endpoint.succeed("POST", "/target-policies/p", body)
    let refused = endpoint.ask("PUT", "/target-policies/p", body)
    #expect(refused.response == nil && refused.cut == .reset)
    #expect(try attached() == 0)
    try endpoint.succeed("PUT", "/target-policies/p", body)
    let register = #"{"certificatePem":"certificate 2"}"#
    #expect(endpoint.ask("POST", "/certificate/register-no-ca", register).response?.status == 503)
    #expect(endpoint.ask("POST", "/certificate/register-no-ca", register).response?.status == 200)
  }

  @Test(arguments: [
    (#"{"operations":{"AttachPolic":{}}}"#, "the sandbox has no operation AttachPolic"),
    (#"{"operations":[]}"#, "operations takes an object"),
    (#"{"operations":{"AttachPolicy":{"lieRate":1}}}"#, "there is no lieRate; there are latencyMs,"),
    (#"{"operations":{"AttachPolicy":{"errorRate":2}}}"#, "errorRate takes a number from 0 to 1"),
    (#"{"operations":{"AttachPolicy":{"answers":[{}]}}}"#, "status takes a number from 200 to 599"),
    (#"{"operations":{"AttachPolicy":{"answers":[{"cut":"off"}]}}}"#, #"cut takes "closed" or "reset""#),
  ])
  func `names the fault of a plan for an operation`(plan: String, message: String) throws {
    let response = try #require(control(SandboxEndpoint.registry(), plan))
    #expect(response.status == 400)
    let text = try #require(try JSONValue(parsing: response.body)["message"]?.string)
    #expect(text.contains(message), "\(text)")
  }
}
