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
  private var framer: LineFramer
  /// What was read and not taken yet.
  private var input = RawBuffer()
  private var interest = Readiness.readable
  /// Output is left that the kernel had no room for.
  private(set) var isBlocked = false
  /// The client has closed its end. What it sent is taken still, but nobody reads answers any more.
  private var isGone = false
  private(set) var isClosed = false
  private var isResumeScheduled = false
  /// What of the common budget this connection holds.
  private var budgetHeld = 0
  /// Whether it is the one connection that may go past the common budget.
  private var overdraws = false
  private(set) var awaitsBudget = false
  private var lastActivity: UInt64
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
    loop.closed(descriptor)
  }

  // MARK: Flow

  private var mayTakeLine: Bool { state.mayTakeLine && !isBlocked }

  private var mayRead: Bool {
    if state.inputClosed { return false }
    return state.isEnding || mayTakeLine && reserve()
  }

  /// Whether nothing is left to do for the client, or nobody to do it for.
  private var isFinished: Bool {
    if isGone { return state.inputClosed && input.isEmpty }
    return output.isEmpty && state.isFinished(hasBufferedLines: !input.isEmpty)
  }

  private func updateInterest() {
    var wanted: Readiness = isBlocked ? .writable : []
    if mayRead {
      wanted.insert(.readable)
    } else if interest.contains(.readable), !state.inputClosed {
      loop.counters.pauses += 1
    }
    guard wanted != interest else { return }
    interest = wanted
    loop.poller.modify(descriptor, wanted)
  }

  /// What the connection needs of the common budget for what it holds now.
  private var budgetNeeded: Int {
    let held = state.bytesUnderWay + input.capacity
    return held <= loop.configuration.freeBytes ? 0 : held
  }

  /// Takes from the common budget what this connection holds beyond its own allowance, and room for the next read.
  private func reserve() -> Bool {
    let needed = budgetNeeded == 0 ? 0 : budgetNeeded + SocketLoop.longestRead
    if needed > budgetHeld, !loop.budget.take(needed - budgetHeld) {
      overdraws = overdraws || loop.budget.overdraw()
      awaitsBudget = !overdraws
      if awaitsBudget { loop.awaitsBudget() } else { loop.holdsBudget() }
      return overdraws
    }
    awaitsBudget = false
    if needed < budgetHeld { loop.budget.give(back: budgetHeld - needed) }
    if needed > 0 { loop.holdsBudget() }
    budgetHeld = needed
    return true
  }

  /// Gives back what is not needed any more: others may wait for it while this connection waits for its client.
  private func giveBack() {
    let needed = budgetNeeded
    if overdraws, needed <= budgetHeld {
      overdraws = false
      loop.budget.endOverdraft()
    }
    guard needed + SocketLoop.longestRead < budgetHeld || needed == 0 && budgetHeld > 0 else { return }
    loop.budget.give(back: budgetHeld - needed)
    budgetHeld = needed
  }

  // MARK: In

  private func read() {
    let count = recv(descriptor, loop.received.baseAddress, SocketLoop.longestRead, 0)
    if count > 0 {
      lastActivity = loop.now
      if !state.isEnding { take(UnsafeRawBufferPointer(rebasing: loop.received[..<count])) }
    } else if count == 0 || errno != EAGAIN && errno != EINTR {
      // The end of input, or ECONNRESET: the client closed without having read its answers.
      state.inputClosed = true
    }
  }

  /// Takes the lines in what was just read, or appends it to what waits.
  private func take(_ bytes: UnsafeRawBufferPointer) {
    guard input.isEmpty else {
      input.append(bytes)
      return
    }
    let stop = takeLines(in: bytes)
    let rest = framer.consume()
    if stop == .tooLong {
      refuseTooLong()
    } else if rest < bytes.count {
      input.append(UnsafeRawBufferPointer(rebasing: bytes[rest...]))
    }
  }

  private func takeWaitingLines() {
    while !input.isEmpty, mayTakeLine, !state.isEnding {
      // Out of the property while it is read: an access that lasts would be tracked at run time.
      var bytes = RawBuffer()
      swap(&bytes, &input)
      let stop = takeLines(in: bytes.bytes)
      bytes.consume(framer.consume())
      switch stop {
      case .noMoreLines:
        // The end of input ends the last line, too. The beginning of a line moves to memory of its own size.
        if !bytes.isEmpty, !state.inputClosed { keep(&bytes) }
        return
      case .tooLong:
        refuseTooLong()
        return
      case .paused:
        swap(&bytes, &input)
        flush()
      }
    }
  }

  /// Keeps what is left of `bytes` as input, in the same memory where it is most of it.
  private func keep(_ bytes: inout RawBuffer) {
    if bytes.count >= bytes.capacity / 2 {
      swap(&bytes, &input)
    } else {
      input.append(bytes.bytes)
    }
  }

  /// What ended a run of lines.
  private enum Stop {
    case noMoreLines
    case paused
    case tooLong
  }

  private func takeLines(in bytes: UnsafeRawBufferPointer) -> Stop {
    while true {
      switch framer.next(in: bytes) {
      case .line(let range):
        take(line: UnsafeRawBufferPointer(rebasing: bytes[range]))
        if !state.mayTakeLine || output.count > SocketLoop.writeThreshold { return .paused }
      case .needsMore:
        // At the end of input the rest is a line without its LF: the client cannot send it any more.
        if state.inputClosed, let rest = framer.remainder(in: bytes) {
          take(line: UnsafeRawBufferPointer(rebasing: bytes[rest]))
        }
        return .noMoreLines
      case .tooLong:
        return .tooLong
      }
    }
  }

  private func refuseTooLong() {
    refuseAndEnd(.lineTooLong(limitBytes: loop.configuration.maxLineBytes))
  }

  private func refuseAndEnd(_ error: LineError) {
    loop.counters.invalidLines += 1
    state.isEnding = true
    input.release()
    framer = LineFramer(maxLineBytes: loop.configuration.maxLineBytes)
    append(AnswerEncoder.error(error, in: UnsafeRawBufferPointer(start: nil, count: 0)))
    // What the client has sent meanwhile is read and dropped: a socket that is closed with something unread resets the
    // connection, and the client might never see the error.
    drain()
  }

  /// The client closed its end. That does not stop what it asked for: `resume` still takes lines that wait for their turn.
  private func clientIsGone() {
    guard !isGone, !isClosed else { return }
    isGone = true
    // It would be told of again and again.
    loop.poller.remove(descriptor)
    life.end()
    isBlocked = false
    output.release()
    state.abandonEndless()
  }

  private func readWhatIsLeft() {
    while !isClosed, mayRead {
      read()
      takeWaitingLines()
      flush()
    }
    if !isClosed, isFinished { close() }
  }

  // MARK: Out

  func append(_ answer: [UInt8]) {
    borrowOutput()
    output.append(answer)
  }

  /// Takes the loop's spare room for output where the connection has none.
  @inline(__always)
  func borrowOutput() {
    if output.capacity == 0 { swap(&output, &loop.spareOutput) }
  }

  /// Writes what there is. What the kernel has no room for waits until it says that it has.
  func flush() {
    guard !output.isEmpty else { return }
    guard !isGone else {
      output.release()
      return
    }
    let count = send(descriptor, output.bytes.baseAddress, output.count, CInt(MSG_NOSIGNAL))
    if count == output.count {
      output.consume(count)
      isBlocked = false
      returnOutput()
    } else if count >= 0 || errno == EAGAIN || errno == EINTR {
      output.consume(max(0, count))
      isBlocked = true
    } else if errno == EPIPE || errno == ECONNRESET {
      // The client does not read any more. That it is gone is told of next.
      isBlocked = false
      output.release()
    } else {
      // ENOBUFS, ENOMEM: an answer is lost or cut, so that the client has to see the connection end.
      shutdown(descriptor, CInt(SHUT_RDWR))
      clientIsGone()
    }
  }

  private func returnOutput() {
    if loop.spareOutput.capacity == 0, output.capacity <= 2 * SocketLoop.writeThreshold {
      swap(&output, &loop.spareOutput)
    } else {
      output.release()
    }
  }

  // MARK: Answers from elsewhere

  func finish(_ ticket: ConnectionState.Ticket, _ answer: [UInt8]) {
    guard !isClosed else { return }
    lastActivity = loop.now
    state.finish(ticket, answer: answer) { append($0) }
    resumeSoon()
  }

  /// A line of `watch`. A client that does not read misses lines, and is told how many when it reads again: nothing piles up.
  func sendPart(_ line: [UInt8]) {
    guard !isClosed, !isGone else { return }
    guard !isBlocked else {
      missedParts += 1
      return
    }
    if missedParts > 0 {
      append(Array("{\"missed\":\(missedParts)}\n".utf8))
      missedParts = 0
    }
    append(line)
    resumeSoon()
  }

  /// Goes on once the answers that are arriving together are all there, so that they leave in one write.
  private func resumeSoon() {
    guard !isResumeScheduled else { return }
    isResumeScheduled = true
    loop.resumeSoon(self)
  }
}
