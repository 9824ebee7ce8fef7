import AsyncHTTPClient
import CertRegCore
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// Sends requests and collects responses. It keeps connections, follows no redirects, asks for no compression, bounds
/// the size of a response, and applies one deadline to the whole exchange.
final class HTTPTransport: Sendable {
  /// Bound of a response's body. Responses without a certificate have a few kilobytes at most.
  static let responseLimitBytes = 64 * 1024
  /// How many connections are tried for a request of which nothing was sent.
  private static let mostConnections = 3

  private let client: HTTPClient
  private let showsCertificate: Bool
  /// The proxy, as `HOST:PORT`.
  private let proxy: String?

  init(options: TransportOptions, eventLoopGroup: any EventLoopGroup) throws(TransportConfigurationError) {
    var configuration = HTTPClient.Configuration(
      tlsConfiguration: try HTTPTransport.tlsConfiguration(options), redirectConfiguration: .disallow,
      timeout: .init(connect: .nanoseconds(options.connectTimeout.nanoseconds)), proxy: options.proxy)
    configuration.httpVersion = .http1Only
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = options.connections
    configuration.connectionPool.idleTimeout = .seconds(60)
    // Of the public interface of async-http-client (1.37.0), only this closure reaches the pipeline of a connection.
    // Its name speaks of debugging; its documentation promises "access to the HTTP/1 connection channel that is called
    // when creating the connection". No setting does what the handler does: the client flushes the head, the body and
    // the end of a request by themselves, and closes idle connections by their age alone, never down to a number.
    let connections = ConnectionHandler.Connections()
    configuration.http1_1ConnectionDebugInitializer = { ConnectionHandler.add(to: $0, of: connections) }
    // Whether to try again is decided elsewhere, with a view of all calls.
    configuration.connectionPool.retryConnectionEstablishment = false
    showsCertificate = options.clientIdentity != nil
    proxy = options.proxy.map { ServiceURL(scheme: .http, host: $0.host, port: $0.port).hostAndPort }
    // One loop, so that the events of an exchange come in their order: an exchange that ends has or has not begun to
    // leave.
    client = HTTPClient(eventLoopGroupProvider: .shared(eventLoopGroup.next()), configuration: configuration)
  }

  private static func tlsConfiguration(
    _ options: TransportOptions
  ) throws(TransportConfigurationError) -> TLSConfiguration {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = .tlsv12
    if let file = options.authoritiesFile {
      tls.trustRoots = .certificates(try CertificateFiles.shared.certificates(file))
    }
    if let identity = options.clientIdentity {
      tls.certificateChain = try CertificateFiles.shared.certificates(identity.certificateFile).map { .certificate($0) }
      do {
        let bytes = try HostFiles.system.read(identity.privateKeyFile)
        tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: bytes, format: .pem))
      } catch {
        throw TransportConfigurationError(
          description: "\(identity.privateKeyFile) is not a readable private key in PEM form without a password",
          cause: ErrorCause("\(error)"))
      }
    }
    return tls
  }

  /// Makes one exchange.
  ///
  /// - Parameters:
  ///   - deadline: When the response must be complete.
  ///   - limitBytes: Bound of the response's body.
  /// - Throws: `TransportError` if there is no complete response. Any HTTP status is a response.
  func send(
    _ request: HTTPClient.Request, deadline: NIODeadline, limitBytes: Int = responseLimitBytes
  ) async throws(TransportError) -> HTTPReply {
    var attempts = 1
    while true {
      let exchange = Exchange(request, limitBytes: limitBytes)
      do throws(TransportError) {
        return try await send(request, exchange, deadline: deadline)
      } catch {
        // A kept connection may end just when a request takes it up. It has carried nothing then.
        guard error.kind == .connectionLost, !error.requestHasBegun, attempts < Self.mostConnections else {
          throw error
        }
        attempts += 1
      }
    }
  }

  private func send(
    _ request: HTTPClient.Request, _ exchange: Exchange, deadline: NIODeadline
  ) async throws(TransportError) -> HTTPReply {
    let task = client.execute(request: request, delegate: exchange, deadline: deadline)
    do {
      let response = try await withTaskCancellationHandler {
        try await task.get()
      } onCancel: {
        task.cancel()
      }
      return HTTPReply(
        status: Int(response.status.code), headers: response.headers,
        body: response.body.map { Array($0.readableBytesView) } ?? [])
    } catch {
      throw TransportError(error, showsCertificate: showsCertificate)
        .ofExchange(requestHasBegun: exchange.hasBegun).by(proxy: proxy)
    }
  }

  /// Makes one exchange with a request given in parts.
  ///
  /// - Throws: `TransportError` if there is no complete response.
  func send(
    _ method: HTTPMethod, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil,
    deadline: NIODeadline
  ) async throws(TransportError) -> HTTPReply {
    let request: HTTPClient.Request
    do {
      request = try HTTPClient.Request(
        url: url, method: method, headers: HTTPHeaders(headers), body: body.map { .bytes($0) })
    } catch {
      throw TransportError(.other, "the URL cannot be used", cause: ErrorCause("\(error)"))
    }
    return try await send(request, deadline: deadline)
  }

  /// Closes the connections. Exchanges under way end with an error.
  func shutdown() async {
    try? await client.shutdown()
  }
}

/// Collects a response and notes when the request begins to leave.
private final class Exchange: HTTPClientResponseDelegate {
  typealias Response = HTTPClient.Response

  private let answer: ResponseAccumulator
  private let begun = Atomic<Bool>(false)

  var hasBegun: Bool { begun.load(ordering: .acquiring) }

  init(_ request: HTTPClient.Request, limitBytes: Int) {
    answer = ResponseAccumulator(request: request, maxBodySize: limitBytes)
  }

  func didSendRequestHead(task: HTTPClient.Task<Response>, _ head: HTTPRequestHead) {
    begun.store(true, ordering: .releasing)
  }

  func didReceiveHead(task: HTTPClient.Task<Response>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
    answer.didReceiveHead(task: task, head)
  }

  func didReceiveBodyPart(task: HTTPClient.Task<Response>, _ part: ByteBuffer) -> EventLoopFuture<Void> {
    answer.didReceiveBodyPart(task: task, part)
  }

  func didReceiveError(task: HTTPClient.Task<Response>, _ error: any Error) {
    answer.didReceiveError(task: task, error)
  }

  func didFinishRequest(task: HTTPClient.Task<Response>) throws -> Response {
    try answer.didFinishRequest(task: task)
  }
}
