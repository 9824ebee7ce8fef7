import CertRegCore
import Glibc
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL

/// One connection: gathers a request, has it answered, sends the answer after its latency.
///
/// The pipeline's pipelining handler holds back the next request until the answer to the present one is sent, so that
/// there is never more than one here.
final class HTTPConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private enum State {
    /// Leads to `receiving` or `refusing`.
    case idle
    /// The head is there; leads to `blocked`, or to `refusing` when the body is too long.
    case receiving(HTTPRequestHead, body: ByteBuffer)
    /// An answer was sent ahead of the request's end; the connection ends with it. Closing at once would make the
    /// client's system throw the answer away with an error for what it still sends.
    case refusing(unreadBytes: Int)
    /// The request is there. It is answered once the client has read enough of the answers before it; leads to
    /// `answering`.
    case blocked(HTTPRequestHead, body: ByteBuffer)
    /// The answer waits for its latency or is being sent; leads to `idle`.
    case answering
  }

  private let endpoint: SandboxEndpoint
  private let bodyLimitBytes: Int
  private let logger: Logger
  private var state = State.idle
  /// Whether an answer is being written, which can deliver the next request.
  private var isSending = false

  init(endpoint: SandboxEndpoint, bodyLimitBytes: Int, logger: Logger) {
    self.endpoint = endpoint
    self.bodyLimitBytes = bodyLimitBytes
    self.logger = logger
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch (unwrapInboundIn(data), state) {
    case (.head(let head), .idle):
      requestBegan(head, context: context)
    case (.body(var part), .receiving(let head, var body)):
      guard body.readableBytes + part.readableBytes <= bodyLimitBytes else { return refuse(context: context) }
      // Letting go of the state's reference first makes appending to the buffer free of a copy.
      state = .idle
      body.writeBuffer(&part)
      state = .receiving(head, body: body)
    case (.body(let part), .refusing(let unreadBytes)):
      state = .refusing(unreadBytes: unreadBytes + part.readableBytes)
      if unreadBytes > 16 * bodyLimitBytes { context.close(promise: nil) }
    case (.end, .refusing):
      context.close(promise: nil)
    case (.end, .receiving(let head, let body)):
      state = .blocked(head, body: body)
      answerIfWritable(context: context)
    case (.head, _), (.body, _), (.end, _):
      // The pipelining handler sends nothing else; a connection that ends may drop the rest of a request here.
      break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    context.flush()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    answerIfWritable(context: context)
    context.flush()
    context.fireChannelWritabilityChanged()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    // An answer that waits for its latency keeps the connection.
    if event is IdleStateHandler.IdleStateEvent, case .answering = state { return }
    if event is IdleStateHandler.IdleStateEvent { return context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    logger.debug("connection failed", metadata: ["sandbox-error": "\(type(of: error))"])
    context.close(promise: nil)
  }

  // MARK: Requests

  private func requestBegan(_ head: HTTPRequestHead, context: ChannelHandlerContext) {
    if let length = head.headers.first(name: "content-length").flatMap(Int.init), length > bodyLimitBytes {
      return refuse(context: context)
    }
    if head.headers[canonicalForm: "expect"].contains(where: { $0.lowercased() == "100-continue" }) {
      let interim = HTTPResponseHead(version: .http1_1, status: .continue)
      context.writeAndFlush(wrapOutboundOut(.head(interim)), promise: nil)
    }
    state = .receiving(head, body: ByteBuffer())
  }

  private func answerIfWritable(context: ChannelHandlerContext) {
    guard context.channel.isWritable, case .blocked(let head, let body) = state else { return }
    state = .answering
    answer(head, body: body, context: context)
  }

  private func answer(_ head: HTTPRequestHead, body: ByteBuffer, context: ChannelHandlerContext) {
    let request = SandboxRequest(
      method: head.method.rawValue, target: head.uri, headers: head.headers.map { ($0.name, $0.value) },
      body: Array(body.readableBytesView))
    let answer = endpoint.answer(request)
    log(answer.response, operation: answer.operation)
    if let cause = answer.cause { logger.error("\(cause)") }
    // With the end of an answer the pipelining handler delivers the next request. Answered at once, thousands of requests
    // in one packet would nest.
    if answer.latency == .zero, !isSending {
      send(answer, to: head, context: context)
    } else {
      later(answer.latency, context: context) { self.send(answer, to: head, context: context) }
    }
  }

  private func later(_ delay: Duration, context: ChannelHandlerContext, _ body: @escaping () -> Void) {
    context.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(delay.nanoseconds)) {
      guard context.channel.isActive else { return }
      body()
      context.flush()
    }
  }

  private func refuse(context: ChannelHandlerContext) {
    let response = endpoint.answerTooLarge()
    log(response, operation: nil)
    write(response, isKeptAlive: false, context: context)
    context.write(wrapOutboundOut(.end(nil)), promise: nil)
    state = .refusing(unreadBytes: 0)
    context.flush()
  }

  // MARK: Answers

  private func send(_ answer: SandboxAnswer, to request: HTTPRequestHead, context: ChannelHandlerContext) {
    state = .idle
    isSending = true
    defer { isSending = false }
    guard let response = answer.response else { return cut(answer.cut, context: context) }
    let isKeptAlive = request.isKeepAlive
    // An answer to HEAD has the length of a body and no body (RFC 9110 section 9.3.2), one with status 204 or 304
    // neither. The client would take the bytes of a body for the beginning of its next answer.
    let hasBody = request.method != .HEAD && HTTPResponseStatus(statusCode: response.status).mayHaveResponseBody
    if let bytesPerSecond = answer.bytesPerSecond, hasBody {
      // The pipelining handler holds back the next request until the end is written.
      context.write(wrapOutboundOut(.head(head(of: response, isKeptAlive: isKeptAlive))), promise: nil)
      drip(ByteBuffer(bytes: response.body), bytesPerSecond, isKeptAlive: isKeptAlive, context: context)
    } else {
      write(response, hasBody: hasBody, isKeptAlive: isKeptAlive, context: context)
      end(isKeptAlive: isKeptAlive, context: context)
    }
  }

  private func end(isKeptAlive: Bool, context: ChannelHandlerContext) {
    guard !isKeptAlive else { return context.write(wrapOutboundOut(.end(nil)), promise: nil) }
    let sent = context.eventLoop.makePromise(of: Void.self)
    sent.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    context.write(wrapOutboundOut(.end(nil)), promise: sent)
  }

  private func cut(_ cut: FaultPlan.Draw.Cut, context: ChannelHandlerContext) {
    guard cut == .reset else { return context.close(promise: nil) }
    // Closing with no time to linger sends a reset (socket(7)).
    _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
    // The TLS handler would first end the session, so that the client would see an end and no reset.
    let tls = try? context.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
    (tls ?? context).close(promise: nil)
  }

  /// Sends a body a little at a time, ten times a second at most.
  private func drip(
    _ body: ByteBuffer, _ bytesPerSecond: Int, isKeptAlive: Bool, context: ChannelHandlerContext
  ) {
    var rest = body
    guard let part = rest.readSlice(length: min(max(1, bytesPerSecond / 10), rest.readableBytes)),
      part.readableBytes > 0
    else {
      return end(isKeptAlive: isKeptAlive, context: context)
    }
    context.write(wrapOutboundOut(.body(.byteBuffer(part))), promise: nil)
    let pause = Duration.seconds(Double(part.readableBytes) / Double(bytesPerSecond))
    later(pause, context: context) { [rest] in
      self.drip(rest, bytesPerSecond, isKeptAlive: isKeptAlive, context: context)
    }
  }

  /// Writes an answer up to its end.
  private func write(
    _ response: SandboxResponse, hasBody: Bool = true, isKeptAlive: Bool, context: ChannelHandlerContext
  ) {
    context.write(wrapOutboundOut(.head(head(of: response, isKeptAlive: isKeptAlive))), promise: nil)
    if hasBody, !response.body.isEmpty {
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: response.body)))), promise: nil)
    }
  }

  private func head(of response: SandboxResponse, isKeptAlive: Bool) -> HTTPResponseHead {
    var headers = HTTPHeaders(response.headers.map { ($0.name, $0.value) })
    headers.replaceOrAdd(name: "Content-Length", value: String(response.body.count))
    headers.replaceOrAdd(name: "Connection", value: isKeptAlive ? "keep-alive" : "close")
    return HTTPResponseHead(
      version: .http1_1, status: HTTPResponseStatus(statusCode: response.status), headers: headers)
  }

  /// Names the operation instead of the path, which is text of the client. Headers can be text of a client, too: of one
  /// that scripts answers.
  private func log(_ response: SandboxResponse?, operation: SandboxOperation.Name?) {
    logger.info(
      "\(operation?.rawValue ?? "unknown operation")",
      metadata: [
        "sandbox-status": "\(response.map { String($0.status) } ?? "dropped")",
        "sandbox-error": response?.header("x-amzn-ErrorType").map { "\(HTTPConnectionHandler.word($0))" },
        "sandbox-request-id": response?.header("x-amzn-RequestId").map { "\(HTTPConnectionHandler.word($0))" },
      ].compactMapValues { $0 })
  }

  /// `text` where it has nothing but ASCII letters, digits and hyphens, as the names of errors and the IDs of requests
  /// do.
  private static func word(_ text: String) -> String {
    let isWord = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    return isWord && text.utf8.count <= 64 ? text : "unprintable"
  }
}
