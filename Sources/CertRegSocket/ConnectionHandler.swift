import CertRegCore
import CertRegProtocol
import Glibc
import NIOCore

/// One connection: takes lines apart where they lie, answers what is remembered at once and hands on the rest.
///
/// All answers that one read brings leave in one write. Reading stops while the window or a budget is exhausted or the client
/// does not read its answers, and goes on when answers drain.
final class ConnectionHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// Output that is gathered before it is written although the read is not done with.
  private static let writeThreshold = 64 * 1024

  private let loop: LoopContext
  private let peer: Peer
  private let life = ConnectionLife()
  private var servesFromMemory: Bool
  private var state: ConnectionState
  private var context: ChannelHandlerContext?
  private var input = ByteBuffer()
  private var framer: LineFramer
  private var output = ByteBuffer()
  private var isReadHeld = false
  private var isInRead = false
  private var isResumeScheduled = false
  private var isClosing = false
  /// What of the common budget this connection holds.
  private var budgetHeld = 0
  /// Whether it is the one connection that may go past the common budget.
  private var overdraws = false
  private(set) var awaitsBudget = false
  private var lastActivity = NIODeadline.now()
  private var missedParts = 0

  init(loop: LoopContext, peer: Peer) {
    self.loop = loop
    self.peer = peer
    framer = LineFramer(maxLineBytes: loop.configuration.maxLineBytes)
    servesFromMemory = loop.handling.servesFromMemory(peer)
    state = ConnectionState(
      window: loop.configuration.window, maxBytesUnderWay: loop.configuration.maxBytesUnderWay)
  }

  // MARK: Channel events

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    loop.opened(self)
  }

  func channelInactive(context: ChannelHandlerContext) {
    takeWhatIsLeft()
    leave()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    leave()
  }

  /// A client that goes away does not stop what it asked for: whole lines that wait for their turn are still taken.
  private func takeWhatIsLeft() {
    guard !state.isEnding else { return }
    input.withUnsafeReadableBytes { bytes in
      while case .line(let range) = framer.next(in: bytes) { take(UnsafeRawBufferPointer(rebasing: bytes[range])) }
    }
  }

  private func leave() {
    life.end()
    loop.budget.give(back: budgetHeld)
    budgetHeld = 0
    awaitsBudget = false
    if overdraws { loop.budget.endOverdraft() }
    overdraws = false
    input = ByteBuffer()
    output = ByteBuffer()
    context = nil
    loop.closed(self)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var received = unwrapInboundIn(data)
    lastActivity = .now()
    if state.isEnding { return }
    if input.readableBytes == 0 {
      input = received
    } else {
      input.writeBuffer(&received)
    }
    isInRead = true
    takeLines()
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isInRead = false
    flushOutput()
    giveBack()
    closeIfFinished()
  }

  func read(context: ChannelHandlerContext) {
    if mayRead {
      context.read()
    } else {
      isReadHeld = true
      loop.counters.pauses += 1
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { resume() }
    context.fireChannelWritabilityChanged()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? ChannelEvent, event == .inputClosed {
      state.inputClosed = true
      takeLines()
      flushOutput()
      closeIfFinished()
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // ECONNRESET and EPIPE: the client is gone. What it asked for goes on.
    context.close(promise: nil)
  }

  // MARK: Flow

  private var isWritable: Bool { context?.channel.isWritable ?? false }

  private var mayRead: Bool {
    if state.isEnding { return !state.inputClosed }
    return state.mayTakeLine && isWritable && !state.inputClosed && reserve()
  }

  /// What the connection needs of the common budget for what it holds now.
  private var budgetNeeded: Int {
    let held = state.bytesUnderWay + (input.readableBytes > 0 ? input.storageCapacity : 0)
    return held <= loop.configuration.freeBytes ? 0 : held
  }

  /// Takes from the common budget what this connection holds beyond its own allowance, and room for the next read.
  private func reserve() -> Bool {
    let needed = budgetNeeded == 0 ? 0 : budgetNeeded + SocketServer.longestRead
    if needed > budgetHeld, !loop.budget.take(needed - budgetHeld) {
      overdraws = overdraws || loop.budget.overdraw()
      awaitsBudget = !overdraws
      if awaitsBudget { loop.awaitsBudget() }
      return overdraws
    }
    awaitsBudget = false
    if needed < budgetHeld { loop.budget.give(back: budgetHeld - needed) }
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
    guard needed + SocketServer.longestRead < budgetHeld || needed == 0 && budgetHeld > 0 else { return }
    loop.budget.give(back: budgetHeld - needed)
    budgetHeld = needed
  }

  /// Goes on after something drained.
  func resume() {
    guard context != nil else { return }
    takeLines()
    flushOutput()
    giveBack()
    closeIfFinished()
    if isReadHeld, mayRead {
      isReadHeld = false
      context?.read()
    }
  }

  /// Goes on once the answers that are arriving together are all there, so that they leave in one write.
  private func resumeSoon() {
    guard !isResumeScheduled, !isInRead else { return }
    isResumeScheduled = true
    let handler = NIOLoopBound(self, eventLoop: loop.eventLoop)
    loop.eventLoop.execute {
      handler.value.isResumeScheduled = false
      handler.value.resume()
    }
  }

  /// What ended a run of lines.
  private enum Stop {
    case noMoreLines
    case paused
    case tooLong
  }

  private func takeLines() {
    while input.readableBytes > 0, state.mayTakeLine, isWritable {
      // Out of the property while it is read: an access that lasts would be tracked at run time.
      var bytes = ByteBuffer()
      swap(&bytes, &input)
      let stop = bytes.withUnsafeReadableBytes { takeLines(in: $0) }
      bytes.moveReaderIndex(forwardBy: framer.consume())
      swap(&bytes, &input)
      switch stop {
      case .noMoreLines:
        if input.readableBytes == 0 || state.inputClosed {
          dropInput()
        } else if input.readerIndex > 0 {
          // The beginning of the next line moves to memory of its own size.
          input = ByteBuffer(buffer: input)
        }
        return
      case .tooLong:
        refuseAndEnd(.lineTooLong(limitBytes: loop.configuration.maxLineBytes))
        return
      case .paused:
        if output.readableBytes > Self.writeThreshold { flushOutput() }
      }
    }
  }

  private func takeLines(in bytes: UnsafeRawBufferPointer) -> Stop {
    while true {
      switch framer.next(in: bytes) {
      case .line(let range):
        take(UnsafeRawBufferPointer(rebasing: bytes[range]))
        if !state.mayTakeLine || output.readableBytes > Self.writeThreshold { return .paused }
      case .needsMore:
        // At the end of input the rest is a line without its LF: the client cannot send it any more.
        if state.inputClosed, let rest = framer.remainder(in: bytes) {
          take(UnsafeRawBufferPointer(rebasing: bytes[rest]))
        }
        return .noMoreLines
      case .tooLong:
        return .tooLong
      }
    }
  }

  private func dropInput() {
    input = ByteBuffer()
    framer = LineFramer(maxLineBytes: loop.configuration.maxLineBytes)
  }

  private func refuseAndEnd(_ error: LineError) {
    loop.counters.invalidLines += 1
    state.isEnding = true
    dropInput()
    append(AnswerEncoder.error(error, in: UnsafeRawBufferPointer(start: nil, count: 0)))
    // What the client has sent meanwhile is read and dropped: a socket that is closed with something unread resets the
    // connection, and the client might never see the error.
    drain()
  }

  private func closeIfFinished() {
    guard let context, !isClosing, state.isFinished(hasBufferedLines: input.readableBytes > 0) else { return }
    isClosing = true
    state.isEnding = true
    // The promise of the last write: everything before it has left, too.
    context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in self.close() }
  }

  private func flushOutput() {
    guard let context, output.readableBytes > 0 else { return }
    let bytes = output
    output = ByteBuffer()
    context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
  }

  // MARK: Lines

  private func take(_ line: UnsafeRawBufferPointer) {
    loop.counters.lines += 1
    let request: RequestLine
    do {
      request = try LineParser.parse(line)
    } catch {
      loop.counters.invalidLines += 1
      answerNow(hasID: error.id != nil, AnswerEncoder.error(error, in: line))
      return
    }
    if !answerFromMemory(request, line) { handOn(request, line) }
  }

  /// Answers a `register` request of which the result is known; returns whether it did.
  private func answerFromMemory(_ request: RequestLine, _ line: UnsafeRawBufferPointer) -> Bool {
    guard servesFromMemory, request.operation == .register, !request.refresh, request.ifExists == .return,
      let text = request.certificatePem, state.mayAnswerAtOnce(hasID: request.id != nil),
      let target = targetNumber(request.target, line)
    else { return false }
    let escaped = UnsafeRawBufferPointer(rebasing: line[text.range])
    let hash = loop.textHash.value(of: escaped)
    let entry: AnswerMemo.Entry
    if let remembered = loop.remembered(hash, target: target.number) {
      entry = remembered
      loop.counters.rememberedAnswers += 1
    } else if let found = lookUp(text, line, hash: hash, target: target.number) {
      entry = found
      loop.counters.cachedAnswers += 1
    } else {
      return false
    }
    if let named = request.status, let known = entry.status, named != known { return false }
    let id = request.id.map { UnsafeRawBufferPointer(rebasing: line[$0]) }
    let prefix = loop.arnPrefix(entry)
    let size = AnswerEncoder.registeredSize(
      idBytes: id?.count ?? 0, arnPrefixBytes: prefix.count, targetBytes: target.name.count)
    if output.capacity == 0, let context {
      output = context.channel.allocator.buffer(capacity: max(size, 512))
    }
    output.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { room in
      prefix.withUnsafeBytes { prefix in
        target.name.withUnsafeBytes { name in
          AnswerEncoder.writeRegistered(
            into: room, id: id, arnPrefix: prefix, certificateID: entry.certificateID, outcome: entry.outcome,
            status: entry.status, cached: true, target: name)
        }
      }
    }
    return true
  }

  /// Texts up to this size are decoded on the event loop; longer ones would hold up the others.
  private static let longestTextOnLoop = 16 * 1024

  private func lookUp(
    _ text: JSONText, _ line: UnsafeRawBufferPointer, hash: TextHash.Value, target: UInt16
  ) -> AnswerMemo.Entry? {
    guard text.range.count <= Self.longestTextOnLoop else { return nil }
    if !text.hasEscapes {
      return loop.lookUp(UnsafeRawBufferPointer(rebasing: line[text.range]), hash: hash, target: target)
    }
    return withUnsafeTemporaryAllocation(byteCount: text.range.count, alignment: 8) { room in
      let count = JSONTextDecoder.unescape(text, in: line, into: room)
      return loop.lookUp(UnsafeRawBufferPointer(rebasing: room[0..<count]), hash: hash, target: target)
    }
  }

  private func targetNumber(
    _ selection: TargetSelection, _ line: UnsafeRawBufferPointer
  ) -> (name: [UInt8], number: UInt16)? {
    switch selection {
    case .none: return loop.configuration.defaultTarget
    case .many: return nil
    case .one(let name):
      guard !name.hasEscapes else { return nil }
      return loop.configuration.targets.first { $0.name.elementsEqual(line[name.range]) }
    }
  }

  private func handOn(_ request: RequestLine, _ line: UnsafeRawBufferPointer) {
    let owned = OwnedRequest(request, line: line)
    let ticket = state.begin(hasID: request.id != nil, bytes: line.count)
    let eventLoop = loop.eventLoop
    let handler = NIOLoopBound(self, eventLoop: eventLoop)
    let reply = Reply(connection: life) { answer, isLast in
      eventLoop.execute {
        if isLast { handler.value.finish(ticket, answer) } else { handler.value.sendPart(answer) }
      }
    }
    loop.handling.handle(owned, from: peer, reply: reply)
  }

  // MARK: Answers

  private func finish(_ ticket: ConnectionState.Ticket, _ answer: [UInt8]) {
    guard context != nil else { return }
    lastActivity = .now()
    state.finish(ticket, answer: answer) { append($0) }
    resumeSoon()
  }

  /// A line of `watch`. A client that does not read misses lines, and is told how many when it reads again: nothing piles up.
  private func sendPart(_ line: [UInt8]) {
    guard context != nil else { return }
    guard isWritable else {
      missedParts += 1
      return
    }
    if missedParts > 0 {
      append(Array("{\"missed\":\(missedParts)}\n".utf8))
      missedParts = 0
    }
    append(line)
    flushOutput()
  }

  private func answerNow(hasID: Bool, _ answer: [UInt8]) {
    if state.mayAnswerAtOnce(hasID: hasID) {
      append(answer)
    } else {
      let ticket = state.begin(hasID: hasID, bytes: answer.count)
      state.finish(ticket, answer: answer) { append($0) }
    }
  }

  private func append(_ answer: [UInt8]) {
    output.writeBytes(answer)
  }

  // MARK: From the loop

  /// Whether nothing has moved for that long and no answer is outstanding.
  func isIdle(for duration: Duration, now: NIODeadline) -> Bool {
    state.unanswered == 0 && now - lastActivity >= TimeAmount(duration)
  }

  func reconfigure() {
    servesFromMemory = loop.handling.servesFromMemory(peer)
  }

  /// Whether it holds room for a line that is not finished.
  var holdsUnfinishedLine: Bool { budgetHeld > 0 && input.readableBytes > 0 }

  func closeIdle() {
    close()
  }

  /// Gives up a line that does not come to its end while others wait for the room that it takes.
  func closeUnfinished() {
    refuseAndEnd(
      LineError(
        error: RequestReason.unfinishedLine.error(
          "the line was not finished within 10 seconds while other connections waited for its room", retryable: true)))
    flushOutput()
    closeIfFinished()
  }

  /// Lets the client send no more; what it has sent is read and answered, then the connection closes.
  ///
  /// The kernel then refuses what the client writes (EPIPE), so that no request is taken from it and lost; what it had taken
  /// before is still read, up to the end of input that follows. Closing the channel's input would leave it unread.
  func drain() {
    _ = try? context?.channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) {
      shutdown($0, CInt(SHUT_RD))
    }
  }

  func close() {
    context?.close(promise: nil)
  }
}

extension OwnedRequest {
  /// Copies what `request` points at.
  init(_ request: RequestLine, line: UnsafeRawBufferPointer) {
    self.init(
      id: request.id.map { Array(line[$0]) }, operation: request.operation,
      certificatePem: request.certificatePem.map { text in
        [UInt8](unsafeUninitializedCapacity: text.range.count) { room, count in
          count = JSONTextDecoder.unescape(text, in: line, into: UnsafeMutableRawBufferPointer(room))
        }
      },
      certificateID: request.certificateID, status: request.status, targets: .default, ifExists: request.ifExists,
      refresh: request.refresh, wait: request.wait, timeoutMilliseconds: request.timeoutMilliseconds,
      watchOutcome: request.outcome)
    switch request.target {
    case .none: break
    case .one(let name): targets = .one(JSONTextDecoder.string(name, in: line))
    case .many(let names): targets = .many(names.map { JSONTextDecoder.string($0, in: line) })
    }
  }
}
