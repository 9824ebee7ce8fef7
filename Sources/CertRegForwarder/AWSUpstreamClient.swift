import AsyncHTTPClient
import CertRegClock
package import CertRegCore
import CertRegCrypto
import CertRegSigV4
package import Logging
package import NIOCore
import NIOHTTP1

/// AWS IoT's control plane as a target's upstream.
///
/// One call is one request, and a second one only where the first was refused for its credentials or its time and there
/// is now something better to sign with.
package final class AWSUpstreamClient: UpstreamClient {
  private static let registrationPath = "/certificate/register-no-ca"

  package let endpoint: TargetEndpoint
  private let credentials: any CredentialsSource
  private let transport: HTTPTransport
  private let requestTimeout: Duration
  private let describesExisting: Bool
  private let clock: HostClock
  private let logger: Logger
  private let offset = ClockOffset()
  private let keys = SigningKeyCache()
  /// The request without what differs from call to call: parsing its URL each time would cost more than signing.
  private let registrationTemplate: HTTPClient.Request

  /// - Parameters:
  ///   - credentials: What the requests are signed with; shut down together with this client.
  ///   - environment: For the proxy and the authorities' file where the target names none.
  /// - Throws: Where the target cannot be used as it is configured.
  package init(
    configuration: TargetConfiguration, endpoint: TargetEndpoint, credentials: any CredentialsSource,
    environment: ProcessEnvironment, clock: HostClock = .system, eventLoopGroup: any EventLoopGroup, logger: Logger
  ) throws(UpstreamConfigurationError) {
    self.endpoint = endpoint
    self.credentials = credentials
    self.requestTimeout = configuration.requestTimeout
    self.describesExisting = configuration.describeExisting
    self.clock = clock
    self.logger = logger
    do {
      var options = TransportOptions()
      options.proxy = try ProxySettings.proxy(
        for: endpoint.url, configured: configuration.proxy, environment: environment)
      options.authoritiesFile = configuration.caFile ?? environment["AWS_CA_BUNDLE"]
      options.connectTimeout = configuration.connectTimeout
      options.connections = max(1, configuration.maxConcurrent)
      registrationTemplate = try HTTPClient.Request(
        url: endpoint.url.text(path: AWSUpstreamClient.registrationPath), method: .POST)
      transport = try HTTPTransport(options: options, eventLoopGroup: eventLoopGroup)
    } catch {
      throw UpstreamConfigurationError("target \(configuration.name): \(error)")
    }
  }

  /// How far the upstream's clock is ahead of the host's, as far as signing had to learn it; zero where it had not.
  package var clockOffset: Duration { offset.value }

  /// Where the credentials in use are from and when they end.
  package var credentialsProvenance: ProvidedCredentials? { credentials.provenance }

  /// Gets credentials, so that the first call finds them; returns what that call would fail with.
  package func prepare() async -> ServiceError? {
    do throws(CredentialsError) {
      _ = try await credentials.credentials()
      return nil
    } catch {
      return UpstreamFailure(error).error
    }
  }

  /// Asks the endpoint for something without credentials: any answer says that the way there is open, and most tell the time.
  ///
  /// - Returns: How far the upstream's clock is ahead of the host's, to the second; `nil` where the answer has no `Date`.
  /// - Throws: What a registration would have failed with.
  package func reach() async throws(UpstreamFailure) -> Duration? {
    do throws(TransportError) {
      let reply = try await transport.send(
        .GET, endpoint.url.text(path: "/"), headers: [("Host", endpoint.url.authority), ("User-Agent", "certregd")],
        deadline: .now() + .nanoseconds(requestTimeout.nanoseconds))
      let time = reply.headers.first(name: "Date").flatMap(HTTPDate.imfFixdate)
      return time.map { .milliseconds($0.millisecondsSinceEpoch - clock.wall.millisecondsSinceEpoch) }
    } catch {
      throw UpstreamFailure(error, authority: endpoint.url.authority)
    }
  }

  package func registerCertificateWithoutCA(_ call: UpstreamCall) async -> UpstreamReply {
    let body = RegistrationBody.bytes(call)
    let request = SignableRequest(
      template: registrationTemplate, path: endpoint.url.path + AWSUpstreamClient.registrationPath, body: body)
    let reply: UpstreamReply = await exchange(request, certificateID: call.certificateID) { classifier, reply in
      classifier.registration(reply)
    } failure: {
      .failed($0)
    }
    guard describesExisting, case .alreadyExists(let arn, nil, let requestID) = reply else { return reply }
    // That the certificate exists is the answer; a status that cannot be had does not change it.
    let status = try? await self.status(of: call.certificateID)
    return .alreadyExists(certificateARN: arn, status: status, requestID: requestID)
  }

  /// The status that AWS IoT has for a certificate (DescribeCertificate).
  ///
  /// - Throws: `UpstreamFailure` with what a registration would have failed with, or `.final` where there is none.
  package func status(of certificateID: CertificateID) async throws(UpstreamFailure) -> CertificateStatus {
    let path = "/certificates/\(certificateID.hex)"
    let template: HTTPClient.Request
    do { template = try HTTPClient.Request(url: endpoint.url.text(path: path), method: .GET) } catch {
      throw UpstreamFailure(TransportError(.other, "the URL cannot be used"), authority: endpoint.url.authority)
    }
    let request = SignableRequest(template: template, path: endpoint.url.path + path, body: nil)
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

  package func shutdown() async {
    await transport.shutdown()
    await credentials.shutdown()
  }

  /// Signs, sends and reads; once more where the answer says what was wrong with the first and it can be mended.
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
          reply = try await transport.send(signed.request, deadline: deadline)
        } catch {
          return failure(UpstreamFailure(error, authority: endpoint.url.authority))
        }
        let now = clock.wall
        let classifier = ReplyClassifier(
          certificateID: certificateID, text: UpstreamText(credentials: signing, authorization: signed.authorization),
          now: now)
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

  /// Credentials to sign with, or an error once `deadline` is past.
  ///
  /// - Parameter rejected: Credentials that the upstream refused, where others are wanted.
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

  /// The request with its signature, and the signature's header for keeping it out of messages.
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
    // As one buffer: the client writes any other sequence piece by piece through a stream.
    signed.body = request.body.map { .byteBuffer(ByteBuffer(bytes: $0)) }
    return (signed, added.last?.value)
  }
}

/// A request that only its date and signature are missing from.
private struct SignableRequest {
  var template: HTTPClient.Request
  /// On the wire, with what the endpoint's URL has before it.
  var path: String
  var body: [UInt8]?
}
