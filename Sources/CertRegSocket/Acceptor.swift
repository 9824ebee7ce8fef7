import CEpoll
import CertRegCore
import CertRegProtocol
import Glibc

/// Accepts connections on a listening socket and deals them out to the loops in turn.
final class Acceptor {
  /// Connections accepted before others get their turn.
  private static let atOnce = 64

  let descriptor: CInt
  private let mailboxes: [Mailbox]
  private let open: ConnectionCount
  /// Told of each connection that a limit keeps out.
  private let exhausted: @Sendable (String) -> Void
  private var accepted: UInt64 = 0

  /// `descriptor`: a listening Unix stream socket, non-blocking, which the acceptor takes over.
  init(_ descriptor: CInt, mailboxes: [Mailbox], open: ConnectionCount, exhausted: @escaping @Sendable (String) -> Void)
  {
    self.descriptor = descriptor
    self.mailboxes = mailboxes
    self.open = open
    self.exhausted = exhausted
  }

  /// Accepts some of what has connected. Called on the loop that watches the socket.
  func accept(on loop: SocketLoop) {
    for _ in 0..<Self.atOnce {
      guard acceptOne(on: loop) else { return }
    }
  }

  /// Accepts all that has connected.
  func acceptAll(on loop: SocketLoop) {
    while acceptOne(on: loop) {}
  }

  func close() {
    Glibc.close(descriptor)
  }

  /// Returns whether there may be more.
  private func acceptOne(on loop: SocketLoop) -> Bool {
    let connection = accept4(
      descriptor, nil, nil, CInt(SOCK_CLOEXEC.rawValue) | CInt(bitPattern: SOCK_NONBLOCK.rawValue))
    guard connection >= 0 else {
      switch errno {
      case EAGAIN: return false
      case EINTR, ECONNABORTED: return true
      case let code:
        // EMFILE, ENFILE, ENOBUFS, ENOMEM: the connection waits in the kernel until there is room.
        exhausted("the system refuses another connection: \(String(cString: strerror(code)))")
        loop.pauseAccepting()
        return false
      }
    }
    guard open.enter() else {
      refuse(connection)
      return true
    }
    accepted += 1
    let number = accepted
    let mailbox = mailboxes[Int(number % UInt64(mailboxes.count))]
    if mailbox === loop.mailbox {
      loop.serve(connection, number: number)
    } else {
      mailbox.post { $0.serve(connection, number: number) }
    }
    return true
  }

  /// Tells a client that there are too many connections, and closes: an error is clearer than a connection on which nothing moves.
  private func refuse(_ connection: CInt) {
    let message = "\(open.limit) connections are open already (socket.maxConnections, or the limit of open files)"
    exhausted(message)
    let error = ServiceError(
      .serviceUnavailable, reason: .tooManyConnections, message: message,
      retryable: true, retryAfterMilliseconds: 1000)
    let line = AnswerEncoder.error(id: Array("null".utf8), error)
    // A new connection has room for one line.
    _ = send(connection, line, line.count, CInt(MSG_NOSIGNAL))
    Glibc.close(connection)
  }
}
