/// An error in the form that AWS answers it.
package struct SandboxError: Error, Hashable, Sendable {
  /// The names that stand in `x-amzn-ErrorType`.
  package enum Kind: String, CaseIterable, Sendable {
    // The errors of the API reference's pages for the operations that the sandbox has.
    case certificateState = "CertificateStateException"
    case certificateValidation = "CertificateValidationException"
    case internalFailure = "InternalFailureException"
    case invalidRequest = "InvalidRequestException"
    case resourceAlreadyExists = "ResourceAlreadyExistsException"
    case resourceNotFound = "ResourceNotFoundException"
    case serviceUnavailable = "ServiceUnavailableException"
    case throttling = "ThrottlingException"
    case unauthorized = "UnauthorizedException"

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
      case .certificateValidation, .invalidRequest, .serialization, .throttling: 400
      case .unauthorized: 401
      case .expiredToken, .incompleteSignature, .invalidSignature, .missingAuthenticationToken, .unrecognizedClient: 403
      case .resourceNotFound, .unknownOperation: 404
      case .certificateState: 406
      case .resourceAlreadyExists: 409
      case .requestEntityTooLarge: 413
      case .internalFailure: 500
      case .serviceUnavailable: 503
      }
    }
  }

  package var kind: Kind
  /// `message` of the body, for people.
  package var message: String
  /// Only for ResourceAlreadyExistsException: `certificateId` of the existing certificate.
  package var resourceID: String?
  /// Only for ResourceAlreadyExistsException: ARN of the existing certificate.
  package var resourceARN: String?

  package init(_ kind: Kind, _ message: String, resourceID: String? = nil, resourceARN: String? = nil) {
    self.kind = kind
    self.message = message
    self.resourceID = resourceID
    self.resourceARN = resourceARN
  }
}

extension SandboxError {
  /// A value that the service model's constraints do not allow, in the words that AWS's services share.
  ///
  /// - Parameters:
  ///   - value: What came; it is cut after 64 characters. `nil` for a value that is long by nature and better not repeated.
  ///   - constraint: What the member must be, beginning with `Member must`.
  static func constraint(_ constraint: String, at member: String, value: String?) -> SandboxError {
    let quoted = value.map { " '\($0.prefix(64))'" } ?? ""
    return SandboxError(
      .invalidRequest,
      "1 validation error detected: Value\(quoted) at '\(member)' failed to satisfy constraint: \(constraint)")
  }

  /// A required member that is not there.
  static func missing(_ member: String) -> SandboxError {
    SandboxError(
      .invalidRequest,
      "1 validation error detected: Value null at '\(member)' failed to satisfy constraint: Member must not be null")
  }
}
