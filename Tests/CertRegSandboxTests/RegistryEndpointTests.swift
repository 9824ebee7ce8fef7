import CertRegCodec
import CertRegCore
import CertRegSandbox
import CertRegTesting
import Testing

/// The operations on things and policies as requests: paths, members and answers.
@Suite struct RegistryEndpointTests {
  @Test func `every operation has one row`() {
    let rows = SandboxOperation.rows
    #expect(rows.map(\.name).count == SandboxOperation.Name.allCases.count)
    #expect(Set(rows.map(\.name)) == Set(SandboxOperation.Name.allCases))
    #expect(Set(rows.map { "\($0.method) \($0.path)" }).count == rows.count)
  }

  @Test func `describes things`() throws {
    let endpoint = try SandboxEndpoint.prepared()
    let thing = try endpoint.succeed("GET", "/things/t")
    #expect(thing["thingId"]?.string.flatMap { UniqueID($0) } != nil)
    #expect(
      thing.jsonText
        == #"{"defaultClientId":"t","thingName":"t","thingId":"\#(thing["thingId"]?.string ?? "")","#
        + #""thingArn":"arn:aws:iot:eu-central-1:123456789012:thing/t","thingTypeName":"lamp","#
        + #""attributes":{"site":"north"},"version":1}"#)
    #expect(try endpoint.succeed("PATCH", "/things/t", #"{"expectedVersion":1}"#) == .null)
    let list = try endpoint.succeed("GET", "/things?attributeName=site&attributeValue=north&thingTypeName=lamp")
    #expect(list["things"]?.array?.first?["version"] == .integer(2) && list["nextToken"] == nil)
    #expect(try endpoint.succeed("DELETE", "/things/t?expectedVersion=2") == .null)
    #expect(endpoint.ask("GET", "/things/t").response?.status == 404)
  }

