import AsyncHTTPClient
package import CertRegCore
import CertRegCrypto
import CertRegSigV4
package import Logging
package import NIOCore
import NIOHTTP1

/// AWS IoT's control plane as a target's upstream.
///
/// One call is one request. A second request follows only if the first was refused for its credentials or its time and
/// better ones are known by then.
package final class AWSUpstreamClient: UpstreamClient {
  private static let registrationPath = "/certificate/register-no-ca"
  /// Bound of a reply to DescribeCertificate. The reply holds `certificatePem`, up to 65,536 characters (API reference,
  /// CertificateDescription), of which JSON may write each as `\uXXXX`.
  private static let descriptionLimitBytes = 6 * 65_536 + HTTPTransport.responseLimitBytes

  /// The region and URL that calls go to.
  package let endpoint: TargetEndpoint
  private let credentials: any CredentialsSource
  private let transport: HTTPTransport
  private let requestTimeout: Duration
  private let describesExisting: Bool
  private let clock: HostClock
  private let logger: Logger
  private let offset = ClockOffset()
  private let keys = SigningKeyCache()
  let callsUnderWay = CallsUnderWay()
  /// Secrets that a reply may repeat, beside those of the request that it answers.
  private let secrets: SecretMask
  /// The unchanging part of the request: parsing its URL for each call would cost more than signing.
  private let registrationTemplate: HTTPClient.Request

  /// - Parameters:
  ///   - credentials: Sign the requests; shut down together with this client.
  ///   - environment: Has the proxy and the authorities' file if the target names none.
  /// - Throws: `UpstreamConfigurationError` if the target cannot be used as it is configured.
  package init(
    configuration: TargetConfiguration, endpoint: TargetEndpoint, credentials: any CredentialsSource,
    environment: ProcessEnvironment, clock: HostClock, eventLoopGroup: any EventLoopGroup, logger: Logger
  ) throws(UpstreamConfigurationError) {
    self.endpoint = endpoint
    self.credentials = credentials
    self.requestTimeout = configuration.requestTimeout
    self.describesExisting = configuration.describeExisting
    self.clock = clock
    self.logger = logger
    let connections = ConnectionSettings(configuration, environment: environment)
    secrets = connections.secrets
    do {
      var options = TransportOptions()
      options.proxy = try connections.proxy(for: endpoint.url)
      options.authoritiesFile = connections.authoritiesFile
      options.connectTimeout = configuration.connectTimeout
      options.connections = max(1, configuration.maxConcurrent)
      registrationTemplate = try HTTPClient.Request(
        url: endpoint.url.text(path: AWSUpstreamClient.registrationPath), method: .POST)
      transport = try HTTPTransport(options: options, eventLoopGroup: eventLoopGroup)
    } catch {
      throw UpstreamConfigurationError("target \(configuration.name): \(error)")
    }
  }

  package var location: UpstreamLocation { endpoint.location }

  /// How far the upstream's clock is ahead of the host's; zero until an upstream has refused a signature for its time.
  package var clockOffset: Duration { offset.value }

  /// The source and the end of the credentials in use.
  package var credentialsProvenance: ProvidedCredentials? { credentials.provenance }

  /// Fetches credentials ahead of the first call.
  ///
  /// - Returns: The error that a call would fail with; `nil` if there are credentials.
  package func prepare() async -> ServiceError? {
    do throws(CredentialsError) {
      _ = try await credentials.credentials()
      return nil
    } catch {
      return UpstreamFailure(error).error
    }
  }

  /// Sends the endpoint a request without credentials. Any response shows that the endpoint can be reached, and most
  /// tell the time.
  ///
  /// - Returns: How far the upstream's clock is ahead of the host's, to the second; `nil` if the response has no
  ///   `Date`.
  /// - Throws: The `UpstreamFailure` that a registration would fail with.
  package func reach() async throws(UpstreamFailure) -> Duration? {
    do throws(TransportError) {
      let reply = try await transport.send(
        .GET, endpoint.url.text(path: "/"), headers: [("Host", endpoint.url.authority), ("User-Agent", "certregd")],
        deadline: .now() + .nanoseconds(requestTimeout.nanoseconds))
      let time = reply.headers.first(name: "Date").flatMap(HTTPDate.imfFixdate)
      return time.map { $0 - clock.wall }
    } catch {
      throw UpstreamFailure(error, authority: endpoint.url.authority, secrets: secrets)
    }
  }

  package func perform(_ call: UpstreamCall) async -> UpstreamReply {
    switch call {
    case .registerCertificateWithoutCA(let call): await registerCertificateWithoutCA(call)
    }
  }

  /// Registers a certificate, and asks for the status of one that exists if the target is configured so.
  ///
  /// - Returns: The classified reply. Failures, cancellation and a client that is shut down are replies too.
  package func registerCertificateWithoutCA(_ call: RegisterCertificateCall) async -> UpstreamReply {
    guard callsUnderWay.begin() else { return .failed(closed) }
    defer { callsUnderWay.end() }
    let body = RegistrationBody.bytes(call)
    let request = SignableRequest(
      template: registrationTemplate, path: endpoint.url.path + AWSUpstreamClient.registrationPath, body: body)
    let reply: UpstreamReply = await exchange(request, certificateID: call.certificateID) { classifier, reply in
      classifier.registration(reply)
    } failure: {
      .failed($0)
    }
    guard describesExisting, case .alreadyExists(let arn, nil, let requestID) = reply else { return reply }
    // The certificate exists, whether or not its status can be had.
    let status = try? await describe(call.certificateID)
    return .alreadyExists(certificateARN: arn, status: status, requestID: requestID)
  }

  /// The status that AWS IoT has for a certificate (DescribeCertificate).
  ///
  /// - Throws: The `UpstreamFailure` that a registration would fail with; a final one if AWS IoT has no such
  ///   certificate.
  package func status(of certificateID: CertificateID) async throws(UpstreamFailure) -> CertificateStatus {
    guard callsUnderWay.begin() else { throw closed }
    defer { callsUnderWay.end() }
    return try await describe(certificateID)
  }

  private func describe(_ certificateID: CertificateID) async throws(UpstreamFailure) -> CertificateStatus {
    let path = "/certificates/\(certificateID.hex)"
    let template: HTTPClient.Request
    do { template = try HTTPClient.Request(url: endpoint.url.text(path: path), method: .GET) } catch {
      throw UpstreamFailure(
        TransportError(.other, "the URL cannot be used", cause: ErrorCause("\(error)")),
        authority: endpoint.url.authority, secrets: secrets)
    }
    let request = SignableRequest(
      template: template, path: endpoint.url.path + path, body: nil, limitBytes: Self.descriptionLimitBytes)
    let result: Result<CertificateStatus, UpstreamFailure> = await exchange(request, certificateID: certificateID) {
      classifier, reply in
      switch classifier.description(reply) {
      case .success(let status): return (.success(status), nil)
      case .failure(let refused): return (.failure(refused.failure), refused.remedy)
      }
    } failure: {
      .failure($0)
    }
    return try result.get()
  }

  private var closed: UpstreamFailure {
    UpstreamFailure(
      TransportError(.shutDown, "the daemon does not use this connection any more"),
      authority: endpoint.url.authority, secrets: secrets)
  }

  /// Refuses further calls, waits for those under way, each of which ends within its own time limit, and releases
  /// connections.
  package func shutdown() async {
    await callsUnderWay.close()
    await transport.shutdown()
    await credentials.shutdown()
  }

  /// Signs, sends and reads. A second time if the reply names a fault that new credentials or another time can correct.
  private func exchange<Outcome: Sendable>(
    _ request: SignableRequest, certificateID: CertificateID,
    read: (ReplyClassifier, HTTPReply) -> (Outcome, Remedy?),
    failure: (UpstreamFailure) -> Outcome
  ) async -> Outcome {
    let deadline = NIODeadline.now() + .nanoseconds(requestTimeout.nanoseconds)
    do throws(CredentialsError) {
      var signing = try await signingCredentials(deadline: deadline)
      var isFirst = true
      while true {
        let signed = sign(request, signing)
        let reply: HTTPReply
        do throws(TransportError) {
          reply = try await transport.send(signed.request, deadline: deadline, limitBytes: request.limitBytes)
        } catch {
          return failure(UpstreamFailure(error, authority: endpoint.url.authority, secrets: secrets))
        }
        let now = clock.wall
        let classifier = ReplyClassifier(
          certificateID: certificateID,
          text: UpstreamText(credentials: signing, authorization: signed.authorization, secrets: secrets), now: now)
        let (outcome, remedy) = read(classifier, reply)
        guard let remedy, isFirst else { return outcome }
        isFirst = false
        switch remedy {
        case .correctClock(let upstreamTime):
          offset.learn(upstream: upstreamTime, now: now)
          logger.warning(
            "the host's clock differs from the upstream's; signing with the upstream's time",
            metadata: ["event": "clock_corrected", "upstream_ahead_ms": "\(offset.value.milliseconds)"])
        case .refreshCredentials:
          let fresh = try? await signingCredentials(after: signing, deadline: deadline)
          guard let fresh, fresh != signing else { return outcome }
          signing = fresh
        }
      }
    } catch {
      return failure(UpstreamFailure(error))
    }
  }

  /// Credentials to sign with.
  ///
  /// - Parameter rejected: Credentials that the upstream refused, if others are wanted.
  /// - Throws: `CredentialsError`, at the latest when `deadline` is past.
  private func signingCredentials(
    after rejected: SigningCredentials? = nil, deadline: NIODeadline
  ) async throws(CredentialsError) -> SigningCredentials {
    if rejected == nil, let current = credentials.current() { return current }
    let left = Duration.nanoseconds(max(0, (deadline - .now()).nanoseconds))
    let first = await withTaskGroup(of: Result<SigningCredentials, CredentialsError>?.self) { [credentials] group in
      group.addTask {
        do throws(CredentialsError) {
          if let rejected { return .success(try await credentials.refresh(after: rejected)) }
          return .success(try await credentials.credentials())
        } catch {
          return .failure(error)
        }
      }
      group.addTask {
        try? await Task.sleep(for: left)
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
    guard let first else {
      throw CredentialsError(.unavailable, "AWS credentials did not come within the time limit of the call")
    }
    return try first.get()
  }

  /// The request with its signature, and the header of the signature, which messages must not repeat.
  private func sign(
    _ request: SignableRequest, _ signing: SigningCredentials
  ) -> (request: HTTPClient.Request, authorization: String?) {
    var headers: [(name: String, value: String)] = [("Host", endpoint.url.authority)]
    if request.body != nil { headers.append(("Content-Type", "application/json")) }
    let signer = RequestSigner(
      credentials: signing, scope: SigningScope(region: endpoint.region, service: "iot"), keys: keys)
    let added = signer.sign(
      method: request.template.method.rawValue, path: request.path, headers: headers,
      payloadHash: SHA256.digest(of: request.body ?? []), at: offset.corrected(clock.wall))
    var signed = request.template
    signed.headers = HTTPHeaders(headers + added + [("User-Agent", "certregd"), ("Accept", "application/json")])
    // One buffer: the client streams any other sequence piece by piece.
    signed.body = request.body.map { .byteBuffer(ByteBuffer(bytes: $0)) }
    return (signed, added.last?.value)
  }
}

/// A request without its date and signature.
private struct SignableRequest {
  var template: HTTPClient.Request
  /// The path on the wire, which begins with that of the endpoint's URL.
  var path: String
  var body: [UInt8]?
  /// Bound of the response's body.
  var limitBytes = HTTPTransport.responseLimitBytes
}
