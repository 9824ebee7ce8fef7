import CertRegCodec
import CertRegCore
import CertRegSandbox
import CertRegTesting
import Testing

/// The upstream inside the process and the endpoint decide alike.
@Suite struct SameDecisionTests {
  /// Calls for one certificate, the last of which is looked at.
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var registeredAs = CertificateStatus.inactive
    var calls: [Call]
    /// The name and HTTP status of the last call's error; `nil`: it succeeds.
    var error: (type: String, status: Int)?
    /// What the certificate has at the end.
    var status = CertificateStatus.inactive
    var things: [String] = []
  }

  enum Call: Sendable {
    case make(ProvisioningAction)
    case update(CertificateStatus)
  }

  private static let cases: [Case] = [
    Case(
      testDescription: "a thing twice", calls: [thing("t", [NamedText("a", "1")]), thing("t", [NamedText("a", "1")])]),
    Case(
      testDescription: "another thing of the name", calls: [thing("t", [NamedText("a", "1")]), thing("t")],
      error: ("ResourceAlreadyExistsException", 409)),
    Case(
      testDescription: "too many attributes",
      calls: [thing("t", (0..<4).map { NamedText("a\($0)", "1") }, type: nil)],
      error: ("InvalidRequestException", 400)),
    Case(
      testDescription: "a second thing", calls: [thing("t"), thing("u"), attach("t", false), attach("u", false)],
      things: ["t", "u"]),
    Case(
      testDescription: "a second thing after an exclusive one",
      calls: [thing("t"), thing("u"), attach("t", true), attach("u", false)],
      error: ("InvalidRequestException", 400), things: ["t"]),
    Case(
      testDescription: "an exclusive thing after another",
      calls: [thing("t"), thing("u"), attach("t", false), attach("u", true)],
      error: ("InvalidRequestException", 400), things: ["t"]),
    Case(
      testDescription: "a thing that is not there", calls: [attach("t", false)],
      error: ("ResourceNotFoundException", 404)),
    Case(testDescription: "ten policies", calls: (0..<10).map { .make(.attachPolicy("p\($0)")) }),
    Case(
      testDescription: "an eleventh policy", calls: (0..<11).map { .make(.attachPolicy("p\($0)")) },
      error: ("LimitExceededException", 410)),
    Case(
      testDescription: "an eleventh group",
      calls: [thing("t")] + (0..<11).map { .make(.addThingToThingGroup(thing: "t", group: "g\($0)")) },
      error: ("InvalidRequestException", 400)),
    Case(
      testDescription: "a revoked certificate", registeredAs: .revoked, calls: [.update(.active)],
      error: ("CertificateStateException", 406), status: .revoked),
    Case(
      testDescription: "a status that AWS keeps to itself", calls: [.update(.pendingTransfer)],
      error: ("CertificateStateException", 406)),
    Case(testDescription: "an update", calls: [.update(.active)], status: .active),
    Case(testDescription: "a template", calls: [template()], status: .active, things: ["t"]),
    Case(testDescription: "AWS's spelling", calls: [template(#""Status":"Active""#)], status: .active, things: ["t"]),
    Case(
      testDescription: "a template and its thing", calls: [template(), thing("t", [NamedText("a", "1")])],
      error: ("ResourceAlreadyExistsException", 409), status: .active, things: ["t"]),
    Case(
      testDescription: "a template that revokes", calls: [template(#""Status":"REVOKED""#)],
      error: ("InvalidRequestException", 400)),
    Case(
      testDescription: "a template for a revoked certificate", registeredAs: .revoked, calls: [template()],
      error: ("ResourceRegistrationFailureException", 400), status: .revoked),
    Case(
      testDescription: "a template that must not override",
      calls: [template(#""Status":"ACTIVE""#, #","OverrideSettings":{"Status":"FAIL"}"#)],
      error: ("ResourceRegistrationFailureException", 400)),
    Case(
      testDescription: "a template that overrides nothing",
      calls: [template(#""Status":"ACTIVE""#, #","OverrideSettings":{"Status":"DO_NOTHING"}"#)], things: ["t"]),
    Case(
      testDescription: "an exclusive template after another thing",
      calls: [thing("u"), attach("u", false), template(#""ThingPrincipalType":"EXCLUSIVE_THING""#)],
      error: ("InvalidRequestException", 400), status: .active, things: ["u"]),
    Case(
      testDescription: "a template with its text cut",
      calls: [.make(.registerThing(FilledTemplate(body: #"{"Resources":"#, parameters: [])))],
      error: ("InvalidRequestException", 400)),
  ]

  private static func thing(_ name: String, _ attributes: [NamedText] = [], type: String? = "lamp") -> Call {
    .make(.createThing(name: name, type: type, attributes: attributes))
  }

  private static func attach(_ thing: String, _ isExclusive: Bool) -> Call {
    .make(.attachThingPrincipal(thing: thing, isExclusive: isExclusive))
  }

  private static func template(_ properties: String? = nil, _ settings: String = "") -> Call {
    let body = """
      {"Parameters":{"CertificateId":{"Type":"String"}},"Resources":{
      "thing":{"Type":"AWS::IoT::Thing","Properties":{"ThingName":"t","ThingTypeName":"lamp"}},
      "certificate":{"Type":"AWS::IoT::Certificate","Properties":{"CertificateId":{"Ref":"CertificateId"}\
      \(properties.map { ",\($0)" } ?? "")}\(settings)}}}
      """
    return .make(.registerThing(FilledTemplate(body: body, parameters: [NamedText("CertificateId", registeredID)])))
  }

  @Test(arguments: cases) func `as the endpoint`(_ row: Case) throws {
    let endpoint = SandboxEndpoint.registry()
    try endpoint.succeed(
      "POST", "/certificate/register-no-ca",
      #"{"certificatePem":"certificate 1","status":"\#(row.registeredAs.rawValue)"}"#)
    try endpoint.succeed("POST", "/thing-types/lamp")
    for number in 0..<11 {
      try endpoint.succeed("POST", "/thing-groups/g\(number)")
      try endpoint.succeed(
        "POST", "/policies/p\(number)", #"{"policyDocument":\#(JSONValue.string(policyDocument).jsonText)}"#)
    }
    for call in row.calls.dropLast() {
      let (method, target, body) = request(call)
      try endpoint.succeed(method, target, body, principal: registeredARN)
    }
    let (method, target, body) = request(try #require(row.calls.last))
    let response = try #require(endpoint.ask(method, target, body, principal: registeredARN).response)
    #expect(response.header("x-amzn-ErrorType") == row.error?.type)
    #expect(response.status == row.error?.status ?? 200)
    let described = try endpoint.succeed("GET", "/certificates/\(registeredID)")
    #expect(described["certificateDescription"]?["status"]?.string == row.status.rawValue)
    let things = try endpoint.succeed("GET", "/principals/things", principal: registeredARN)
    #expect(things["things"]?.array?.compactMap(\.string) == row.things)
  }

  @Test(arguments: cases) func `as the upstream inside the process`(_ row: Case) async throws {
    let upstream = EmbeddedUpstream(SandboxAccount(), clock: ManualClock.atStart().clock, seed: 1)
    let id = certificate(1).id
    _ = upstream.registerCertificateWithoutCA(
      RegisterCertificateCall(certificateID: id, der: certificate(1).der, status: row.registeredAs))
    var failure: UpstreamFailure?
    for call in row.calls {
      #expect(failure == nil)
      let reply =
        switch call {
        case .make(let action):
          await upstream.perform(
            .provision(ProvisioningCall(action: action, certificateID: id, certificateARN: registeredARN, home: nil)))
        case .update(let status):
          await upstream.perform(
            .updateCertificate(UpdateCertificateCall(certificateID: id, status: status, home: nil)))
        }
      if case .failed(let failed) = reply { failure = failed }
    }
    #expect((failure?.error.upstreamType ?? failure?.error.kind.rawValue) == row.error?.type)
    #expect(failure?.error.kind.httpStatus == row.error?.status)
    let described = try await upstream.describe(id)
    #expect(described.status == row.status && described.things == row.things)
  }

  /// The request of a call to the endpoint.
  private func request(_ call: Call) -> (method: String, target: String, body: String) {
    func json(_ members: KeyValuePairs<String, JSONValue?>) -> String {
      JSONValue.object(members.compactMap { name, value in value.map { JSONValue.Member(name, $0) } }).jsonText
    }
    func map(_ texts: [NamedText]) -> JSONValue {
      .object(texts.map { JSONValue.Member($0.name, .string($0.value)) })
    }
    switch call {
    case .update(let status): return ("PUT", "/certificates/\(registeredID)?newStatus=\(status.rawValue)", "")
    case .make(.createThing(let name, let type, let attributes)):
      let payload = JSONValue.object([JSONValue.Member("attributes", map(attributes))])
      return (
        "POST", "/things/\(name)",
        json(["thingTypeName": type.map { .string($0) }, "attributePayload": attributes.isEmpty ? nil : payload])
      )
    case .make(.addThingToThingGroup(let thing, let group)):
      return (
        "PUT", "/thing-groups/addThingToThingGroup",
        json(["thingGroupName": .string(group), "thingName": .string(thing)])
      )
    case .make(.attachPolicy(let policy)):
      return ("PUT", "/target-policies/\(policy)", json(["target": .string(registeredARN)]))
    case .make(.attachThingPrincipal(let thing, let isExclusive)):
      return ("PUT", "/things/\(thing)/principals\(isExclusive ? "?thingPrincipalType=EXCLUSIVE_THING" : "")", "")
    case .make(.registerThing(let template)):
      return (
        "POST", "/things",
        json(["templateBody": .string(template.body), "parameters": map(template.parameters)])
      )
    }
  }
}
