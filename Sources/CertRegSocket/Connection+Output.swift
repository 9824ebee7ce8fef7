import CertRegCore
import Glibc

// Answers to the client.
extension Connection {
  func append(_ answer: [UInt8]) {
    borrowOutput()
    output.append(answer)
  }

  /// Borrows the loop's spare buffer for output where the connection has none.
  @inline(__always)
  func borrowOutput() {
    if output.capacity == 0 { swap(&output, &loop.spareOutput) }
  }

  /// Writes the output. Bytes that the kernel has no room for wait until the socket is writable again.
  func flush() {
    guard !output.isEmpty else { return }
    guard !isGone else {
      output.release()
      return
    }
    let count = send(descriptor, output.bytes.baseAddress, output.count, CInt(MSG_NOSIGNAL))
    if count > 0 { lastActivity = loop.now }
    if count > 0 || !isBlocked { lastOutput = loop.now }
    if count == output.count {
      output.consume(count)
      isBlocked = false
      returnOutput()
    } else if count >= 0 || errno == EAGAIN || errno == EINTR {
      output.consume(max(0, count))
      isBlocked = true
    } else if errno == EPIPE || errno == ECONNRESET {
      // The client has closed its end; epoll reports that next.
      isBlocked = false
      output.release()
    } else {
      // ENOBUFS, ENOMEM: an answer is lost or cut, so the client has to see the connection end.
      shutdown(descriptor, CInt(SHUT_RDWR))
      clientIsGone()
    }
  }

  private func returnOutput() {
    if loop.spareOutput.capacity == 0, output.capacity <= SocketLoop.mostFreeOutput {
      swap(&output, &loop.spareOutput)
    } else {
      output.release()
    }
  }

  /// A request is answered.
  func finish(_ ticket: ConnectionState.Ticket, _ answer: [UInt8]) {
    guard !isClosed else { return }
    lastActivity = loop.now
    state.finish(ticket, answer: answer) { append($0) }
    resumeSoon()
  }

  /// Sends a line of a `watch`. A client that does not read misses lines, and is told how many when it reads again.
  ///
  /// - Parameter line: An object without `id`, and its LF.
  func sendPart(_ line: [UInt8], of watch: WatchFlow) {
    watch.leave()
    guard !isClosed, !isGone, !state.isEnding else { return }
    // Many lines can arrive in one turn of the loop.
    if output.count > SocketLoop.writeThreshold { flush() }
    missedParts += watch.takeMissed()
    guard !isBlocked else {
      missedParts += 1
      return
    }
    if missedParts > 0 {
      append(Array("{\"missed\":\(missedParts)}\n".utf8))
      missedParts = 0
    }
    borrowOutput()
    output.append(watch.head)
    line.withUnsafeBytes { output.append(UnsafeRawBufferPointer(rebasing: $0.dropFirst())) }
    resumeSoon()
  }

  /// Goes on at the end of the loop's turn, so that answers that arrive together leave in one write.
  private func resumeSoon() {
    guard !isResumeScheduled else { return }
    isResumeScheduled = true
    loop.resumeSoon(self)
  }
}
