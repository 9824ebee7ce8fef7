import CertRegCore
import CertRegProtocol
import CertRegTesting
import NIOPosix
import Synchronization
import Testing

@testable import CertRegSocket

/// The server over real sockets, with a handler whose answers the test releases.
@Suite struct SocketServerTests {
  private static let certificateID = String(repeating: "0", count: 64)
  private static let request = #"{"op":"lookup","certificateId":"\#(certificateID)","id":"#

  private func line(_ id: Int) -> String { "\(Self.request)\(id)}\n" }
  private func answer(_ id: Int) -> String { "{\"id\":\(id),\"n\":\(id)}\n" }

  @Test func `sends answers as they are ready, and in one write if they are ready together`() async throws {
    try await withServer { server, handler in
      let client = try TestClient(server.path)
      client.write(line(1) + line(2) + line(3))
      handler.awaitRequests(3)
      handler.answer(2)
      #expect(client.read(lines: 1) == answer(2))
      handler.answer(1)
      handler.answer(3)
      #expect(Set(client.read(lines: 2).split(separator: "\n")) == ["{\"id\":1,\"n\":1}", "{\"id\":3,\"n\":3}"])
    }
  }

  @Test func `takes no line beyond the window until an answer leaves`() async throws {
    var configuration = SocketConfiguration()
    configuration.window = 2
    try await withServer(configuration) { server, handler in
      let client = try TestClient(server.path)
      client.write((1...5).map { line($0) }.joined())
      handler.awaitRequests(2)
      for id in 1...5 {
        #expect(handler.mostUnanswered <= 2)
        handler.awaitRequests(id)
        handler.answer(id)
        #expect(client.read(lines: 1) == answer(id))
      }
    }
  }

