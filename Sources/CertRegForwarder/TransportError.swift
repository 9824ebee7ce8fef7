import AsyncHTTPClient
import CertRegCore
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Why there is no complete HTTP response.
struct TransportError: Error, Hashable {
  enum Kind: Hashable {
    case nameResolution
    case connectionRefused
    case networkUnreachable
    case connectTimeout
    case tlsFailure
    /// The server refuses the certificate that the client showed.
    case clientCertificateRefused
    case requestTimeout
    case connectionLost
    case responseTooLarge
    case malformedResponse
    case proxyRefused
    case shutDown
    case cancelled
    case other
  }

  let kind: Kind
  /// For the operator, in plain words. Holds nothing that the other side or a certificate controls.
  let detail: String
  /// The error of the system or the library, for the log.
  private(set) var cause: ErrorCause?
  /// The proxy, as `HOST:PORT`, that there is no connection to; `nil`: the fault is another one.
  private(set) var proxy: String?
  /// Whether part of the request may have left, so that the other side may have acted on it.
  let requestHasBegun: Bool

  init(_ kind: Kind, _ detail: String, requestHasBegun: Bool = false, cause: ErrorCause? = nil) {
    self.kind = kind
    self.detail = detail
    self.requestHasBegun = requestHasBegun
    self.cause = cause
  }

  /// The error of an exchange of which it is known whether the request had begun to leave.
  ///
  /// TLS and routes may fail at any time, and a deadline may end any phase: the error alone does not tell which.
  func ofExchange(requestHasBegun: Bool) -> TransportError {
    switch kind {
    // In TLS 1.3 the server judges the client's certificate after the client's handshake has ended, when the request
    // may be on its way (RFC 8446, 4.4.2). A server that refuses the certificate has processed no request.
    case .clientCertificateRefused: return self
    case .nameResolution, .connectionRefused, .networkUnreachable, .connectTimeout, .tlsFailure, .proxyRefused:
      guard requestHasBegun else { return self }
      return TransportError(
        .connectionLost, "the connection failed before the answer was complete", requestHasBegun: true, cause: cause)
    case .requestTimeout where !requestHasBegun:
      return TransportError(.connectTimeout, "no connection within the time limit", cause: cause)
    default: return TransportError(kind, detail, requestHasBegun: requestHasBegun, cause: cause)
    }
  }

  /// The error of a connection by way of a proxy.
  ///
  /// Only the proxy's own name is looked up then, and only a connection to the proxy can be refused.
  func by(proxy: String?) -> TransportError {
    guard [.nameResolution, .connectionRefused, .networkUnreachable, .connectTimeout].contains(kind) else {
      return self
    }
    var error = self
    error.proxy = proxy
    return error
  }

  /// Classifies an error of the HTTP client, which becomes the cause.
  ///
  /// - Parameter showsCertificate: Whether the client shows a certificate. Some of the alerts that refuse one have
  ///   other reasons where it shows none.
  init(_ error: any Error, showsCertificate: Bool = false) {
    if let error = error as? TransportError {
      self = error
      return
    }
    let text = Self.text(error)
    self.init(classifying: error)
    if kind == .tlsFailure, showsCertificate {
      if Self.refusesCertificate(text) {
        self.init(.clientCertificateRefused, "the server refuses the client's certificate")
      } else if text.contains("ALERT") {
        self.init(kind, "\(detail); it may not accept the client's certificate")
      }
    }
    cause = ErrorCause(text)
  }

  /// Whether an error of the TLS library is an alert that refuses the client's certificate (RFC 8446, 6.2). The names
  /// are BoringSSL's.
  static func refusesCertificate(_ text: String) -> Bool {
    [
      "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_REVOKED",
      "SSLV3_ALERT_CERTIFICATE_EXPIRED", "SSLV3_ALERT_CERTIFICATE_UNKNOWN", "TLSV1_ALERT_UNKNOWN_CA",
      "TLSV1_ALERT_ACCESS_DENIED", "CERTIFICATE_REQUIRED",
    ].contains { text.contains($0) }
  }

  /// `detail`, with the proxy if it is the one at fault, or the likely cause if it is known for `host`.
  func detail(at host: String) -> String {
    if let proxy { return "proxy \(proxy): \(detail)" }
    guard kind == .nameResolution, host.prefix(while: { $0 != "." }).hasSuffix("-fips") else { return detail }
    return "\(detail); AWS has FIPS endpoints in few regions: if this is none of them, set the target's `fips` to false"
  }

