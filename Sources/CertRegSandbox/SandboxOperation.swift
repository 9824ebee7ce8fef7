import CertRegCodec
package import CertRegCore

/// A call of one of the operations that the sandbox has, its parameters checked against the API reference.
package enum SandboxOperation: Hashable, Sendable {
  case registerCertificateWithoutCA(certificatePEM: String, status: CertificateStatus?)
  case describeCertificate(CertificateID)
  case listCertificates(pageSize: Int, marker: PageMarker?, ascending: Bool)
  case updateCertificate(CertificateID, newStatus: CertificateStatus)
  case deleteCertificate(CertificateID, forced: Bool)

  /// The operations' names.
  package enum Name: String, CaseIterable, Sendable {
    case registerCertificateWithoutCA = "RegisterCertificateWithoutCA"
    case describeCertificate = "DescribeCertificate"
    case listCertificates = "ListCertificates"
    case updateCertificate = "UpdateCertificate"
    case deleteCertificate = "DeleteCertificate"
  }

  /// The operation that a method and a path name.
  struct Route: Hashable, Sendable {
    var name: Name
    /// `{certificateId}` of the path, decoded; empty if the path has none.
    var certificateID = ""
  }

  /// Finds the operation.
  ///
  /// - Throws: UnknownOperationException.
  static func route(method: String, path: String) throws(SandboxError) -> Route {
    let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
    switch (method, segments.first, segments.count) {
    case ("POST", "certificate", 2) where segments[1] == "register-no-ca":
      return Route(name: .registerCertificateWithoutCA)
    case ("GET", "certificates", 1):
      return Route(name: .listCertificates)
    case ("GET", "certificates", 2):
      return Route(name: .describeCertificate, certificateID: percentDecoded(segments[1]))
    case ("PUT", "certificates", 2):
      return Route(name: .updateCertificate, certificateID: percentDecoded(segments[1]))
    case ("DELETE", "certificates", 2):
      return Route(name: .deleteCertificate, certificateID: percentDecoded(segments[1]))
    default:
      throw SandboxError(.unknownOperation, "The sandbox has no operation for this method and path")
    }
  }

  /// Reads and checks the parameters of the operation that `route` leads to.
  ///
  /// - Throws: InvalidRequestException, or SerializationException for a body that is not the expected JSON.
  init(_ route: Route, query: String, body: [UInt8]) throws(SandboxError) {
    let parameters = QueryParameters(query)
    switch route.name {
    case .registerCertificateWithoutCA:
      self = try SandboxOperation.registration(body)
    case .describeCertificate:
      self = .describeCertificate(try SandboxOperation.certificateID(route.certificateID))
    case .listCertificates:
      self = .listCertificates(
        pageSize: try parameters.pageSize() ?? 25, marker: try parameters.marker(),
        ascending: try parameters.flag("isAscendingOrder") ?? false)
    case .updateCertificate:
      guard let status = parameters["newStatus"] else { throw .missing("newStatus") }
      self = .updateCertificate(
        try SandboxOperation.certificateID(route.certificateID),
        newStatus: try SandboxOperation.certificateStatus(status, at: "newStatus"))
    case .deleteCertificate:
      self = .deleteCertificate(
        try SandboxOperation.certificateID(route.certificateID), forced: try parameters.flag("forceDelete") ?? false)
    }
  }

  // MARK: Members

  /// Members that the operation does not know are ignored, as AWS ignores them.
  private static func registration(_ body: [UInt8]) throws(SandboxError) -> SandboxOperation {
    // A call without parameters may leave the body out.
    let json = body.isEmpty ? .object([]) : try? JSONValue(parsing: body)
    guard let json, json.members != nil else { throw .notSerialized }
    guard let pem = try text("certificatePem", in: json) else { throw .missing("certificatePem") }
    // The service model counts code points.
    let length = pem.unicodeScalars.count
    if length < 1 {
      throw .constraint("Member must have length greater than or equal to 1", at: "certificatePem", value: pem)
    }
    if length > 65_536 {
      throw .constraint("Member must have length less than or equal to 65536", at: "certificatePem", value: nil)
    }
    let status = try text("status", in: json).map { text throws(SandboxError) in
      try certificateStatus(text, at: "status")
    }
    return .registerCertificateWithoutCA(certificatePEM: pem, status: status)
  }

  /// The text of a member; `nil` if the member is absent or null.
  private static func text(_ name: String, in json: JSONValue) throws(SandboxError) -> String? {
    guard let value = json[name], !value.isNull else { return nil }
    guard let text = value.string else { throw .notSerialized }
    return text
  }

  private static func certificateStatus(_ text: String, at member: String) throws(SandboxError) -> CertificateStatus {
    guard let status = CertificateStatus(rawValue: text) else {
      let values = CertificateStatus.allCases.map(\.rawValue).joined(separator: ", ")
      throw .constraint("Member must satisfy enum value set: [\(values)]", at: member, value: text)
    }
    return status
  }

  /// `(0x)?[a-fA-F0-9]+`, 64 characters.
  private static func certificateID(_ text: String) throws(SandboxError) -> CertificateID {
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
}

extension SandboxError {
  fileprivate static var notSerialized: SandboxError {
    SandboxError(.serialization, "The request body is not the JSON object that the operation takes")
  }
}
