import CertRegCore
import NIOCore
import NIOHTTP1
import Synchronization

/// The HTTP connections to the sources of a target's credentials: one transport for each host, made when it is first
/// needed.
final class CredentialEndpoints: Sendable {
  /// Time limit of an exchange. The services answer within milliseconds.
  static let remoteTimeout = Duration.seconds(10)
  /// Time limit of an exchange with a service on this host or its link.
  static let localTimeout = Duration.seconds(2)

  /// Where a source is.
  enum Place: Hashable, Sendable {
    /// In the network, behind the target's proxy, with a certificate of the target's authorities.
    case network
    /// On this host or its link, such as instance metadata and containers' endpoints. No target's setting concerns it.
    case host
  }

  private struct Destination: Hashable {
    var place: Place
    var scheme: ServiceURL.Scheme
    var authority: String
  }

  private struct State {
    var transports: [Destination: HTTPTransport] = [:]
    var isShutDown = false
  }

  private let connections: ConnectionSettings
  private let hostConnections: ConnectionSettings
  private let eventLoopGroup: any EventLoopGroup
  /// Protects the table of transports.
  private let state = Mutex(State())

  /// - Parameter connections: The target's; `nil`: its settings do not matter.
  init(
    _ connections: ConnectionSettings? = nil, environment: ProcessEnvironment, eventLoopGroup: any EventLoopGroup
  ) {
    hostConnections = ConnectionSettings(environment: environment)
    self.connections = connections ?? hostConnections
    self.eventLoopGroup = eventLoopGroup
  }

  /// The file of the authorities of services in the network; `nil`: they are the system's.
  var authoritiesFile: String? { connections.authoritiesFile }

  /// Makes one exchange.
  ///
  /// - Parameter timeoutAdvice: What to say if the service took the request and did not answer in time.
  /// - Throws: `unavailable`, with the name of `service`, if there was no reply.
  func send(
    _ method: HTTPMethod, _ url: ServiceURL, path: String = "", query: String = "",
    headers: [(name: String, value: String)] = [], body: [UInt8]? = nil, timeout: Duration, service: String,
    place: Place = .network, timeoutAdvice: String? = nil
  ) async throws(CredentialsError) -> HTTPReply {
    let transport = try transport(for: url, place, timeout: timeout)
    do throws(TransportError) {
      return try await transport.send(
        method, url.text(path: path, query: query), headers: headers, body: body,
        deadline: .now() + .nanoseconds(timeout.nanoseconds))
    } catch {
      let advice = error.kind == .requestTimeout ? timeoutAdvice.map { "; \($0)" } ?? "" : ""
      throw CredentialsError(
        .unavailable, "\(service) at \(url.authority): \(error.detail(at: url.host))\(advice)",
        cause: error.cause?.masked(with: connections.secrets))
    }
  }

  private func transport(
    for url: ServiceURL, _ place: Place, timeout: Duration
  ) throws(CredentialsError) -> HTTPTransport {
    let key = Destination(place: place, scheme: url.scheme, authority: url.authority)
    let settings = place == .network ? connections : hostConnections
    let result: Result<HTTPTransport, CredentialsError> = state.withLock { state in
      if state.isShutDown { return .failure(CredentialsError(.unavailable, "The daemon is shutting down")) }
      if let transport = state.transports[key] { return .success(transport) }
      do {
        var options = TransportOptions()
        options.proxy = try settings.proxy(for: url)
        options.authoritiesFile = settings.authoritiesFile
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
