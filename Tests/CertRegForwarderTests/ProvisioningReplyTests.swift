import CertRegCore
import CertRegCrypto
import CertRegTesting
import NIOHTTP1
import Testing

@testable import CertRegForwarder

private let id = SHA256.digest(of: "certificate")
private let account = "arn:aws:iot:eu-central-1:123456789012"
private let certificate = "\(account):cert/\(id.hex)"
private let creation = ProvisioningAction.createThing(name: "t", type: nil, attributes: [])
private let registration = ProvisioningAction.registerThing(FilledTemplate(body: "{}", parameters: []))
private let actions: [ProvisioningAction] = [
  creation, .addThingToThingGroup(thing: "t", group: "g"), .attachPolicy("p"),
  .attachThingPrincipal(thing: "t", isExclusive: false), registration,
]

/// What replies to the operations that make a device mean.
@Suite struct ProvisioningReplyTests {
  private func classify(
    _ action: ProvisioningAction, _ status: Int, _ body: String, _ headers: [(String, String)] = []
  ) -> (reply: UpstreamReply, remedy: Remedy?) {
    let classifier = ReplyClassifier(
      operation: IoTOperation(action), certificateID: id, text: UpstreamText(secrets: SecretMask()),
      now: CivilTime.wallTime(year: 2026, month: 11, day: 24, hour: 8))
    return classifier.provisioning(
      HTTPReply(status: status, headers: HTTPHeaders(headers), body: Array(body.utf8)), to: action)
  }

  private func failure(
    _ action: ProvisioningAction, _ status: Int, _ body: String, _ headers: [(String, String)] = []
  ) -> UpstreamFailure? {
    guard case .failed(let failure) = classify(action, status, body, headers).reply else {
      Issue.record("HTTP \(status) is not a failure")
      return nil
    }
    return failure
  }