  @Test func `describes types, deprecated ones with the date`() throws {
    let endpoint = try SandboxEndpoint.prepared()
    try endpoint.succeed("POST", "/thing-types/lamp/deprecate")
    let type = try endpoint.succeed("GET", "/thing-types/lamp")
    #expect(type["thingTypeProperties"]?.jsonText == #"{"searchableAttributes":["site"]}"#)
    #expect(
      type["thingTypeMetadata"]?.jsonText
        == #"{"deprecated":true,"deprecationDate":1795507750,"creationDate":1795507750}"#)
    try endpoint.succeed("POST", "/thing-types/lamp/deprecate", #"{"undoDeprecate":true}"#)
    let list = try endpoint.succeed("GET", "/thing-types")
    #expect(list["thingTypes"]?.array?.first?["thingTypeMetadata"]?["deprecated"] == .bool(false))
  }

  @Test func `describes groups with those above`() throws {
    let endpoint = try SandboxEndpoint.prepared()
    let group = try endpoint.succeed("GET", "/thing-groups/desk")
    #expect(
      group["thingGroupProperties"]?.jsonText
        == #"{"thingGroupDescription":"d","attributePayload":{"attributes":{"a":"1"}}}"#)
    let metadata = try #require(group["thingGroupMetadata"])
    #expect(metadata["parentGroupName"] == .string("hall"))
    #expect(metadata["rootToParentThingGroups"]?.array?.first?["groupName"] == .string("hall"))
    #expect(group["version"] == .integer(1))
  }

  @Test func `takes things and groups by name and by ARN`() throws {
    let endpoint = try SandboxEndpoint.prepared()
    let prefix = "arn:aws:iot:eu-central-1:123456789012:"
    let add = "/thing-groups/addThingToThingGroup"
    try endpoint.succeed("PUT", add, #"{"thingGroupArn":"\#(prefix)thinggroup/hall","thingArn":"\#(prefix)thing/t"}"#)
    try endpoint.succeed("PUT", add, #"{"thingGroupName":"hall","thingName":"t"}"#)
    let groups = try endpoint.succeed("GET", "/things/t/thing-groups")
    #expect(groups["thingGroups"]?.array?.map { $0["groupName"] } == [.string("hall")])
    #expect(try endpoint.succeed("GET", "/thing-groups/hall/things")["things"]?.jsonText == #"["t"]"#)
    for body in [
      #"{"thingName":"t"}"#, #"{"thingGroupName":"hall"}"#,
      #"{"thingGroupName":"desk","thingGroupArn":"\#(prefix)thinggroup/hall","thingName":"t"}"#,
      #"{"thingGroupName":"hall","thingArn":"\#(prefix)thinggroup/hall"}"#,
    ] {
      let response = endpoint.ask("PUT", add, body).response
      #expect(response?.header("x-amzn-ErrorType") == "InvalidRequestException", "\(body)")
    }
    try endpoint.succeed(
      "PUT", "/thing-groups/removeThingFromThingGroup", #"{"thingGroupName":"hall","thingName":"t"}"#)
    #expect(try endpoint.succeed("GET", "/things/t/thing-groups")["thingGroups"] == .array([]))
  }

  @Test func `a list of groups below one has its children, unless the caller asks for all`() throws {
    let endpoint = try SandboxEndpoint.prepared()
    try endpoint.succeed("POST", "/thing-groups/drawer", #"{"parentGroupName":"desk"}"#)
    for (query, names) in [
      ("", ["hall", "desk", "drawer"]), ("?recursive=false", ["hall"]), ("?parentGroup=hall", ["desk"]),
      ("?parentGroup=hall&recursive=true", ["desk", "drawer"]), ("?parentGroup=hall&recursive=false", ["desk"]),
    ] {
      let groups = try endpoint.succeed("GET", "/thing-groups\(query)")["thingGroups"]?.array
      #expect(groups?.compactMap { $0["groupName"]?.string } == names, "\(query)")
    }
  }

  @Test func `attaches policies to targets of the path and the body`() throws {
    let endpoint = try SandboxEndpoint.prepared()
    let body = #"{"target":"\#(registeredARN)"}"#
    for _ in 0..<2 { #expect(try endpoint.succeed("PUT", "/target-policies/p", body) == .null) }
    let list = try endpoint.succeed("POST", "/attached-policies/\(encodedARN)?pageSize=5")
    #expect(
      list["policies"]?.jsonText
        == #"[{"policyName":"p","policyArn":"arn:aws:iot:eu-central-1:123456789012:policy/p"}]"#)
    #expect(try endpoint.succeed("POST", "/policy-targets/p")["targets"]?.array == [.string(registeredARN)])
    #expect(endpoint.ask("DELETE", "/policies/p").response?.header("x-amzn-ErrorType") == "DeleteConflictException")
    try endpoint.succeed("POST", "/target-policies/p", body)
    try endpoint.succeed("DELETE", "/policies/p")
    #expect(endpoint.ask("PUT", "/target-policies/p", body).response?.status == 404)
  }

  @Test func `attaches principals of the header`() throws {
    let endpoint = try SandboxEndpoint.prepared()
    let path = "/things/t/principals"
    try endpoint.succeed("PUT", "\(path)?thingPrincipalType=EXCLUSIVE_THING", principal: registeredARN)
    #expect(try endpoint.succeed("GET", path)["principals"]?.array == [.string(registeredARN)])
    let principals = try endpoint.succeed("GET", "\(path)-v2")
    #expect(
      principals["thingPrincipalObjects"]?.jsonText
        == #"[{"principal":"\#(registeredARN)","thingPrincipalType":"EXCLUSIVE_THING"}]"#)
    let things = try endpoint.succeed("GET", "/principals/things", principal: registeredARN)
    #expect(things["things"]?.jsonText == #"["t"]"#)
    let typed = try endpoint.succeed("GET", "/principals/things-v2", principal: registeredARN)
    #expect(
      typed["principalThingObjects"]?.jsonText == #"[{"thingName":"t","thingPrincipalType":"EXCLUSIVE_THING"}]"#)
    #expect(endpoint.ask("PUT", path).response?.status == 400)
    #expect(
      endpoint.ask("PUT", "\(path)?thingPrincipalType=X", principal: registeredARN).response?.status == 400)
    #expect(
      endpoint.ask("PUT", path, principal: "arn:aws:iot:eu-central-1:123456789012:thinggroup/hall").response?.status
        == 400)
    try endpoint.succeed("DELETE", path, principal: registeredARN)
    #expect(endpoint.ask("DELETE", path, principal: registeredARN).response?.status == 404)
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
    let endpoint = try SandboxEndpoint.prepared()
    let response = try #require(endpoint.ask(refusal.method, refusal.target, refusal.body).response)
    let text = String(decoding: response.body, as: UTF8.self)
    #expect(response.header("x-amzn-ErrorType") == refusal.type, "\(text)")
    #expect(response.status == refusal.status)
    #expect(try JSONValue(parsing: response.body)["message"]?.string?.isEmpty == false)
  }

  @Test(arguments: 0..<10 as Range<UInt64>)
  func `has an answer to whatever is asked`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let endpoint = try SandboxEndpoint.prepared()
    let bodies = [
      #"{"thingTypeName":"lamp","attributePayload":{"attributes":{"site":"north"},"merge":true}}"#,
      #"{"thingGroupName":"hall","thingName":"t"}"#, #"{"target":"\#(registeredARN)"}"#,
      #"{"templateBody":"{\"Resources\":{\"t\":{\"Type\":\"AWS::IoT::Thing\",\"Properties\":{\"ThingName\":{\"Fn::Join\":[\"\",[\"a\",\"b\"]]}}}}}","parameters":{"a":"b"}}"#,
    ]
    for _ in 0..<500 {
      guard let row = SandboxOperation.rows.randomElement(using: &generator),
        let text = bodies.randomElement(using: &generator)
      else { return }
      let filled = row.path.replacing(
        /\{[a-zA-Z]+\}/, with: ["t", "lamp", "p", registeredID].randomElement(using: &generator) ?? "")
      var target = Array("\(filled)?maxResults=5".utf8)
      var body = Array(text.utf8)
      for _ in 0..<Int.random(in: 0...2, using: &generator) {
        target[Int.random(in: target.indices, using: &generator)] = UInt8.random(in: 33...126, using: &generator)
        body[Int.random(in: body.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      let answer = endpoint.ask(
        row.method, String(decoding: target, as: UTF8.self), String(decoding: body, as: UTF8.self),
        principal: registeredARN)
      let response = try #require(answer.response)
      let type = response.header("x-amzn-ErrorType").flatMap(SandboxError.Kind.init(rawValue:))
      #expect(response.status == type?.httpStatus ?? 200, "seed \(seed)")
    }
  }
}
