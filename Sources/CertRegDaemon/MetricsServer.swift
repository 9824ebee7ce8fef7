import CertRegHost
import CertRegSettings
import NIOCore
import NIOHTTP1
import NIOPosix

/// Answers Prometheus scrapes over HTTP, on a loopback address or a Unix socket.
struct MetricsServer: Sendable {
  private static let idleLimit = TimeAmount.minutes(5)
  /// Connections at once. They share the descriptors that are kept back from the socket's connections.
  private static let mostConnections = 16
  /// Hands the metrics in Prometheus' text format to its argument, on any thread.
  typealias Exposition = @Sendable (@escaping @Sendable (String) -> Void) -> Void

  private let listener: any Channel
  /// The socket's file, where it is a Unix socket.
  private let socket: ListeningSocket?

  /// Begins to answer.
  ///
  /// - Throws: `HostError`, with the name of the setting, if the address cannot be bound.
  static func start(
    _ listen: MetricsSettings.Listen, exposition: @escaping Exposition, on group: any EventLoopGroup
  ) async throws(HostError) -> MetricsServer {
    let connections = ScrapeConnections(limit: mostConnections)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        connections.enter(channel)
        channel.closeFuture.whenComplete { _ in connections.leave(channel) }
        return channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(IdleStateHandler(allTimeout: idleLimit))
          try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
          try pipeline.addHandler(ScrapeHandler(exposition: exposition, connections: connections))
        }
      }
    do {
      switch listen {
      case .tcp(let host, let port):
        return MetricsServer(listener: try await bootstrap.bind(host: host, port: port).get(), socket: nil)
      case .unix(let path):
        let socket = try ListeningSocket.open(.init(path: path))
        return MetricsServer(listener: try await bootstrap.withBoundSocket(socket.descriptor).get(), socket: socket)
      }
    } catch {
      throw fault(error, at: listen)
    }
  }

  private static func fault(_ error: any Error, at listen: MetricsSettings.Listen) -> HostError {
    if let error = error as? HostError { return HostError(error.code, message: "metrics.listen: \(error.message)") }
    let address =
      switch listen {
      case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
      case .unix(let path): path
      }
    guard let error = error as? IOError else {
      return HostError(.failed, message: "metrics.listen: \(address): \(error)")
    }
    return HostError(errno: error.errnoCode, call: "bind", subject: "metrics.listen: \(address)")
  }

  func stop() async {
    socket?.removeFile()
    try? await listener.close().get()
  }
}

/// One connection: `GET /metrics` and nothing else. The pipeline holds back the next request until this one is
/// answered, and this one is not answered before the client has read what was written.
final class ScrapeHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let exposition: MetricsServer.Exposition
  private let connections: ScrapeConnections
  /// The request that is read, or that waits until the client has read more.
  private var head: HTTPRequestHead?
  private var isComplete = false

  init(exposition: @escaping MetricsServer.Exposition, connections: ScrapeConnections) {
    self.exposition = exposition
    self.connections = connections
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): self.head = head
    case .body: break
    case .end:
      guard head != nil else { return }
      isComplete = true
      connections.requested(context.channel)
      answerIfWritable(context)
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    answerIfWritable(context)
    context.fireChannelWritabilityChanged()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is IdleStateHandler.IdleStateEvent {
      context.close(promise: nil)
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  private func answerIfWritable(_ context: ChannelHandlerContext) {
    guard isComplete, context.channel.isWritable, let head else { return }
    self.head = nil
    isComplete = false
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    answer(head) { status, text in
      // With the end of an answer the pipeline delivers the next request. Written while one is delivered, the answers to
      // thousands of requests in one packet would nest.
      bound.eventLoop.execute {
        let (handler, context) = bound.value
        handler.write(status, text, head, context)
      }
    }
  }

  private func answer(_ head: HTTPRequestHead, _ write: @escaping @Sendable (HTTPResponseStatus, String) -> Void) {
    guard head.uri.prefix(while: { $0 != "?" }) == "/metrics" else {
      return write(.notFound, "the metrics are at /metrics\n")
    }
    guard head.method == .GET || head.method == .HEAD else {
      return write(.methodNotAllowed, "the metrics can only be read, with GET\n")
    }
    exposition { write(.ok, $0) }
  }

  private func write(
    _ status: HTTPResponseStatus, _ text: String, _ request: HTTPRequestHead, _ context: ChannelHandlerContext
  ) {
    var headers = HTTPHeaders()
    headers.add(name: "Content-Type", value: "text/plain; version=0.0.4; charset=utf-8")
    headers.add(name: "Content-Length", value: "\(text.utf8.count)")
    let head = HTTPResponseHead(version: request.version, status: status, headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if request.method != .HEAD {
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
    }
    let end = context.writeAndFlush(wrapOutboundOut(.end(nil)))
    if !request.isKeepAlive {
      let channel = context.channel
      end.whenComplete { _ in channel.close(promise: nil) }
    }
  }
}
