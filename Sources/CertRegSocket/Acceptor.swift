import CEpoll
import CertRegCore
import CertRegProtocol
import Glibc

/// Accepts connections on listening sockets and gives them to the loops in turn.
final class Acceptor {
  /// Connections accepted in one turn of the loop, so that other connections are served, too.
  private static let atOnce = 64

  /// The listening sockets.
  let descriptors: [CInt]
  private let mailboxes: [Mailbox]
  private let open: ConnectionCount
  /// Told of each connection that a limit keeps out.
  private let exhausted: @Sendable (String) -> Void
  /// Numbers the connections of all sockets: a loop tells connections apart by their numbers.
  private var accepted: UInt64 = 0

  /// - Parameters:
  ///   - descriptors: Listening, non-blocking Unix stream sockets, which the acceptor takes over.
  ///   - exhausted: Told why a connection is not taken.
  init(
    _ descriptors: [CInt], mailboxes: [Mailbox], open: ConnectionCount, exhausted: @escaping @Sendable (String) -> Void
  ) {
    self.descriptors = descriptors
    self.mailboxes = mailboxes
    self.open = open
    self.exhausted = exhausted
  }

  /// Accepts some of the connections that wait on one of the sockets. Called on the loop that watches the sockets.
  func accept(from descriptor: CInt, on loop: SocketLoop) {
    for _ in 0..<Self.atOnce {
      guard acceptOne(from: descriptor, on: loop) else { return }
    }
  }

  /// Accepts every waiting connection of all sockets.
  func acceptAll(on loop: SocketLoop) {
    for descriptor in descriptors {
      while acceptOne(from: descriptor, on: loop) {}
    }
  }

  func close() {
    for descriptor in descriptors { Glibc.close(descriptor) }
  }

  /// Accepts one connection; returns whether more may be waiting.
  private func acceptOne(from descriptor: CInt, on loop: SocketLoop) -> Bool {
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
