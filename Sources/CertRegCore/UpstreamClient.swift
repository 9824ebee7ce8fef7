/// One call of the upstream.
package enum UpstreamCall: Hashable, Sendable {
  case registerCertificateWithoutCA(RegisterCertificateCall)

  package var operation: UpstreamOperation {
    switch self {
    case .registerCertificateWithoutCA: .registerCertificateWithoutCA
    }
  }
}

/// One call of RegisterCertificateWithoutCA.
package struct RegisterCertificateCall: Hashable, Sendable {
  package var certificateID: CertificateID
  /// The certificate's DER encoding. It is sent as PEM with lines of 64 characters (RFC 7468 section 2).
  package var der: [UInt8]
  /// Sent as `status`; `nil` sends none.
  package var status: CertificateStatus?

  package init(certificateID: CertificateID, der: [UInt8], status: CertificateStatus?) {
    self.certificateID = certificateID
    self.der = der
    self.status = status
  }
}

/// How a call ended.
package enum UpstreamReply: Hashable, Sendable {
  /// 200 of RegisterCertificateWithoutCA, with the `certificateId` that the client computed.
  case registered(certificateARN: String, requestID: String?)
  /// 409 for the certificate that was sent. `certificateARN` is its `resourceArn`.
  /// `status`: what the upstream says it has, where it was asked.
  case alreadyExists(certificateARN: String, status: CertificateStatus?, requestID: String?)
  case failed(UpstreamFailure)

  /// The ARN that the reply names; `nil`: it names none.
  package var certificateARN: String? {
    switch self {
    case .registered(let arn, _), .alreadyExists(let arn, _, _): arn
    case .failed: nil
    }
  }
}

/// Why a call did not bring a result, and what that means for trying again.
package struct UpstreamFailure: Error, Hashable, Sendable {
  package enum Disposition: Hashable, Sendable {
    /// The same call can never succeed: the certificate, its state or the request was refused.
    case final
    /// The daemon's identity was refused, or there are no credentials: it can succeed once somebody mends that.
    case identity
    /// The account's rate is used up. After the given time, where the upstream named one.
    case throttled(retryAfter: Duration?)
    /// The upstream is not there, not well or not understood, and may be well later.
    case unavailable(retryAfter: Duration?)
  }

  package var error: ServiceError
  package var disposition: Disposition
  /// Whether the upstream can have acted on the call although no result came back. Then a later 409 is the answer to this call.
  package var mayHaveTakenEffect: Bool
  /// Whether no answer came in time: such a call costs the upstream more than one that fails at once.
  package var isTimeout: Bool

  package init(
    error: ServiceError, disposition: Disposition, mayHaveTakenEffect: Bool = false, isTimeout: Bool = false
  ) {
    self.error = error
    self.disposition = disposition
    self.mayHaveTakenEffect = mayHaveTakenEffect
    self.isTimeout = isTimeout
  }
}

/// The upstream of one target. It signs, sends, reads and classifies. When to call and whether to try again is decided by its
/// user.
package protocol UpstreamClient: Sendable {
  /// Where the upstream is. Results of one location are never answered for another.
  var location: UpstreamLocation { get }

  /// Makes one call, and where the target is so configured asks for the status of a certificate that exists. Refreshed
  /// credentials or a corrected clock may make each two requests on the wire, never more. Each ends within `requestTimeout`.
  func perform(_ call: UpstreamCall) async -> UpstreamReply

  /// Refuses further calls, waits for the end of those under way, and releases connections.
  func shutdown() async
}
