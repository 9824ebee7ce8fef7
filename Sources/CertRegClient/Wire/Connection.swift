package import CertRegCore
import Glibc

/// A connection to the daemon's socket: blocking, for one thread, with any number of requests under way.
package final class Connection {
  /// The longest answer that is read. The longest there are is the metrics of many targets.
  private static let maximumAnswerBytes = 64 * 1024 * 1024

  /// The socket's path, for messages.
  package let path: String
  /// The listening process; `nil` where the kernel does not tell.
  package let peer: PeerCredentials?
  private let clock: HostClock
  private let descriptor: Int32
  private var input = LineBuffer()
  private var output: [UInt8] = []
  private var written = 0
  private var nextID = 1
  private var scratch = [UInt8](repeating: 0, count: 65_536)
  /// How the daemon's side ended, once it has.
  private var end: ClientError?

  /// Connects to the socket at `path`.
  ///
  /// - Parameter timeout: How long to wait for a daemon that accepts no connection.
  /// - Throws: `ClientError` that says what is wrong with the path, the rights or the daemon, and what to do.
  package init(path: String, timeout: Duration = .seconds(5), clock: HostClock) throws(ClientError) {
    self.path = path
    self.clock = clock
    descriptor = try connectedSocket(path: path, timeout: timeout)
    peer = PeerCredentials(descriptor: descriptor)
  }

  deinit { close(descriptor) }

  /// Puts `request` into the queue of what is to be sent, and returns the number that its answer will carry. `receive`
  /// does the sending.
  package func enqueue(_ request: Request) -> Int {
    let id = nextID
    nextID += 1
    output.append(contentsOf: request.line(id: id).utf8)
    return id
  }

  /// Whether some of the enqueued bytes have not reached the socket yet.
  package var hasUnsentBytes: Bool { written < output.count }

  /// Sends what is enqueued and waits for the next answer, whichever request it is for.
  ///
  /// Sending and receiving go on together. A daemon that stops reading until answers drain, and a client that only
  /// writes, would wait for each other for ever.
  /// - Returns: `nil` when `deadline` passes, or a signal arrives, before an answer does.
  /// - Throws: `ClientError` with code `connectionLost`, `protocolViolation` or `system`.
  package func receive(until deadline: MonotonicTime?) throws(ClientError) -> Answer? {
    while true {
      if let line = input.nextLine() { return try Answer(line: line) }
      if let end { throw end }
      guard try exchangeBytes(until: deadline) else { return nil }
    }
  }

  /// Sends `request` and waits for its answer. No other request may be under way.
  ///
  /// - Parameters:
  ///   - request: The request to send.
  ///   - timeout: How long to wait; `nil`: for ever.
  /// - Throws: `ClientError`, with code `timedOut` when `timeout` passes first.
  package func ask(_ request: Request, timeout: Duration?) throws(ClientError) -> Answer {
    let id = enqueue(request)
    let deadline = timeout.map { clock.monotonic + $0 }
    while true {
      guard let answer = try receive(until: deadline) else {
        if let deadline, clock.monotonic >= deadline { throw timedOut }
        continue
      }
      if answer.id == id { return answer }
      if answer.id == nil, let error = answer.error { throw Connection.refusal(error) }
    }
  }

  /// The error of a request whose answer did not come in time.
  var timedOut: ClientError {
    ClientError(
      .timedOut, "certregd at \(path) did not answer in time",
      advice: "wait longer with --timeout, or read its log; certregd finishes registrations that it has accepted")
  }

  /// The error for an error line that belongs to no request: the daemon refuses a line, or the connection as a whole.
  package static func refusal(_ error: AnswerError) -> ClientError {
    ClientError(
      .refused, "certregd refused the connection: \(error.message) (\(error.reason))",
      advice: Advice.about(error), exitStatus: error.exitStatus, refusal: error)
  }

  /// Waits until the socket is ready, and moves bytes both ways.
  ///
  /// - Returns: `false` where the deadline passed or a signal came.
  private func exchangeBytes(until deadline: MonotonicTime?) throws(ClientError) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    if hasUnsentBytes { entry.events |= Int16(POLLOUT) }
    let ready = poll(&entry, 1, clock.pollTimeout(until: deadline))
    guard ready > 0 else {
      if ready < 0, errno != EINTR { throw systemError("poll", path) }
      return false
    }
    if entry.revents & Int16(POLLOUT) != 0 { try sendBytes() }
    if entry.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 { try receiveBytes() }
    return true
  }

  private func sendBytes() throws(ClientError) {
    let count = output[written...].withUnsafeBytes { bytes in
      // MSG_NOSIGNAL: a daemon that has gone away is an error here, not a SIGPIPE.
      send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    }
    if count < 0 {
      switch errno {
      case EAGAIN, EINTR: return
      case EPIPE, ECONNRESET:
        // Answers that were sent before the daemon closed can still be read.
        output.removeAll()
        written = 0
        return
      default: throw systemError("send", path)
      }
    }
    written += count
    if written == output.count {
      output.removeAll(keepingCapacity: true)
      written = 0
    } else if written > 1_048_576 {
      output.removeFirst(written)
      written = 0
    }
  }

  private func receiveBytes() throws(ClientError) {
    let capacity = scratch.count
    let count = scratch.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, capacity, 0) }
    switch count {
    case 1...:
      input.append(scratch[..<count])
      guard input.pendingBytes <= Connection.maximumAnswerBytes else {
        throw ClientError(.protocolViolation, "an answer has more than \(Connection.maximumAnswerBytes) bytes")
      }
    case 0: end = lost
    default:
      switch errno {
      case EAGAIN, EINTR: return
      case ECONNRESET, EPIPE: end = lost
      default: throw systemError("recv", path)
      }
    }
  }

  private var lost: ClientError {
    ClientError(
      .connectionLost, "certregd closed the connection at \(path)",
      advice: "it may be restarting, and finishes registrations that it has accepted: ask again, or read its log")
  }
}
