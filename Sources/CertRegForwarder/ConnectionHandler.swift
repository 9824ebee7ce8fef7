import CertRegCore
import NIOCore
import NIOHTTP1
import Synchronization

/// A handler in each connection of the HTTP client, between the client and the encoder. It does two things for which
/// the client has no settings.
///
/// **One write for each request.** The client flushes the head of a request, its body and its end separately: a call
/// would take two writes to the socket, two segments and, over TLS, two records. The handler flushes the writes of one
/// turn of the event loop together.
///
/// **Few idle connections.** After a burst of calls, idle connections are closed soon, which frees their descriptors. A
/// few stay and save later calls a handshake.
final class ConnectionHandler: ChannelDuplexHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundIn = HTTPClientRequestPart

  /// The open connections of one client.
  final class Connections: Sendable {
    let count = Atomic(0)
  }

  private static let keptWhenIdle = 4
  private static let patience = TimeAmount.milliseconds(100)

  private let connections: Connections
  private var isCounted = false
  private var isFlushDue = false
  private var isBusy = false
  private var idleSince = NIODeadline.uptimeNanoseconds(0)
  private var isWatched = false

  private init(_ connections: Connections) {
    self.connections = connections
  }

  /// Adds a handler to a new connection.
  static func add(to channel: any Channel, of connections: Connections) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      let pipeline = channel.pipeline.syncOperations
      let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
      try pipeline.addHandler(ConnectionHandler(connections), position: .after(decoder))
    }
  }

  func handlerAdded(context: ChannelHandlerContext) {
    connections.count.add(1, ordering: .relaxed)
    isCounted = true
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    uncount()
  }

  private func uncount() {
    if isCounted { connections.count.subtract(1, ordering: .relaxed) }
    isCounted = false
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    isBusy = true
    context.write(data, promise: promise)
  }

  func flush(context: ChannelHandlerContext) {
    if isFlushDue { return }
    isFlushDue = true
    context.eventLoop.assumeIsolated().execute {
      self.isFlushDue = false
      context.flush()
    }
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    if isFlushDue { context.flush() }
    context.close(mode: mode, promise: promise)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .end = unwrapInboundIn(data) {
      isBusy = false
      idleSince = context.eventLoop.now
      if !isWatched { watch(context, until: idleSince + Self.patience) }
    }
    context.fireChannelRead(data)
  }

  /// Closes the connection at `deadline` if it is idle and too many are open.
  private func watch(_ context: ChannelHandlerContext, until deadline: NIODeadline) {
    guard connections.count.load(ordering: .relaxed) > Self.keptWhenIdle else { return }
    isWatched = true
    context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
      self.isWatched = false
      guard context.channel.isActive, !self.isBusy else { return }
      if context.eventLoop.now < self.idleSince + Self.patience {
        self.watch(context, until: self.idleSince + Self.patience)
      } else if self.connections.count.load(ordering: .relaxed) > Self.keptWhenIdle {
        // Counted out before it is closed, since the handlers of other connections look at the count now.
        self.uncount()
        context.close(promise: nil)
      }
    }
  }
}
