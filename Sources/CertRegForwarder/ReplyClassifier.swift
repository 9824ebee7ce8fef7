import CertRegCodec
import CertRegCore
import CertRegSigV4
import NIOHTTP1

/// What a second try of a call needs to succeed.
enum Remedy: Hashable {
  /// Other credentials.
  case refreshCredentials
  /// A time by the upstream's clock.
  case correctClock(upstreamTime: WallTime)
}

/// A reply that is an error, and its remedy.
struct RefusedCall: Error {
  let failure: UpstreamFailure
  let remedy: Remedy?
}

/// Decides what the reply to a call means.
struct ReplyClassifier {
  /// The operation that was called; `nil`: GetServiceQuota of Service Quotas.
  let operation: IoTOperation?
  /// The certificate of the call.
  let certificateID: CertificateID
  /// Cleans text of the upstream.
  let text: UpstreamText
  let now: WallTime
  /// Whether the endpoint is one of AWS's own, all of whose replies have a request ID.
  var isAWS = false
  /// The region that the signature names and the host that was called, for messages; `nil`: they are not known.
  var signedFor: (region: String, authority: String)?

  /// Reads a reply to RegisterCertificateWithoutCA.
  func registration(_ reply: HTTPReply) -> (reply: UpstreamReply, remedy: Remedy?) {
    let error = AWSErrorReply(reply)
    if (200..<300).contains(reply.status) {
      return (success(error), nil)
    }
    if AWSErrorCategory(error: error, status: reply.status, operation: operation) == .alreadyExists,
      error.type == nil || error.type == Self.alreadyExists || error.body?["resourceArn"] != nil
    {
      return (conflict(error), nil)
    }
    let (failed, remedy) = failure(reply, error)
    return (.failed(failed), remedy)
  }

  static let alreadyExists = "ResourceAlreadyExistsException"

  /// Reads a reply to UpdateCertificate, whose success has no content.
  func update(_ reply: HTTPReply) -> (reply: UpstreamReply, remedy: Remedy?) {
    let error = AWSErrorReply(reply)
    guard (200..<300).contains(reply.status) else {
      let (failed, remedy) = failure(reply, error)
      return (.failed(failed), remedy)
    }
    if let failed = lacksSign(reply, error) { return (.failed(failed), nil) }
    return (.updated(requestID: error.requestID), nil)
  }

  /// The failure of a success without content that may come from something else than AWS IoT; `nil`: it is one of AWS
  /// IoT's.
  func lacksSign(_ reply: HTTPReply, _ error: AWSErrorReply) -> UpstreamFailure? {
    let isEmpty = reply.body.isEmpty || error.body?.members?.isEmpty == true
    if isEmpty && reply.status == 200 && !isAWS || error.requestID != nil && (isEmpty || error.body != nil) {
      return nil
    }
    return garbled("The answer is not one of AWS IoT", error, .unavailable(retryAfter: nil))
  }

  /// A 409 that passes: ConflictingResourceUpdateException, VersionConflictException and their relatives.
  private func inConflict(_ error: AWSErrorReply) -> UpstreamFailure {
    var failed = make(
      .serviceUnavailable, .upstreamUnavailable, message(error, "Another change is under way in \(service)"), error,
      retryable: true, .unavailable(retryAfter: nil))
    failed.mayHaveTakenEffect = false
    return failed
  }

