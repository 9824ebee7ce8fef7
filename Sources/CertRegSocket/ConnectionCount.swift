import CertRegCore
import CertRegProtocol
import NIOCore
import Synchronization

/// Connections of all loops, with their limit.
final class ConnectionCount: Sendable {
  let limit: Int
  private let open = Atomic<Int>(0)

  init(limit: Int) {
    self.limit = limit
  }

  /// Counts one more, or returns `false` where there are as many as are allowed.
  func enter() -> Bool {
    guard open.wrappingAdd(1, ordering: .relaxed).newValue > limit else { return true }
    leave()
    return false
  }

  func leave() {
    open.wrappingSubtract(1, ordering: .relaxed)
  }
}

/// Tells a client that there are too many connections, and closes: an error is clearer than a connection on which nothing moves.
final class ConnectionRefuser: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let limit: Int

  init(limit: Int) {
    self.limit = limit
  }

  func channelActive(context: ChannelHandlerContext) {
    let error = ServiceError(
      .serviceUnavailable, reason: "too_many_connections",
      message: "\(limit) connections are open already (socket.maxConnections, or the limit of open files)",
      retryable: true, retryAfterMilliseconds: 1000)
    let line = AnswerEncoder.error(id: Array("null".utf8), error)
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: line))).whenComplete { _ in channel.close(promise: nil) }
  }
}
