/// An error in the form that AWS answers it.
package struct SandboxError: Error, Hashable, Sendable {
  /// The names that stand in `x-amzn-ErrorType`.
  package enum Kind: String, CaseIterable, Sendable {
    // The errors of the API reference's pages for the operations that the sandbox has.
    case certificateState = "CertificateStateException"
    case certificateValidation = "CertificateValidationException"
    case deleteConflict = "DeleteConflictException"
    case internalFailure = "InternalFailureException"
    case invalidRequest = "InvalidRequestException"
    case limitExceeded = "LimitExceededException"
    case malformedPolicy = "MalformedPolicyException"
    case resourceAlreadyExists = "ResourceAlreadyExistsException"
    case resourceNotFound = "ResourceNotFoundException"
    case resourceRegistrationFailure = "ResourceRegistrationFailureException"
    case serviceUnavailable = "ServiceUnavailableException"
    case throttling = "ThrottlingException"
    case unauthorized = "UnauthorizedException"
    case versionConflict = "VersionConflictException"

    // The errors of Service Quotas' API reference for GetServiceQuota.
    case accessDenied = "AccessDeniedException"
    case illegalArgument = "IllegalArgumentException"
    case noSuchResource = "NoSuchResourceException"
    case service = "ServiceException"
    case tooManyRequests = "TooManyRequestsException"

    // Errors that come before an operation is reached.
    case expiredToken = "ExpiredTokenException"
    case incompleteSignature = "IncompleteSignatureException"
    case invalidSignature = "InvalidSignatureException"
    case missingAuthenticationToken = "MissingAuthenticationTokenException"
    case requestEntityTooLarge = "RequestEntityTooLargeException"
    case serialization = "SerializationException"
    case unknownOperation = "UnknownOperationException"
    case unrecognizedClient = "UnrecognizedClientException"

    /// The HTTP status that the API reference gives for the exception.
    package var httpStatus: Int {
      switch self {
      case .certificateValidation, .invalidRequest, .malformedPolicy, .resourceRegistrationFailure, .serialization,
        .throttling:
        400
      case .accessDenied, .illegalArgument, .noSuchResource, .tooManyRequests: 400
      case .unauthorized: 401
      case .expiredToken, .incompleteSignature, .invalidSignature, .missingAuthenticationToken, .unrecognizedClient: 403
      case .resourceNotFound, .unknownOperation: 404
      case .certificateState: 406
      case .deleteConflict, .resourceAlreadyExists, .versionConflict: 409
      case .limitExceeded: 410
      case .requestEntityTooLarge: 413
      case .internalFailure, .service: 500
      case .serviceUnavailable: 503
      }
    }
  }

  package var kind: Kind
  /// `message` of the body, for people.
  package var message: String
  /// Only for ResourceAlreadyExistsException: `certificateId` of the existing certificate, the ID or name of another
  /// resource.
  package var resourceID: String?
  /// Only for ResourceAlreadyExistsException: ARN of the existing resource.
  package var resourceARN: String?
  /// What the system said, for the log. No answer has it.
  package var cause: String?

  package init(_ kind: Kind, _ message: String, resourceID: String? = nil, resourceARN: String? = nil) {
    self.kind = kind
    self.message = message
    self.resourceID = resourceID
    self.resourceARN = resourceARN
  }
}

extension SandboxError {
  /// The error under the name that a service has for it.
  func translated(for service: SandboxOperation.Service) -> SandboxError {
    guard service == .serviceQuotas else { return self }
    var error = self
    switch kind {
    case .unauthorized: error.kind = .accessDenied
    case .throttling: error.kind = .tooManyRequests
    case .internalFailure, .serviceUnavailable: error.kind = .service
    default: break
    }
    return error
  }

  /// A value that the service model's constraints do not allow, in the words that AWS's services share.
  ///
  /// - Parameters:
  ///   - value: What came; it is cut after 64 characters. `nil` for a value that is long by nature and better not
  ///     repeated.
  ///   - constraint: What the member must be, beginning with `Member must`.
  static func constraint(_ constraint: String, at member: String, value: String?) -> SandboxError {
    let quoted = value.map { " '\($0.prefix(64))'" } ?? ""
    return SandboxError(
      .invalidRequest,
      "1 validation error detected: Value\(quoted) at '\(member)' failed to satisfy constraint: \(constraint)")
  }

  /// A value that is not one of a set.
  static func notInSet(_ values: [String], at member: String, value: String) -> SandboxError {
    constraint(
      "Member must satisfy enum value set: [\(values.joined(separator: ", "))]", at: member, value: value)
  }

  /// A required member that is not there.
  static func missing(_ member: String) -> SandboxError {
    SandboxError(
      .invalidRequest,
      "1 validation error detected: Value null at '\(member)' failed to satisfy constraint: Member must not be null")
  }
}
