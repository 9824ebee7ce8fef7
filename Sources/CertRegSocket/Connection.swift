import CertRegCore
import CertRegProtocol
import Glibc

/// One connection: reads, parses lines where they lie, answers repeats from memory and hands on other requests.
///
/// All answers to the lines of one read leave in one write. Reading stops while the window or a budget is exhausted or
/// the client does not read its answers, and goes on when answers drain. `ConnectionState` decides which lines are
/// taken and when the connection ends.
final class Connection {
  let loop: SocketLoop
  let peer: Peer
  let life: ConnectionLife
  var servesFromMemory: Bool
  // Checks for exclusive access to these three would take a tenth of an answer from memory. Only the loop's thread uses
  // them, and nothing that is called while one of them changes uses the same one.
  @exclusivity(unchecked) var state: ConnectionState
  /// Answers that have not left yet.
  @exclusivity(unchecked) var output = RawBuffer()
  @exclusivity(unchecked) var framer: LineFramer
  let descriptor: CInt
  /// Bytes that were read, and whose lines were not taken yet.
  var input = RawBuffer()
  var interest = Readiness.readable
  /// The kernel had no room for the rest of the output.
  var isBlocked = false
  /// The client has closed its end. Its lines are still taken, its answers are dropped.
  var isGone = false
  private(set) var isClosed = false
  var isResumeScheduled = false
  /// Bytes of the common budget that this connection holds.
  var budgetHeld = 0
  /// Whether it is the one connection that may go past the common budget.
  var overdraws = false
  var awaitsBudget = false
  var lastActivity: UInt64
  /// When bytes came last, or were read again after the window or the budget had held them up.
  var lastInput: UInt64
  /// The same for the first bytes of the line that waits in `input`.
  var lineBegan: UInt64
  /// When the kernel last took bytes of the output, or first had no room for the rest.
  var lastOutput: UInt64
  var missedParts = 0

  init(_ descriptor: CInt, number: UInt64, peer: Peer, loop: SocketLoop) {
    self.descriptor = descriptor
    life = ConnectionLife(id: number)
    self.peer = peer
    self.loop = loop
    framer = LineFramer(maxLineBytes: loop.configuration.maxLineBytes)
    servesFromMemory = loop.handling.servesFromMemory(peer)
    state = ConnectionState(
      window: loop.configuration.window, maxBytesUnderWay: loop.configuration.maxBytesUnderWay)
    lastActivity = loop.now
    lastInput = loop.now
    lineBegan = loop.now
    lastOutput = loop.now
  }

  // MARK: Events

  /// epoll reports the descriptor.
  func isReady(_ readiness: Readiness) {
    if !readiness.isDisjoint(with: .gone) {
      clientIsGone()
    } else {
      if readiness.contains(.writable) { flush() }
      if readiness.contains(.readable), mayRead { read() }
    }
    resume()
  }

  /// Goes on after a change: takes waiting lines, sends answers, and closes a finished connection or updates its
  /// interest.
  func resume() {
    isResumeScheduled = false
    guard !isClosed else { return }
    // First, because lines can be taken once the client has read its answers. Not again after the lines where the
    // client has not: the socket becomes writable when it has, and the lines are taken then.
    if isBlocked { flush() }
    takeWaitingLines()
    if !isBlocked { flush() }
    settleBudget()
    if isFinished {
      close()
    } else if isGone {
      readWhatIsLeft()
    } else {
      updateInterest()
    }
  }

  /// The limits and the rules of access may have changed.
  func reconfigure() {
    servesFromMemory = loop.handling.servesFromMemory(peer)
    framer.maxLineBytes = loop.configuration.maxLineBytes
    state.window = loop.configuration.window
    state.maxBytesUnderWay = loop.configuration.maxBytesUnderWay
    resume()
  }

  /// Whether no request is unanswered, and nothing was read, answered or sent for so many nanoseconds.
  func isIdle(for nanoseconds: UInt64) -> Bool {
    state.unanswered == 0 && loop.now - lastActivity >= nanoseconds
  }

  /// Whether the connection holds bytes of the common budget for a line that its client has to finish. Not where the
  /// window, the budget or unread answers are the reason that it is not read.
  var holdsUnfinishedLine: Bool {
    (budgetHeld > 0 || overdraws) && !awaitsBudget && mayTakeLine && !input.isEmpty
      && framer.pendingBytes == input.count
  }

  /// Whether no byte of the unfinished line came for one time, or the line is unfinished for the other, in nanoseconds.
  func isLineOverdue(silence: UInt64, whole: UInt64) -> Bool {
    loop.now - max(lastInput, lineBegan) >= silence || loop.now - lineBegan >= whole
  }

  /// Whether the connection holds bytes of the common budget for answers that its client does not read.
  var holdsUnreadAnswers: Bool { isBlocked && budgetHeld > 0 && output.capacity > SocketLoop.mostFreeOutput }

  /// Whether the connection holds bytes of the common budget for answers, of which its client has read none for so many
  /// nanoseconds.
  func isOutputOverdue(after nanoseconds: UInt64) -> Bool {
    holdsUnreadAnswers && loop.now - lastOutput >= nanoseconds
  }

  /// Closes the connection: others wait for the bytes of answers that its client does not read.
  func giveUpUnreadAnswers() {
    loop.configuration.connectionsExhausted(
      "a connection was closed: its client read nothing for a minute while others waited for socket.memoryBudgetBytes")
    close()
  }

  /// Gives up an unfinished line: other connections wait for the bytes that it holds.
  func giveUpUnfinishedLine() {
    refuseAndEnd(
      LineError(
        error: RequestReason.unfinishedLine.error(
          "other connections waited for the room of this line: no byte of it came for 10 seconds, or it took a minute",
          retryable: true)))
    resume()
  }

  /// Takes no further requests: the requests the kernel already accepted are read and answered, then the connection
  /// closes.
  ///
  /// From now on the kernel refuses the client's writes (EPIPE), so no request is accepted and lost.
  func drain() {
    shutdown(descriptor, CInt(SHUT_RD))
  }

  /// Closes the connection, which is idle for so many nanoseconds. A line that has come since the loop looked for input
  /// is answered first, and none can come after it.
  func closeIdle(after nanoseconds: UInt64) {
    drain()
    if mayRead { read() }
    if isIdle(for: nanoseconds) { close() } else { resume() }
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    life.end()
    loop.budget.give(back: budgetHeld)
    budgetHeld = 0
    awaitsBudget = false
    if overdraws { loop.budget.endOverdraft() }
    overdraws = false
    input.release()
    output.release()
    // Removed explicitly: a child between fork and exec would keep the descriptor open, and with it its place in epoll.
    if !isGone { loop.poller.remove(descriptor) }
    Glibc.close(descriptor)
    loop.closed(self)
  }
}
