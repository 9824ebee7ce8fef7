import AsyncHTTPClient
package import CertRegCore
import CertRegCrypto
import CertRegSigV4
import Logging
import NIOCore
import NIOHTTP1

/// AWS IoT's control plane as a target's upstream.
///
/// One call is one request. A second request follows only if the first was refused for its credentials or its time and
/// better ones are known by then.
package final class AWSUpstreamClient: UpstreamClient {
  /// The most calls of `describe` at once. They have connections beside those of the `maxConcurrent` other calls,
  /// which slow replies to them would otherwise keep waiting.
  package static let mostDescriptions = 64

  /// The region and URL that calls go to.
  package let endpoint: TargetEndpoint
  private let credentials: any CredentialsSource
  private let transport: HTTPTransport
  private let connections: ConnectionSettings
  /// How its transports make connections, but for their proxy.
  private let transportOptions: TransportOptions
  private let eventLoopGroup: any EventLoopGroup
  let requestTimeout: Duration
  let describesExisting: Bool
  /// The turns of calls of DescribeCertificate. `describe` takes none: its caller decides whether to wait for it.
  package let describeTurns: DescribeTurns
  let clock: HostClock
  private let logger: Logger
  private let offset = ClockOffset()
  private let keys = SigningKeyCache()
  let callsUnderWay = CallsUnderWay()
  /// Secrets that a reply may repeat, beside those of the request that it answers.
  let secrets: SecretMask
  /// The unchanging part of the request: parsing its URL for each call would cost more than signing.
  let registrationTemplate: HTTPClient.Request

  /// - Parameters:
  ///   - credentials: Sign the requests; shut down together with this client.
  ///   - connections: The target's proxy and authorities.
  /// - Throws: `UpstreamConfigurationError` if the target cannot be used as it is configured.
  init(
    configuration: TargetConfiguration, endpoint: TargetEndpoint, credentials: any CredentialsSource,
    connections: ConnectionSettings, clock: HostClock, eventLoopGroup: any EventLoopGroup, logger: Logger
  ) throws(UpstreamConfigurationError) {
    self.endpoint = endpoint
    self.credentials = credentials
    self.requestTimeout = configuration.requestTimeout
    self.describesExisting = configuration.describeExisting
    describeTurns = DescribeTurns(
      perSecond: configuration.rates[.describeCertificate]
        ?? (endpoint.isAWS ? UpstreamOperation.describeCertificate.defaultQuota : nil))
    self.clock = clock
    self.logger = logger
    self.eventLoopGroup = eventLoopGroup
    self.connections = connections
    secrets = connections.secrets
    var options = TransportOptions()
    options.authoritiesFile = connections.authoritiesFile
    options.connectTimeout = configuration.connectTimeout
    options.connections = max(1, configuration.maxConcurrent) + Self.mostDescriptions
    transportOptions = options
    do {
      options.proxy = try connections.proxy(for: endpoint.url)
      registrationTemplate = try HTTPClient.Request(
        url: endpoint.url.text(path: IoTOperation.registerCertificateWithoutCA.path), method: .POST)
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
  /// - Parameter limit: How long to wait for them at most; `nil`: as long as the source takes.
  /// - Returns: The error that a call would fail with; `nil` if there are credentials.
  package func prepare(within limit: Duration? = nil) async -> ServiceError? {
    do throws(CredentialsError) {
      if let limit {
        _ = try await signingCredentials(deadline: .now() + .nanoseconds(limit.nanoseconds))
      } else {
        _ = try await credentials.credentials()
      }
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

  var closed: UpstreamFailure {
    UpstreamFailure(
      TransportError(.shutDown, "the daemon does not use this connection any more"),
      authority: endpoint.url.authority, secrets: secrets)
  }

  /// A transport of its own to `url`.
  ///
  /// - Throws: `ProxyError` or `TransportConfigurationError` if a setting cannot be used.
  func newTransport(to url: ServiceURL) throws -> HTTPTransport {
    var options = transportOptions
    options.proxy = try connections.proxy(for: url)
    return try HTTPTransport(options: options, eventLoopGroup: eventLoopGroup)
  }

  /// Refuses further calls, waits for those under way, each of which ends within its own time limit, and releases
  /// connections.
  package func shutdown() async {
    await callsUnderWay.close()
    await transport.shutdown()
    await credentials.shutdown()
  }

  /// Signs, sends and reads. A second time if the reply names a fault that new credentials or another time can correct.
  ///
  /// - Parameters:
  ///   - operation: `nil`: it is one of Service Quotas.
  ///   - certificateID: The certificate of the call, if there is one.
  ///   - other: A transport to another service; `nil`: the one to AWS IoT.
  func exchange<Outcome: Sendable>(
    _ request: SignableRequest, _ operation: IoTOperation?, _ certificateID: CertificateID,
    over other: HTTPTransport? = nil,
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
          reply = try await (other ?? transport).send(
            signed.request, deadline: deadline, limitBytes: request.limitBytes)
        } catch {
          return failure(UpstreamFailure(error, authority: request.authority, secrets: secrets))
        }
        let now = clock.wall
        let classifier = ReplyClassifier(
          operation: operation, certificateID: certificateID,
          text: UpstreamText(credentials: signing, authorization: signed.authorization, secrets: secrets), now: now,
          isAWS: endpoint.isAWS, signedFor: (endpoint.region, request.authority))
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
    var headers: [(name: String, value: String)] = [("Host", request.authority)]
    if request.body != nil { headers.append(("Content-Type", request.contentType)) }
    headers += request.headers
    let signer = RequestSigner(
      credentials: signing, scope: SigningScope(region: endpoint.region, service: request.service), keys: keys)
    let added = signer.sign(
      method: request.template.method.rawValue, path: request.path, query: request.query, headers: headers,
      payloadHash: SHA256.digest(of: request.body ?? []), at: offset.corrected(clock.wall))
    var signed = request.template
    signed.headers = HTTPHeaders(headers + added + [("User-Agent", "certregd"), ("Accept", "application/json")])
    // One buffer: the client streams any other sequence piece by piece.
    signed.body = request.body.map { .byteBuffer(ByteBuffer(bytes: $0)) }
    return (signed, added.last?.value)
  }
}

/// A request without its date and signature.
struct SignableRequest {
  var template: HTTPClient.Request
  /// The value of `Host`.
  var authority: String
  /// The path on the wire, which begins with that of the endpoint's URL.
  var path: String
  /// The query on the wire, without its question mark.
  var query = ""
  /// Headers of its operation.
  var headers: [(name: String, value: String)] = []
  var body: [UInt8]?
  /// The form of the body.
  var contentType = "application/json"
  /// The service that its signature names.
  var service = "iot"
  /// Bound of the response's body.
  var limitBytes = HTTPTransport.responseLimitBytes
}
