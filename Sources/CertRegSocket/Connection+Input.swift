import CertRegCore
import CertRegProtocol
import Glibc

// Bytes from the client, and the lines in them.
extension Connection {
  func read() {
    let count = recv(descriptor, loop.received.baseAddress, SocketLoop.longestRead, 0)
    if count > 0 {
      lastActivity = loop.now
      lastInput = loop.now
      if !state.isEnding { take(UnsafeRawBufferPointer(rebasing: loop.received[..<count])) }
    } else if count == 0 || errno != EAGAIN && errno != EINTR {
      // The end of input, or ECONNRESET: the client closed without having read its answers.
      state.inputClosed = true
    }
  }

  /// Takes the lines in the bytes of a read, or appends the bytes to the waiting input.
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
      lineBegan = loop.now
      input.append(UnsafeRawBufferPointer(rebasing: bytes[rest...]))
    }
  }

  func takeWaitingLines() {
    while !input.isEmpty, mayTakeLine, !state.isEnding {
      // Moved out of the property: a long access to a property would be tracked at run time.
      var bytes = RawBuffer()
      swap(&bytes, &input)
      let stop = takeLines(in: bytes.bytes)
      let taken = framer.consume()
      if taken > 0 { lineBegan = loop.now }
      bytes.consume(taken)
      switch stop {
      case .noMoreLines:
        // The end of input ends the last line, too.
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

  /// Keeps the rest of `bytes` as input: in the same memory where it fills half of it, else in memory of its own size.
  private func keep(_ bytes: inout RawBuffer) {
    if bytes.count >= bytes.capacity / 2 {
      swap(&bytes, &input)
    } else {
      input.append(bytes.bytes)
    }
  }

  /// Why no further line was taken.
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
        // At the end of input, the rest is a line whose LF the client can no longer send.
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
    refuseAndEnd(.lineTooLong(limitBytes: framer.maxLineBytes))
  }

  /// Answers the line with an error and takes no further one. The connection ends once the requests before it are
  /// answered; its watches end now.
  func refuseAndEnd(_ error: LineError) {
    loop.counters.invalidLines += 1
    state.isEnding = true
    input.release()
    framer = LineFramer(maxLineBytes: loop.configuration.maxLineBytes)
    answerNow(hasID: false, AnswerEncoder.error(error, in: UnsafeRawBufferPointer(start: nil, count: 0)))
    state.abandonEndless()
    // Bytes that the client has sent meanwhile are read and dropped: closing a socket with unread bytes resets the
    // connection, and the client might never see the error.
    drain()
  }

  /// The client closed its end. Its requests go on: `resume` still takes the lines that it sent.
  func clientIsGone() {
    guard !isGone, !isClosed else { return }
    isGone = true
    // epoll would report it again and again.
    loop.poller.remove(descriptor)
    life.end()
    isBlocked = false
    output.release()
    state.abandonEndless()
  }

  func readWhatIsLeft() {
    while !isClosed, mayRead {
      read()
      takeWaitingLines()
      flush()
    }
    if !isClosed, isFinished { close() }
  }
}
