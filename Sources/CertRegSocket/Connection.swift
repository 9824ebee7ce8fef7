import CertRegCore
import CertRegProtocol
import Glibc

/// One connection: reads, takes lines apart where they lie, answers what is remembered at once and hands on the rest.
///
/// All answers that one read brings leave in one write. Reading stops while the window or a budget is exhausted or the client
/// does not read its answers, and goes on when answers drain. What to take and when to end is `ConnectionState`'s decision.
final class Connection {
  let loop: SocketLoop
  let peer: Peer
  let life: ConnectionLife
  var servesFromMemory: Bool
  var state: ConnectionState
  /// Answers that have not left yet.
  var output = RawBuffer()
  let descriptor: CInt
  var framer: LineFramer
  /// What was read and not taken yet.
  var input = RawBuffer()
  var interest = Readiness.readable
  /// Output is left that the kernel had no room for.
  var isBlocked = false
  /// The client has closed its end. What it sent is taken still, but nobody reads answers any more.
  var isGone = false
  private(set) var isClosed = false
  var isResumeScheduled = false
  /// What of the common budget this connection holds.
  var budgetHeld = 0
  /// Whether it is the one connection that may go past the common budget.
  var overdraws = false
  var awaitsBudget = false
  var lastActivity: UInt64
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
  }

  // MARK: What the loop tells

  /// The descriptor is ready for something.
  func isReady(_ readiness: Readiness) {
    if !readiness.isDisjoint(with: .gone) {
      clientIsGone()
    } else {
      if readiness.contains(.writable) { flush() }
      if readiness.contains(.readable), mayRead { read() }
    }
    resume()
  }

  /// Goes on after something changed: takes lines that wait, sends answers, closes when all is done, and says what to be told of.
  func resume() {
    isResumeScheduled = false
    guard !isClosed else { return }
    // First: where the client has read meanwhile, lines that waited for it can be taken. Not again while it has not: the kernel
    // says when it has, and then the lines are taken, which must not be passed over here.
    if isBlocked { flush() }
    takeWaitingLines()
    if !isBlocked { flush() }
    giveBack()
    if isFinished {
      close()
    } else if isGone {
      readWhatIsLeft()
    } else {
      updateInterest()
    }
  }

  func reconfigure() {
    servesFromMemory = loop.handling.servesFromMemory(peer)
  }

  /// Whether nothing has moved for that many nanoseconds and no answer is outstanding.
  func isIdle(for nanoseconds: UInt64) -> Bool {
    state.unanswered == 0 && loop.now - lastActivity >= nanoseconds
  }

  /// Whether it holds room for a line that its client has not finished. One that waits for more room is not read from.
  var holdsUnfinishedLine: Bool { (budgetHeld > 0 || overdraws) && !awaitsBudget && !input.isEmpty }

  /// Gives up a line that does not come to its end while others wait for the room that it takes.
  func giveUpUnfinishedLine() {
    refuseAndEnd(
      LineError(
        error: RequestReason.unfinishedLine.error(
          "the line was not finished within 10 seconds while other connections waited for its room", retryable: true)))
    resume()
  }

  /// Lets the client send no more; what it has sent is read and answered, then the connection closes.
  ///
  /// The kernel then refuses what the client writes (EPIPE), so that no request is taken from it and lost; what it had taken
  /// before is still read, up to the end of input that follows.
  func drain() {
    shutdown(descriptor, CInt(SHUT_RD))
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
    // By name: a child between fork and exec would keep the descriptor, and with it the registration.
    if !isGone { loop.poller.remove(descriptor) }
    Glibc.close(descriptor)
    loop.closed(self)
  }
}
