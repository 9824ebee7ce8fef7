import NIOCore
import NIOEmbedded
import NIOHTTP1
import Synchronization
import Testing

@testable import CertRegForwarder

@Suite struct ConnectionHandlerTests {
  private let loop = EmbeddedEventLoop()
  private let connections = ConnectionHandler.Connections()

  private func connect() throws -> EmbeddedChannel {
    let channel = EmbeddedChannel(loop: loop)
    try channel.pipeline.syncOperations.addHandlers([
      HTTPRequestEncoder(), ByteToMessageHandler(HTTPResponseDecoder()),
    ])
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    try ConnectionHandler.add(to: channel, of: connections).wait()
    return channel
  }

  private func send(_ channel: EmbeddedChannel) {
    let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/", headers: ["Content-Length": "4"])
    channel.writeAndFlush(HTTPClientRequestPart.head(head), promise: nil)
    channel.writeAndFlush(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(string: "body"))), promise: nil)
    channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
  }

  private func answer(_ channel: EmbeddedChannel) throws {
    try channel.writeInbound(ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
  }

  private func exchange(_ channel: EmbeddedChannel) throws {
    send(channel)
    loop.run()
    try answer(channel)
  }

  @Test func `writes of one turn of the loop are flushed together, at its end`() throws {
    let channel = try connect()
    send(channel)
    #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
    loop.run()
    var sent = ""
    while let part = try channel.readOutbound(as: ByteBuffer.self) { sent += String(buffer: part) }
    #expect(sent == "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody")
  }

  @Test func `written bytes are sent before the connection closes`() throws {
    let channel = try connect()
    send(channel)
    channel.close(promise: nil)
    #expect(try channel.readOutbound(as: ByteBuffer.self) != nil)
  }

  @Test func `of many connections that have nothing to do a few stay`() throws {
    let channels = try (0..<10).map { _ in try connect() }
    for channel in channels { try exchange(channel) }
    loop.advanceTime(by: .milliseconds(99))
    #expect(channels.count(where: \.isActive) == 10)
    loop.advanceTime(by: .milliseconds(1))
    #expect(channels.count(where: \.isActive) == 4)
    for channel in channels where channel.isActive { try exchange(channel) }
    loop.advanceTime(by: .seconds(50))
    #expect(channels.count(where: \.isActive) == 4)
    #expect(connections.count.load(ordering: .relaxed) == 4)
  }

  @Test func `a connection that is used again, or waits for an answer, stays`() throws {
    let channels = try (0..<10).map { _ in try connect() }
    for channel in channels { try exchange(channel) }
    loop.advanceTime(by: .milliseconds(60))
    for channel in channels[..<3] { try exchange(channel) }
    for channel in channels[3..<6] { send(channel) }
    loop.advanceTime(by: .milliseconds(60))
    #expect(channels[..<6].allSatisfy { $0.isActive })
    #expect(channels.count(where: \.isActive) == 6)
    loop.advanceTime(by: .seconds(20))
    #expect(channels[3..<6].allSatisfy { $0.isActive })
    #expect(channels.count(where: \.isActive) == 4)
  }
}
