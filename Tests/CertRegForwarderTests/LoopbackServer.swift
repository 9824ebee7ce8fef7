import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// A request that a server received.
struct ReceivedRequest: Sendable {
  var method: String
  var uri: String
  var headers: HTTPHeaders
  var body: String
}

/// A server's reaction to a request.
struct CannedReply: Sendable {
  enum Ending: Sendable {
    /// The connection stays open.
    case keepAlive
    /// The connection ends with the answer's last byte.
    case close
    /// The server sends nothing more; the connection stays open.
    case hang
    /// Bytes that are not TLS, in place of an answer.
    case breakTLS
    /// The answer is sent when the test calls `release()`.
    case held
  }

  var status = 200
  var headers: [(String, String)] = []
  var body = ""
  /// The number of bytes of the body to send; `nil` for all.
  var sentBytes: Int?
  /// The bytes to send in place of the whole answer.
  var raw: String?
  var ending = Ending.keepAlive

  static func json(_ status: Int = 200, _ body: String, _ headers: [(String, String)] = []) -> CannedReply {
    CannedReply(status: status, headers: [("Content-Type", "application/json")] + headers, body: body)
  }

  static let silence = CannedReply(raw: "", ending: .hang)
}

/// An HTTP server on a loopback address whose answers a test chooses.
final class LoopbackServer: Sendable {
  typealias Answer = @Sendable (_ request: ReceivedRequest, _ count: Int) -> CannedReply

  private let channel: any Channel
  private let record: Record

  fileprivate final class Record: Sendable {
    let requests = Mutex<[ReceivedRequest]>([])
    let connections = Mutex(0)
    let held = Mutex<[@Sendable () -> Void]>([])
    let arrivals = AsyncStream<Void>.makeStream()
  }

  /// - Parameter answer: Gets each request and the number of earlier requests.
  static func start(tls: NIOSSLContext? = nil, answer: @escaping Answer) async throws -> LoopbackServer {
    let record = Record()
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        record.connections.withLock { $0 += 1 }
        return channel.eventLoop.makeCompletedFuture {
          if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
          try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
          try channel.pipeline.syncOperations.addHandler(AnsweringHandler(record: record, answer: answer))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    return LoopbackServer(channel: channel, record: record)
  }

  private init(channel: any Channel, record: Record) {
    self.channel = channel
    self.record = record
  }

  var port: Int { channel.localAddress?.port ?? 0 }
  var requests: [ReceivedRequest] { record.requests.withLock { $0 } }
  var connections: Int { record.connections.withLock { $0 } }

  /// Waits for the next request. Each call returns another request.
  func nextRequest() async {
    for await _ in record.arrivals.stream { return }
  }

  /// Sends the delayed answers.
  func release() {
    let held = record.held.withLock { held in
      defer { held = [] }
      return held
    }
    for send in held { send() }
  }

  func stop() async throws {
    try await channel.close()
  }

  private final class AnsweringHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private let record: Record
    private let answer: Answer
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()

    init(record: Record, answer: @escaping Answer) {
      self.record = record
      self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head):
        self.head = head
        body.clear()
      case .body(var part): body.writeBuffer(&part)
      case .end: respond(context)
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      context.close(promise: nil)
    }

    private func respond(_ context: ChannelHandlerContext) {
      guard let head else { return }
      let request = ReceivedRequest(
        method: head.method.rawValue, uri: head.uri, headers: head.headers, body: String(buffer: body))
      let count = record.requests.withLock { requests in
        requests.append(request)
        return requests.count - 1
      }
      let reply = answer(request, count)
      if reply.ending == .breakTLS {
        let tls = try? context.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
        tls?.writeAndFlush(NIOAny(ByteBuffer(string: "HTTP/1.1 400 this was meant for TLS\r\n\r\n")), promise: nil)
        return
      }
      var text = reply.raw ?? "HTTP/1.1 \(reply.status) X\r\nContent-Length: \(reply.body.utf8.count)\r\n"
      if reply.raw == nil {
        for (name, value) in reply.headers { text += "\(name): \(value)\r\n" }
        text += "\r\n"
        text += String(decoding: reply.body.utf8.prefix(reply.sentBytes ?? .max), as: UTF8.self)
      }
      if reply.ending == .held {
        let channel = context.channel
        record.held.withLock { [text] held in
          held.append { channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }
        }
        record.arrivals.continuation.yield()
        return
      }
      record.arrivals.continuation.yield()
      let written = context.writeAndFlush(NIOAny(ByteBuffer(string: text)))
      if reply.ending == .close {
        let channel = context.channel
        written.whenComplete { _ in channel.close(promise: nil) }
      }
    }
  }
}
