import CertRegCore

extension UpstreamFailure {
  /// A call without a response.
  ///
  /// - Parameters:
  ///   - authority: The host that was called, for the message.
  ///   - secrets: Taken out of the cause.
  init(_ error: TransportError, authority: String, secrets: SecretMask) {
    let (kind, reason): (ServiceError.Kind, FailureReason) =
      switch error.kind {
      case .nameResolution: (.serviceUnavailable, .nameResolution)
      case .connectionRefused: (.serviceUnavailable, .connectionRefused)
      case .networkUnreachable: (.serviceUnavailable, .networkUnreachable)
      case .connectTimeout: (.serviceUnavailable, .connectTimeout)
      case .tlsFailure, .clientCertificateRefused: (.serviceUnavailable, .tlsFailure)
      case .requestTimeout: (.serviceUnavailable, .requestTimeout)
      case .connectionLost: (.serviceUnavailable, .connectionLost)
      case .proxyRefused: (.serviceUnavailable, .proxyRefused)
      case .responseTooLarge, .malformedResponse: (.internalFailure, .upstreamGarbled)
      case .shutDown, .cancelled: (.serviceUnavailable, .shuttingDown)
      case .other: (.serviceUnavailable, .upstreamUnreachable)
      }
    self.init(
      error: ServiceError(
        kind, reason: Reason(reason), message: "\(authority): \(error.detail(at: authority))", retryable: true,
        origin: .upstream, cause: error.cause?.masked(with: secrets)),
      disposition: .unavailable(retryAfter: nil), mayHaveTakenEffect: error.requestHasBegun,
      isTimeout: error.kind == .requestTimeout || error.kind == .connectTimeout)
  }

  /// A call that was not made because there are no credentials. That concerns the daemon, not the certificate.
  init(_ error: CredentialsError) {
    let reason: FailureReason =
      switch error.code {
      case .notFound: .noCredentials
      case .invalid: .credentialsInvalid
      case .unavailable: .credentialsUnavailable
      }
    let isUnavailable = error.code == .unavailable
    self.init(
      error: ServiceError(
        isUnavailable ? .serviceUnavailable : .unauthorized, reason: Reason(reason), message: error.message,
        retryable: true, origin: .daemon, cause: error.cause),
      disposition: isUnavailable ? .unavailable(retryAfter: nil) : .identity)
  }
}
