import CertRegCodec
import CertRegCore
import CertRegSandbox
import CertRegTesting
import Testing

@Suite struct SandboxEndpointTests {
  private let time = ManualClock.atStart()

  private func endpoint(
    throttle: ThrottleRate? = nil, faults: FaultPlan = .none, seed: UInt64 = 1
  ) -> SandboxEndpoint {
    var faults = faults
    if let throttle { faults.throttle = throttle }
    return SandboxEndpoint(
      SandboxConfiguration(faults: faults, isControlled: true), judge: StubJudge(), clock: time.clock, seed: seed)
  }

  private func register(_ number: Int, status: String? = nil) -> SandboxRequest {
    let member = status.map { ",\"status\":\"\($0)\"" } ?? ""
    return SandboxRequest(
      method: "POST", target: "/certificate/register-no-ca",
      body: Array("{\"certificatePem\":\"\(pem(number))\"\(member)}".utf8))
  }

  private func members(_ answer: SandboxAnswer) throws -> JSONValue {
    try JSONValue(parsing: try #require(answer.response).body)
  }

  // MARK: Operations

  @Test func `registers, and answers with the ARN and the ID`() throws {
    let answer = endpoint().answer(register(1, status: "ACTIVE"))
    let id = certificate(1).id.hex
    #expect(answer.response?.status == 200)
    #expect(answer.operation == .registerCertificateWithoutCA)
    #expect(
      try members(answer)
        == .object(of: [
          "certificateArn": .string("arn:aws:iot:eu-central-1:123456789012:cert/\(id)"), "certificateId": .string(id),
        ]))
    #expect(answer.response?.header("Content-Type") == "application/json")
    #expect(answer.response?.header("Date") == "Tue, 24 Nov 2026 08:09:10 GMT")
    #expect(answer.response?.header("x-amzn-ErrorType") == nil)
    let requestID = try #require(answer.response?.header("x-amzn-RequestId"))
    #expect(UniqueID(requestID)?.description == requestID)
  }

