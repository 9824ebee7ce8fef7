import CertRegCore
import CertRegCrypto
import CertRegSigV4
import CertRegTesting
import NIOHTTP1
import Testing

@testable import CertRegForwarder

private let id = SHA256.digest(of: "certificate")
private let otherID = SHA256.digest(of: "another")
private let arn = "arn:aws:iot:eu-central-1:123456789012:cert/\(id.hex)"
private let otherARN = "arn:aws:iot:eu-central-1:123456789012:cert/\(otherID.hex)"
private let now = CivilTime.wallTime(year: 2026, month: 11, day: 24, hour: 8)

@Suite struct ReplyClassifierTests {
  private let secret = SigningCredentials(
    accessKeyID: "ASIAEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG", sessionToken: "IQoJb3JpZ2luX2VjEXAMPLETOKEN")

  private func classify(
    _ status: Int, _ body: String, _ headers: [(String, String)] = []
  ) -> (reply: UpstreamReply, remedy: Remedy?) {
    let classifier = ReplyClassifier(
      operation: .registerCertificateWithoutCA, certificateID: id,
      text: UpstreamText(credentials: secret, secrets: SecretMask()), now: now)
    return classifier.registration(
      HTTPReply(status: status, headers: HTTPHeaders(headers), body: Array(body.utf8)))
  }

  private func failure(
    _ status: Int, _ body: String, _ headers: [(String, String)] = []
  ) throws -> UpstreamFailure {
    guard case .failed(let failure) = classify(status, body, headers).reply else {
      throw Unexpected(description: "HTTP \(status) is not a failure")
    }
    #expect(failure.error.origin == .upstream)
    return failure
  }

  private struct Unexpected: Error, CustomStringConvertible { var description: String }

  @Test func `a success about our certificate is a registration`() {
    let reply = classify(
      200, #"{"certificateArn":"\#(arn)","certificateId":"\#(id.hex)"}"#, [("X-Amzn-RequestId", "r-1")]
    ).reply
    #expect(reply == .registered(certificateARN: arn, requestID: "r-1"))
  }

  @Test(arguments: [
    #"{"certificateArn":"\#(otherARN)","certificateId":"\#(otherID.hex)"}"#,
    #"{"certificateArn":"\#(otherARN)","certificateId":"\#(id.hex)"}"#,
    #"{"certificateArn":"\#(arn)","certificateId":"\#(otherID.hex)"}"#,
  ])
  func `a success about another certificate is a mismatch and final`(body: String) throws {
    let failure = try failure(200, body)
    #expect(failure.error.kind == .internalFailure)
    #expect(failure.error.reason == "upstream_mismatch")
    #expect(failure.disposition == .final && !failure.error.retryable)
  }

  @Test(arguments: [
    "", "{}", "[]", "null", "<html>", "{\"certificateId\":", #"{"certificateId":"\#(id.hex)"}"#,
    #"{"certificateArn":"\#(arn)"}"#, #"{"certificateArn":7,"certificateId":"\#(id.hex)"}"#,
    #"{"certificateArn":"","certificateId":"\#(id.hex)"}"#, #"{"certificateArn":"\#(arn)","certificateId":"zz"}"#,
    #"{"certificateArn":"arn:a\u0000b","certificateId":"\#(id.hex)"}"#,
    #"{"certificateArn":"arn:aws:iot:\"eu:1:cert/\#(id.hex)","certificateId":"\#(id.hex)"}"#,
    #"{"certificateArn":"arn:aws:iot:\\eu:1:cert/\#(id.hex)","certificateId":"\#(id.hex)"}"#,
    #"{"certificateArn":"arn:aws:s3:r:1:cert/\#(id.hex)","certificateId":"\#(id.hex)"}"#,
    #"{"certificateArn":"arn:aws:iot:::cert/\#(id.hex)","certificateId":"\#(id.hex)"}"#,
    #"{"certificateArn":"arn:aws:iot:r:1:policy/\#(id.hex)","certificateId":"\#(id.hex)"}"#,
    #"{"certificateArn":"\#(arn)","certificateId":"\#(id.hex)"} x"#, String(repeating: "[", count: 60_000),
  ])
  func `a success that is not understood may be asked for again`(body: String) throws {
    let failure = try failure(200, body)
    #expect(failure.error.kind == .internalFailure)
    #expect(failure.error.reason == "upstream_garbled")
    #expect(failure.disposition == .unavailable(retryAfter: nil) && failure.error.retryable)
  }

