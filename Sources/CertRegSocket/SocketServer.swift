package import CertRegCore
import Glibc
package import NIOCore
package import NIOPosix

/// Listens on a Unix socket and runs a `ConnectionHandler` for each connection, spread over event loops.
package final class SocketServer: Sendable {
  /// Most bytes of one read: together with the free bytes of a connection the bound of what an idle one can hold.
  static let longestRead = 32 * 1024
  /// How long connections are accepted that were in the backlog when the daemon was asked to stop.
  private static let lastAccepts = TimeAmount.milliseconds(50)
  /// Connections that may wait to be accepted.
  private static let backlog: CInt = 4096

  private let group: MultiThreadedEventLoopGroup
  private let loops: [NIOLoopBoundBox<LoopContext>]
  private let listener: any Channel

  private init(
    group: MultiThreadedEventLoopGroup, loops: [NIOLoopBoundBox<LoopContext>], listener: any Channel
  ) {
    self.group = group
    self.loops = loops
    self.listener = listener
  }

  /// Starts to accept connections on `socket`, a listening Unix stream socket that the server takes over.
  package static func start(
    on socket: CInt, group: MultiThreadedEventLoopGroup, handling: any RequestHandling, cache: ResultCache,
    configuration: SocketConfiguration
  ) async throws -> SocketServer {
    let budget = ByteBudget(limit: configuration.budgetBytes)
    var random = SystemRandomNumberGenerator()
    let textHash = TextHash(key: (random.next(), random.next()))
    var loops: [NIOLoopBoundBox<LoopContext>] = []
    for eventLoop in group.makeIterator() {
      loops.append(
        try await eventLoop.submit {
          NIOLoopBoundBox(
            LoopContext(
              eventLoop: eventLoop, handling: handling, cache: cache, budget: budget, textHash: textHash,
              configuration: configuration), eventLoop: eventLoop)
        }.get())
    }
    let contexts = loops
    let open = ConnectionCount(limit: configuration.maxConnections)
    let listener = try await ServerBootstrap(group: group)
      .serverChannelOption(.maxMessagesPerRead, value: 16)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: longestRead)
      )
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard let context = contexts.first(where: { $0.eventLoop === channel.eventLoop })?.value else {
            throw ChannelError.operationUnsupported
          }
          guard open.enter() else {
            try channel.pipeline.syncOperations.addHandler(ConnectionRefuser(limit: open.limit))
            return
          }
          channel.closeFuture.whenComplete { _ in open.leave() }
          let peer = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) {
            try handling.peer(ofDescriptor: $0)
          }
          guard let peer else { throw ChannelError.operationUnsupported }
          try channel.pipeline.syncOperations.addHandler(ConnectionHandler(loop: context, peer: peer))
        }
      }
      .withBoundSocket(socket).get()
    // NIO listens once more on a socket that it is given, with a backlog of its own.
    _ = Glibc.listen(socket, backlog)
    return SocketServer(group: group, loops: loops, listener: listener)
  }

  /// Sum of what all loops counted.
  package func counters(on eventLoop: any EventLoop) -> EventLoopFuture<LoopCounters> {
    let futures = loops.map { loop in loop.eventLoop.submit { loop.value.counters } }
    return EventLoopFuture.reduce(LoopCounters(), futures, on: eventLoop, +)
  }

  /// Gives new limits to connections from now on.
  package func reconfigure(_ configuration: SocketConfiguration) async {
    for loop in loops {
      try? await loop.eventLoop.submit { loop.value.reconfigure(configuration) }.get()
    }
  }

  /// Runs `body` on one of the event loops; for the watchdog, which wants to know that all of them turn.
  package func onLoop(_ number: Int, _ body: @escaping @Sendable () -> Void) {
    loops[number].eventLoop.execute(body)
  }

  package var loopCount: Int { loops.count }

  /// Takes no more requests; returns once every connection has its answers and is closed.
  ///
  /// `isShared`: the service manager goes on listening, so what waits to be accepted is the next daemon's. Else it is ours, and
  /// has had its connection accepted by the kernel already.
  package func drain(isShared: Bool) async {
    if !isShared { try? await listener.eventLoop.scheduleTask(in: Self.lastAccepts) {}.futureResult.get() }
    try? await listener.close().get()
    let futures = loops.map { loop in
      let promise = loop.eventLoop.makePromise(of: Void.self)
      loop.eventLoop.execute { loop.value.drain(promise) }
      return promise.futureResult
    }
    for future in futures { try? await future.get() }
  }

  /// Closes what is left open.
  package func closeAll() {
    for loop in loops {
      loop.eventLoop.execute { loop.value.closeAll() }
    }
  }
}