  @Test func `describes registered certificates`() throws {
    let endpoint = endpoint()
    _ = endpoint.answer(register(1, status: "REVOKED"))
    let id = certificate(1).id.hex
    let answer = endpoint.answer(SandboxRequest(method: "GET", target: "/certificates/\(id.uppercased())"))
    let description = try #require(try members(answer)["certificateDescription"])
    #expect(description["certificateId"] == .string(id))
    #expect(description["status"] == .string("REVOKED"))
    #expect(description["certificatePem"] == .string(PEM.certificate(der: certificate(1).der)))
    #expect(description["ownedBy"] == .string("123456789012"))
    #expect(description["creationDate"] == .integer(1_795_507_750))
    #expect(description["lastModifiedDate"] == .integer(1_795_507_750))
    #expect(description["certificateMode"] == .string("SNI_ONLY"))
    #expect(
      description["validity"] == .object(of: ["notBefore": .integer(1_000), "notAfter": .integer(4_000_000_000)]))
    #expect(description["customerVersion"] == .integer(1))
    #expect(description["transferData"] == .object([]))
    #expect(description["generationId"]?.string.flatMap { UniqueID($0) } != nil)
  }

  @Test func `lists newest first, and the rest after the marker`() throws {
    let endpoint = endpoint()
    for number in 0..<3 { _ = endpoint.answer(register(number)) }
    let first = try members(endpoint.answer(SandboxRequest(method: "GET", target: "/certificates?pageSize=2")))
    let marker = try #require(first["nextMarker"]?.string)
    #expect(try ids(first) == [2, 1].map { certificate($0).id.hex })
    let encoded = marker.replacing("=", with: "%3D").replacing("+", with: "%2B").replacing("/", with: "%2F")
    let second = try members(
      endpoint.answer(SandboxRequest(method: "GET", target: "/certificates?pageSize=2&marker=\(encoded)")))
    #expect(try ids(second) == [certificate(0).id.hex])
    #expect(second["nextMarker"] == nil)
    let ascending = try members(
      endpoint.answer(SandboxRequest(method: "GET", target: "/certificates?isAscendingOrder=true")))
    #expect(try ids(ascending) == [0, 1, 2].map { certificate($0).id.hex })
  }

  private func ids(_ list: JSONValue) throws -> [String?] {
    try #require(list["certificates"]?.array).map { $0["certificateId"]?.string }
  }

  @Test func `updates and deletes without a body`() throws {
    let endpoint = endpoint()
    _ = endpoint.answer(register(1, status: "ACTIVE"))
    let path = "/certificates/\(certificate(1).id.hex)"
    for (method, target, status) in [
      ("DELETE", path, 406), ("PUT", "\(path)?newStatus=INACTIVE", 200), ("DELETE", "\(path)?forceDelete=true", 200),
      ("DELETE", path, 404),
    ] {
      let response = try #require(endpoint.answer(SandboxRequest(method: method, target: target)).response)
      #expect(response.status == status)
      #expect(response.body.isEmpty == (status == 200))
    }
    #expect(endpoint.certificateCount == 0)
  }

  @Test func `names the certificate that is there already`() throws {
    let endpoint = endpoint()
    _ = endpoint.answer(register(1))
    let answer = endpoint.answer(register(1, status: "ACTIVE"))
    #expect(answer.response?.status == 409)
    #expect(answer.response?.header("x-amzn-ErrorType") == "ResourceAlreadyExistsException")
    let id = certificate(1).id.hex
    #expect(
      try members(answer)
        == .object(of: [
          "message": .string("The certificate is already provisioned or registered"), "resourceId": .string(id),
          "resourceArn": .string("arn:aws:iot:eu-central-1:123456789012:cert/\(id)"),
        ]))
  }

  // MARK: Refusals

  struct Refusal: Sendable, CustomTestStringConvertible {
    var method = "POST"
    var target = "/certificate/register-no-ca"
    var body = ""
    var type: String
    var status = 400
    var testDescription: String { "\(method) \(target.prefix(60)) \(body.prefix(60))" }
  }

  static let id = String(repeating: "0", count: 64)
  static let refusals: [Refusal] = [
    Refusal(target: "/", type: "UnknownOperationException", status: 404),
    Refusal(target: "/certificate", type: "UnknownOperationException", status: 404),
    Refusal(target: "/certificate/register", type: "UnknownOperationException", status: 404),
    Refusal(target: "/certificate/register-no-ca/", type: "UnknownOperationException", status: 404),
    Refusal(method: "GET", type: "UnknownOperationException", status: 404),
    Refusal(method: "PATCH", target: "/certificates/\(id)", type: "UnknownOperationException", status: 404),
    Refusal(method: "GET", target: "*", type: "UnknownOperationException", status: 404),

    Refusal(body: "{", type: "SerializationException"),
    Refusal(body: "[]", type: "SerializationException"),
    Refusal(body: "\u{feff}x", type: "SerializationException"),
    Refusal(body: #"{"certificatePem":1}"#, type: "SerializationException"),
    Refusal(body: #"{"certificatePem":"certificate 1","status":true}"#, type: "SerializationException"),
    Refusal(body: #"{"certificatePem":["certificate 1"]}"#, type: "SerializationException"),

    Refusal(body: "", type: "InvalidRequestException"),
    Refusal(body: "{}", type: "InvalidRequestException"),
    Refusal(body: #"{"certificatePem":null}"#, type: "InvalidRequestException"),
    Refusal(body: #"{"CertificatePem":"certificate 1"}"#, type: "InvalidRequestException"),
    Refusal(body: #"{"certificatePem":""}"#, type: "InvalidRequestException"),
    Refusal(
      body: #"{"certificatePem":"\#(String(repeating: "\u{1f511}", count: 65_537))"}"#, type: "InvalidRequestException"),
    Refusal(body: #"{"certificatePem":"certificate 1","status":"active"}"#, type: "InvalidRequestException"),
    Refusal(body: #"{"certificatePem":"certificate 1","status":""}"#, type: "InvalidRequestException"),

    Refusal(body: #"{"certificatePem":"x"}"#, type: "CertificateValidationException"),
    Refusal(
      body: #"{"certificatePem":"\#(String(repeating: "\u{1f511}", count: 65_536))"}"#,
      type: "CertificateValidationException"),
    Refusal(
      body: #"{"certificatePem":"certificate 1","status":"PENDING_ACTIVATION"}"#, type: "CertificateStateException",
      status: 406),
    Refusal(
      body: #"{"certificatePem":"certificate 1","status":"PENDING_TRANSFER"}"#, type: "CertificateStateException",
      status: 406),
    Refusal(
      body: #"{"certificatePem":"certificate 1","status":"REGISTER_INACTIVE"}"#, type: "CertificateStateException",
      status: 406),

    Refusal(method: "GET", target: "/certificates/\(id)", type: "ResourceNotFoundException", status: 404),
    Refusal(
      method: "GET", target: "/certificates/0x\(id.dropLast(2))", type: "ResourceNotFoundException", status: 404),
    Refusal(method: "GET", target: "/certificates/", type: "InvalidRequestException"),
    Refusal(method: "GET", target: "/certificates/\(id)0", type: "InvalidRequestException"),
    Refusal(method: "GET", target: "/certificates/abc", type: "InvalidRequestException"),
    Refusal(method: "GET", target: "/certificates/%zz\(id.dropLast(3))", type: "InvalidRequestException"),
    Refusal(method: "GET", target: "/certificates?pageSize=0", type: "InvalidRequestException"),
    Refusal(method: "GET", target: "/certificates?pageSize=251", type: "InvalidRequestException"),
    Refusal(method: "GET", target: "/certificates?pageSize=ten", type: "InvalidRequestException"),
    Refusal(method: "GET", target: "/certificates?marker=x", type: "InvalidRequestException"),
    Refusal(method: "GET", target: "/certificates?marker=YWZ0ZXI6MA%3D%3D", type: "InvalidRequestException"),
    Refusal(method: "GET", target: "/certificates?isAscendingOrder=yes", type: "InvalidRequestException"),
    Refusal(method: "PUT", target: "/certificates/\(id)", type: "InvalidRequestException"),
    Refusal(method: "PUT", target: "/certificates/\(id)?newStatus=OFF", type: "InvalidRequestException"),
    Refusal(
      method: "PUT", target: "/certificates/\(id)?newStatus=PENDING_TRANSFER", type: "CertificateStateException",
      status: 406),
    Refusal(
      method: "PUT", target: "/certificates/\(id)?newStatus=ACTIVE", type: "ResourceNotFoundException", status: 404),
    Refusal(method: "DELETE", target: "/certificates/\(id)", type: "ResourceNotFoundException", status: 404),
    Refusal(method: "DELETE", target: "/certificates/\(id)?forceDelete=1", type: "InvalidRequestException"),
  ]

  @Test(arguments: refusals)
  func `refuses with the type and status of the API reference`(refusal: Refusal) throws {
    let endpoint = endpoint()
    let answer = endpoint.answer(
      SandboxRequest(method: refusal.method, target: refusal.target, body: Array(refusal.body.utf8)))
    #expect(answer.response?.header("x-amzn-ErrorType") == refusal.type)
    #expect(answer.response?.status == refusal.status)
    #expect(try members(answer)["message"]?.string?.isEmpty == false)
    #expect(try members(answer).members?.count == 1)
    #expect((answer.response?.body.count ?? 0) < 1_000)
    #expect(endpoint.certificateCount == 0)
  }

  @Test func `every type of error has the status of the API reference`() {
    let statuses = Dictionary(uniqueKeysWithValues: SandboxError.Kind.allCases.map { ($0.rawValue, $0.httpStatus) })
    let reference = [
      "CertificateStateException": 406, "CertificateValidationException": 400, "InternalFailureException": 500,
      "InvalidRequestException": 400, "ResourceAlreadyExistsException": 409, "ServiceUnavailableException": 503,
      "ThrottlingException": 400, "UnauthorizedException": 401, "ResourceNotFoundException": 404,
    ]
    for (name, status) in reference { #expect(statuses[name] == status, "\(name)") }
  }

  @Test func `ignores members that the operation does not know`() {
    let body = #"{"certificatePem":"certificate 1","staus":"ACTIVE","tags":[{"Key":"a"}]}"#
    let answer = endpoint().answer(
      SandboxRequest(method: "POST", target: "/certificate/register-no-ca", body: Array(body.utf8)))
    #expect(answer.response?.status == 200)
  }

  @Test func `denies an operation and no other`() {
    let endpoint = SandboxEndpoint(
      SandboxConfiguration(denied: [.registerCertificateWithoutCA]), judge: StubJudge(), clock: time.clock, seed: 1)
    let answer = endpoint.answer(register(1))
    #expect(answer.response?.status == 401)
    #expect(answer.response?.header("x-amzn-ErrorType") == "UnauthorizedException")
    #expect(endpoint.certificateCount == 0)
    #expect(endpoint.answer(SandboxRequest(method: "GET", target: "/certificates")).response?.status == 200)
  }

  @Test(arguments: [
    ("/certificates", "/certificates", ""), ("/certificates?pageSize=1", "/certificates", "pageSize=1"),
    ("/certificates?a=b?c", "/certificates", "a=b?c"), ("http://127.0.0.1:8080/certificates?a", "/certificates", "a"),
    ("HTTPS://host", "/", ""), ("http://host?a", "/", "a"), ("*", "*", ""), ("", "", ""),
  ])
  func `reads request targets`(target: String, path: String, query: String) {
    let request = SandboxRequest(method: "GET", target: target)
    #expect(request.path == path)
    #expect(request.query == query)
  }

  @Test(arguments: 0..<10 as Range<UInt64>)
  func `has an answer to whatever is asked`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let endpoint = endpoint()
    let targets = [
      "/certificate/register-no-ca", "/certificates", "/certificates/\(certificate(1).id.hex)?newStatus=ACTIVE",
      "/certificates?pageSize=25&marker=YWZ0ZXI6MQ==&isAscendingOrder=true",
      "/certificates/%00%ff?forceDelete=true",
    ]
    for _ in 0..<500 {
      var target = Array((targets.randomElement(using: &generator) ?? "").utf8)
      var body = register(1, status: "ACTIVE").body
      for _ in 0..<Int.random(in: 0...2, using: &generator) {
        target[Int.random(in: target.indices, using: &generator)] = UInt8.random(in: 33...126, using: &generator)
        body[Int.random(in: body.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      let answer = endpoint.answer(
        SandboxRequest(
          method: ["GET", "PUT", "POST", "DELETE"].randomElement(using: &generator) ?? "GET",
          target: String(decoding: target, as: UTF8.self), body: body))
      let response = try #require(answer.response)
      let type = response.header("x-amzn-ErrorType")
      if response.status == 200 {
        #expect(type == nil, "seed \(seed)")
      } else {
        let kind = type.flatMap(SandboxError.Kind.init(rawValue:))
        #expect(kind?.httpStatus == response.status, "seed \(seed)")
        #expect(try members(answer)["message"]?.string != nil, "seed \(seed)")
      }
    }
  }

  // MARK: Pace and faults

  @Test func `throttles each operation separately, and accepts calls again in time`() {
    let endpoint = endpoint(throttle: ThrottleRate(perSecond: 2, burst: 3))
    func statuses(_ count: Int) -> [Int?] {
      (0..<count).map { _ in
        endpoint.answer(SandboxRequest(method: "GET", target: "/certificates")).response?.status
      }
    }
    #expect(statuses(5) == [200, 200, 200, 400, 400])
    #expect(endpoint.answer(register(1)).response?.status == 200)
    time.advance(by: .milliseconds(499))
    #expect(statuses(1) == [400])
    time.advance(by: .milliseconds(1))
    #expect(statuses(2) == [200, 400])
    time.advance(by: .seconds(3_600))
    #expect(statuses(4) == [200, 200, 200, 400])
    let answer = endpoint.answer(SandboxRequest(method: "GET", target: "/certificates"))
    #expect(answer.response?.header("x-amzn-ErrorType") == "ThrottlingException")
  }

  @Test func `fails before or after the effect, and always says so`() {
    let endpoint = endpoint(faults: FaultPlan(errorRate: 1), seed: 7)
    var types: Set<String> = []
    for number in 0..<200 {
      let answer = endpoint.answer(register(number))
      types.insert(answer.response?.header("x-amzn-ErrorType") ?? "none")
    }
    #expect(types == ["InternalFailureException", "ServiceUnavailableException"])
    #expect((40...160).contains(endpoint.certificateCount))
  }

  @Test func `drops connections before or after the effect, but not for unknown operations`() {
    let endpoint = endpoint(faults: FaultPlan(dropRate: 1), seed: 7)
    for number in 0..<200 { #expect(endpoint.answer(register(number)).response == nil) }
    #expect((40...160).contains(endpoint.certificateCount))
    #expect(endpoint.answer(SandboxRequest(method: "GET", target: "/")).response?.status == 404)
  }

  @Test func `draws latencies from the range`() {
    let range = Duration.milliseconds(10) ... .milliseconds(20)
    let endpoint = endpoint(faults: FaultPlan(latency: range))
    let latencies = (0..<100).map { endpoint.answer(register($0)).latency }
    #expect(latencies.allSatisfy(range.contains))
    #expect(Set(latencies).count > 50)
  }

  // MARK: Other faults

  private func control(_ endpoint: SandboxEndpoint, _ plan: String) -> SandboxResponse? {
    endpoint.answer(SandboxRequest(method: "PUT", target: "/sandbox/faults", body: Array(plan.utf8))).response
  }

  @Test func `a lie names another certificate, and the true one is registered`() throws {
    let endpoint = endpoint(faults: FaultPlan(lieRate: 1))
    let id = try #require(try members(endpoint.answer(register(1)))["certificateId"])
    #expect(id != .string(certificate(1).id.hex))
    let target = "/certificates/\(certificate(1).id.hex)"
    #expect(endpoint.answer(SandboxRequest(method: "GET", target: target)).response?.status == 200)
  }

  @Test func `refuses the sessions that are over, and no others`() {
    var plan = FaultPlan()
    plan.expiredKeyIDs = ["ASIAOLD"]
    let endpoint = endpoint(faults: plan)
    for (keyID, type) in [("ASIAOLD", "ExpiredTokenException"), ("ASIANEW", nil)] as [(String, String?)] {
      var request = register(1)
      request.headers = [
        (
          "Authorization",
          "AWS4-HMAC-SHA256 Credential=\(keyID)/20261124/eu-west-1/iot/aws4_request, SignedHeaders=host, "
            + "Signature=\(String(repeating: "0", count: 64))"
        )
      ]
      #expect(endpoint.answer(request).response?.header("x-amzn-ErrorType") == type)
    }
  }

  @Test func `has a clock that can be wrong`() {
    var plan = FaultPlan()
    plan.clockOffset = .seconds(-3600)
    #expect(endpoint(faults: plan).answer(register(1)).response?.header("Date") == "Tue, 24 Nov 2026 07:09:10 GMT")
  }

  @Test func `takes other faults at run time`() {
    let endpoint = endpoint(throttle: ThrottleRate(perSecond: 1))
    #expect(endpoint.answer(register(1)).response?.status == 200)
    #expect(endpoint.answer(register(2)).response?.status == 400)
    #expect(control(endpoint, #"{"latencyMs":[5,5],"dripBytesPerSecond":7}"#)?.status == 200)
    let answer = endpoint.answer(register(3))
    #expect(answer.response?.status == 200)
    #expect(answer.latency == .milliseconds(5) && answer.bytesPerSecond == 7)
    #expect(control(endpoint, #"{"resetRate":1}"#)?.status == 200)
    #expect(endpoint.answer(register(4)).response == nil && endpoint.answer(register(4)).cut == .reset)
  }

  @Test(
    arguments: [
      (#"{"errorRat":1}"#, "there is no errorRat; there are latencyMs, errorRate,"),
      (#"{"errorRate":2}"#, "errorRate takes a number from 0 to 1"), (#"{"latencyMs":[2,1]}"#, "latencyMs takes two"),
      (#"{"answers":[{"status":99}]}"#, "status takes a number from 200 to 599"),
      (#"{"throttleBurst":5}"#, "throttleBurst needs throttlePerSecond"),
      (#"{"dripBytesPerSecond":0}"#, "dripBytesPerSecond takes a whole number above 0"),
      (#"{"dripBytesPerSecond":0.5}"#, "dripBytesPerSecond takes a whole number above 0"),
      (#"{"throttlePerSecond":1,"throttleBurst":0}"#, "throttleBurst takes a number of at least 1"),
      (#"{"answers":[{"status":200,"times":0}]}"#, "times takes a whole number above 0"),
      (#"{"answers":[{"status":200,"cut":"reset"}]}"#, "cut stands in place of status"),
      (#"{"clockOffsetSeconds":1000000001}"#, "clockOffsetSeconds takes a number of seconds of at most 1000000000"),
      ("[]", "not a plan of faults"),
      (#"{"latencyMs":[0,1e300]}"#, "latencyMs takes two"),
      (#"{"answers":[{"status":200,"headers":{"a":1}}]}"#, "headers takes"),
      (#"{"answers":[{"status":200,"headers":{"a b":"c"}}]}"#, "headers takes"),
      (#"{"answers":[{"status":200,"headers":{"":"c"}}]}"#, "headers takes"),
      (#"{"answers":[{"status":200,"headers":{"a":"b\r\nc: d"}}]}"#, "headers takes"),
      (#"{"clockOffsetSeconds":1e300}"#, "clockOffsetSeconds takes"),
      (#"{"throttlePerSecond":1e999}"#, "throttlePerSecond takes"),
      (#"{"latencyMs"}"#, "expected ':' after the member name"),
    ])
  func `names the fault of a plan, and keeps the old one`(plan: String, message: String) throws {
    let endpoint = endpoint(faults: FaultPlan(errorRate: 1))
    let response = try #require(control(endpoint, plan))
    #expect(response.status == 400)
    let members = try JSONValue(parsing: response.body)
    let text = try #require(members["message"]?.string)
    #expect(text.contains(message), "\(text)")
    #expect(endpoint.answer(register(1)).response?.status ?? 0 >= 500)
  }

  @Test func `gives the configured answer as often as configured, with or without the effect`() {
    let endpoint = endpoint()
    let plan = """
      {"answers":[{"status":403,"headers":{"x-amzn-ErrorType":"X","date":"then"},"body":"b","times":2},
      {"status":502,"carriedOut":true}]}
      """
    #expect(control(endpoint, plan)?.status == 200)
    for _ in 0..<2 {
      let response = endpoint.answer(register(1)).response
      #expect(response?.status == 403 && response?.header("x-amzn-ErrorType") == "X")
      #expect(response?.header("date") == "then" && response?.header("Date") == nil)
      #expect(response?.header("x-amzn-RequestId") != nil && response?.body == Array("b".utf8))
    }
    #expect(endpoint.certificateCount == 0)
    // Only registrations count.
    #expect(endpoint.answer(SandboxRequest(method: "GET", target: "/certificates")).response?.status == 200)
    #expect(endpoint.answer(register(1)).response?.status == 502)
    #expect(endpoint.certificateCount == 1)
    #expect(endpoint.answer(register(1)).response?.status == 409)
  }

  @Test func `accepts no faults at run time unless configured`() {
    let endpoint = SandboxEndpoint(SandboxConfiguration(), judge: StubJudge(), clock: time.clock, seed: 1)
    #expect(control(endpoint, #"{"errorRate":1}"#)?.status == 404)
    #expect(endpoint.answer(register(1)).response?.status == 200)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `runs with the same seed have the same faults`(seed: UInt64) {
    let plan = FaultPlan(latency: .zero ... .seconds(1), errorRate: 0.5, dropRate: 0.1)
    let runs = (0..<2).map { _ in
      let endpoint = endpoint(faults: plan, seed: seed)
      return (0..<50).map { number in
        let answer = endpoint.answer(register(number))
        return "\(answer.latency) \(answer.response?.status ?? 0) \(answer.response?.header("x-amzn-RequestId") ?? "")"
      }
    }
    #expect(runs[0] == runs[1])
  }
}