  @Test(arguments: ["status", "metrics"])
  func `two requests with long answers run at a time`(operation: String) async throws {
    try await withServer { server, handler in
      let client = try TestClient(server.path)
      client.write((1...5).map { #"{"op":"\#(operation)","id":\#($0)}"# + "\n" }.joined())
      for id in 1...5 {
        handler.awaitRequests(min(5, id + 1))
        #expect(handler.mostUnanswered == 2)
        handler.answer(id)
        #expect(client.read(lines: 1) == answer(id))
      }
    }
  }

  @Test func `a watch delays no later answers, with an id or without`() async throws {
    try await withServer { server, handler in
      let client = try TestClient(server.path)
      client.write("{\"op\":\"watch\"}\n{\"op\":\"nope\"}\n" + line(1))
      handler.awaitRequests(2)
      handler.answer(1)
      let answers = client.read(lines: 2)
      #expect(answers.contains("unknown_operation") && answers.contains(answer(1)))
    }
  }

  @Test func `a last line without its LF counts when the input ends, and the connection closes`() async throws {
    try await withServer { server, handler in
      let client = try TestClient(server.path)
      client.write(line(1) + Self.request + "2}")
      client.endInput()
      handler.awaitRequests(2)
      handler.answer(1)
      handler.answer(2)
      #expect(client.read(lines: 2) == answer(1) + answer(2))
      #expect(client.readToEnd().isEmpty)
    }
  }

  /// Pieces of every size: the cuts do not change the line.
  @Test(arguments: [1, 7, 64, 1000]) func `lines may arrive in pieces`(size: Int) async throws {
    try await withServer { server, handler in
      let client = try TestClient(server.path)
      let text = Array((1...20).map { line($0) }.joined().utf8)
      for start in stride(from: 0, to: text.count, by: size) {
        client.write(text[start..<min(text.count, start + size)])
      }
      handler.awaitRequests(20)
      for id in 1...20 {
        handler.answer(id)
        #expect(client.read(lines: 1) == answer(id))
      }
    }
  }

  @Test func `requests of a client that disconnects continue, also beyond the window`() async throws {
    var configuration = SocketConfiguration()
    configuration.window = 2
    try await withServer(configuration) { server, handler in
      let client = try TestClient(server.path)
      client.write("{\"op\":\"watch\"}\n" + (1...5).map { line($0) }.joined())
      handler.awaitRequests(2)
      client.close()
      handler.awaitUnwanted()
      for id in 1...5 {
        handler.awaitRequests(id + 1)
        handler.answer(id)
      }
      #expect(handler.requests.count == 6)
      // The end of the connection frees its place.
      server.awaitConnections(0)
    }
  }

  @Test func `a client that does not read stops only its own requests`() async throws {
    try await withServer { server, handler in
      handler.answersAtOnce = true
      let deaf = try TestClient(server.path)
      let bad = "{\"id\":\"\(String(repeating: "x", count: 2000))\",\"op\":\"nothing\"}\n"
      // Far more than a socket's buffer: the rest is written once the client reads the answers.
      Task.detached { deaf.write(String(repeating: bad, count: 400)) }
      let other = try TestClient(server.path)
      for id in 1...50 {
        other.write(line(id))
        #expect(other.read(lines: 1) == answer(id))
      }
      #expect(deaf.read(lines: 400).utf8.filter { $0 == 0x0a }.count == 400)
    }
  }

  @Test func `an idle connection is closed, but not one whose client has not read its answers`() async throws {
    var configuration = SocketConfiguration()
    configuration.idleTimeout = .seconds(60)
    try await withServer(configuration) { server, handler in
      let (idle, unfinished, deaf) = try (TestClient(server.path), TestClient(server.path), TestClient(server.path))
      server.awaitConnections(3)
      unfinished.write("{")
      let count = 200
      // Far more than a socket's buffer holds, from requests that one read takes.
      handler.known = MemoryAnswerTests.knownWithLongARN()
      deaf.write(String(repeating: #"{"id":1,"certificatePem":"x"}"# + "\n", count: count))
      server.awaitCounters { $0.pauses > 0 }
      server.advance(by: .seconds(61))
      #expect(idle.readToEnd().isEmpty && unfinished.readToEnd().isEmpty)
      #expect(deaf.read(lines: count).utf8.count { $0 == 0x0a } == count)
      // What was sent counts as activity.
      server.advance(by: .seconds(59))
      handler.answersAtOnce = true
      deaf.write(line(1))
      #expect(deaf.read(lines: 1) == answer(1))
      server.advance(by: .seconds(61))
      #expect(deaf.readToEnd().isEmpty)
    }
  }

  /// The loops have looked for input, and not yet for idle connections, when the line comes.
  @Test func `a line that comes just before an idle connection is closed is answered`() async throws {
    var configuration = SocketConfiguration()
    configuration.idleTimeout = .seconds(60)
    try await withServer(configuration) { server, handler in
      handler.answersAtOnce = true
      let client = try TestClient(server.path)
      server.awaitConnections(1)
      let before = Hold(server.server)
      server.clock.advance(by: .seconds(61))
      let atTheEnd = Hold(server.server, waits: false)
      before.end()
      atTheEnd.begin()
      client.write(line(1))
      atTheEnd.end()
      #expect(client.read(lines: 1) == answer(1))
      #expect(client.readToEnd().isEmpty)
    }
  }

  /// The client reads, and the last answers are made, before the loop runs: then no event is left that would make it
  /// read the lines.
  @Test func `lines that wait for a client to read continue once it has read`() async throws {
    var configuration = SocketConfiguration()
    configuration.window = 2
    try await withServer(configuration) { server, handler in
      let client = try TestClient(server.path)
      client.write((1...5).map { line($0) }.joined())
      handler.awaitRequests(2)
      // More than a socket's buffer holds, and less than twice as much.
      handler.answer(1, padding: 300_000)
      handler.awaitRequests(3)
      let first = Hold(server.server)
      // Together with the answers: one turn handles both, and the client had not read at its beginning.
      let second = Hold(server.server, waits: false)
      handler.answer(2)
      handler.answer(3)
      first.end()
      second.begin()
      client.take()
      second.end()
      handler.awaitRequests(5)
    }
  }

  @Test func `one connection too many gets an error and is closed`() async throws {
    var configuration = SocketConfiguration()
    configuration.maxConnections = 2
    let kept = Mutex<[String]>([])
    configuration.connectionsExhausted = { limit in kept.withLock { $0.append(limit) } }
    try await withServer(configuration) { server, handler in
      handler.answersAtOnce = true
      let clients = try (1...2).map { _ in try TestClient(server.path) }
      for client in clients {
        client.write(line(1))
        #expect(client.read(lines: 1) == answer(1))
      }
      #expect(try TestClient(server.path).readToEnd().contains("\"too_many_connections\""))
      #expect(
        kept.withLock(\.self) == ["2 connections are open already (socket.maxConnections, or the limit of open files)"])
      clients[0].close()
      server.awaitConnections(1)
      let next = try TestClient(server.path)
      next.write(line(7))
      #expect(next.read(lines: 1) == answer(7))
    }
  }

  @Test func `one connection too many of a user gets an error that names the setting`() async throws {
    var configuration = SocketConfiguration()
    configuration.maxConnectionsPerUser = 1
    try await withServer(configuration) { server, handler in
      handler.answersAtOnce = true
      let client = try TestClient(server.path)
      client.write(line(1))
      #expect(client.read(lines: 1) == answer(1))
      let refusal = try TestClient(server.path).readToEnd()
      #expect(refusal.contains("\"too_many_connections\"") && refusal.contains("socket.maxConnectionsPerUser"))
      client.close()
      server.awaitConnections(0)
      let next = try TestClient(server.path)
      next.write(line(7))
      #expect(next.read(lines: 1) == answer(7))
    }
  }

  @Test func `a connection has a limit of watches, and one too many leaves the others unchanged`() async throws {
    try await withServer { server, handler in
      let client = try TestClient(server.path)
      client.write((1...9).map { #"{"op":"watch","id":\#($0)}"# + "\n" }.joined())
      handler.awaitRequests(8)
      let refusal = client.read(lines: 1)
      #expect(refusal.hasPrefix(#"{"id":9,"#) && refusal.contains("\"too_many_watches\""))
      handler.sendPart("{\"n\":1}\n")
      #expect(client.read(lines: 8) == (1...8).map { "{\"id\":\($0),\"n\":1}\n" }.joined())
    }
  }

  @Test func `a watch that is not read misses lines and gets their number`() async throws {
    try await withServer { server, handler in
      let client = try TestClient(server.path)
      client.write("{\"op\":\"watch\"}\n")
      handler.awaitRequests(1)
      let hold = Hold(server.server)
      let count = 1000
      for number in 1...count { handler.sendPart("{\"n\":\(number)}\n") }
      hold.end()
      let first = client.read(lines: 1)
      let missed = Int(first.filter(\.isNumber)) ?? 0
      #expect(first.hasPrefix("{\"missed\":") && (1..<count).contains(missed), "\(first)")
      #expect(client.read(lines: count - missed) == (1...(count - missed)).map { "{\"n\":\($0)}\n" }.joined())
    }
  }

  @Test func `every listening socket is served, and their connections are told apart`() async throws {
    try await withServer { server, handler in
      let clients = try [server.path, server.otherPath, server.otherPath, server.path].map { try TestClient($0) }
      for (id, client) in clients.enumerated() { client.write(line(id)) }
      handler.awaitRequests(clients.count)
      for (id, client) in clients.enumerated().reversed() {
        handler.answer(id)
        #expect(client.read(lines: 1) == answer(id))
      }
    }
  }

  @Test(arguments: [true, false])
  func `no socket accepts connections once the server drains`(isShared: Bool) async throws {
    try await withServer { server, _ in
      for path in [server.path, server.otherPath] { _ = try TestClient(path) }
      let drained = Atomic<Bool>(false)
      Task {
        await server.server.drain(isShared: isShared)
        drained.store(true, ordering: .releasing)
      }
      yieldUntil { drained.load(ordering: .acquiring) }
      for path in [server.path, server.otherPath] {
        #expect(throws: SystemCallError.self) { try TestClient(path) }
      }
    }
  }

  @Test(arguments: [true, false])
  func `a client that has connected may still ask when the server drains`(isShared: Bool) async throws {
    try await withServer { server, handler in
      let client = try TestClient(server.path)
      let drained = Atomic<Bool>(false)
      server.awaitConnections(1)
      Task {
        await server.server.drain(isShared: isShared, lastRequests: .seconds(2))
        drained.store(true, ordering: .releasing)
      }
      if isShared { yieldUntil { (try? TestClient(server.path)) == nil } }
      client.write(line(1))
      handler.awaitRequests(1)
      handler.answer(1)
      #expect(client.read(lines: 1) == answer(1))
      yieldUntil { drained.load(ordering: .acquiring) }
    }
  }

  @Test func `draining answers requests sent before it and refuses later ones`() async throws {
    try await withServer { server, handler in
      let client = try TestClient(server.path)
      client.write(line(1) + line(2))
      handler.awaitRequests(2)
      Task { await server.server.drain(isShared: true) }
      #expect(client.writeFails())
      handler.answer(2)
      handler.answer(1)
      #expect(client.read(lines: 2) == answer(2) + answer(1))
      #expect(client.readToEnd().isEmpty)
    }
  }
}
