import CertRegCodec
import CertRegCore
import Glibc
import Testing

@testable import CertRegClient

@Suite struct ConnectionTests {
  @Test func `says that nothing is there`() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: ClientError.self) { try Connection(path: folder.path("none")) }
    #expect(error?.code == .noDaemon)
    #expect(error?.exitStatus == .unavailable)
    #expect(error?.advice?.contains("systemctl start certregd") == true)
  }

  @Test func `says that a socket was left behind`() throws {
    let folder = try TemporaryFolder()
    close(try FakeDaemon.listen(at: folder.path("s")))
    let error = #expect(throws: ClientError.self) { try Connection(path: folder.path("s")) }
    #expect(error?.code == .noDaemon)
    #expect(error?.message.contains("nothing listens") == true)
  }

  @Test func `says that the path is no socket or too long`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("file", "")
    #expect(throws: ClientError.self) { try Connection(path: file) }
    let error = #expect(throws: ClientError.self) { try Connection(path: file) }
    #expect(error?.code == .notASocket)
    let long = #expect(throws: ClientError.self) { try Connection(path: String(repeating: "x", count: 108)) }
    #expect(long?.code == .pathTooLong)
    #expect(throws: ClientError.self) { try Connection(path: "") }
  }

  @Test func `tells who may connect`() throws {
    let folder = try TemporaryFolder()
    let descriptor = try FakeDaemon.listen(at: folder.path("s"))
    defer { close(descriptor) }
    for (mode, words) in [(mode_t(0o600), "socket.group"), (0o660, getegid() == 0 ? "socket.group" : "usermod -aG")] {
      #expect(chmod(folder.path("s"), mode) == 0)
      let error = connectError(EACCES, path: folder.path("s"))
      #expect(error.code == .notPermitted && error.exitStatus == .notPermitted)
      #expect(error.advice?.contains(words) == true, "\(error)")
    }
    // Only the folder's rights can be seen.
    #expect(connectError(EACCES, path: folder.path("none")).advice?.contains("chmod o+x \(folder.root)") == true)
  }

  @Test func `finds the socket by option, variable and default`() {
    #expect(SocketPath.resolve(option: "a", environment: ["CERTREGD_SOCKET": "b"]) == "a")
    #expect(SocketPath.resolve(option: nil, environment: ["CERTREGD_SOCKET": "b"]) == "b")
    #expect(SocketPath.resolve(option: nil, environment: ["CERTREGD_SOCKET": ""]) == SocketPath.standard)
  }

  @Test func `takes the answer with the number of its request`() throws {
    let daemon = try FakeDaemon { peer in
      guard let first = peer.readLine(), let second = peer.readLine() else { return }
      peer.write("\r\n\n" + JSON.answer(to: second, [("n", .integer(2))]).serialized() + "\r\n")
      peer.write(JSON.answer(to: first, [("n", .integer(1))]).serialized() + "\n")
      _ = peer.readLine()
    }
    let connection = try Connection(path: daemon.path)
    let ids = [connection.enqueue(Request("lookup")), connection.enqueue(Request("lookup"))]
    let answers = try [connection.receive(until: nil), connection.receive(until: nil)]
    #expect(answers.map { $0?.id } == [ids[1], ids[0]])
    #expect(answers.map { $0?.json["n"]?.integer } == [2, 1])
  }

  @Test func `gives up when the time is over`() throws {
    let daemon = try FakeDaemon(answering: { _ in nil })
    let connection = try Connection(path: daemon.path)
    let error = #expect(throws: ClientError.self) { try connection.ask(Request("lookup"), timeout: .milliseconds(20)) }
    #expect(error?.code == .timedOut)
    #expect(error?.exitStatus == .temporaryFailure)
  }

  @Test func `still reads what came before the daemon closed`() throws {
    let daemon = try FakeDaemon { peer in
      guard let request = peer.readLine() else { return }
      peer.write(JSON.answer(to: request, []).serialized() + "\n")
    }
    let connection = try Connection(path: daemon.path)
    _ = try connection.ask(Request("lookup"), timeout: nil)
    let error = #expect(throws: ClientError.self) { try connection.ask(Request("lookup"), timeout: nil) }
    #expect(error?.code == .connectionLost)
  }

  @Test func `tells that the daemon refused the connection`() throws {
    let daemon = try FakeDaemon { peer in
      peer.write(
        JSON.failure(.null, type: "UnauthorizedException", reason: "peer_not_allowed", message: "no").serialized()
          + "\n")
    }
    let connection = try Connection(path: daemon.path)
    let error = #expect(throws: ClientError.self) { try connection.ask(Request("lookup"), timeout: nil) }
    #expect(error?.code == .refused)
    #expect(error?.exitStatus == .notPermitted)
  }

  @Test(arguments: ["HTTP/1.1 400 Bad Request\n", "[]\n", "{\n", "\u{1B}[2J\n"])
  func `notices that something else listens there`(line: String) throws {
    let daemon = try FakeDaemon { peer in
      _ = peer.readLine()
      peer.write(line)
      _ = peer.readLine()
    }
    let connection = try Connection(path: daemon.path)
    let error = #expect(throws: ClientError.self) { try connection.ask(Request("lookup"), timeout: nil) }
    #expect(error?.code == .protocolViolation)
    #expect(error?.exitStatus == .protocolError)
  }
}

