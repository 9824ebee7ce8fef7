import CertRegCodec
import CertRegCore
import CertRegSandbox
import CertRegTesting
import Testing

/// The operations on things and policies as requests: paths, members and answers.
@Suite struct RegistryEndpointTests {
  private let time = ManualClock.atStart()

  private func endpoint(faults: FaultPlan = .none, denied: Set<SandboxOperation.Name> = []) -> SandboxEndpoint {
    SandboxEndpoint(
      SandboxConfiguration(denied: denied, faults: faults, isControlled: true), judge: StubJudge(), clock: time.clock,
      seed: 1)
  }

  private func ask(
    _ endpoint: SandboxEndpoint, _ method: String, _ target: String, _ body: String = "", principal: String? = nil
  ) -> SandboxAnswer {
    endpoint.answer(
      SandboxRequest(
        method: method, target: target, headers: principal.map { [("x-amzn-principal", $0)] } ?? [],
        body: Array(body.utf8)))
  }

  /// The output of a call that must succeed.
  @discardableResult
  private func succeed(
    _ endpoint: SandboxEndpoint, _ method: String, _ target: String, _ body: String = "", principal: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> JSONValue {
    let answer = ask(endpoint, method, target, body, principal: principal)
    let response = try #require(answer.response, sourceLocation: sourceLocation)
    let text = String(decoding: response.body, as: UTF8.self)
    #expect(response.status == 200, "\(text)", sourceLocation: sourceLocation)
    return response.body.isEmpty ? .null : try JSONValue(parsing: response.body)
  }

  private static let id = CertRegSandboxTests.certificate(1).id.hex
  private static let certificateARN = "arn:aws:iot:eu-central-1:123456789012:cert/\(id)"
  private static let encodedARN = "arn%3Aaws%3Aiot%3Aeu-central-1%3A123456789012%3Acert%2F\(id)"

  /// A certificate, a type, two groups, a policy and a thing.
  private func prepared(faults: FaultPlan = .none) throws -> SandboxEndpoint {
    let endpoint = endpoint(faults: faults)
    try succeed(endpoint, "POST", "/certificate/register-no-ca", #"{"certificatePem":"certificate 1"}"#)
    try succeed(endpoint, "POST", "/thing-types/lamp", #"{"thingTypeProperties":{"searchableAttributes":["site"]}}"#)
    try succeed(endpoint, "POST", "/thing-groups/hall")
    try succeed(
      endpoint, "POST", "/thing-groups/desk",
      #"{"parentGroupName":"hall","thingGroupProperties":{"thingGroupDescription":"d","attributePayload":{"attributes":{"a":"1"}}}}"#
    )
    let document = JSONValue.string(policyDocument).jsonText
    try succeed(endpoint, "POST", "/policies/p", #"{"policyDocument":\#(document)}"#)
    try succeed(
      endpoint, "POST", "/things/t",
      #"{"thingTypeName":"lamp","attributePayload":{"attributes":{"site":"north"}}}"#)
    return endpoint
  }

  // MARK: Answers

  @Test func `every operation has one row`() throws {
    let rows = SandboxOperation.rows
    #expect(rows.map(\.name).count == SandboxOperation.Name.allCases.count)
    #expect(Set(rows.map(\.name)) == Set(SandboxOperation.Name.allCases))
    #expect(Set(rows.map { "\($0.method) \($0.path)" }).count == rows.count)
  }

  @Test func `describes things`() throws {
    let endpoint = try prepared()
    let thing = try succeed(endpoint, "GET", "/things/t")
    #expect(thing["thingId"]?.string.flatMap { UniqueID($0) } != nil)
    #expect(
      thing.jsonText
        == #"{"defaultClientId":"t","thingName":"t","thingId":"\#(thing["thingId"]?.string ?? "")","#
        + #""thingArn":"arn:aws:iot:eu-central-1:123456789012:thing/t","thingTypeName":"lamp","#
        + #""attributes":{"site":"north"},"version":1}"#)
    #expect(try succeed(endpoint, "PATCH", "/things/t", #"{"expectedVersion":1}"#) == .null)
    let list = try succeed(endpoint, "GET", "/things?attributeName=site&attributeValue=north&thingTypeName=lamp")
    #expect(list["things"]?.array?.first?["version"] == .integer(2) && list["nextToken"] == nil)
    #expect(try succeed(endpoint, "DELETE", "/things/t?expectedVersion=2") == .null)
    #expect(ask(endpoint, "GET", "/things/t").response?.status == 404)
  }

  @Test func `describes types, deprecated ones with the date`() throws {
    let endpoint = try prepared()
    try succeed(endpoint, "POST", "/thing-types/lamp/deprecate")
    let type = try succeed(endpoint, "GET", "/thing-types/lamp")
    #expect(type["thingTypeProperties"]?.jsonText == #"{"searchableAttributes":["site"]}"#)
    #expect(
      type["thingTypeMetadata"]?.jsonText
        == #"{"deprecated":true,"deprecationDate":1795507750,"creationDate":1795507750}"#)
    try succeed(endpoint, "POST", "/thing-types/lamp/deprecate", #"{"undoDeprecate":true}"#)
    let list = try succeed(endpoint, "GET", "/thing-types")
    #expect(list["thingTypes"]?.array?.first?["thingTypeMetadata"]?["deprecated"] == .bool(false))
  }

  @Test func `describes groups with those above`() throws {
    let endpoint = try prepared()
    let group = try succeed(endpoint, "GET", "/thing-groups/desk")
    #expect(
      group["thingGroupProperties"]?.jsonText
        == #"{"thingGroupDescription":"d","attributePayload":{"attributes":{"a":"1"}}}"#)
    let metadata = try #require(group["thingGroupMetadata"])
    #expect(metadata["parentGroupName"] == .string("hall"))
    #expect(metadata["rootToParentThingGroups"]?.array?.first?["groupName"] == .string("hall"))
    #expect(group["version"] == .integer(1))
  }

  @Test func `takes things and groups by name and by ARN`() throws {
    let endpoint = try prepared()
    let prefix = "arn:aws:iot:eu-central-1:123456789012:"
    let add = "/thing-groups/addThingToThingGroup"
    try succeed(endpoint, "PUT", add, #"{"thingGroupArn":"\#(prefix)thinggroup/hall","thingArn":"\#(prefix)thing/t"}"#)
    try succeed(endpoint, "PUT", add, #"{"thingGroupName":"hall","thingName":"t"}"#)
    let groups = try succeed(endpoint, "GET", "/things/t/thing-groups")
    #expect(groups["thingGroups"]?.array?.map { $0["groupName"] } == [.string("hall")])
    #expect(try succeed(endpoint, "GET", "/thing-groups/hall/things")["things"]?.jsonText == #"["t"]"#)
    for body in [
      #"{"thingName":"t"}"#, #"{"thingGroupName":"hall"}"#,
      #"{"thingGroupName":"desk","thingGroupArn":"\#(prefix)thinggroup/hall","thingName":"t"}"#,
      #"{"thingGroupName":"hall","thingArn":"\#(prefix)thinggroup/hall"}"#,
    ] {
      let response = ask(endpoint, "PUT", add, body).response
      #expect(response?.header("x-amzn-ErrorType") == "InvalidRequestException", "\(body)")
    }
    try succeed(
      endpoint, "PUT", "/thing-groups/removeThingFromThingGroup", #"{"thingGroupName":"hall","thingName":"t"}"#)
    #expect(try succeed(endpoint, "GET", "/things/t/thing-groups")["thingGroups"] == .array([]))
  }

  @Test func `attaches policies to targets of the path and the body`() throws {
    let endpoint = try prepared()
    let body = #"{"target":"\#(Self.certificateARN)"}"#
    for _ in 0..<2 { #expect(try succeed(endpoint, "PUT", "/target-policies/p", body) == .null) }
    let list = try succeed(endpoint, "POST", "/attached-policies/\(Self.encodedARN)?pageSize=5")
    #expect(
      list["policies"]?.jsonText
        == #"[{"policyName":"p","policyArn":"arn:aws:iot:eu-central-1:123456789012:policy/p"}]"#)
    #expect(try succeed(endpoint, "POST", "/policy-targets/p")["targets"]?.array == [.string(Self.certificateARN)])
    #expect(ask(endpoint, "DELETE", "/policies/p").response?.header("x-amzn-ErrorType") == "DeleteConflictException")
    try succeed(endpoint, "POST", "/target-policies/p", body)
    try succeed(endpoint, "DELETE", "/policies/p")
    #expect(ask(endpoint, "PUT", "/target-policies/p", body).response?.status == 404)
  }

  @Test func `attaches principals of the header`() throws {
    let endpoint = try prepared()
    let path = "/things/t/principals"
    try succeed(endpoint, "PUT", "\(path)?thingPrincipalType=EXCLUSIVE_THING", principal: Self.certificateARN)
    #expect(try succeed(endpoint, "GET", path)["principals"]?.array == [.string(Self.certificateARN)])
    let principals = try succeed(endpoint, "GET", "\(path)-v2")
    #expect(
      principals["thingPrincipalObjects"]?.jsonText
        == #"[{"principal":"\#(Self.certificateARN)","thingPrincipalType":"EXCLUSIVE_THING"}]"#)
    let things = try succeed(endpoint, "GET", "/principals/things", principal: Self.certificateARN)
    #expect(things["things"]?.jsonText == #"["t"]"#)
    let typed = try succeed(endpoint, "GET", "/principals/things-v2", principal: Self.certificateARN)
    #expect(
      typed["principalThingObjects"]?.jsonText == #"[{"thingName":"t","thingPrincipalType":"EXCLUSIVE_THING"}]"#)
    #expect(ask(endpoint, "PUT", path).response?.status == 400)
    #expect(
      ask(endpoint, "PUT", "\(path)?thingPrincipalType=X", principal: Self.certificateARN).response?.status == 400)
    #expect(
      ask(endpoint, "PUT", path, principal: "arn:aws:iot:eu-central-1:123456789012:thinggroup/hall").response?.status
        == 400)
    try succeed(endpoint, "DELETE", path, principal: Self.certificateARN)
    #expect(ask(endpoint, "DELETE", path, principal: Self.certificateARN).response?.status == 404)
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var method: String
    var target: String
    var body = ""
    var type = "InvalidRequestException"
    var status = 400
    var testDescription: String { "\(method) \(target.prefix(60)) \(body.prefix(60))" }
  }

  static let refusals: [Refusal] = [
    Refusal(method: "POST", target: "/things/a%20b"),
    Refusal(method: "POST", target: "/things/\(String(repeating: "a", count: 129))"),
    Refusal(method: "POST", target: "/things/"),
    Refusal(method: "POST", target: "/things/x", body: "[]", type: "SerializationException"),
    Refusal(method: "POST", target: "/things/x", body: #"{"thingTypeName":1}"#, type: "SerializationException"),
    Refusal(
      method: "POST", target: "/things/x", body: #"{"thingTypeName":"none"}"#, type: "ResourceNotFoundException",
      status: 404),
    Refusal(
      method: "POST", target: "/things/x", body: #"{"billingGroupName":"b"}"#, type: "ResourceNotFoundException",
      status: 404),
    Refusal(method: "POST", target: "/things/x", body: #"{"attributePayload":{"attributes":{"a b":"1"}}}"#),
    Refusal(method: "POST", target: "/things/x", body: #"{"attributePayload":{"attributes":{"a":"ä"}}}"#),
    Refusal(
      method: "POST", target: "/things/x", body: #"{"attributePayload":{"attributes":{"a":1}}}"#,
      type: "SerializationException"),
    Refusal(method: "POST", target: "/things/t", type: "ResourceAlreadyExistsException", status: 409),
    Refusal(
      method: "PATCH", target: "/things/t", body: #"{"expectedVersion":5}"#, type: "VersionConflictException",
      status: 409),
    Refusal(method: "DELETE", target: "/things/t?expectedVersion=one"),
    Refusal(method: "GET", target: "/things?maxResults=251"),
    Refusal(method: "GET", target: "/things?nextToken=x"),
    Refusal(method: "GET", target: "/thing-types/none", type: "ResourceNotFoundException", status: 404),
    Refusal(method: "DELETE", target: "/thing-types/lamp"),
    Refusal(
      method: "POST", target: "/thing-types/x",
      body: #"{"thingTypeProperties":{"thingTypeDescription":"a\u000ab"}}"#),
    Refusal(method: "GET", target: "/thing-groups/none", type: "ResourceNotFoundException", status: 404),
    Refusal(method: "POST", target: "/policies/a%3Ab", body: #"{"policyDocument":"{}"}"#),
    Refusal(method: "POST", target: "/policies/x"),
    Refusal(
      method: "POST", target: "/policies/x", body: #"{"policyDocument":"{}"}"#, type: "MalformedPolicyException"),
    Refusal(
      method: "POST", target: "/policies/p", body: #"{"policyDocument":"{}"}"#,
      type: "ResourceAlreadyExistsException", status: 409),
    Refusal(method: "PUT", target: "/target-policies/p"),
    Refusal(method: "PUT", target: "/target-policies/p", body: #"{"target":"x"}"#),
    Refusal(method: "POST", target: "/attached-policies/x"),
    Refusal(method: "GET", target: "/principals/things"),
    Refusal(method: "PUT", target: "/things/t", type: "UnknownOperationException", status: 404),
    Refusal(method: "POST", target: "/things"),
    Refusal(method: "POST", target: "/things", body: #"{"templateBody":"{}"}"#),
  ]

  @Test(arguments: refusals)
  func `refuses with the type and status of the API reference`(refusal: Refusal) throws {
    let endpoint = try prepared()
    let response = try #require(ask(endpoint, refusal.method, refusal.target, refusal.body).response)
    let text = String(decoding: response.body, as: UTF8.self)
    #expect(response.header("x-amzn-ErrorType") == refusal.type, "\(text)")
    #expect(response.status == refusal.status)
    #expect(try JSONValue(parsing: response.body)["message"]?.string?.isEmpty == false)
  }

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
    let endpoint = endpoint(faults: faults)
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
    let empty = endpoint(faults: throttled)
    _ = quota(empty, known)
    for (endpoint, body, type) in [
      (endpoint(), #"{"ServiceCode":"iotcore","QuotaCode":"L-00000000"}"#, "NoSuchResourceException"),
      (endpoint(), #"{"ServiceCode":"ec2","QuotaCode":"L-4671C7C8"}"#, "NoSuchResourceException"),
      (endpoint(), #"{"ServiceCode":"iotcore"}"#, "IllegalArgumentException"),
      (endpoint(denied: [.getServiceQuota]), known, "AccessDeniedException"),
      (endpoint(faults: broken), known, "ServiceException"), (empty, known, "TooManyRequestsException"),
    ] {
      let response = try #require(quota(endpoint, body))
      #expect(response.status == (type == "ServiceException" ? 500 : 400))
      #expect(try JSONValue(parsing: response.body)["__type"] == .string(type))
    }
    #expect(quota(endpoint(), known, target: "ListServices")?.status == 404)
  }

  // MARK: Faults of operations

  private func control(_ endpoint: SandboxEndpoint, _ plan: String) -> SandboxResponse? {
    ask(endpoint, "PUT", "/sandbox/faults", plan).response
  }

  @Test func `a plan for one operation leaves the others alone`() throws {
    let endpoint = try prepared()
    let plan = """
      {"latencyMs":[7,7],"operations":{"CreateThing":{"errorRate":1,"latencyMs":[1,1]},
      "AttachPolicy":{"dropRate":1},"DescribeThing":{"throttlePerSecond":1e-9,"throttleBurst":2}}}
      """
    #expect(control(endpoint, plan)?.status == 200)
    let created = ask(endpoint, "POST", "/things/u")
    #expect(created.response?.status ?? 0 >= 500 && created.latency == .milliseconds(1))
    #expect(ask(endpoint, "PUT", "/target-policies/p", #"{"target":"x"}"#).response == nil)
    let statuses = (0..<3).map { _ in ask(endpoint, "GET", "/things/t").response?.status }
    #expect(statuses == [200, 200, 400])
    let listed = ask(endpoint, "GET", "/things")
    #expect(listed.response?.status == 200 && listed.latency == .milliseconds(7))
  }

  @Test func `an operation loses one answer, with or without the effect`() throws {
    let endpoint = try prepared()
    let plan = """
      {"operations":{"AttachPolicy":{"answers":[{"cut":"closed","carriedOut":true},{"cut":"reset"}]},
      "RegisterCertificateWithoutCA":{"answers":[{"status":503}]}}}
      """
    #expect(control(endpoint, plan)?.status == 200)
    let body = #"{"target":"\#(Self.certificateARN)"}"#
    func attached() throws -> Int? {
      try succeed(endpoint, "POST", "/attached-policies/\(Self.encodedARN)")["policies"]?.array?.count
    }
    let lost = ask(endpoint, "PUT", "/target-policies/p", body)
    #expect(lost.response == nil && lost.cut == .closed && lost.operation == .attachPolicy)
    #expect(try attached() == 1)
    try succeed(endpoint, "POST", "/target-policies/p", body)
    let refused = ask(endpoint, "PUT", "/target-policies/p", body)
    #expect(refused.response == nil && refused.cut == .reset)
    #expect(try attached() == 0)
    try succeed(endpoint, "PUT", "/target-policies/p", body)
    let register = #"{"certificatePem":"certificate 2"}"#
    #expect(ask(endpoint, "POST", "/certificate/register-no-ca", register).response?.status == 503)
    #expect(ask(endpoint, "POST", "/certificate/register-no-ca", register).response?.status == 200)
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
    let response = try #require(control(endpoint(), plan))
    #expect(response.status == 400)
    let text = try #require(try JSONValue(parsing: response.body)["message"]?.string)
    #expect(text.contains(message), "\(text)")
  }

  @Test(arguments: 0..<10 as Range<UInt64>)
  func `has an answer to whatever is asked`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let endpoint = try prepared()
    let bodies = [
      #"{"thingTypeName":"lamp","attributePayload":{"attributes":{"site":"north"},"merge":true}}"#,
      #"{"thingGroupName":"hall","thingName":"t"}"#, #"{"target":"\#(Self.certificateARN)"}"#,
      #"{"templateBody":"{\"Resources\":{\"t\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":{\"ThingName\":{\"Fn::Join\":[\"\",[\"a\",\"b\"]]}}}}}","parameters":{"a":"b"}}"#,
    ]
    for _ in 0..<500 {
      guard let row = SandboxOperation.rows.randomElement(using: &generator),
        let text = bodies.randomElement(using: &generator)
      else { return }
      let filled = row.path.replacing(
        /\{[a-zA-Z]+\}/, with: ["t", "lamp", "p", Self.id].randomElement(using: &generator) ?? "")
      var target = Array("\(filled)?maxResults=5".utf8)
      var body = Array(text.utf8)
      for _ in 0..<Int.random(in: 0...2, using: &generator) {
        target[Int.random(in: target.indices, using: &generator)] = UInt8.random(in: 33...126, using: &generator)
        body[Int.random(in: body.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      let answer = ask(
        endpoint, row.method, String(decoding: target, as: UTF8.self), String(decoding: body, as: UTF8.self),
        principal: Self.certificateARN)
      let response = try #require(answer.response)
      let type = response.header("x-amzn-ErrorType").flatMap(SandboxError.Kind.init(rawValue:))
      #expect(response.status == type?.httpStatus ?? 200, "seed \(seed)")
    }
  }
}