  /// Reads an error of any operation.
  func failure(_ reply: HTTPReply, _ error: AWSErrorReply) -> (failure: UpstreamFailure, remedy: Remedy?) {
    let retryAfter = RetryAfter.duration(reply.headers, now: now)
    guard let category = AWSErrorCategory(error: error, status: reply.status, operation: operation) else {
      let isRedirect = (300..<400).contains(reply.status)
      var made = make(
        .internalFailure, isRedirect ? .upstreamRedirected : .upstreamGarbled,
        isRedirect
          ? "The endpoint answers with a redirect (HTTP \(reply.status)), which is not followed; check `endpoint`"
          : "The answer (HTTP \(reply.status)) is not one of \(service); something in between may have sent it",
        error, retryable: true, .unavailable(retryAfter: retryAfter))
      // A proxy that refuses or redirects the request has not passed it on.
      if (300..<500).contains(reply.status) { made.mayHaveTakenEffect = false }
      return (made, nil)
    }
    let made = failure(category, error, status: reply.status, retryAfter: retryAfter)
    switch category {
    // A secret that does not belong to its key ID may have been corrected since.
    case .expiredToken, .unknownIdentity, .invalidSignature: return (made, .refreshCredentials)
    case .clockSkew:
      let time = ClockSkew.upstreamTime(message: error.message, dateHeader: reply.headers.first(name: "Date"))
      return (made, time.map { .correctClock(upstreamTime: $0) })
    default: return (made, nil)
    }
  }

  private func failure(
    _ category: AWSErrorCategory, _ error: AWSErrorReply, status: Int, retryAfter: Duration?
  ) -> UpstreamFailure {
    func identity(_ reason: FailureReason, _ fallback: String, retryable: Bool = true) -> UpstreamFailure {
      make(.unauthorized, reason, message(error, fallback), error, retryable: retryable, .identity)
    }
    switch category {
    case .throttled:
      var failure = make(
        .throttling, .throttledByUpstream, message(error, "The account's request rate is used up"), error,
        retryable: true, .throttled(retryAfter: retryAfter))
      failure.error.retryAfterMilliseconds = retryAfter?.milliseconds
      return failure
    case .accessDenied:
      return identity(.accessDenied, "The daemon's identity may not do this", retryable: false)
    case .expiredToken: return identity(.expiredToken, "The daemon's temporary credentials are expired")
    case .unknownIdentity: return identity(.unknownIdentity, "AWS does not know the daemon's credentials")
    case .invalidSignature where error.message?.contains("scoped to a valid region") == true:
      var failure = identity(.invalidSignature, "")
      if let (region, authority) = signedFor {
        failure.error.message =
          "the signature is for the region \(region), and \(authority) is an endpoint of another one: \(failure.error.message)"
      }
      return failure
    case .invalidSignature:
      return identity(.invalidSignature, "The daemon's secret key does not fit its access key")
    case .clockSkew: return identity(.clockSkew, "The daemon's clock differs from AWS's by more than 5 minutes")
    case .notOptedIn:
      return identity(.notOptedIn, "The account is not signed up for the service", retryable: false)
    case .certificateRefused:
      return final(.certificateValidation, .upstreamRefusedCertificate, "AWS IoT refuses the certificate", error)
    case .requestRefused:
      if operation == .registerThing, saysMissing(error) { return missing(.templateResourceNotFound, error) }
      return final(.invalidRequest, .upstreamRefusedRequest, "\(service) refuses the request (HTTP \(status))", error)
    case .stateRefused:
      return final(.certificateState, .upstreamRefusedState, "AWS IoT refuses the status", error)
    case .limitExceeded:
      return final(.limitExceeded, .limitExceeded, "A limit of AWS IoT is reached", error)
    case .notFound:
      if error.type == "ResourceNotFoundException", let reason = operation?.missingResource {
        return missing(reason, error)
      }
      return final(
        .internalFailure, .upstreamNotFound, "The endpoint does not know the operation; check `endpoint`", error)
    case .alreadyExists: return inConflict(error)
    case .internalFault:
      return make(
        .internalFailure, .upstreamInternal, message(error, "\(service) has an internal fault (HTTP \(status))"), error,
        retryable: true, .unavailable(retryAfter: retryAfter))
    case .unavailable:
      return make(
        .serviceUnavailable, .upstreamUnavailable, message(error, "\(service) is not available (HTTP \(status))"),
        error,
        retryable: true, .unavailable(retryAfter: retryAfter))
    }
  }

  /// The service that was called, for people.
  var service: String { operation == nil ? "Service Quotas" : "AWS IoT" }

