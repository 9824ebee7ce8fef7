import CertRegCore
import Glibc
package import Logging
package import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// The endpoint on a TCP socket: HTTP/1.1, over TLS if there is a context for it.
package final class SandboxServer: Sendable {
  /// Longest request body that is read. A certificate of 65,536 characters fits with every one of them escaped as a
  /// pair of `\u` sequences.
  package static let bodyLimitBytes = 1 << 20

  private let listener: any Channel
  private let connections: ConnectionSet
  private let isSecure: Bool

  private init(listener: any Channel, connections: ConnectionSet, isSecure: Bool) {
    self.listener = listener
    self.connections = connections
    self.isSecure = isSecure
  }

  /// Binds the address and begins to answer.
  ///
  /// - Parameters:
  ///   - port: 0 takes one that is free.
  ///   - idleLimit: A connection on which nothing is sent or received for so long is closed.
  ///   - identity: What to answer with over TLS; `nil` speaks HTTP without TLS.
  /// - Throws: What the system says where the address cannot be bound.
  package static func start(
    endpoint: SandboxEndpoint, host: String, port: Int, identity: ServerIdentity? = nil,
    idleLimit: Duration = .seconds(300),
    logger: Logger, on group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
  ) async throws -> SandboxServer {
    let connections = ConnectionSet()
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          // Without it the loop accepts again and again where the process has no descriptor left.
          try channel.pipeline.syncOperations.addHandler(AcceptBackoffHandler(shouldForwardIOErrorCaught: false))
        }
      }
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(IdleStateHandler(allTimeout: .nanoseconds(idleLimit.nanoseconds)))
          if let identity { try pipeline.addHandler(NIOSSLServerHandler(context: identity.context)) }
          // A client that does not read its answers is not read from either.
          try pipeline.addHandler(BackPressureHandler())
          try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
          try pipeline.addHandler(
            HTTPConnectionHandler(endpoint: endpoint, bodyLimitBytes: bodyLimitBytes, logger: logger))
          connections.insert(channel)
        }
      }
    let listener: any Channel
    do {
      listener = try await bootstrap.bind(host: host, port: port).get()
    } catch let error as IOError {
      // NIO's words name its own function.
      throw BindError(description: BindError.text(error.errnoCode))
    } catch is SocketAddressError.UnknownHost {
      throw BindError(description: "no address is known for this name")
    }
    return SandboxServer(listener: listener, connections: connections, isSecure: identity != nil)
  }

  /// The port that is bound.
  package var port: Int { listener.localAddress?.port ?? 0 }

  /// `http://127.0.0.1:8080`: what goes after `--endpoint-url`.
  package var url: String {
    let address = listener.localAddress?.ipAddress ?? "127.0.0.1"
    let host = address.contains(":") ? "[\(address)]" : address
    return "\(isSecure ? "https" : "http")://\(host):\(port)"
  }

  /// Takes no more connections, lets requests under way have their answers, and closes. Connections that still wait
  /// after `deadline` are cut off.
  package func stop(within deadline: Duration = .seconds(5)) async {
    try? await listener.close()
    await connections.drain(within: deadline)
  }
}

/// Why an address cannot be bound.
private struct BindError: Error, CustomStringConvertible {
  let description: String

  static func text(_ code: CInt) -> String {
    switch code {
    case EADDRINUSE: "another program uses this port; --port 0 takes a free one"
    case EACCES: "ports below 1024 need a right that this user does not have"
    case EADDRNOTAVAIL: "this host does not have the address"
    default: String(cString: strerror(code))
    }
  }
}

/// The open connections of a server.
private final class ConnectionSet: Sendable {
  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    var isDraining = false
  }

  /// Protects the set: channels come and go on their own event loops.
  private let state = Mutex(State())

  func insert(_ channel: any Channel) {
    let isLate = state.withLock { state in
      state.channels[ObjectIdentifier(channel)] = channel
      return state.isDraining
    }
    channel.closeFuture.whenComplete { _ in
      self.state.withLock { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
    }
    if isLate { channel.close(promise: nil) }
  }

  /// Asks every connection to end with the request that it is at, and waits.
  func drain(within deadline: Duration) async {
    let open = state.withLock { state in
      state.isDraining = true
      return Array(state.channels.values)
    }
    for channel in open { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        // Sleeping ends early, and without harm, when the connections have closed first.
        try? await Task.sleep(for: deadline)
        if !Task.isCancelled { for channel in open { channel.close(promise: nil) } }
      }
      for channel in open { try? await channel.closeFuture.get() }
      group.cancelAll()
    }
  }
}