@Suite struct PipelineTests {
  @Test(arguments: [1, 3, 64])
  func `never has more under way than the window`(window: Int) throws {
    let daemon = try FakeDaemon(answering: { JSON.created($0) })
    let connection = try Connection(path: daemon.path)
    var begun = 0
    var most = 0
    var answered: [Int] = []
    let end = Pipeline(connection, window: window, timeout: nil).run(
      next: { () -> (Int, Request)? in
        guard begun < 500 else { return nil }
        begun += 1
        most = max(most, begun - answered.count)
        return (begun, Request("register", [("certificatePem", .string("x"))]))
      },
      answered: { item, _ in answered.append(item) })
    #expect(end.failure == nil)
    #expect(most == window)
    #expect(answered.sorted() == Array(1...500))
  }

  @Test func `does not lock up with a daemon that reads no more until its answers drain`() throws {
    let filler = JSON.string(String(repeating: "y", count: 100_000))
    let daemon = try FakeDaemon(answering: {
      JSON.answer(to: $0, [("outcome", .string("created")), ("filler", filler)])
    })
    let connection = try Connection(path: daemon.path)
    let request = Request("register", [("certificatePem", filler)])
    var left = 30
    var answers = 0
    let end = Pipeline(connection, timeout: nil).run(
      next: { () -> (Int, Request)? in
        left -= 1
        return left >= 0 ? (left, request) : nil
      },
      answered: { _, _ in answers += 1 })
    #expect(end.failure == nil)
    #expect(answers == 30)
  }

  @Test func `names what is left when the daemon goes away`() throws {
    let daemon = try FakeDaemon { peer in
      guard let first = peer.readLine(), peer.readLine() != nil else { return }
      peer.write(JSON.created(first).serialized() + "\n")
    }
    let connection = try Connection(path: daemon.path)
    var items = [3, 2, 1]
    var answered: [Int] = []
    let end = Pipeline(connection, window: 3, timeout: nil).run(
      next: { items.popLast().map { ($0, Request("register")) } }, answered: { item, _ in answered.append(item) })
    #expect(answered == [1])
    #expect(end.unanswered.map(\.item) == [2, 3])
    #expect(end.failure?.code == .connectionLost)
  }

  @Test func `begins nothing new once it is told to stop`() throws {
    let daemon = try FakeDaemon(answering: { JSON.created($0) })
    let connection = try Connection(path: daemon.path)
    var begun = 0
    var answered = 0
    let end = Pipeline(connection, window: 4, timeout: nil).run(
      next: {
        begun += 1
        return (begun, Request("register"))
      }, answered: { _, _ in answered += 1 }, tick: { _ in answered < 10 })
    #expect(end.failure == nil)
    #expect(end.unanswered.isEmpty)
    #expect(answered == begun)
    #expect((10...13).contains(answered))
  }
}
