import NIOCore
import NIOSSL

/// Flushes once for all that is written in one turn of the event loop.
///
/// The HTTP client flushes the head of a request, its body and its end by themselves: without this a call takes two writes to
/// the socket, two segments and, over TLS, two records.
final class FlushConsolidation: ChannelOutboundHandler {
  typealias OutboundIn = Any

  private var isDue = false

  func flush(context: ChannelHandlerContext) {
    if isDue { return }
    isDue = true
    context.eventLoop.assumeIsolated().execute {
      self.isDue = false
      context.flush()
    }
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    if isDue { context.flush() }
    context.close(mode: mode, promise: promise)
  }

  /// Adds it to a client's connection: behind TLS, so that what is flushed together is encrypted together.
  static func add(to channel: any Channel) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      let pipeline = channel.pipeline.syncOperations
      if let encryption = try? pipeline.handler(type: NIOSSLClientHandler.self) {
        try pipeline.addHandler(FlushConsolidation(), position: .after(encryption))
      } else {
        try pipeline.addHandler(FlushConsolidation(), position: .first)
      }
    }
  }
}
