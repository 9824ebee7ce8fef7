import CertRegSettings
import Glibc
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOPosix
import Testing

@testable import CertRegDaemon

@Suite struct MetricsServerTests {
  /// A client's end of a Unix socket.
  private func connect(_ path: String) -> CInt {
    let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8).prefix($0.count - 1)) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    return result == 0 ? descriptor : -1
  }

  /// The server's answer up to `end` or the end of the connection.
  private func scrape(
    _ descriptor: CInt, _ request: String = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", until end: String
  ) -> String {
    let request = Array(request.utf8)
    _ = send(descriptor, request, request.count, CInt(MSG_NOSIGNAL))
    var answer: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while !answer.reversed().starts(with: end.utf8.reversed()) {
      let count = read(descriptor, &piece, piece.count)
      guard count > 0 else { break }
      answer += piece.prefix(count)
    }
    return String(decoding: answer, as: UTF8.self)
  }

  /// Runs `body` on a thread of its own, with a server at the path that it gets: the client blocks.
  private func withServer<Value: Sendable>(_ body: @escaping @Sendable (String) -> Value) async throws -> Value {
    var name = Array("/tmp/certregd-XXXXXX".utf8CString)
    #expect(mkdtemp(&name) != nil)
    let folder = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let path = folder + "/metrics"
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let server = try await MetricsServer.start(
      .unix(path: path), exposition: { $0("certregd_up 1\n") }, on: group)
    let value = try await NIOThreadPool.singleton.runIfActive { body(path) }
    await server.stop()
    try await group.shutdownGracefully()
    rmdir(folder)
    return value
  }

  @Test func `silent connections neither block a new scrape nor end a repeated one`() async throws {
    let answers = try await withServer { path in
      let prometheus = connect(path)
      var answers = [scrape(prometheus, until: "certregd_up 1\n")]
      let silent = (0..<15).map { _ in connect(path) }
      answers.append(scrape(prometheus, until: "certregd_up 1\n"))
      let more = (0..<10).map { _ in connect(path) }
      answers.append(scrape(prometheus, until: "certregd_up 1\n"))
      let another = connect(path)
      answers.append(scrape(another, until: "certregd_up 1\n"))
      for descriptor in silent + more + [prometheus, another] { close(descriptor) }
      return answers
    }
    #expect(answers.map { $0.hasPrefix("HTTP/1.1 200") } == [true, true, true, true])
  }

  @Test func `thousands of requests in one packet are answered one after the other`() async throws {
    let count = 2500
    let answers = try await withServer { path in
      let client = connect(path)
      defer { close(client) }
      let requests =
        "GET /metrics HTTP/1.1\r\n\r\n" + String(repeating: "GET / HTTP/1.1\r\n\r\n", count: count)
        + "GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n"
      return scrape(client, requests, until: "\0")
    }
    #expect(answers.split(separator: "HTTP/1.1 404").count == count + 1)
    #expect(answers.hasSuffix("certregd_up 1\n"))
  }

  @Test func `a client that does not read its answers gets no more of them`() throws {
    let channel = EmbeddedChannel(
      handler: ScrapeHandler(exposition: { $0("certregd_up 1\n") }, connections: ScrapeConnections(limit: 1)))
    let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/metrics")
    channel.isWritable = false
    try channel.writeInbound(HTTPServerRequestPart.head(head))
    try channel.writeInbound(HTTPServerRequestPart.end(nil))
    channel.embeddedEventLoop.run()
    #expect(try channel.readOutbound(as: HTTPServerResponsePart.self) == nil)
    channel.isWritable = true
    channel.pipeline.fireChannelWritabilityChanged()
    channel.embeddedEventLoop.run()
    guard case .head(let answer)? = try channel.readOutbound(as: HTTPServerResponsePart.self) else {
      Issue.record("there is no answer")
      return
    }
    #expect(answer.status == .ok)
    _ = try channel.finish(acceptAlreadyClosed: true)
  }
}