  private func resources(_ arns: String) -> UpstreamReply {
    classify(registration, 200, #"{"resourceArns":{\#(arns)}}"#).reply
  }

  // MARK: CreateThing

  @Test(arguments: [
    "", "{}", "[]", "null", "<html>", #"{"thingName":"t"}"#, #"{"thingArn":7}"#, #"{"thingArn":""}"#,
    #"{"thingArn":"thing/t"}"#, #"{"thingArn":"arn:aws:iot:eu-central-1:1:thing/"}"#,
    #"{"thingArn":"arn:aws:iot:eu-central-1:1:policy/t"}"#, #"{"thingArn":"arn:aws:iot:eu-central-1::thing/t"}"#,
    #"{"thingArn":"arn:aws:iot::1:thing/t"}"#, #"{"thingArn":"arn::iot:r:1:thing/t"}"#,
    #"{"thingArn":"arn:aws:s3:r:1:thing/t"}"#, #"{"thingArn":"arn:aws:iot:r:1:thing"}"#,
    #"{"thingArn":"arn:a\u0000b:iot:r:1:thing/t"}"#, #"{"thingArn":"arn:aws:iot:\"r:1:thing/t"}"#,
    #"{"thingArn":"arn:aws:iot:\\r:1:thing/t"}"#, #"{"thingArn":"arn:aws:iot:é:1:thing/t"}"#,
    #"{"thingArn":"arn:aws:iot:r r:1:thing/t"}"#,
    #"{"thingArn":"arn:aws:iot:\#(String(repeating: "r", count: 500)):1:thing/t"}"#,
    #"{"thingArn":"arn:aws:iot:r:1:thing/\#(String(repeating: "t", count: 129))"}"#,
  ])
  func `a thing without a usable ARN may be asked for again`(body: String) {
    let failure = failure(creation, 200, body, [("x-amzn-RequestId", "r")])
    #expect(failure?.error.reason == "upstream_garbled")
    #expect(failure?.disposition == .unavailable(retryAfter: nil) && failure?.error.retryable == true)
  }

  @Test(arguments: [
    #"{"thingArn":"\#(account):thing/u"}"#, #"{"thingArn":"\#(account):thing/t/u"}"#,
    #"{"thingArn":"\#(account):thing/t","thingName":"u"}"#,
  ])
  func `an answer about another thing is a mismatch and final`(body: String) {
    let failure = failure(creation, 200, body, [("x-amzn-RequestId", "r")])
    #expect(failure?.error.reason == "upstream_mismatch" && failure?.disposition == .final)
    #expect(failure?.error.message.contains("a thing with another name") == true)
  }

  // MARK: RegisterThing

  @Test func `the ARNs tell what there is, however the template calls it`() {
    let reply = resources(
      #""thing":"\#(account):policy/p2","a":"\#(account):policy/p1","b":"\#(account):thing/gw:7","#
        + #""policy":"\#(certificate)","c":"\#(account):thinggroup/z","d":"\#(account):thinggroup/a","#
        + #""e":"\#(account):policy/p1","f":"\#(account):thingtype/s""#)
    let expected = DeviceResources(
      thingName: "gw:7", thingARN: "\(account):thing/gw:7", policies: ["p1", "p2"], groups: ["a", "z"])
    #expect(reply == .provisioned(expected, requestID: nil))
  }

  @Test(arguments: [
    "", #""a":7"#, #""a":null"#, #""a":"policy/p""#, #""a":"\#(account):policy/""#, #""a":"\#(account):policy""#,
    #""a":"\#(account):policy/p\"""#, #""a":"\#(account):policy/\#(String(repeating: "p", count: 129))""#,
    #""a":"\#(account):thing/a","b":"\#(account):thing/b""#, #""a":"\#(account):policy/p q""#,
  ])
  func `resources that are not understood may be asked for again`(arns: String) {
    guard case .failed(let failure) = resources(arns) else {
      Issue.record("a success")
      return
    }
    #expect(failure.error.reason == "upstream_garbled" && failure.disposition == .unavailable(retryAfter: nil))
  }

  @Test(arguments: ["", "{}", "[]", #"{"resourceArns":[]}"#, #"{"resourceArns":null}"#, "<html>"])
  func `an answer without resources may be asked for again`(body: String) {
    let failure = failure(registration, 200, body, [("x-amzn-RequestId", "r")])
    #expect(failure?.error.reason == "upstream_garbled" && failure?.disposition == .unavailable(retryAfter: nil))
  }

  @Test func `another certificate among the resources is a mismatch`() {
    let other = SHA256.digest(of: "another").hex
    guard case .failed(let failure) = resources(#""c":"\#(account):cert/\#(other)""#) else {
      Issue.record("a success")
      return
    }
    #expect(failure.error.reason == "upstream_mismatch" && failure.disposition == .final)
  }

  // MARK: Errors

  struct Row: Sendable, CustomTestStringConvertible {
    var action: ProvisioningAction
    var status: Int
    var type: String?
    var kind: ServiceError.Kind
    var reason: String
    var disposition: UpstreamFailure.Disposition

    init(
      _ action: ProvisioningAction, _ status: Int, _ type: String?, _ kind: ServiceError.Kind, _ reason: String,
      _ disposition: UpstreamFailure.Disposition = .final
    ) {
      self.action = action
      self.status = status
      self.type = type
      self.kind = kind
      self.reason = reason
      self.disposition = disposition
    }

    var testDescription: String { "\(action.operation.rawValue) \(status) \(type ?? "no type")" }
  }

  private static let passes = UpstreamFailure.Disposition.unavailable(retryAfter: nil)

  /// Rows of one operation.
  static let particular = [
    Row(actions[0], 404, "ResourceNotFoundException", .resourceNotFound, "thing_type_not_found"),
    Row(actions[1], 404, "ResourceNotFoundException", .resourceNotFound, "thing_group_not_found"),
    Row(actions[2], 404, "ResourceNotFoundException", .resourceNotFound, "policy_not_found"),
    Row(actions[3], 404, "ResourceNotFoundException", .resourceNotFound, "thing_or_certificate_not_found"),
    Row(actions[4], 404, "ResourceNotFoundException", .resourceNotFound, "template_resource_not_found"),
    Row(actions[0], 409, "ResourceAlreadyExistsException", .resourceAlreadyExists, "thing_differs"),
    Row(actions[3], 409, "ResourceAlreadyExistsException", .serviceUnavailable, "upstream_unavailable", passes),
    Row(actions[4], 400, "ResourceRegistrationFailureException", .invalidRequest, "upstream_refused_request"),
  ]

  /// Rows of all operations.
  static let general = actions.flatMap { action in
    [
      Row(action, 410, "LimitExceededException", .limitExceeded, "limit_exceeded"),
      Row(action, 400, "LimitExceededException", .limitExceeded, "limit_exceeded"),
      Row(action, 410, nil, .limitExceeded, "limit_exceeded"),
      Row(action, 404, nil, .internalFailure, "upstream_not_found"),
      Row(action, 404, "UnknownOperationException", .internalFailure, "upstream_not_found"),
      Row(action, 409, "ConflictingResourceUpdateException", .serviceUnavailable, "upstream_unavailable", passes),
      Row(action, 409, "VersionConflictException", .serviceUnavailable, "upstream_unavailable", passes),
      Row(action, 409, nil, .serviceUnavailable, "upstream_unavailable", passes),
      Row(
        action, 400, "TransactionInProgressException", .throttling, "throttled_by_upstream",
        .throttled(retryAfter: nil)),
      Row(action, 400, "ThrottlingException", .throttling, "throttled_by_upstream", .throttled(retryAfter: nil)),
      Row(action, 400, "InvalidRequestException", .invalidRequest, "upstream_refused_request"),
      Row(action, 403, "AccessDeniedException", .unauthorized, "access_denied", .identity),
      Row(action, 401, "UnauthorizedException", .unauthorized, "access_denied", .identity),
      Row(action, 403, "ExpiredTokenException", .unauthorized, "expired_token", .identity),
      Row(action, 500, "InternalFailureException", .internalFailure, "upstream_internal", passes),
      Row(action, 503, "ServiceUnavailableException", .serviceUnavailable, "upstream_unavailable", passes),
    ]
  }

  @Test(arguments: particular + general)
  func `classifies each error`(row: Row) {
    let headers = row.type.map { [("x-amzn-ErrorType", $0)] } ?? [("x-amzn-RequestId", "r-1")]
    let failure = failure(row.action, row.status, #"{"message":"because"}"#, headers)
    #expect(failure?.error.kind == row.kind && failure?.error.reason.rawValue == row.reason)
    #expect(failure?.disposition == row.disposition)
    #expect(failure?.error.message == "because")
    #expect(failure?.error.retryable == (row.disposition != .final && row.reason != "access_denied"))
  }

  @Test(arguments: actions, ["", "{}", #"{"message":"no route"}"#, "<html>"])
  func `a refusal of something in between is tried again`(action: ProvisioningAction, body: String) {
    for status in [302, 400, 404, 409, 410] {
      let failure = failure(action, status, body)
      #expect(failure?.disposition == Self.passes && failure?.error.retryable == true)
    }
    // A page with the name of an exception is still a page.
    let page = self.failure(action, 410, "<html>", [("x-amzn-ErrorType", "LimitExceededException")])
    #expect(page?.error.reason == "upstream_garbled")
  }

  @Test func `a limit is a throttle of the operations that make no device`() {
    for operation in IoTOperation.allCases where !operation.makesDevice {
      let category = AWSErrorCategory(
        type: "LimitExceededException", message: nil, status: 400, operation: operation)
      #expect(category == .throttled)
      #expect(AWSErrorCategory(type: nil, message: nil, status: 410, operation: operation) == .requestRefused)
    }
  }

  @Test func `only the certificate's own operations say that it is gone`() {
    let gone = IoTOperation.allCases.filter { $0.missingResource == .certificateNotFound }
    #expect(gone == [.updateCertificate, .describeCertificate, .listPrincipalThings, .listAttachedPolicies])
  }

  @Test(arguments: [
    ("Thing type x cannot be found", "thing_type_not_found"), ("ThingType x", "thing_type_not_found"),
    ("Thing group policy cannot be found", "thing_group_not_found"), ("thingGroup x", "thing_group_not_found"),
    ("Policy not found: thing", "policy_not_found"),
    ("The certificate given in the request does not exist.", "thing_or_certificate_not_found"),
    ("Thing policy cannot be found", "thing_or_certificate_not_found"), ("No such role", "template_resource_not_found"),
    ("", "template_resource_not_found"),
  ])
  func `the message of RegisterThing tells what is not there`(message: String, reason: String) {
    let headers = [("x-amzn-ErrorType", "ResourceNotFoundException")]
    let failure = failure(registration, 404, #"{"message":"\#(message)"}"#, headers)
    #expect(failure?.error.reason.rawValue == reason && failure?.disposition == .final)
    #expect(failure?.error.message.isEmpty == false)
  }

  @Test(arguments: [
    (2, "The certificate given in the principal does not exist.", "thing_or_certificate_not_found"),
    (2, "Principal not found", "thing_or_certificate_not_found"),
    (2, "Policy not found", "policy_not_found"), (2, "No policy certificate-policy", "policy_not_found"),
    (2, "", "policy_not_found"), (2, "Resource not found", "policy_not_found"),
    (1, "Thing d1 does not exist", "thing_or_certificate_not_found"),
    (1, "Thing group thing-1 does not exist", "thing_group_not_found"), (1, "", "thing_group_not_found"),
  ])
  func `a message that names only what was to be joined is believed`(action: Int, message: String, reason: String) {
    let headers = [("x-amzn-ErrorType", "ResourceNotFoundException")]
    let failure = failure(actions[action], 404, #"{"message":"\#(message)"}"#, headers)
    #expect(failure?.error.reason.rawValue == reason && failure?.disposition == .final)
  }

  @Test(arguments: [
    ("Policy p cannot be found", "policy_not_found"), ("The thing group does not exist", "thing_group_not_found"),
    ("role not found", "template_resource_not_found"), ("Thing t exists with another type", "upstream_refused_request"),
  ])
  func `RegisterThing says in a way of its own that a resource is not there`(message: String, reason: String) {
    let headers = [("x-amzn-ErrorType", "ResourceRegistrationFailureException")]
    let body = #"{"message":"\#(message)"}"#
    let told = failure(registration, 400, body, headers)
    #expect(told?.error.reason.rawValue == reason && told?.disposition == .final)
    #expect((told?.error.kind == .resourceNotFound) == (reason != "upstream_refused_request"))
    #expect(failure(.attachPolicy("p"), 400, body, headers)?.error.reason == "upstream_refused_request")
  }
}
