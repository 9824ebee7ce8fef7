import AsyncHTTPClient
import CertRegCore
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// An HTTP answer, complete.
struct HTTPReply: Sendable {
  var status: Int
  var headers: HTTPHeaders
  var body: [UInt8]
}

/// How a transport connects.
struct TransportOptions: Sendable {
  var proxy: HTTPClient.Configuration.Proxy?
  /// PEM file of authorities; `nil`: the system's.
  var authoritiesFile: String?
  /// PEM files of the certificate (chain) and key for mutual TLS.
  var clientIdentity: (certificateFile: String, privateKeyFile: String)?
  var connectTimeout = Duration.seconds(5)
  /// Most connections at once.
  var connections = 8
}

/// A setting of TLS that cannot be used.
struct TransportConfigurationError: Error, Hashable, CustomStringConvertible {
  /// Names the file and what is wrong with it.
  let description: String
}

/// Sends requests and collects answers: keeps connections, follows no redirect, asks for no compression, reads no more of
/// an answer than AWS would ever send, and holds to a deadline from the first byte to the last.
final class HTTPTransport: Sendable {
  /// Answers of all the services here have a few kilobytes at most.
  static let responseLimitBytes = 64 * 1024
  /// On how many connections a request is tried of which nothing was sent.
  private static let mostConnections = 3

  private let client: HTTPClient

  init(options: TransportOptions, eventLoopGroup: any EventLoopGroup) throws(TransportConfigurationError) {
    var configuration = HTTPClient.Configuration(
      tlsConfiguration: try HTTPTransport.tlsConfiguration(options), redirectConfiguration: .disallow,
      timeout: .init(connect: .nanoseconds(options.connectTimeout.nanoseconds)), proxy: options.proxy)
    configuration.httpVersion = .http1Only
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = options.connections
    configuration.connectionPool.idleTimeout = .seconds(60)
    // Called "debug", and the only way to a connection's handlers.
    let connections = ConnectionHandler.Connections()
    configuration.http1_1ConnectionDebugInitializer = { ConnectionHandler.add(to: $0, of: connections) }
    // Whether to try again is decided elsewhere, with a view of all calls.
    configuration.connectionPool.retryConnectionEstablishment = false
    client = HTTPClient(eventLoopGroupProvider: .shared(eventLoopGroup), configuration: configuration)
  }

  private static func tlsConfiguration(
    _ options: TransportOptions
  ) throws(TransportConfigurationError) -> TLSConfiguration {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = .tlsv12
    if let file = options.authoritiesFile {
      tls.trustRoots = .certificates(try certificates(file))
    }
    if let identity = options.clientIdentity {
      tls.certificateChain = try certificates(identity.certificateFile).map { .certificate($0) }
      do {
        tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: identity.privateKeyFile, format: .pem))
      } catch {
        throw TransportConfigurationError(
          description: "\(identity.privateKeyFile) is not a readable private key in PEM form without a password")
      }
    }
    return tls
  }

  private static func certificates(_ file: String) throws(TransportConfigurationError) -> [NIOSSLCertificate] {
    do {
      let certificates = try NIOSSLCertificate.fromPEMFile(file)
      if !certificates.isEmpty { return certificates }
    } catch {}
    throw TransportConfigurationError(description: "\(file) is not a readable file of certificates in PEM form")
  }

  /// Makes one exchange.
  ///
  /// - Parameter deadline: When the answer must be complete.
  /// - Throws: `TransportError` where none came; any HTTP status is an answer. Its kind is one of those before a connection is there
  ///   only where nothing of the request was sent.
  func send(_ request: HTTPClient.Request, deadline: NIODeadline) async throws(TransportError) -> HTTPReply {
    var attempts = 1
    while true {
      let exchange = Exchange(request)
      do throws(TransportError) {
        return try await send(request, exchange, deadline: deadline)
      } catch {
        // A kept connection that ends, by either side, in the moment in which it is taken up has carried nothing.
        guard error.kind == .connectionLost, !exchange.hasBegun, attempts < Self.mostConnections else { throw error }
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
      let failure = TransportError(error)
      // What fails TLS, or a route, may do so at any time, and the error is the same.
      throw exchange.hasBegun && !failure.kind.isAfterConnecting
        ? TransportError(.connectionLost, "the connection failed before the answer was complete") : failure
    }
  }

  /// Makes one exchange with a request that is given by its parts.
  func send(
    _ method: HTTPMethod, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil,
    deadline: NIODeadline
  ) async throws(TransportError) -> HTTPReply {
    let request: HTTPClient.Request
    do {
      request = try HTTPClient.Request(
        url: url, method: method, headers: HTTPHeaders(headers), body: body.map { .bytes($0) })
    } catch {
      throw TransportError(.other, "the URL cannot be used")
    }
    return try await send(request, deadline: deadline)
  }

  /// Closes the connections; exchanges under way end with an error.
  func shutdown() async {
    try? await client.shutdown()
  }
}

/// Collects an answer and knows whether the request has begun to leave.
private final class Exchange: HTTPClientResponseDelegate {
  typealias Response = HTTPClient.Response

  private let answer: ResponseAccumulator
  private let begun = Atomic<Bool>(false)

  var hasBegun: Bool { begun.load(ordering: .acquiring) }

  init(_ request: HTTPClient.Request) {
    answer = ResponseAccumulator(request: request, maxBodySize: HTTPTransport.responseLimitBytes)
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
