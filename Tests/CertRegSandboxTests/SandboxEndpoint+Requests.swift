import CertRegCodec
import CertRegCore
import CertRegSandbox
import CertRegTesting
import Testing

/// The certificate that ``SandboxEndpoint/prepared(faults:)`` registers.
let registeredID = certificate(1).id.hex
let registeredARN = "arn:aws:iot:eu-central-1:123456789012:cert/\(registeredID)"
/// The same in a path.
let encodedARN = "arn%3Aaws%3Aiot%3Aeu-central-1%3A123456789012%3Acert%2F\(registeredID)"

extension SandboxEndpoint {
  /// An endpoint with an empty register, whose clock stands still.
  static func registry(
    faults: FaultPlan = .none, denied: Set<SandboxOperation.Name> = []
  ) -> SandboxEndpoint {
    SandboxEndpoint(
      SandboxConfiguration(denied: denied, faults: faults, isControlled: true), judge: StubJudge(),
      clock: ManualClock.atStart().clock, seed: 1)
  }

  /// An endpoint with a certificate, a type, two groups, a policy and a thing.
  static func prepared(faults: FaultPlan = .none) throws -> SandboxEndpoint {
    let endpoint = registry(faults: faults)
    let document = JSONValue.string(policyDocument).jsonText
    try endpoint.succeed("POST", "/certificate/register-no-ca", #"{"certificatePem":"certificate 1"}"#)
    try endpoint.succeed("POST", "/thing-types/lamp", #"{"thingTypeProperties":{"searchableAttributes":["site"]}}"#)
    try endpoint.succeed("POST", "/thing-groups/hall")
    try endpoint.succeed(
      "POST", "/thing-groups/desk",
      #"{"parentGroupName":"hall","thingGroupProperties":{"thingGroupDescription":"d","#
        + #""attributePayload":{"attributes":{"a":"1"}}}}"#)
    try endpoint.succeed("POST", "/policies/p", #"{"policyDocument":\#(document)}"#)
    try endpoint.succeed(
      "POST", "/things/t", #"{"thingTypeName":"lamp","attributePayload":{"attributes":{"site":"north"}}}"#)
    return endpoint
  }

  /// Sends a request.
  func ask(_ method: String, _ target: String, _ body: String = "", principal: String? = nil) -> SandboxAnswer {
    answer(
      SandboxRequest(
        method: method, target: target, headers: principal.map { [("x-amzn-principal", $0)] } ?? [],
        body: Array(body.utf8)))
  }

  /// The output of a call that must succeed.
  @discardableResult
  func succeed(
    _ method: String, _ target: String, _ body: String = "", principal: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> JSONValue {
    let response = try #require(
      ask(method, target, body, principal: principal).response, sourceLocation: sourceLocation)
    let text = String(decoding: response.body, as: UTF8.self)
    #expect(response.status == 200, "\(text)", sourceLocation: sourceLocation)
    return response.body.isEmpty ? .null : try JSONValue(parsing: response.body)
  }
}
