import CEpoll
import CertRegCore
import CertRegProtocol
import Glibc

/// Accepts connections on a listening socket and gives them to the loops in turn.
final class Acceptor {
  /// Connections accepted in one turn of the loop, so that other connections are served, too.
  private static let atOnce = 64

  let descriptor: CInt
  private let mailboxes: [Mailbox]
  private let open: ConnectionCount
  /// Told of each connection that a limit keeps out.
  private let exhausted: @Sendable (String) -> Void
  private var accepted: UInt64 = 0

  /// - Parameters:
  ///   - descriptor: A listening, non-blocking Unix stream socket, which the acceptor takes over.
  ///   - exhausted: Told why a connection is not taken.
  init(_ descriptor: CInt, mailboxes: [Mailbox], open: ConnectionCount, exhausted: @escaping @Sendable (String) -> Void)
  {
    self.descriptor = descriptor
    self.mailboxes = mailboxes
    self.open = open
    self.exhausted = exhausted
  }

  /// Accepts some of the waiting connections. Called on the loop that watches the socket.
  func accept(on loop: SocketLoop) {
    for _ in 0..<Self.atOnce {
      guard acceptOne(on: loop) else { return }
    }
  }

  /// Accepts every waiting connection.
  func acceptAll(on loop: SocketLoop) {
    while acceptOne(on: loop) {}
  }

  func close() {
    Glibc.close(descriptor)
  }

  /// Accepts one connection; returns whether more may be waiting.
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
      let error = ServiceError.tooManyConnections(limit: open.limit)
      exhausted(error.message)
      Self.refuse(connection, error)
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

  /// Tells a client why its connection is not served, and closes it: an error is clearer than a connection on which
  /// nothing moves.
  static func refuse(_ connection: CInt, _ error: ServiceError) {
    let line = AnswerEncoder.error(id: Array("null".utf8), error)
    // A new connection has room for one line.
    _ = send(connection, line, line.count, CInt(MSG_NOSIGNAL))
    Glibc.close(connection)
  }
}
