/// A step that failed while the certificate is registered.
package struct FailedStep: Hashable, Sendable {
  /// The name of the upstream's operation.
  package var operation: String
  /// The certificate's ID, in lower-case hex.
  package var certificateID: String
  /// The certificate's ARN.
  package var certificateARN: String

  package init(operation: String, certificateID: String, certificateARN: String) {
    self.operation = operation
    self.certificateID = certificateID
    self.certificateARN = certificateARN
  }
}

/// The error that a caller gets in place of a result, with the members it has on the wire. Only `cause` stays in the
/// daemon.
///
/// `message` is for people. It holds no secret, and text of peers and certificates only in escaped form. Programs
/// switch on `type` and `reason`.
package struct ServiceError: Error, Hashable, Sendable {
  /// The exception names of the API reference for the operations that the daemon calls. `ResourceNotFoundException` is
  /// also the daemon's own, of `lookup` and `forget`.
  package enum Kind: String, CaseIterable, Sendable {
    case invalidRequest = "InvalidRequestException"
    case certificateValidation = "CertificateValidationException"
    case unauthorized = "UnauthorizedException"
    case certificateState = "CertificateStateException"
    case resourceAlreadyExists = "ResourceAlreadyExistsException"
    case throttling = "ThrottlingException"
    case internalFailure = "InternalFailureException"
    case serviceUnavailable = "ServiceUnavailableException"
    case resourceNotFound = "ResourceNotFoundException"
    case limitExceeded = "LimitExceededException"

    /// The HTTP status that the API reference gives for the exception.
    package var httpStatus: Int {
      switch self {
      case .invalidRequest, .certificateValidation, .throttling: 400
      case .unauthorized: 401
      case .resourceNotFound: 404
      case .certificateState: 406
      case .resourceAlreadyExists: 409
      case .limitExceeded: 410
      case .internalFailure: 500
      case .serviceUnavailable: 503
      }
    }
  }

  /// The side that found the error.
  package enum Origin: String, Sendable {
    case daemon
    case upstream
  }

  package var kind: Kind
  /// Why the error was given; programs may switch on it.
  package var reason: Reason
  /// One sentence for people, without a full stop at its end. It names what to change, if anything.
  package var message: String
  /// Whether the same request can succeed later.
  package var retryable: Bool
  /// The side that found the error.
  package var origin: Origin
  /// How long to wait before the next try; `nil` if the wait is not known.
  package var retryAfterMilliseconds: Int64?
  /// `certificateId` of the certificate that exists already.
  package var resourceID: String?
  /// ARN of the certificate that exists already.
  package var resourceARN: String?
  /// The step that failed after the registration; `nil`: the registration itself failed.
  package var failedStep: FailedStep?
  /// The status that is known, with reason `status_differs`.
  package var status: CertificateStatus?
  /// `x-amzn-RequestId` of the upstream's answer.
  package var requestID: String?
  /// The upstream's own name for the error where `kind` has another.
  package var upstreamType: String?
  /// The underlying error, for the log. It is neither encoded for the socket nor stored.
  package var cause: ErrorCause?

  package init(
    _ kind: Kind, reason: Reason, message: String, retryable: Bool = false, origin: Origin = .daemon,
    retryAfterMilliseconds: Int64? = nil, resourceID: String? = nil, resourceARN: String? = nil,
    status: CertificateStatus? = nil, requestID: String? = nil, upstreamType: String? = nil,
    cause: ErrorCause? = nil
  ) {
    self.kind = kind
    self.reason = reason
    self.message = message
    self.retryable = retryable
    self.origin = origin
    self.retryAfterMilliseconds = retryAfterMilliseconds
    self.resourceID = resourceID
    self.resourceARN = resourceARN
    self.status = status
    self.requestID = requestID
    self.upstreamType = upstreamType
    self.cause = cause
  }
}
