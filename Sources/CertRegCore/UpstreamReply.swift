/// The end of a call.
package enum UpstreamReply: Hashable, Sendable {
  /// 200 of RegisterCertificateWithoutCA, with the `certificateId` that the client computed.
  case registered(certificateARN: String, requestID: String?)
  /// 409 for the certificate that was sent. `certificateARN` is its `resourceArn`.
  /// `status` is the upstream's own, if it was asked with DescribeCertificate; `undescribed` is why it does not say.
  indirect case alreadyExists(
    certificateARN: String, status: CertificateStatus?, requestID: String?, undescribed: UpstreamFailure? = nil)
  /// 200 of UpdateCertificate.
  case updated(requestID: String?)
  /// 200 of an operation that makes a part of a device, and the resources that the reply names: of CreateThing the
  /// thing with its ARN, of RegisterThing all, of the others none.
  case provisioned(DeviceResources, requestID: String?)
  /// On the heap, since most replies are smaller.
  indirect case failed(UpstreamFailure)

  /// The ARN that the reply names; `nil`: it names none.
  package var certificateARN: String? {
    switch self {
    case .registered(let arn, _), .alreadyExists(let arn, _, _, _): arn
    case .updated, .provisioned, .failed: nil
    }
  }

  /// `x-amzn-RequestId` of the reply; `nil`: it had none.
  package var requestID: String? {
    switch self {
    case .registered(_, let id), .alreadyExists(_, _, let id, _), .updated(let id), .provisioned(_, let id): id
    case .failed(let failure): failure.error.requestID
    }
  }

  /// Whether the upstream answered the call itself.
  var isAnswer: Bool { if case .failed = self { false } else { true } }

  /// Why the call, or DescribeCertificate after it, had no result; `nil`: there was none to miss.
  package var failure: UpstreamFailure? {
    switch self {
    case .failed(let failure): failure
    case .alreadyExists(_, _, _, let undescribed): undescribed
    case .registered, .updated, .provisioned: nil
    }
  }
}

/// Why a call had no result, and whether another call may succeed.
package struct UpstreamFailure: Error, Hashable, Sendable {
  /// What a failure means for trying again.
  package enum Disposition: Hashable, Sendable {
    /// The upstream refused the certificate, its state or the request. The same call can never succeed.
    case final
    /// The upstream refused the daemon's identity, or there are no credentials. The call can succeed once the operator
    /// corrects that.
    case identity
    /// The account's rate is used up. The upstream may say how long to wait.
    case throttled(retryAfter: Duration?)
    /// The upstream answered, and the answer does not suffice. Only this job has to ask again.
    case incomplete
    /// The upstream could not be reached, failed, or gave a reply that makes no sense. A later call may succeed.
    case unavailable(retryAfter: Duration?)
  }

  /// The error for callers and the log.
  package var error: ServiceError
  /// Decides whether, and when, the call is made again.
  package var disposition: Disposition
  /// Whether the upstream may have acted on the call although no result came back. If so, a later 409 can be the answer
  /// to this call.
  package var mayHaveTakenEffect: Bool
  /// Whether no answer came in time. Such a call costs the upstream more than one that fails at once.
  package var isTimeout: Bool

  package init(
    error: ServiceError, disposition: Disposition, mayHaveTakenEffect: Bool = false, isTimeout: Bool = false
  ) {
    self.error = error
    self.disposition = disposition
    self.mayHaveTakenEffect = mayHaveTakenEffect
    self.isTimeout = isTimeout
  }

  /// A reply that belongs to another operation: a fault of the client.
  package static let foreignReply = UpstreamFailure(
    error: ServiceError(
      .internalFailure, reason: .upstreamMismatch, message: "the reply belongs to another operation"),
    disposition: .final)

  /// The upstream named an account beyond ``TargetHomes/mostAccounts``.
  ///
  /// - Parameter requestID: That of the reply.
  package static func tooManyAccounts(requestID: String?) -> UpstreamFailure {
    UpstreamFailure(
      error: ServiceError(
        .internalFailure, reason: .upstreamMismatch,
        message:
          "The endpoint has named \(TargetHomes.mostAccounts) accounts for this target, and now names another one",
        origin: .upstream, requestID: requestID),
      disposition: .final)
  }

  /// The turn of a DescribeCertificate that a registration asks for did not come in time.
  package static let describeTurnMissed = UpstreamFailure(
    error: ServiceError(
      .serviceUnavailable, reason: .statusUnknown, message: "its turn did not come in time", retryable: true),
    disposition: .throttled(retryAfter: nil))

  /// A certificate exists, and may be revoked: it is not activated, or told, before its status is known.
  ///
  /// - Parameters:
  ///   - cause: Why DescribeCertificate does not tell the status; `nil`: not known.
  ///   - step: DescribeCertificate, and the certificate.
  ///   - key: The key of the configuration that asks for the status.
  static func unknownStatus(_ cause: UpstreamFailure?, _ step: FailedStep, neededBy key: String) -> UpstreamFailure {
    let what = "the certificate exists, and DescribeCertificate does not tell its status, which \(key) needs"
    let why = cause.map { ": \($0.error.message)" } ?? ""
    guard var failure = cause, failure.isPermanent else {
      var error = ServiceError(.serviceUnavailable, reason: .statusUnknown, message: what + why, retryable: true)
      error.failedStep = step
      return UpstreamFailure(error: error, disposition: .incomplete)
    }
    let isDenied = failure.error.reason == .accessDenied
    failure.error.message = what + (isDenied ? "; the identity needs iot:DescribeCertificate" : "") + why
    failure.error.failedStep = step
    return failure
  }

  /// Whether time alone does not help. A certificate that DescribeCertificate does not find was deleted since it was
  /// found to exist: it can be registered.
  var isPermanent: Bool {
    switch disposition {
    case .final: !error.saysCertificateIsGone
    case .identity: true
    case .throttled, .incomplete, .unavailable: false
    }
  }
}
