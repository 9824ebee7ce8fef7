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
  private let servesFromMemory: Bool
  private var state: ConnectionState
  private var context: ChannelHandlerContext?
  private var input = ByteBuffer()
  /// Bytes at the start of `input` that are known to hold no LF.
  private var scanned = 0
  private var output = ByteBuffer()
  private var isReadHeld = false
  private var isInRead = false
  /// What of the common budget this connection holds.
  private var budgetHeld = 0
  private(set) var awaitsBudget = false
  private var lastActivity = NIODeadline.now()
  private var missedParts = 0

  init(loop: LoopContext, peer: Peer) {
    self.loop = loop
    self.peer = peer
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
    leave()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    leave()
  }

  private func leave() {
    loop.budget.give(back: budgetHeld)
    budgetHeld = 0
    awaitsBudget = false
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
      scanned = 0
    } else {
      input.writeBuffer(&received)
    }
    isInRead = true
    takeLines()
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isInRead = false
    flushOutput()
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
    state.mayTakeLine && isWritable && !state.inputClosed && reserveForInput()
  }

  /// Takes from the common budget what the unfinished line needs beyond the connection's own allowance.
  private func reserveForInput() -> Bool {
    let needed = max(0, input.readableBytes - loop.configuration.freeBytes + 64 * 1024)
    guard input.readableBytes > loop.configuration.freeBytes else {
      loop.budget.give(back: budgetHeld)
      budgetHeld = 0
      awaitsBudget = false
      return true
    }
    if needed > budgetHeld {
      guard loop.budget.take(needed - budgetHeld) else {
        awaitsBudget = true
        loop.awaitsBudget()
        return false
      }
      budgetHeld = needed
    }
    awaitsBudget = false
    return true
  }

  /// Goes on after something drained.
  func resume() {
    guard context != nil else { return }
    takeLines()
    flushOutput()
    closeIfFinished()
    if isReadHeld, mayRead {
      isReadHeld = false
      context?.read()
    }
  }

  private func takeLines() {
    while state.mayTakeLine, isWritable {
      guard let line = nextLine() else { return }
      input.withUnsafeReadableBytes { bytes in
        take(UnsafeRawBufferPointer(rebasing: bytes[0..<line]))
      }
      input.moveReaderIndex(forwardBy: min(line + 1, input.readableBytes))
      if input.readableBytes == 0 { input = ByteBuffer() }
      if output.readableBytes > Self.writeThreshold { flushOutput() }
    }
  }

  /// Length of the next line without its LF; `nil` where there is none.
  private func nextLine() -> Int? {
    let start = scanned
    let found: Int? = input.withUnsafeReadableBytes { bytes in
      // memchr over the part that has not been looked at: reads inside `bytes` only.
      guard bytes.count > start, let base = bytes.baseAddress,
        let place = memchr(base + start, 0x0a, bytes.count - start)
      else { return nil }
      return UnsafeRawPointer(place) - base
    }
    let length = found ?? input.readableBytes
    if length > loop.configuration.maxLineBytes {
      answerAndEnd(.lineTooLong(limitBytes: loop.configuration.maxLineBytes))
      return nil
    }
    guard let found else {
      scanned = input.readableBytes
      // At the end of input what is left is a line without its LF: the client cannot send it any more.
      return state.inputClosed && scanned > 0 ? scanned : nil
    }
    scanned = 0
    return found
  }

  private func answerAndEnd(_ error: LineError) {
    loop.counters.invalidLines += 1
    state.isEnding = true
    input = ByteBuffer()
    scanned = 0
    append(AnswerEncoder.error(id: nil, error.error))
  }

  private func closeIfFinished() {
    guard let context, state.isFinished(hasBufferedLines: input.readableBytes > 0) else { return }
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
    if LineFramer.isBlank(line) { return }
    loop.counters.lines += 1
    let request: RequestLine
    do {
      request = try LineParser.parse(line)
    } catch {
      loop.counters.invalidLines += 1
      answerNow(
        hasID: error.id != nil, AnswerEncoder.error(id: error.id.map { Array(line[$0]) }, error.error))
      return
    }
    if loop.isDraining {
      answerNow(
        hasID: request.id != nil, AnswerEncoder.error(id: request.id.map { Array(line[$0]) }, .draining))
    } else if !answerFromMemory(request, line) {
      handOn(request, line)
    }
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
    guard let context else { return }
    let owned = OwnedRequest(request, line: line)
    let ticket = state.begin(hasID: request.id != nil, bytes: line.count)
    let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
    let eventLoop = context.eventLoop
    let reply = Reply(eventLoop: eventLoop) { answer, isLast in
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
    if !isInRead { resume() }
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

  var holdsBudget: Bool { budgetHeld > 0 }

  func closeIdle() {
    close()
  }

  /// Gives up a line that does not come to its end while others wait for the room that it takes.
  func closeUnfinished() {
    answerAndEnd(
      LineError(
        error: ServiceError(
          .invalidRequest, reason: "unfinished_line",
          message: "the line was not finished within 10 seconds while other connections waited for its room",
          retryable: true)))
    flushOutput()
    closeIfFinished()
  }

  /// Answers what was taken, refuses what is buffered, closes.
  func drain() {
    takeLines()
    flushOutput()
    if state.unanswered == 0 { state.isEnding = true }
    state.inputClosed = true
    resume()
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
