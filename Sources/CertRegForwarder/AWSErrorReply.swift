import CertRegCodec
import NIOHTTP1

/// The error in an answer of a service that speaks AWS's JSON protocols.
struct AWSErrorReply {
  /// The exception's name without the namespace before it and the URL after it; `nil` where the answer has none.
  let type: String?
  /// As the service wrote it; `nil` where there is none.
  let message: String?
  /// `x-amzn-RequestId`.
  let requestID: String?
  /// The body, where it is JSON.
  let body: JSONValue?
  /// Whether there is a body that is not JSON: such an answer is not the service's but of something in between.
  let isForeign: Bool

  init(_ reply: HTTPReply) {
    body = try? JSONValue(parsing: reply.body)
    isForeign = body == nil && !reply.body.isEmpty
    requestID = UpstreamText.identifier(
      reply.headers.first(name: "x-amzn-RequestId") ?? reply.headers.first(name: "x-amz-request-id"))
    let names = [
      reply.headers.first(name: "x-amzn-ErrorType"), body?["code"]?.string, body?["Code"]?.string,
      body?["__type"]?.string,
    ]
    type = names.lazy.compactMap { $0.flatMap(AWSErrorReply.bareName) }.first
    message = body?["message"]?.string ?? body?["Message"]?.string ?? body?["errorMessage"]?.string
  }

  /// `ns#NameException:http://…` without what surrounds the name.
  private static func bareName(_ text: String) -> String? {
    let beforeURL = text.prefix { $0 != ":" }
    let name = beforeURL.split(separator: "#", omittingEmptySubsequences: true).last ?? ""
    return UpstreamText.identifier(name.split(separator: " ").joined())
  }
}

/// What an error of AWS comes down to.
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
  case notFound
  case internalFault
  case unavailable

  /// By the exception's name, which says more than the status.
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
      "MalformedPolicyDocument", "InvalidParameterValue", "MissingParameter")
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

  /// The category of an answer that is not a success; `nil` where it is not one that AWS gives.
  init?(error: AWSErrorReply, status: Int) {
    self.init(type: error.type, message: error.message, status: status, isForeign: error.isForeign)
  }

  /// The same for an answer whose parts were read in another way.
  init?(type: String?, message: String?, status: Int, isForeign: Bool = false) {
    if let type, let category = AWSErrorCategory.byType[type] {
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
    case 400, 402, 410...428, 431: self = .requestRefused
    default: return nil
    }
  }
}
