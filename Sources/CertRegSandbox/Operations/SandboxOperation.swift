import CertRegCodec
import CertRegCore
import CertRegSigV4

/// One operation that the sandbox has: how requests name it and what it does.
///
/// Operations are rows of tables, one for each group of them. A new one is a row and a case of ``Name``.
package struct SandboxOperation: Sendable {
  /// Reads an operation's input and carries the operation out.
  ///
  /// - Returns: The operation's output; `nil` if it has none.
  typealias Handler = @Sendable (OperationInput, OperationScope) throws(SandboxError) -> JSONValue?

  /// The operation's name in the API reference.
  package let name: Name
  /// The HTTP method.
  package let method: String
  /// The path, with names of members in braces: `/things/{thingName}`.
  package let path: String
  /// The service's protocol.
  let service: Service
  let handler: Handler
  private let segments: [Segment]

  private enum Segment {
    case literal(String)
    case member(String)
  }

  /// The service that an operation belongs to.
  package enum Service: Sendable {
    /// AWS IoT: REST with JSON.
    case iot
    /// Service Quotas: JSON 1.1, with the operation in `X-Amz-Target`.
    case serviceQuotas

    /// The service's name in signatures.
    var signingName: String {
      switch self {
      case .iot: "iot"
      case .serviceQuotas: "servicequotas"
      }
    }

    /// `Content-Type` of answers.
    var contentType: String {
      switch self {
      case .iot: "application/json"
      case .serviceQuotas: "application/x-amz-json-1.1"
      }
    }
  }

  init(
    _ name: Name, _ method: String, _ path: String, service: Service = .iot, _ handler: @escaping Handler
  ) {
    self.name = name
    self.method = method
    self.path = path
    self.service = service
    self.handler = handler
    segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { segment in
      segment.hasPrefix("{") ? .member(String(segment.dropFirst().dropLast())) : .literal(String(segment))
    }
  }

  /// All operations, a row for each.
  package static let rows: [SandboxOperation] =
    certificateOperations + thingOperations + thingTypeOperations + thingGroupOperations + policyOperations
    + principalOperations + registrationOperations + quotaOperations

  // MARK: Routes

  /// The operation that a request names.
  struct Route: Sendable {
    var operation: SandboxOperation
    /// The members of the path, decoded.
    var pathMembers: [String: String]
  }

  /// Finds the operation.
  ///
  /// - Throws: UnknownOperationException.
  static func route(_ request: SandboxRequest) throws(SandboxError) -> Route {
    let target = request.header("x-amz-target")
    let segments = request.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    for operation in rows where operation.method == request.method {
      if operation.service == .serviceQuotas, target != "\(ServiceQuota.targetPrefix).\(operation.name.rawValue)" {
        continue
      }
      if let members = operation.pathMembers(segments) { return Route(operation: operation, pathMembers: members) }
    }
    throw SandboxError(.unknownOperation, "The sandbox has no operation for this method and path")
  }

  /// The members of a path; `nil` if the path is not the operation's.
  private func pathMembers(_ path: ArraySlice<Substring>) -> [String: String]? {
    guard path.count == segments.count else { return nil }
    var members: [String: String] = [:]
    for (segment, text) in zip(segments, path) {
      switch segment {
      case .literal(let literal):
        guard text == literal else { return nil }
      case .member(let name): members[name] = URIEncoding.decoded(text)
      }
    }
    return members
  }
}

extension SandboxOperation {
  /// The operations' names.
  package enum Name: String, CaseIterable, Sendable {
    case registerCertificateWithoutCA = "RegisterCertificateWithoutCA"
    case describeCertificate = "DescribeCertificate"
    case listCertificates = "ListCertificates"
    case updateCertificate = "UpdateCertificate"
    case deleteCertificate = "DeleteCertificate"

    case createThing = "CreateThing"
    case describeThing = "DescribeThing"
    case updateThing = "UpdateThing"
    case deleteThing = "DeleteThing"
    case listThings = "ListThings"

    case createThingType = "CreateThingType"
    case describeThingType = "DescribeThingType"
    case listThingTypes = "ListThingTypes"
    case deprecateThingType = "DeprecateThingType"
    case deleteThingType = "DeleteThingType"

    case createThingGroup = "CreateThingGroup"
    case describeThingGroup = "DescribeThingGroup"
    case listThingGroups = "ListThingGroups"
    case deleteThingGroup = "DeleteThingGroup"
    case addThingToThingGroup = "AddThingToThingGroup"
    case removeThingFromThingGroup = "RemoveThingFromThingGroup"
    case listThingsInThingGroup = "ListThingsInThingGroup"
    case listThingGroupsForThing = "ListThingGroupsForThing"

    case createPolicy = "CreatePolicy"
    case getPolicy = "GetPolicy"
    case listPolicies = "ListPolicies"
    case deletePolicy = "DeletePolicy"
    case attachPolicy = "AttachPolicy"
    case detachPolicy = "DetachPolicy"
    case listAttachedPolicies = "ListAttachedPolicies"
    case listTargetsForPolicy = "ListTargetsForPolicy"

    case attachThingPrincipal = "AttachThingPrincipal"
    case detachThingPrincipal = "DetachThingPrincipal"
    case listThingPrincipals = "ListThingPrincipals"
    case listThingPrincipalsV2 = "ListThingPrincipalsV2"
    case listPrincipalThings = "ListPrincipalThings"
    case listPrincipalThingsV2 = "ListPrincipalThingsV2"

    case registerThing = "RegisterThing"
    case getServiceQuota = "GetServiceQuota"
  }
}

extension SandboxOperation.Name {
  /// What is wrong with a name that is none of an operation.
  package static func complaint(about name: String) -> String {
    let near = NearestName.of(name, among: allCases.map(\.rawValue)).map { "; did you mean \($0)?" }
    return "the sandbox has no operation of that name" + (near ?? "; --help lists them")
  }
}
