import CertRegCore
import NIOCore
import NIOHTTP1
import Synchronization

/// The HTTP connections to credential services: one transport for each host, made when it is first needed.
final class CredentialEndpoints: Sendable {
  /// Time limit of an exchange. The services answer within milliseconds.
  static let remoteTimeout = Duration.seconds(10)
  /// Time limit of an exchange with a service on this host or its link.
  static let localTimeout = Duration.seconds(2)

  private struct State {
    var transports: [String: HTTPTransport] = [:]
    var isShutDown = false
  }

  private let environment: ProcessEnvironment
  private let eventLoopGroup: any EventLoopGroup
  /// Protects the table of transports.
  private let state = Mutex(State())

  init(environment: ProcessEnvironment, eventLoopGroup: any EventLoopGroup) {
    self.environment = environment
    self.eventLoopGroup = eventLoopGroup
  }

  /// Makes one exchange.
  ///
  /// - Throws: `unavailable`, with the name of `service`, if there was no reply.
  func send(
    _ method: HTTPMethod, _ url: ServiceURL, path: String = "", query: String = "",
    headers: [(name: String, value: String)] = [], body: [UInt8]? = nil, timeout: Duration, service: String
  ) async throws(CredentialsError) -> HTTPReply {
    let transport = try transport(for: url, timeout: timeout)
    do throws(TransportError) {
      return try await transport.send(
        method, url.text(path: path, query: query), headers: headers, body: body,
        deadline: .now() + .nanoseconds(timeout.nanoseconds))
    } catch {
      throw CredentialsError(
        .unavailable, "\(service) at \(url.authority): \(error.detail)",
        cause: error.cause?.masked(with: environment.secrets))
    }
  }

  private func transport(for url: ServiceURL, timeout: Duration) throws(CredentialsError) -> HTTPTransport {
    let key = "\(url.scheme.rawValue)://\(url.authority)"
    let result: Result<HTTPTransport, CredentialsError> = state.withLock { state in
      if state.isShutDown { return .failure(CredentialsError(.unavailable, "The daemon is shutting down")) }
      if let transport = state.transports[key] { return .success(transport) }
      do {
        var options = TransportOptions()
        options.proxy = try ProxySettings.proxy(for: url, configured: nil, environment: environment)
        options.authoritiesFile = environment["AWS_CA_BUNDLE"]
        options.connectTimeout = min(timeout, .seconds(5))
        let transport = try HTTPTransport(options: options, eventLoopGroup: eventLoopGroup)
        state.transports[key] = transport
        return .success(transport)
      } catch {
        return .failure(CredentialsError(.invalid, "\(error)", cause: (error as? TransportConfigurationError)?.cause))
      }
    }
    return try result.get()
  }

  func shutdown() async {
    let transports = state.withLock { state in
      state.isShutDown = true
      defer { state.transports = [:] }
      return Array(state.transports.values)
    }
    for transport in transports { await transport.shutdown() }
  }
}
