import CertRegCodec
import CertRegCore
import CertRegCrypto
import CertRegTesting
import Testing

@testable import CertRegSandbox

/// Provisioning templates (AWS IoT Developer Guide, "Provisioning templates").
@Suite struct RegisterThingTests {
  private let store = RegisterStore(register: SandboxRegister(account: SandboxAccount()), file: nil, seed: 1)
  private static let id = CertRegSandboxTests.certificate(1).id

  // MARK: Functions

  private func evaluate(_ text: String, mappings: String = "null") throws -> JSONValue {
    var evaluator = TemplateEvaluator(
      parameters: ["Serial": "17", "List": "a,b,c", "Empty": ""], mappings: try JSONValue(parsing: mappings))
    return try evaluator.evaluate(try JSONValue(parsing: text))
  }

  @Test(arguments: [
    (#"{"Ref":"Serial"}"#, #""17""#), (#"{"a":{"Ref":"Serial"},"b":[1,true,null]}"#, #"{"a":"17","b":[1,true,null]}"#),
    (#"{"Fn::Join":["-",["x",{"Ref":"Serial"},"y"]]}"#, #""x-17-y""#), (#"{"Fn::Join":["",[]]}"#, #""""#),
    (#"{"Fn::Join":["+",{"Fn::Split":[",",{"Ref":"List"}]}]}"#, #""a+b+c""#),
    (#"{"Fn::Split":[",","a,,b,"]}"#, #"["a","","b",""]"#), (#"{"Fn::Split":["::","a::b"]}"#, #"["a","b"]"#),
    (#"{"Fn::Split":["aab","aaabxaab"]}"#, #"["a","x",""]"#), (#"{"Fn::Split":["abab","abaabab"]}"#, #"["aba",""]"#),
    (#"{"Fn::Split":["aa","aaaaa"]}"#, #"["","","a"]"#), (#"{"Fn::Split":["é","aéb"]}"#, #"["a","b"]"#),
    (#"{"Fn::Select":["1",{"Fn::Split":[",",{"Ref":"List"}]}]}"#, #""b""#), (#"{"Fn::Select":[0,["x"]]}"#, #""x""#),
    (#"{"Fn::Sub":"s-${Serial}-${!Serial}"}"#, #""s-17-${Serial}""#),
    (#"{"Fn::Sub":["${A}${Serial}",{"A":{"Ref":"List"}}]}"#, #""a,b,c17""#),
    (#"{"Fn::FindInMap":["M",{"Ref":"Serial"},"k"]}"#, #""v""#),
    (#"{"Ref":"Serial","x":1}"#, #"{"Ref":"Serial","x":1}"#),
  ])
  func `evaluates references and functions`(text: String, result: String) throws {
    #expect(try evaluate(text, mappings: #"{"M":{"17":{"k":"v"}}}"#).jsonText == result)
  }

  @Test(arguments: [
    #"{"Ref":"None"}"#, #"{"Ref":1}"#, #"{"Fn::Join":["-"]}"#, #"{"Fn::Join":["-","a"]}"#, #"{"Fn::Join":[1,["a"]]}"#,
    #"{"Fn::Join":["-",["a",1]]}"#, #"{"Fn::Select":[3,["a"]]}"#, #"{"Fn::Select":["x",["a"]]}"#,
    #"{"Fn::Select":[0,[null]]}"#, #"{"Fn::Select":[-1,["a"]]}"#, #"{"Fn::Split":["","a"]}"#, #"{"Fn::Split":[",",1]}"#,
    #"{"Fn::FindInMap":["M","1"]}"#, #"{"Fn::FindInMap":["M","1","k"]}"#, #"{"Fn::Sub":"${None}"}"#,
    #"{"Fn::Sub":"${Serial"}"#, #"{"Fn::Sub":["a"]}"#, #"{"Fn::Sub":["${A}",{"A":1}]}"#,
  ])
  func `refuses what cannot be evaluated`(text: String) {
    expectError(.invalidRequest) { _ = try evaluate(text) }
  }

  @Test func `functions within functions make no text of any length`() throws {
    var text = #"{"Ref":"List"}"#
    for _ in 0..<15 { text = #"{"Fn::Sub":["${A}${A}${A}${A}${A}${A}${A}${A}",{"A":\#(text)}]}"# }
    let nested = text
    let error = expectError(.invalidRequest) { _ = try evaluate(nested) }
    #expect(error?.message.contains("longer than") == true)
  }

  // MARK: Templates

  static let resources = """
    "thing":{"Type":"AWS::IoT::Thing","Properties":{"ThingName":{"Fn::Join":["-",["lamp",{"Ref":"SerialNumber"}]]},
    "AttributePayload":{"site":{"Ref":"Location"}},"ThingTypeName":"lamp","ThingGroups":["hall","desk"]}},
    "certificate":{"Type":"AWS::IoT::Certificate","DependsOn":"thing","Properties":{"CertificateId":{"Ref":"Id"},
    "Status":"Active","ThingPrincipalType":"EXCLUSIVE_THING"}},
    "named":{"Type":"AWS::IoT::Policy","Properties":{"PolicyName":"p"}}
    """
  static let parameters =
    #""SerialNumber":{"Type":"String"},"Id":{"Type":"String"},"Location":{"Type":"String","Default":"WA"}"#
  static let template = #"{"Parameters":{\#(parameters)},"Resources":{\#(resources)}}"#

  private func prepare() throws {
    try store.change { content throws(SandboxError) in
      try content.make(
        content.register.registration(
          of: CertRegSandboxTests.certificate(1), status: nil, at: ManualClock.start, generationID: UniqueID(1, 1)))
      _ = try content.make(
        content.register.thingTypeCreation(
          "lamp", ThingTypeProperties(), id: UniqueID(1, 1), at: ManualClock.start))
      for name in ["hall", "desk", "roof"] {
        _ = try content.make(
          content.register.thingGroupCreation(
            name, ThingGroupConfiguration(), id: UniqueID(1, 1), at: ManualClock.start))
      }
      _ = try content.make(
        content.register.policyCreation(
          "p", document: policyDocument, generationID: UniqueID(1, 1), at: ManualClock.start))
    }
  }

  @discardableResult
  private func register(
    _ template: String, _ parameters: [String: String] = ["SerialNumber": "17", "Id": id.hex]
  ) throws -> ThingRegistration.Outcome {
    let registration = try ThingRegistration(
      try ProvisioningTemplate(template, parameters: parameters), judge: StubJudge(), at: ManualClock.start)
    return try store.change { content throws(SandboxError) in
      try registration.perform(in: &content, at: ManualClock.start)
    }
  }

  private func read<Result: Sendable>(
    _ body: (SandboxRegister) throws(SandboxError) -> Result
  ) throws(SandboxError) -> Result {
    try store.read(body)
  }

  @Test func `makes the resources and attaches them, and does so again`() throws {
    try prepare()
    for _ in 0..<2 {
      let outcome = try register(Self.template)
      let prefix = "arn:aws:iot:eu-central-1:123456789012:"
      #expect(
        outcome.resourceARNs == [
          "thing": "\(prefix)thing/lamp-17", "certificate": "\(prefix)cert/\(Self.id.hex)",
          "named": "\(prefix)policy/p",
        ])
      #expect(outcome.der == CertRegSandboxTests.certificate(1).der)
    }
    let register = try read { $0 }
    #expect(try register.thing("lamp-17").attributes == ["site": "WA"])
    #expect(try register.thing("lamp-17").version == 1)
    #expect(try register.describe(Self.id).status == .active)
    #expect(try register.groups(ofThing: "lamp-17", PageRequest(size: 9)).elements == ["hall", "desk"])
    #expect(
      try register.policies(of: .certificate(1), recursive: false, PageRequest(size: 9)).elements == ["p"])
    let principals = try register.principals(ofThing: "lamp-17", nil, PageRequest(size: 9)).elements
    #expect(principals.map(\.key) == [.certificate(1)] && principals.map(\.value) == [.exclusiveThing])
  }

  @Test func `registers the certificate of a PEM, and names a policy by its document`() throws {
    let document = JSONValue.string(policyDocument).jsonText
    let template = """
      {"Resources":{"c":{"Type":"AWS::IoT::Certificate","Properties":{"CertificatePem":"certificate 5"}},
      "text":{"Type":"AWS::IoT::Policy","Properties":{"PolicyDocument":\(document)}},
      "object":{"Type":"AWS::IoT::Policy","Properties":{"PolicyDocument":\(policyDocument)}}}}
      """
    for _ in 0..<2 { try register(template, [:]) }
    let register = try read { $0 }
    #expect(try register.describe(CertRegSandboxTests.certificate(5).id).status == .active)
    let name = SHA256.digest(of: policyDocument).hex
    #expect(try register.targets(ofPolicy: name, PageRequest(size: 9)).elements == [.certificate(5)])
    #expect(register.policies.count == 1)
  }

  @Test(
    arguments: [
      (
        #"{"AttributePayload":"MERGE","ThingGroups":"MERGE"}"#, ["a": "1", "site": "WA"], ["roof", "hall", "desk"], nil
      ),
      (#"{"AttributePayload":"REPLACE","ThingGroups":"REPLACE"}"#, ["site": "WA"], ["hall", "desk"], nil),
      (#"{"AttributePayload":"DO_NOTHING","ThingTypeName":"REPLACE"}"#, ["a": "1"], ["roof"], "lamp"),
      ("{}", ["a": "1"], ["roof"], nil),
    ] as [(String, [String: String], [String], String?)])
  func `overrides a thing that exists as the template says`(
    settings: String, attributes: [String: String], groups: [String], type: String?
  ) throws {
    try prepare()
    try store.change { content throws(SandboxError) in
      _ = try content.make(
        content.register.thingCreation(
          "lamp-17", ThingConfiguration(attributes: ["a": "1"]), id: UniqueID(1, 1)))
      try content.make(content.register.addition(ofThing: "lamp-17", toGroup: "roof"))
    }
    let template = Self.template.replacing(
      #""ThingGroups":["hall","desk"]}"#, with: #""ThingGroups":["hall","desk"]},"OverrideSettings":\#(settings)"#)
    try register(template)
    let register = try read { $0 }
    #expect(try register.thing("lamp-17").attributes == attributes)
    #expect(try register.thing("lamp-17").typeName == type)
    #expect(Set(try register.groups(ofThing: "lamp-17", PageRequest(size: 9)).elements) == Set(groups))
  }

  @Test(arguments: ["AttributePayload", "ThingTypeName", "ThingGroups"])
  func `fails for a thing that exists if the template says so`(property: String) throws {
    try prepare()
    let template = Self.template.replacing(
      #""ThingGroups":["hall","desk"]}"#,
      with: #""ThingGroups":["hall","desk"]},"OverrideSettings":{"\#(property)":"FAIL"}"#)
    try register(template)
    expectError(.resourceRegistrationFailure) { try register(template) }
  }

  @Test(arguments: [
    ("REPLACE", true, CertificateStatus.active), ("DO_NOTHING", true, .inactive), ("FAIL", false, .inactive),
  ])
  func `overrides a certificate's status as the template says`(
    setting: String, succeeds: Bool, status: CertificateStatus
  ) throws {
    try prepare()
    let template = """
      {"Parameters":{"Id":{"Type":"String"}},"Resources":{"c":{"Type":"AWS::IoT::Certificate",
      "OverrideSettings":{"Status":"\(setting)"},"Properties":{"CertificateId":{"Ref":"Id"},"Status":"ACTIVE"}}}}
      """
    #expect(((try? register(template)) != nil) == succeeds)
    #expect(try read { register throws(SandboxError) in try register.describe(Self.id) }.status == status)
  }

  @Test(arguments: [
    ("hall", "nowhere"), (#""PolicyName":"p""#, #""PolicyName":"q""#),
    (#""lamp","ThingGroups""#, #""x","ThingGroups""#),
  ])
  func `makes nothing if something has to be there and is not`(text: String, replacement: String) throws {
    try prepare()
    expectError(.resourceNotFound) { try register(Self.template.replacing(text, with: replacement)) }
    #expect(try read { $0.things.isEmpty })
    expectError(.resourceNotFound) {
      try register(
        Self.template, ["SerialNumber": "1", "Id": CertRegSandboxTests.certificate(2).id.hex])
    }
    #expect(try read { $0.things.isEmpty })
  }

  @Test(arguments: [
    "", "[]", "{}", #"{"Resources":{}}"#, #"{"Resources":{"a":{}}}"#, #"{"Resources":{"a":{"Type":"AWS::IoT::Rule"}}}"#,
    #"{"Resources":{"a":{"Type":"AWS::IoT::Thing"}}}"#,
    #"{"Resources":{"a":{"Type":"AWS::IoT::Thing","Properties":{"ThingName":"a b"}}}}"#,
    #"{"Resources":{"a":{"Type":"AWS::IoT::Thing","Properties":{"ThingName":["a"]}}}}"#,
    #"{"Resources":{"a":{"Type":"AWS::IoT::Thing","Properties":{"ThingName":"a","ThingGroups":"g"}}}}"#,
    #"{"Resources":{"a":{"Type":"AWS::IoT::Thing","Properties":{"ThingName":"a","AttributePayload":{"x":1}}}}}"#,
    #"{"Resources":{"a":{"Type":"AWS::IoT::Policy","Properties":{"PolicyName":"p"}}}}"#,
    #"{"Resources":{"a":{"Type":"AWS::IoT::Certificate","Properties":{}}}}"#,
    #"{"Resources":{"a":{"Type":"AWS::IoT::Certificate","Properties":{"CertificateId":"00"}}}}"#,
    #"{"Resources":{"a":{"Type":"AWS::IoT::Certificate","Properties":{"CertificatePem":"certificate 1","Status":"REVOKED"}}}}"#,
    #"{"Resources":{"a":{"Type":"AWS::IoT::Certificate","Properties":{"CertificatePem":"certificate 1","ThingPrincipalType":"X"}}}}"#,
    #"{"Resources":{"a":{"Type":"AWS::IoT::Thing","DependsOn":"b","Properties":{"ThingName":"a"}}}}"#,
    #"{"Resources":{"a":{"Type":"AWS::IoT::Thing","DependsOn":["a"],"Properties":{"ThingName":"a"}}}}"#,
    #"{"Resources":{"a":{"Type":"AWS::IoT::Thing","OverrideSettings":{"Status":"FAIL"},"Properties":{"ThingName":"a"}}}}"#,
    #"{"Resources":{"a":{"Type":"AWS::IoT::Thing","OverrideSettings":{"ThingTypeName":"MERGE"},"Properties":{"ThingName":"a"}}}}"#,
    #"{"Parameters":{"P":{"Type":"Number"}},"Resources":{"a":{"Type":"AWS::IoT::Thing","Properties":{"ThingName":"a"}}}}"#,
    #"{"Parameters":{"P":{"Type":"String"}},"Resources":{"a":{"Type":"AWS::IoT::Thing","Properties":{"ThingName":"a"}}}}"#,
    #"{"Resources":{"a":{"Type":"AWS::IoT::Thing","Properties":{"ThingName":"a"}},"b":{"Type":"AWS::IoT::Thing","Properties":{"ThingName":"b"}}}}"#,
  ])
  func `refuses templates of another form`(template: String) {
    expectError(.invalidRequest) { try register(template, [:]) }
  }

  @Test func `issues no certificates`() {
    let template =
      #"{"Resources":{"a":{"Type":"AWS::IoT::Certificate","Properties":{"CertificateSigningRequest":"x"}}}}"#
    expectError(.resourceRegistrationFailure) { try register(template, [:]) }
  }
}
