import CertRegCore

/// The input of an operation, from the path, the query, the headers and the body of a request.
struct OperationInput {
  private let pathMembers: [String: String]
  private let request: SandboxRequest
  /// The members in the query string.
  let query: QueryParameters

  init(_ route: SandboxOperation.Route, _ request: SandboxRequest) {
    pathMembers = route.pathMembers
    self.request = request
    query = QueryParameters(request.query)
  }

  /// A member of the path.
  ///
  /// - Throws: InvalidRequestException for a value that the constraint excludes.
  func path(_ name: String, _ constraint: TextConstraint) throws(SandboxError) -> String {
    try constraint.check(pathMembers[name] ?? "", at: name)
  }

  /// The members of the body.
  ///
  /// - Throws: SerializationException for anything but a JSON object.
  func body() throws(SandboxError) -> BodyMembers {
    try BodyMembers(request.body)
  }

  /// `certificateId` of the path: `(0x)?[a-fA-F0-9]+`, 64 characters.
  func certificateID() throws(SandboxError) -> CertificateID {
    let text = pathMembers["certificateId"] ?? ""
    if let id = CertificateID(hex: text.utf8) { return id }
    let digits = text.hasPrefix("0x") ? text.utf8.dropFirst(2) : text.utf8[...]
    guard !digits.isEmpty, digits.allSatisfy(isHexDigit) else {
      throw .constraint(
        "Member must satisfy regular expression pattern: (0x)?[a-fA-F0-9]+", at: "certificateId", value: text)
    }
    guard text.utf8.count == 64 else {
      throw .constraint(
        "Member must have length \(text.utf8.count < 64 ? "greater" : "less") than or equal to 64",
        at: "certificateId", value: text)
    }
    // 0x and 62 digits fit the pattern but are no SHA-256.
    throw SandboxError(.resourceNotFound, "The certificate given in the request does not exist. Id: \(text)")
  }

  /// `target` of the path.
  func pathTarget(in account: SandboxAccount) throws(SandboxError) -> Target {
    try OperationInput.target(pathMembers["target"] ?? "", at: "target", in: account)
  }

  /// The header `x-amzn-principal`: a certificate or an identity.
  func principal(in account: SandboxAccount) throws(SandboxError) -> Target {
    guard let text = request.header("x-amzn-principal") else { throw .missing("principal") }
    let principal = try OperationInput.target(text, at: "principal", in: account)
    if case .thingGroup = principal { throw OperationInput.notATarget(text, at: "principal") }
    return principal
  }

  /// A certificate, thing group or identity of the account.
  static func target(
    _ text: String, at member: String, in account: SandboxAccount
  ) throws(SandboxError) -> Target {
    guard let target = Target(text, in: account) else { throw notATarget(text, at: member) }
    return target
  }

  private static func notATarget(_ text: String, at member: String) -> SandboxError {
    .constraint("Member must be the ARN of a resource of this account and region", at: member, value: text)
  }
}

extension CertificateStatus {
  /// The status of a request.
  ///
  /// - Throws: InvalidRequestException.
  init(member text: String, at member: String) throws(SandboxError) {
    guard let status = CertificateStatus(rawValue: text) else {
      throw .notInSet(CertificateStatus.allCases.map(\.rawValue), at: member, value: text)
    }
    self = status
  }
}