  @Test func `a conflict that names our certificate means that it exists`() {
    let body = #"{"message":"m","resourceId":"\#(id.hex)","resourceArn":"\#(arn)"}"#
    let headers = [("x-amzn-ErrorType", "ResourceAlreadyExistsException:http://x/")]
    #expect(classify(409, body, headers).reply == .alreadyExists(certificateARN: arn, status: nil, requestID: nil))
    #expect(classify(409, body).reply == .alreadyExists(certificateARN: arn, status: nil, requestID: nil))
    let withoutID = #"{"resourceArn":"\#(arn)"}"#
    #expect(classify(409, withoutID).reply == .alreadyExists(certificateARN: arn, status: nil, requestID: nil))
  }

  @Test func `a conflict with another certificate is a mismatch`() throws {
    let failure = try failure(409, #"{"message":"m","resourceId":"\#(otherID.hex)","resourceArn":"\#(otherARN)"}"#)
    #expect(failure.error.reason == "upstream_mismatch" && failure.disposition == .final)
  }

  @Test func `a conflict without a name is not treated as ours`() throws {
    for body in [#"{"message":"exists"}"#, #"{"resourceId":"\#(id.hex)"}"#, #"{"resourceArn":"x"}"#] {
      let failure = try failure(409, body, [("x-amzn-RequestId", "r-1")])
      #expect(failure.error.reason == "upstream_garbled" && failure.disposition == .final)
    }
  }

  @Test(arguments: ["ConflictingResourceUpdateException", "ConflictException", "VersionConflictException"])
  func `a conflict with another change passes`(type: String) throws {
    let headers = [("x-amzn-ErrorType", type), ("x-amzn-RequestId", "r-1")]
    let failure = try failure(409, #"{"message":"m"}"#, headers)
    #expect(failure.error.reason == "upstream_unavailable" && failure.error.retryable && !failure.mayHaveTakenEffect)
    #expect(failure.disposition == .unavailable(retryAfter: nil))
    let named = #"{"message":"m","resourceArn":"\#(arn)"}"#
    #expect(
      classify(409, named, headers).reply == .alreadyExists(certificateARN: arn, status: nil, requestID: "r-1"))
  }

  @Test(arguments: [IoTOperation.describeCertificate, nil])
  func `a conflict says nothing about a certificate where none was registered`(operation: IoTOperation?) throws {
    let classifier = ReplyClassifier(
      operation: operation, certificateID: id, text: UpstreamText(credentials: secret, secrets: SecretMask()), now: now)
    let result = classifier.certificate(
      HTTPReply(status: 409, headers: ["x-amzn-ErrorType": "ConflictException"], body: []))
    guard case .failure(let refused) = result else { throw Unexpected(description: "no failure") }
    #expect(refused.failure.error.reason == "upstream_unavailable" && refused.failure.error.retryable)
  }

  struct ErrorRow: Sendable, CustomTestStringConvertible {
    var status: Int
    var type: String?
    var kind: ServiceError.Kind
    var reason: String
    var disposition: UpstreamFailure.Disposition
    var retryable: Bool
    var remedy: Remedy?

    init(
      _ status: Int, _ type: String?, _ kind: ServiceError.Kind, _ reason: String,
      _ disposition: UpstreamFailure.Disposition, retryable: Bool = true, remedy: Remedy? = nil
    ) {
      self.status = status
      self.type = type
      self.kind = kind
      self.reason = reason
      self.disposition = disposition
      self.retryable = retryable
      self.remedy = remedy
    }

    var testDescription: String { "\(status) \(type ?? "no type")" }
  }

  static let rows: [ErrorRow] = [
    ErrorRow(400, "ThrottlingException", .throttling, "throttled_by_upstream", .throttled(retryAfter: nil)),
    ErrorRow(429, "TooManyRequestsException", .throttling, "throttled_by_upstream", .throttled(retryAfter: nil)),
    ErrorRow(503, "SlowDown", .throttling, "throttled_by_upstream", .throttled(retryAfter: nil)),
    ErrorRow(503, "RequestLimitExceeded", .throttling, "throttled_by_upstream", .throttled(retryAfter: nil)),
    ErrorRow(429, nil, .throttling, "throttled_by_upstream", .throttled(retryAfter: nil)),
    ErrorRow(403, "AccessDeniedException", .unauthorized, "access_denied", .identity, retryable: false),
    ErrorRow(401, "UnauthorizedException", .unauthorized, "access_denied", .identity, retryable: false),
    ErrorRow(403, nil, .unauthorized, "access_denied", .identity, retryable: false),
    ErrorRow(401, nil, .unauthorized, "access_denied", .identity, retryable: false),
    ErrorRow(403, "ExpiredTokenException", .unauthorized, "expired_token", .identity, remedy: .refreshCredentials),
    ErrorRow(400, "ExpiredToken", .unauthorized, "expired_token", .identity, remedy: .refreshCredentials),
    ErrorRow(
      403, "UnrecognizedClientException", .unauthorized, "unknown_identity", .identity, remedy: .refreshCredentials),
    ErrorRow(403, "InvalidClientTokenId", .unauthorized, "unknown_identity", .identity, remedy: .refreshCredentials),
    ErrorRow(
      403, "MissingAuthenticationTokenException", .unauthorized, "unknown_identity", .identity,
      remedy: .refreshCredentials),
    ErrorRow(
      403, "InvalidSignatureException", .unauthorized, "invalid_signature", .identity, remedy: .refreshCredentials),
    ErrorRow(403, "OptInRequired", .unauthorized, "not_opted_in", .identity, retryable: false),
    ErrorRow(
      400, "CertificateValidationException", .certificateValidation, "upstream_refused_certificate", .final,
      retryable: false),
    ErrorRow(400, "InvalidRequestException", .invalidRequest, "upstream_refused_request", .final, retryable: false),
    ErrorRow(400, "SomethingNewException", .invalidRequest, "upstream_refused_request", .final, retryable: false),
    ErrorRow(400, nil, .invalidRequest, "upstream_refused_request", .final, retryable: false),
    ErrorRow(413, nil, .invalidRequest, "upstream_refused_request", .final, retryable: false),
    ErrorRow(406, "CertificateStateException", .certificateState, "upstream_refused_state", .final, retryable: false),
    ErrorRow(406, nil, .certificateState, "upstream_refused_state", .final, retryable: false),
    ErrorRow(404, "ResourceNotFoundException", .internalFailure, "upstream_not_found", .final, retryable: false),
    ErrorRow(404, nil, .internalFailure, "upstream_not_found", .final, retryable: false),
    ErrorRow(
      500, "InternalFailureException", .internalFailure, "upstream_internal", .unavailable(retryAfter: nil)),
    ErrorRow(500, nil, .internalFailure, "upstream_internal", .unavailable(retryAfter: nil)),
    ErrorRow(
      503, "ServiceUnavailableException", .serviceUnavailable, "upstream_unavailable", .unavailable(retryAfter: nil)),
    ErrorRow(502, nil, .serviceUnavailable, "upstream_unavailable", .unavailable(retryAfter: nil)),
    ErrorRow(504, nil, .serviceUnavailable, "upstream_unavailable", .unavailable(retryAfter: nil)),
    ErrorRow(307, nil, .internalFailure, "upstream_redirected", .unavailable(retryAfter: nil)),
    ErrorRow(304, nil, .internalFailure, "upstream_redirected", .unavailable(retryAfter: nil)),
  ]

  @Test(arguments: rows)
  func `classifies each error`(row: ErrorRow) throws {
    let headers = row.type.map { [("x-amzn-ErrorType", $0)] } ?? [("x-amzn-RequestId", "r-1")]
    let (reply, remedy) = classify(row.status, #"{"message":"because"}"#, headers)
    guard case .failed(let failure) = reply else {
      Issue.record("HTTP \(row.status) is not a failure")
      return
    }
    #expect(failure.error.kind == row.kind)
    #expect(failure.error.reason.rawValue == row.reason)
    #expect(failure.disposition == row.disposition)
    #expect(failure.error.retryable == row.retryable)
    #expect(failure.error.upstreamType == (row.type == row.kind.rawValue ? nil : row.type))
    #expect(remedy == row.remedy)
    if row.reason != "upstream_redirected" { #expect(failure.error.message == "because") }
    #expect(FailureReason(rawValue: failure.error.reason.rawValue) != nil)
  }

  @Test(arguments: [
    ([("x-amzn-ErrorType", "AccessDeniedException")], "{}"),
    ([("X-Amzn-Errortype", "AccessDeniedException:http://internal.amazon.com/coral/x/")], "{}"),
    ([], #"{"__type":"com.amazonaws.iot#AccessDeniedException"}"#),
    ([], #"{"__type":"AccessDeniedException:http://x"}"#), ([], #"{"code":"AccessDeniedException"}"#),
    ([("x-amzn-ErrorType", "AccessDeniedException")], #"{"__type":"ThrottlingException","code":"SlowDown"}"#),
    ([("x-amzn-ErrorType", "")], #"{"code":"AccessDeniedException","__type":"ThrottlingException"}"#),
  ])
  func `finds the error's name in each of its places`(headers: [(String, String)], body: String) throws {
    let failure = try failure(400, body, headers)
    #expect(failure.error.reason == "access_denied")
    #expect(failure.error.upstreamType == "AccessDeniedException")
  }

  @Test(arguments: [400, 401, 403, 404, 409, 418, 500, 502, 503])
  func `a page of something in between can go away`(status: Int) throws {
    let failure = try failure(status, "<html><body>Captive portal</body></html>", [("Content-Type", "text/html")])
    #expect(failure.disposition == .unavailable(retryAfter: nil) && failure.error.retryable)
    #expect(!failure.error.message.contains("portal"))
  }

  @Test(
    arguments: [400, 401, 402, 403, 404, 405, 406, 409, 410, 413, 422],
    ["", #"{"message":"no Route matched with those values"}"#, "{}", #"{"error":"denied"}"#])
  func `a refusal without a request ID and a type is not one of AWS and is tried again`(
    status: Int, body: String
  ) throws {
    let failure = try failure(status, body)
    #expect(failure.disposition == .unavailable(retryAfter: nil) && failure.error.retryable)
    #expect(failure.error.reason == "upstream_garbled")
    let refused = try self.failure(status, body, [("x-amzn-RequestId", "r-1")])
    #expect(refused.disposition != .unavailable(retryAfter: nil))
  }

  private func update(
    _ status: Int, _ body: String, _ headers: [(String, String)] = [], isAWS: Bool = false
  ) -> UpstreamReply {
    ReplyClassifier(
      operation: .updateCertificate, certificateID: id, text: UpstreamText(credentials: secret, secrets: SecretMask()),
      now: now, isAWS: isAWS
    )
    .update(HTTPReply(status: status, headers: HTTPHeaders(headers), body: Array(body.utf8))).reply
  }

  @Test(arguments: ["", "{}"])
  func `an update at AWS's own endpoints has a request ID, or else comes from something on the way`(body: String) {
    #expect(update(200, body, [("x-amzn-RequestId", "r-1")], isAWS: true) == .updated(requestID: "r-1"))
    guard case .failed(let failure) = update(200, body, isAWS: true) else {
      Issue.record("an answer without a request ID was taken for AWS IoT's")
      return
    }
    #expect(failure.error.reason == "upstream_garbled" && failure.disposition == .unavailable(retryAfter: nil))
  }

  @Test func `an update has an empty success, or one with a request ID`() {
    let signed = [("x-amzn-RequestId", "r-1")]
    for body in ["", "{}"] {
      #expect(update(200, body) == .updated(requestID: nil))
      #expect(update(200, body, signed) == .updated(requestID: "r-1"))
    }
    #expect(update(200, #"{"a":1}"#, signed) == .updated(requestID: "r-1"))
    for (status, body) in [(204, ""), (200, #"{"error":"login"}"#), (200, "<html>"), (202, "{}")] {
      guard case .failed(let failure) = update(status, body) else {
        Issue.record("\(status) \(body)")
        continue
      }
      #expect(failure.disposition == .unavailable(retryAfter: nil) && failure.mayHaveTakenEffect)
    }
  }

  @Test func `another change at the same time passes`() {
    for headers in [[("x-amzn-ErrorType", "ConflictingResourceUpdateException")], [("x-amzn-RequestId", "r-1")]] {
      guard case .failed(let failure) = update(409, #"{"message":"m"}"#, headers) else {
        Issue.record("a success")
        continue
      }
      #expect(failure.disposition == .unavailable(retryAfter: nil) && failure.error.retryable)
      #expect(!failure.mayHaveTakenEffect)
    }
  }

  /// Gateways have codes of their own.
  @Test(
    arguments: [400, 404, 406, 409, 413, 422],
    [
      #"{"code":"ROUTE_NOT_FOUND"}"#, #"{"code":"E_BAD"}"#, #"{"code":"ValidationError"}"#, #"{"code":"CONFLICT"}"#,
      #"{"__type":"gateway#Missing"}"#, #"{"resourceArn":"x"}"#, #"{"Code":"InvalidAction"}"#, #"{"code":404}"#,
    ])
  func `a gateway's own code is not one of AWS and is tried again`(status: Int, body: String) throws {
    let failure = try failure(status, body)
    #expect(failure.disposition == .unavailable(retryAfter: nil) && failure.error.retryable)
    #expect(!failure.mayHaveTakenEffect, "what refuses the request has not passed it on")
  }

  @Test func `only what may have passed the request on may have taken effect`() throws {
    for status in [301, 302, 307, 400, 404, 407, 411] { #expect(try !failure(status, "<html>").mayHaveTakenEffect) }
    for status in [408, 500, 502, 503, 504] { #expect(try failure(status, "<html>").mayHaveTakenEffect) }
    #expect(try failure(200, "<html>").mayHaveTakenEffect)
  }

  @Test(
    arguments: [
      ([("Retry-After", "7")], 7000), ([("x-amz-retry-after", "1500"), ("Retry-After", "7")], 1500),
      ([("Retry-After", "Tue, 24 Nov 2026 08:00:30 GMT")], 30_000),
      ([("Retry-After", "Tue, 24 Nov 2026 09:00:30 GMT"), ("Date", "Tue, 24 Nov 2026 09:00:00 GMT")], 30_000),
      ([("Retry-After", "Tue, 24 Nov 2020 08:00:30 GMT")], 0), ([("Retry-After", "999999999")], 3_600_000),
      ([("Retry-After", "soon")], nil), ([("Retry-After", "-1")], nil), ([], nil),
    ] as [([(String, String)], Int64?)])
  func `passes on when to come back`(headers: [(String, String)], milliseconds: Int64?) throws {
    let throttled = try failure(429, "{}", headers)
    #expect(throttled.disposition == .throttled(retryAfter: milliseconds.map { .milliseconds($0) }))
    #expect(throttled.error.retryAfterMilliseconds == milliseconds)
    let unavailable = try failure(503, "{}", headers)
    #expect(unavailable.disposition == .unavailable(retryAfter: milliseconds.map { .milliseconds($0) }))
  }

  @Test func `names the region of a signature and the endpoint that it does not fit`() {
    var classifier = ReplyClassifier(
      operation: .registerCertificateWithoutCA, certificateID: id,
      text: UpstreamText(credentials: secret, secrets: SecretMask()), now: now)
    classifier.signedFor = ("eu-central-1", "iot.us-east-1.amazonaws.com")
    let body = #"{"message":"Credential should be scoped to a valid region. "}"#
    let reply = HTTPReply(
      status: 403, headers: ["x-amzn-ErrorType": "InvalidSignatureException"], body: Array(body.utf8))
    guard case .failed(let failure) = classifier.registration(reply).reply else { return #expect(Bool(false)) }
    #expect(failure.error.reason == "invalid_signature")
    for words in ["region eu-central-1", "iot.us-east-1.amazonaws.com is an endpoint of another one", "valid region"] {
      #expect(failure.error.message.contains(words), "\(failure.error.message)")
    }
  }

  @Test func `learns the upstream's time from the message or the date`() {
    let message =
      "Signature expired: 20261124T080000Z is now earlier than 20261124T085500Z (20261124T090000Z - 5 min.)"
    let headers = [("x-amzn-ErrorType", "InvalidSignatureException")]
    let nine = CivilTime.wallTime(year: 2026, month: 11, day: 24, hour: 9)
    #expect(classify(403, #"{"message":"\#(message)"}"#, headers).remedy == .correctClock(upstreamTime: nine))
    let dated = headers + [("Date", "Tue, 24 Nov 2026 09:00:00 GMT")]
    let vague = #"{"message":"Signature not yet current: x is still later than y"}"#
    #expect(classify(403, vague, dated).remedy == .correctClock(upstreamTime: nine))
    #expect(classify(403, vague, headers).remedy == nil)
    let requestExpired = [("x-amzn-ErrorType", "RequestExpired"), ("Date", "Tue, 24 Nov 2026 09:00:00 GMT")]
    #expect(classify(400, "{}", requestExpired).remedy == .correctClock(upstreamTime: nine))
  }

  @Test func `request IDs and names that are not plain words are left out`() throws {
    let strange = try failure(500, "{}", [("x-amzn-RequestId", "a\u{1b}[31m"), ("x-amzn-ErrorType", "Bad\u{7}Name")])
    #expect(strange.error.requestID == nil && strange.error.upstreamType == nil)
    #expect(try failure(500, "{}", [("x-amzn-RequestId", "0a-b")]).error.requestID == "0a-b")
  }
}
