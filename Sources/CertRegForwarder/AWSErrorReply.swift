import CertRegCodec
import NIOHTTP1

/// The error in a reply of a service that speaks one of AWS's JSON protocols.
struct AWSErrorReply {
  /// The name of the exception, without namespace and URL; `nil` if the reply has none.
  let type: String?
  /// The message as the service wrote it; `nil` if there is none.
  let message: String?
  /// `x-amzn-RequestId`.
  let requestID: String?
  /// The body, if it is JSON.
  let body: JSONValue?
  /// Whether something between the daemon and the service replied: a proxy, a gateway, a captive portal. Replies of AWS
  /// IoT have a request ID, and its errors a type (AWS IoT API reference, "Common errors"); a conflict may name its
  /// resource instead. A `code` of any form may be a gateway's own.
  let isForeign: Bool

  init(_ reply: HTTPReply) {
    body = try? JSONValue(parsing: reply.body)
    let hasOtherBody = body == nil && !reply.body.isEmpty
    requestID = UpstreamText.identifier(
      reply.headers.first(name: "x-amzn-RequestId") ?? reply.headers.first(name: "x-amz-request-id"))
    let header = reply.headers.first(name: "x-amzn-ErrorType")
    let names = [header, body?["code"]?.string, body?["Code"]?.string, body?["__type"]?.string]
    type = names.lazy.compactMap { $0.flatMap(AWSErrorReply.bareName) }.first
    let namesResource = reply.status == 409 && body?["resourceArn"]?.string?.hasPrefix("arn:") == true
    let hasSign = requestID != nil || header != nil || type?.hasSuffix("Exception") == true || namesResource
    isForeign = hasOtherBody || !hasSign
    message = body?["message"]?.string ?? body?["Message"]?.string ?? body?["errorMessage"]?.string
  }

  /// `ns#NameException:http://…` without what surrounds the name.
  private static func bareName(_ text: String) -> String? {
    let beforeURL = text.prefix { $0 != ":" }
    let name = beforeURL.split(separator: "#", omittingEmptySubsequences: true).last ?? ""
    return UpstreamText.identifier(name.split(separator: " ").joined())
  }
}

/// What an error of AWS means for the daemon.
enum AWSErrorCategory: Hashable, Sendable {
  case throttled
  case accessDenied
  case expiredToken
  case unknownIdentity
  case invalidSignature
  case clockSkew
  case notOptedIn
  case certificateRefused
  case requestRefused
  case stateRefused
  case alreadyExists
  case limitExceeded
  case notFound
  case internalFault
  case unavailable

  /// Categories by the name of the exception, which is more precise than the status.
  private static let byType: [String: AWSErrorCategory] = {
    var table: [String: AWSErrorCategory] = [:]
    func add(_ category: AWSErrorCategory, _ names: String...) {
      for name in names { table[name] = category }
    }
    // The throttling codes of the SDKs' standard retry mode.
    add(
      .throttled, "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException",
      "TooManyRequestsException", "ProvisionedThroughputExceededException", "TransactionInProgressException",
      "RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException", "RequestThrottled", "SlowDown",
      "PriorRequestNotComplete", "EC2ThrottledException")
    add(
      .accessDenied, "AccessDeniedException", "AccessDenied", "UnauthorizedException", "UnauthorizedOperation",
      "NotAuthorized", "ForbiddenException")
    add(.expiredToken, "ExpiredTokenException", "ExpiredToken")
    add(
      .unknownIdentity, "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId",
      "MissingAuthenticationToken", "MissingAuthenticationTokenException", "IncompleteSignature",
      "IncompleteSignatureException", "InvalidToken")
    add(.invalidSignature, "InvalidSignatureException", "SignatureDoesNotMatch")
    add(.clockSkew, "RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture", "SignatureExpired")
    add(.notOptedIn, "OptInRequired", "SubscriptionRequiredException")
    add(.certificateRefused, "CertificateValidationException", "CertificateConflictException")
    add(
      .requestRefused, "InvalidRequestException", "ValidationException", "ValidationError", "SerializationException",
      "MalformedPolicyDocument", "InvalidParameterValue", "MissingParameter", "ResourceRegistrationFailureException")
    add(.stateRefused, "CertificateStateException")
    add(.alreadyExists, "ResourceAlreadyExistsException")
    add(.notFound, "ResourceNotFoundException", "UnknownOperationException", "InvalidAction")
    add(
      .internalFault, "InternalFailureException", "InternalFailure", "InternalError", "InternalServerError",
      "InternalServerException", "InternalException")
    add(
      .unavailable, "ServiceUnavailableException", "ServiceUnavailable", "RequestTimeout", "RequestTimeoutException",
      "IDPCommunicationError")
    return table
  }()

  private static func category(of type: String, _ limitIsFinal: Bool) -> AWSErrorCategory? {
    limitIsFinal && type == "LimitExceededException" ? .limitExceeded : byType[type]
  }

  /// Whether the same call can never succeed.
  private var isFinal: Bool {
    switch self {
    case .certificateRefused, .requestRefused, .stateRefused, .alreadyExists, .limitExceeded, .notFound: true
    case .throttled, .accessDenied, .expiredToken, .unknownIdentity, .invalidSignature, .clockSkew, .notOptedIn,
      .internalFault, .unavailable:
      false
    }
  }

  /// The category of an unsuccessful reply; `nil` if AWS gives no such reply.
  ///
  /// - Parameter operation: The operation of AWS IoT that was called; `nil`: one of another service.
  init?(error: AWSErrorReply, status: Int, operation: IoTOperation? = nil) {
    self.init(
      type: error.type, message: error.message, status: status, isForeign: error.isForeign, operation: operation)
  }

  /// The category of an error with the given parts.
  ///
  /// - Parameters:
  ///   - isForeign: Whether the reply shows no sign of coming from AWS.
  ///   - operation: The operation of AWS IoT that was called; `nil`: one of another service.
  init?(
    type: String?, message: String?, status: Int, isForeign: Bool = false, operation: IoTOperation? = nil
  ) {
    let limitIsFinal = operation?.makesDevice == true
    if let type, let category = AWSErrorCategory.category(of: type, limitIsFinal), !(isForeign && category.isFinal) {
      self = category == .invalidSignature && ClockSkew.isSkewMessage(message) ? .clockSkew : category
      return
    }
    switch status {
    case 429: self = .throttled
    case 500: self = .internalFault
    case 501...599, 408: self = .unavailable
    case _ where isForeign: return nil
    case 401, 403: self = .accessDenied
    case 404, 405: self = .notFound
    case 406: self = .stateRefused
    case 409: self = .alreadyExists
    case 410 where limitIsFinal: self = .limitExceeded
    case 400, 402, 410...428, 431: self = .requestRefused
    default: return nil
    }
  }
}