  func final(
    _ kind: ServiceError.Kind, _ reason: FailureReason, _ fallback: String, _ error: AWSErrorReply
  ) -> UpstreamFailure {
    make(kind, reason, message(error, fallback), error, retryable: false, .final)
  }

  private func success(_ error: AWSErrorReply) -> UpstreamReply {
    guard let id = error.body?["certificateId"]?.string, let arn = error.body?["certificateArn"]?.string,
      let registered = CertificateID(hex: id.utf8)
    else {
      return .failed(
        garbled("The answer of AWS IoT has no certificate ID and ARN", error, .unavailable(retryAfter: nil)))
    }
    guard registered == certificateID else { return .failed(mismatch(error)) }
    switch check(arn) {
    case .ours: return .registered(certificateARN: arn, requestID: error.requestID)
    case .another: return .failed(mismatch(error))
    case .malformed:
      return .failed(garbled("The answer of AWS IoT has no usable ARN", error, .unavailable(retryAfter: nil)))
    }
  }

  private func conflict(_ error: AWSErrorReply) -> UpstreamReply {
    let id = error.body?["resourceId"]?.string
    guard let arn = error.body?["resourceArn"]?.string else {
      // A second try would have the same result: the upstream has the certificate and does not name it.
      return .failed(
        garbled(
          "AWS IoT has the certificate already but does not name it", error,
          error.isForeign ? .unavailable(retryAfter: nil) : .final))
    }
    if let id, CertificateID(hex: id.utf8) != certificateID { return .failed(mismatch(error)) }
    switch check(arn) {
    case .ours: return .alreadyExists(certificateARN: arn, status: nil, requestID: error.requestID)
    case .another: return .failed(mismatch(error))
    case .malformed:
      return .failed(
        garbled(
          "AWS IoT has the certificate already but gives no usable ARN", error,
          error.requestID == nil ? .unavailable(retryAfter: nil) : .final))
    }
  }

  private enum ARNCheck {
    case ours
    case another
    case malformed
  }

  private func check(_ arn: String) -> ARNCheck {
    guard case .certificate(let id) = ResourceARN(arn)?.kind else { return .malformed }
    return CertificateID(hex: id.utf8) == certificateID ? .ours : .another
  }

  /// Whether an ARN is that of the call's certificate.
  func isOurs(_ arn: String) -> Bool { check(arn) == .ours }

  func mismatch(
    _ error: AWSErrorReply, _ message: String = "AWS IoT answered about another certificate than the one that was sent"
  ) -> UpstreamFailure {
    make(.internalFailure, .upstreamMismatch, message, error, retryable: false, .final)
  }

  func garbled(
    _ message: String, _ error: AWSErrorReply, _ disposition: UpstreamFailure.Disposition
  ) -> UpstreamFailure {
    make(.internalFailure, .upstreamGarbled, message, error, retryable: disposition != .final, disposition)
  }

  /// The upstream's message, or `fallback` if it has none.
  private func message(_ error: AWSErrorReply, _ fallback: String) -> String {
    guard let message = error.message, !message.isEmpty else { return fallback }
    return text.clean(message)
  }

  private func make(
    _ kind: ServiceError.Kind, _ reason: FailureReason, _ message: String, _ error: AWSErrorReply, retryable: Bool,
    _ disposition: UpstreamFailure.Disposition
  ) -> UpstreamFailure {
    // A server, or what is between, may fail after the work was done. A refusal comes before the work.
    let mayHaveTakenEffect = if case .unavailable = disposition { true } else { false }
    let upstreamType = error.type == kind.rawValue ? nil : error.type.map { text.clean($0, limit: 128) }
    return UpstreamFailure(
      error: ServiceError(
        kind, reason: Reason(reason), message: message, retryable: retryable, origin: .upstream,
        requestID: error.requestID.map { text.clean($0, limit: 128) }, upstreamType: upstreamType),
      disposition: disposition, mayHaveTakenEffect: mayHaveTakenEffect)
  }
}
