package import CertRegCore
import Glibc
package import NIOCore
import NIOPosix

/// Listens on Unix sockets and serves their connections on a few threads, each with a `SocketLoop`.
package final class SocketServer: Sendable {
  private let threads: NIOThreadPool
  private let mailboxes: [Mailbox]

  /// A server that does not listen yet: others may ask it for its counters.
  ///
  /// - Parameter count: How many threads it uses.
  /// - Throws: `SystemCallError`: the process has no descriptor left.
  package init(loops count: Int) throws(SystemCallError) {
    mailboxes = try (0..<count).map { _ throws(SystemCallError) in try Mailbox() }
    threads = NIOThreadPool(numberOfThreads: count)
  }

  /// Starts to accept connections.
  ///
  /// - Parameters:
  ///   - sockets: Listening Unix stream sockets, which the server takes over.
  ///   - handling: Answers the requests that the loops cannot answer themselves.
  ///   - cache: The results that the loops answer repeats from.
  ///   - demand: Told when many repeats are answered.
  ///   - clock: Read once for each turn of a loop.
  ///   - configuration: Limits, and the names of targets.
  /// - Throws: `SystemCallError`: the process has no descriptor left.
  package func serve(
    _ sockets: [CInt], handling: any RequestHandling, cache: ResultCache, demand: AnswerDemand, clock: HostClock,
    configuration: SocketConfiguration
  ) async throws(SystemCallError) {
    var random = SystemRandomNumberGenerator()
    let shared = SocketLoop.Shared(
      handling: handling, cache: cache, demand: demand, clock: clock,
      budget: ByteBudget(limit: configuration.budgetBytes), textHash: TextHash(using: &random),
      open: ConnectionCount(limit: configuration.maxConnections),
      users: UserConnections(limit: configuration.maxConnectionsPerUser ?? .max), configuration: configuration)
    threads.start()
    for mailbox in mailboxes { try await startLoop(shared, mailbox: mailbox) }
    for socket in sockets { try Self.setNonBlocking(socket) }
    try await onFirstLoop { [mailboxes] loop throws(SystemCallError) in
      try loop.accept(
        with: Acceptor(
          sockets, mailboxes: mailboxes, open: shared.open, exhausted: configuration.connectionsExhausted))
    }
  }

  private static func setNonBlocking(_ descriptor: CInt) throws(SystemCallError) {
    let flags = fcntl(descriptor, F_GETFL)
    guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 else { throw SystemCallError("fcntl") }
  }

  /// Starts a loop on a thread of its own; returns once it turns.
  private func startLoop(_ shared: SocketLoop.Shared, mailbox: Mailbox) async throws(SystemCallError) {
    let started: Result<Void, SystemCallError> = await withCheckedContinuation { continuation in
      threads.submit { _ in
        do throws(SystemCallError) {
          let loop = try SocketLoop(shared, mailbox: mailbox)
          continuation.resume(returning: .success(()))
          loop.run()
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
    }
    try started.get()
  }

  private func onFirstLoop(
    _ body: @escaping @Sendable (SocketLoop) throws(SystemCallError) -> Void
  ) async throws(SystemCallError) {
    let done: Result<Void, SystemCallError> = await withCheckedContinuation { continuation in
      mailboxes[0].post { loop in
        continuation.resume(returning: Result { () throws(SystemCallError) in try body(loop) })
      }
    }
    try done.get()
  }

  /// The sums of all loops' counts.
  package func counters(on eventLoop: any EventLoop) -> EventLoopFuture<LoopCounters> {
    let futures = mailboxes.map { mailbox in
      let promise = eventLoop.makePromise(of: LoopCounters.self)
      mailbox.post { promise.succeed($0.counters) }
      return promise.futureResult
    }
    return EventLoopFuture.reduce(LoopCounters(), futures, on: eventLoop, +)
  }

  /// Gives new limits to all connections, open ones included.
  package func reconfigure(_ configuration: SocketConfiguration) async {
    for mailbox in mailboxes {
      await withCheckedContinuation { continuation in
        mailbox.post { loop in
          loop.reconfigure(configuration)
          continuation.resume()
        }
      }
    }
  }

  /// Runs `body` on a loop; the watchdog checks with it that all loops turn.
  package func onLoop(_ number: Int, _ body: @escaping @Sendable () -> Void) {
    mailboxes[number].post { _ in body() }
  }

  /// The count of loops.
  package var loopCount: Int { mailboxes.count }

  /// Takes no further requests after a moment; returns once every connection has its answers and is closed.
  ///
  /// - Parameters:
  ///   - isShared: Whether the service manager listens on the sockets, too. It then passes waiting connections to the
  ///     next daemon; otherwise this daemon accepts and answers them.
  ///   - lastRequests: How long open connections may still send requests: a client that has just connected is about to.
  package func drain(isShared: Bool, lastRequests: Duration = .milliseconds(100)) async {
    if isShared { try? await onFirstLoop { $0.endAccepting(takingWhatWaits: false) } }
    try? await Task.sleep(for: lastRequests)
    if !isShared { try? await onFirstLoop { $0.endAccepting(takingWhatWaits: true) } }
    await withTaskGroup { group in
      for mailbox in mailboxes {
        group.addTask {
          await withCheckedContinuation { continuation in
            mailbox.post { $0.drain { continuation.resume() } }
          }
        }
      }
    }
  }

  /// Closes all connections.
  package func closeAll() {
    for mailbox in mailboxes {
      mailbox.post { $0.closeAll() }
    }
  }

  /// Closes all connections, and ends the loops and their threads.
  package func shutDown() async {
    for mailbox in mailboxes {
      mailbox.post { $0.stop() }
    }
    try? await threads.shutdownGracefully()
  }
}