  /// The words of an error. Those of a connection that failed name each address that was tried.
  private static func text(_ error: any Error) -> String {
    guard let error = error as? NIOConnectionError else { return "\(error)" }
    let names = [error.dnsAError, error.dnsAAAAError].compactMap { $0.map { "\($0)" } }
    let attempts = error.connectionErrors.map { "\($0.target): \($0.error)" }
    return (names + attempts).joined(separator: "; ")
  }

  private init(classifying error: any Error) {
    switch error {
    case let error as HTTPClientError: self.init(client: error)
    case let error as NIOConnectionError: self.init(connection: error)
    case let error as IOError: self.init(system: error)
    case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: self.init(tls: error)
    case is ResponseAccumulator.ResponseTooBigError:
      self.init(.responseTooLarge, "the answer is larger than any that the service gives")
    case let error as HTTPParserError:
      // A connection that ends in the middle of an answer is reported by the parser.
      self =
        error == .invalidEOFState
        ? TransportError(.connectionLost, "the connection ended in the middle of the answer")
        : TransportError(.malformedResponse, "the answer is not HTTP")
    case is CancellationError: self.init(.cancelled, "the call was cancelled")
    case ChannelError.connectTimeout: self.init(.connectTimeout, "no connection within the time limit")
    case is ChannelError: self.init(.connectionLost, "the connection was closed")
    default: self.init(.other, "the HTTP client failed (\(type(of: error)))")
    }
  }

  private init(client error: HTTPClientError) {
    switch error {
    case .connectTimeout, .tlsHandshakeTimeout, .getConnectionFromPoolTimeout, .httpProxyHandshakeTimeout,
      .socksHandshakeTimeout:
      self.init(.connectTimeout, "no connection within the time limit")
    case .deadlineExceeded, .readTimeout, .writeTimeout:
      self.init(.requestTimeout, "no complete answer within the time limit")
    case .remoteConnectionClosed, .uncleanShutdown:
      self.init(.connectionLost, "the connection was closed before the answer was complete")
    case .proxyAuthenticationRequired:
      self.init(.proxyRefused, "the proxy asks for a user name and password")
    case .invalidProxyResponse:
      self.init(.proxyRefused, "the proxy refuses the connection")
    case .alreadyShutdown: self.init(.shutDown, "the daemon is shutting down")
    case .cancelled: self.init(.cancelled, "the call was cancelled")
    default: self.init(.other, "the HTTP client failed (\(error.shortDescription))")
    }
  }

  private init(connection error: NIOConnectionError) {
    if let first = error.connectionErrors.first {
      self.init(classifying: first.error)
    } else if error.dnsAError != nil || error.dnsAAAAError != nil {
      self.init(.nameResolution, "the host name cannot be resolved")
    } else {
      self.init(.other, "no connection")
    }
  }

  private init(system error: IOError) {
    switch error.errnoCode {
    case ECONNREFUSED: self.init(.connectionRefused, "the connection was refused")
    case ENETUNREACH, EHOSTUNREACH, ENETDOWN, EADDRNOTAVAIL:
      self.init(.networkUnreachable, "no route to the host")
    case ETIMEDOUT: self.init(.connectTimeout, "the connection timed out")
    case ECONNRESET, EPIPE: self.init(.connectionLost, "the connection was reset")
    case EMFILE, ENFILE: self.init(.other, "no file descriptor is left for a connection")
    default: self.init(.other, "the connection failed (errno \(error.errnoCode))")
    }
  }

  private init(tls error: any Error) {
    let text = String(describing: error)
    if text.contains("CERTIFICATE_VERIFY_FAILED") || text.contains("unableToValidateCertificate") {
      self.init(
        .tlsFailure,
        "the server's certificate is not trusted: it is expired, not from a known authority, or the clock is wrong")
    } else if text.contains("HostnameValidation") || text.contains("failedToValidateHostname") {
      self.init(.tlsFailure, "the server's certificate is for another host name")
    } else if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
      self.init(.tlsFailure, "the server does not speak TLS at this port")
    } else if text.contains("ALERT") {
      self.init(.tlsFailure, "the server ended the TLS handshake")
    } else if error as? NIOSSLError == .uncleanShutdown {
      self.init(.connectionLost, "the connection was closed before the answer was complete")
    } else {
      self.init(.tlsFailure, "the TLS handshake failed")
    }
  }
}
