package import CertRegCodec

/// One line from the daemon.
package struct Answer: Hashable, Sendable {
  /// The line as it was sent, without its line end. Untrusted.
  package let line: String
  /// The line's content: an object.
  package let json: JSON

  /// - Throws: `ClientError` with code `protocolViolation` for a line that is not a JSON object.
  package init(line bytes: ArraySlice<UInt8>) throws(ClientError) {
    do {
      json = try JSON(parsing: bytes)
    } catch {
      throw ClientError(
        .protocolViolation,
        "the program that answers is not certregd: \(error.expectation) at byte \(error.offset) of its line",
        advice: "check that --socket names certregd's socket")
    }
    guard case .object = json else {
      throw ClientError(
        .protocolViolation, "the program that answers is not certregd: its line is not a JSON object",
        advice: "check that --socket names certregd's socket")
    }
    line = String(decoding: bytes, as: UTF8.self)
  }

  /// The number of the request; `nil` where the answer has none.
  package var id: Int? { json["id"]?.integer }

  /// The error in place of a result.
  package var error: AnswerError? { json["error"].flatMap(AnswerError.init(json:)) }

  /// Why the line is no answer to `request`; `nil` where it has what the protocol requires of one (docs/protocol.md).
  func violation(of request: Request) -> ClientError? {
    guard let problem = problem(with: request) else { return nil }
    let message = "what answers is not certregd, or another version: its answer to \(request.operation) \(problem)"
    return ClientError(
      .protocolViolation, message, advice: "check that --socket names certregd's socket",
      refusal: AnswerError(type: "ConnectionError", reason: "invalid_answer", message: message))
  }

  private func problem(with request: Request) -> String? {
    if let member = json["error"], !member.isNull { return error == nil ? "has an error that is no object" : nil }
    switch request.operation {
    case "register", "update":
      guard let targets = request.targets else {
        if json["results"] != nil { return "has results for several targets" }
        return Answer.hasOutcome(json) ? nil : "has neither an outcome nor an error"
      }
      guard let results = json["results"]?.array else { return "has no results" }
      let names = results.map { $0["target"]?.string ?? "" }
      guard names.sorted() == targets.sorted() else { return "is for other targets than those asked for" }
      return results.allSatisfy(Answer.hasOutcome) ? nil : "has neither an outcome nor an error for some target"
    case "lookup": return Answer.hasOutcome(json) ? nil : "has neither a state nor an error"
    case "describe":
      return json["error"] != nil || json["status"]?.string != nil ? nil : "has neither a status nor an error"
    case "validate", "forget": return json["certificateId"]?.string != nil ? nil : "names no certificate"
    default: return nil
    }
  }

  /// Whether the result for a certificate and a target says how it ended.
  private static func hasOutcome(_ result: JSON) -> Bool {
    result["outcome"]?.string != nil || result["state"]?.string != nil
      || result["error"].flatMap(AnswerError.init(json:)) != nil
  }

  /// The line with one more member at its end. The rest stays byte for byte, unless it is made printable.
  package func line(adding member: JSON.Member, printable: Bool = false) -> String {
    let addition = JSON.object([member]).serialized(printable: printable).dropFirst()
    if printable {
      return String(json.serialized(printable: true).dropLast()) + separator + addition
    }
    guard let brace = line.utf8.lastIndex(of: UInt8(ascii: "}")) else { return line }
    return String(line[..<brace]) + separator + addition
  }

  private var separator: String { json.members?.isEmpty == false ? "," : "" }
}

/// The `error` member of an answer. Words are kept as they are, so that errors of a newer daemon can be printed.
/// Untrusted.
package struct AnswerError: Error, Hashable, Sendable {
  /// The name of the error, after AWS's exceptions.
  package var type: String
  /// The status code that goes with the error's name.
  package var httpStatus: Int?
  /// A stable word for the cause; empty for none.
  package var reason: String
  /// What is wrong, for people.
  package var message: String
  /// Whether the same request can succeed later.
  package var retryable: Bool
  /// `daemon` or `upstream`.
  package var origin: String?
  /// The upstream's own name for the error.
  package var upstreamType: String?
  /// The upstream's ID of the call (`x-amzn-RequestId`).
  package var requestID: String?
  /// The ARN of a certificate that is registered already.
  package var resourceARN: String?
  /// The ID of a certificate that is registered already.
  package var resourceID: String?
  /// How long to wait before another try.
  package var retryAfterMilliseconds: Int?
  /// The call after the registration that failed, by AWS's name; `nil`: the registration itself failed.
  package var step: String?
  /// The status that the certificate has, where another one was asked for. Untrusted.
  package var status: String?
  /// The ID of the certificate whose step failed.
  package var certificateID: String?
  /// The ARN of the certificate whose step failed.
  package var certificateARN: String?

  package init(type: String, reason: String, message: String, retryable: Bool = false) {
    self.type = type
    self.reason = reason
    self.message = message
    self.retryable = retryable
  }

  init?(json: JSON) {
    guard json.members != nil else { return nil }
    type = json["type"]?.string ?? "Error"
    httpStatus = json["httpStatus"]?.integer
    reason = json["reason"]?.string ?? ""
    message = json["message"]?.string ?? ""
    retryable = json["retryable"]?.bool ?? false
    origin = json["origin"]?.string
    upstreamType = json["upstreamType"]?.string
    requestID = json["requestId"]?.string
    resourceARN = json["resourceArn"]?.string
    resourceID = json["resourceId"]?.string
    retryAfterMilliseconds = json["retryAfterMs"]?.integer
    step = json["step"]?.string
    status = json["status"]?.string
    certificateID = json["certificateId"]?.string
    certificateARN = json["certificateArn"]?.string
  }

  /// What is wrong, for people: what is done, and which step failed.
  package var explanation: String {
    step.map { "registered, but \($0) failed: \(message)" } ?? message
  }

  /// Whether the same request goes on with the step that failed. If the status of the certificate stands in its way, it
  /// fails again.
  var isResumable: Bool { step != nil && type != "CertificateStateException" }

  /// How a command ends that got only this error.
  package var exitStatus: CommandStatus {
    if type == "ResourceNotFoundException" { return step == nil ? .nothingFound : .dataError }
    if type == "UnauthorizedException" { return .notPermitted }
    if retryable { return .temporaryFailure }
    return type == "InternalFailureException" ? .software : .dataError
  }
}
