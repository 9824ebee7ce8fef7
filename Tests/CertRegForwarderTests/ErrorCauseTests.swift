import CertRegClock
import CertRegCore
import CertRegTesting
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Testing

@testable import CertRegForwarder

/// Failed calls keep the error of the system or the library as their cause, apart from the message.
@Suite struct ErrorCauseTests {
  private let call = RegisterCertificateCall(
    certificateID: CertificateID(words: (1, 2, 3, 4)), der: [1], status: nil)

  private func failure(endpoint: String) async throws -> ServiceError {
    var configuration = TargetConfiguration(name: TargetName("test"))
    configuration.region = "eu-central-1"
    configuration.endpoint = endpoint
    configuration.requestTimeout = .seconds(600)
    let environment = ProcessEnvironment([:])
    let profiles = SharedProfileStore(environment: environment)
    let client = try await AWSUpstreamClient(
      configuration: configuration,
      endpoint: TargetEndpoint(
        configuration: configuration, environment: environment, profiles: profiles),
      credentials: FixedCredentials(),
      connections: ConnectionSettings(configuration, environment: environment, profiles: profiles), clock: .system,
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
    let reply = await client.registerCertificateWithoutCA(call)
    await client.shutdown()
    guard case .failed(let failure) = reply else { throw Unexpected() }
    return failure.error
  }

  private struct Unexpected: Error {}

  private func expect(
    _ cause: String, of error: ServiceError, reason: Reason, _ source: SourceLocation = #_sourceLocation
  ) {
    #expect(error.reason == reason, sourceLocation: source)
    #expect(error.cause?.description.contains(cause) == true, "\(error)", sourceLocation: source)
    #expect(!error.message.contains(cause), sourceLocation: source)
  }

  @Test func `a refused connection has its errno`() async throws {
    let error = try await failure(endpoint: "http://127.0.0.1:1")
    expect("errno: 111", of: error, reason: "connection_refused")
  }

  @Test func `a name that is not known has the resolver's error`() async throws {
    let error = try await failure(endpoint: "http://does-not-exist.invalid")
    expect("Name or service not known", of: error, reason: "name_resolution")
  }

  @Test func `a certificate that is not trusted has the error of the TLS library`() async throws {
    let identity = try IssuedIdentity(keyArguments: ["-newkey", "rsa:2048"], commonName: "localhost")
    defer { identity.remove() }
    let tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMFile(identity.certificateFile).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(file: identity.keyFile, format: .pem)))
    let server = try await LoopbackServer.start(tls: NIOSSLContext(configuration: tls)) { _, _ in .silence }
    let error = try await failure(endpoint: "https://localhost:\(server.port)")
    expect("CERTIFICATE_VERIFY_FAILED", of: error, reason: "tls_failure")
    try await server.stop()
  }

  @Test func `credentials that cannot be fetched have the cause of the connection`() async throws {
    let endpoints = CredentialEndpoints(
      environment: ProcessEnvironment([:]), eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
    let url = try ServiceURL(parsing: "http://127.0.0.1:1")
    let error = await #expect(throws: CredentialsError.self) {
      try await endpoints.send(.GET, url, timeout: .seconds(60), service: "The metadata service")
    }
    await endpoints.shutdown()
    expect("errno: 111", of: UpstreamFailure(try #require(error)).error, reason: "credentials_unavailable")
  }

  @Test func `a file of authorities that cannot be used has the error of the TLS library`() throws {
    var options = TransportOptions()
    options.authoritiesFile = "/does/not/exist"
    let error = #expect(throws: TransportConfigurationError.self) {
      try HTTPTransport(options: options, eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
    }
    #expect(error?.cause != nil)
  }

  @Test(arguments: [
    "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_REVOKED",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED", "SSLV3_ALERT_CERTIFICATE_UNKNOWN", "TLSV1_ALERT_UNKNOWN_CA",
    "TLSV1_ALERT_ACCESS_DENIED", "TLSV1_CERTIFICATE_REQUIRED",
  ])
  func `an alert about the client's certificate refuses it`(alert: String) {
    #expect(
      TransportError.refusesCertificate(
        "sslError([Error: 268436504 error:10000418:SSL routines:OPENSSL_internal:\(alert)])"))
  }

  @Test func `a refused certificate is one whether the request had begun or not, and a broken connection is none`() {
    for alert in ["SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV1_ALERT_INTERNAL_ERROR", "CERTIFICATE_VERIFY_FAILED"] {
      #expect(!TransportError.refusesCertificate(alert))
    }
    let refused = TransportError(.clientCertificateRefused, "x", cause: ErrorCause("alert 48"))
    for hasBegun in [true, false] { #expect(refused.ofExchange(requestHasBegun: hasBegun) == refused) }
  }

  @Test func `the cause survives where only the time of a failure tells its kind`() {
    let cause = ErrorCause("alert 42")
    let before = TransportError(.tlsFailure, "the TLS handshake failed", cause: cause)
    #expect(before.ofExchange(requestHasBegun: true).kind == .connectionLost)
    for kind in [TransportError.Kind.tlsFailure, .requestTimeout, .other] {
      for hasBegun in [true, false] {
        let error = TransportError(kind, "", cause: cause).ofExchange(requestHasBegun: hasBegun)
        #expect(error.cause == cause, "\(kind), \(hasBegun)")
      }
    }
  }
}
