import CertRegCore
import CertRegProtocol
import Testing

@testable import CertRegSocket

/// Lines that end their connection, and limits that change while connections are open.
@Suite struct RefusedLineTests {
  private static let certificateID = String(repeating: "0", count: 64)

  /// A `lookup` of about `length` bytes.
  private func line(_ id: Int? = nil, length: Int = 0) -> String {
    let member = id.map { #","id":\#($0)"# } ?? ""
    let text = #"{"op":"lookup","certificateId":"\#(Self.certificateID)"\#(member)"#
    return text + String(repeating: " ", count: max(0, length - text.utf8.count)) + "}\n"
  }

  private func configuration(maxLineBytes: Int) -> SocketConfiguration {
    var configuration = SocketConfiguration()
    configuration.maxLineBytes = maxLineBytes
    return configuration
  }

  // MARK: Lines that are too long

  @Test func `a line that is too long closes a connection with a watch, which sends no more`() async throws {
    try await withServer(configuration(maxLineBytes: 200)) { server, handler in
      let client = try TestClient(server.path)
      client.write("{\"op\":\"watch\"}\n" + line(1) + line(2, length: 300))
      #expect(client.read(lines: 1).contains("line_too_long"))
      handler.awaitRequests(2)
      handler.sendPart("{\"outcome\":\"created\"}\n")
      handler.answer(1)
      #expect(client.readToEnd() == "{\"id\":1,\"n\":1}\n")
    }
  }

  @Test func `a line that is too long is answered behind earlier requests without an id`() async throws {
    try await withServer(configuration(maxLineBytes: 200)) { server, handler in
      let client = try TestClient(server.path)
      client.write(line() + line(length: 300))
      handler.awaitRequests(1)
      server.awaitCounters { $0.invalidLines == 1 }
      handler.answer(0)
      let answers = client.readToEnd().split(separator: "\n")
      #expect(answers.count == 2)
      #expect(answers.first == "{\"id\":0,\"n\":0}")
      #expect(answers.last?.contains("line_too_long") == true)
    }
  }

  // MARK: The common budget

  /// What else the connection with the unfinished line has under way.
  enum Beside: CaseIterable {
    case nothing
    case watch
    case request
  }

  /// A server whose first client has the room that the second one waits for.
  private func withContention(
    _ beside: Beside, _ body: @escaping @Sendable (TestServer, _ holder: TestClient) throws -> Void
  ) async throws {
    var configuration = SocketConfiguration()
    configuration.budgetBytes = 1
    try await withServer(configuration) { server, handler in
      let holder = try TestClient(server.path)
      switch beside {
      case .nothing: break
      case .watch: holder.write("{\"op\":\"watch\"}\n")
      case .request: holder.write(line(1))
      }
      holder.write(String(line(length: 40_000).dropLast(2)))
      holder.awaitTaken()
      server.advance(by: .zero)
      let waiting = try TestClient(server.path)
      waiting.write(String(line(2, length: 30_000).dropLast(2)))
      waiting.awaitTaken()
      server.advance(by: .zero)
      try body(server, holder)
      waiting.write("}\n")
      handler.awaitRequests(beside == .nothing ? 1 : 2)
      handler.answer(2)
      #expect(waiting.read(lines: 1) == "{\"id\":2,\"n\":2}\n")
    }
  }

  @Test(arguments: Beside.allCases)
  func `an unfinished line is given up after ten seconds without a byte if others wait`(beside: Beside) async throws {
    try await withContention(beside) { server, holder in
      for _ in 1...120 { server.advance(by: .milliseconds(100)) }
      #expect(holder.read(lines: 1).contains("unfinished_line"))
    }
  }

  @Test(arguments: Beside.allCases)
  func `an unfinished line is given up after a minute, whatever comes of it`(beside: Beside) async throws {
    try await withContention(beside) { server, holder in
      for step in 1...620 {
        if step.isMultiple(of: 50) {
          holder.write(" ")
          if step < 580 { holder.awaitTaken() }
        }
        server.advance(by: .milliseconds(100))
      }
      #expect(holder.read(lines: 1).contains("unfinished_line"))
    }
  }

  @Test func `an unfinished line that nobody waits for may take its time`() async throws {
    var configuration = SocketConfiguration()
    configuration.budgetBytes = 1
    try await withServer(configuration) { server, handler in
      let client = try TestClient(server.path)
      client.write(String(line(1, length: 40_000).dropLast(2)))
      client.awaitTaken()
      for _ in 1...100 { server.advance(by: .seconds(1)) }
      client.write("}\n")
      handler.awaitRequests(1)
      handler.answer(1)
      #expect(client.read(lines: 1) == "{\"id\":1,\"n\":1}\n")
    }
  }

  @Test func `a watch holds no budget for the length of its line`() async throws {
    var configuration = SocketConfiguration()
    configuration.maxBytesUnderWay = 1000
    configuration.budgetBytes = 1
    try await withServer(configuration) { server, handler in
      let client = try TestClient(server.path)
      let padding = String(repeating: " ", count: 40_000)
      client.write("{\"op\":\"watch\"\(padding)}\n" + line(1))
      handler.awaitRequests(2)
      let other = try TestClient(server.path)
      other.write(String(line(2, length: 30_000).dropLast(2)))
      other.awaitTaken()
      other.write("}\n")
      handler.awaitRequests(3)
    }
  }

  // MARK: Reloads

  @Test func `a new limit of lines binds connections that are open`() async throws {
    try await withServer(configuration(maxLineBytes: 200)) { server, handler in
      let client = try TestClient(server.path)
      let other = try TestClient(server.path)
      other.write(String(repeating: " ", count: 150))
      other.awaitTaken()
      client.write(line(1))
      handler.awaitRequests(1)
      server.reconfigure(configuration(maxLineBytes: 10_000))
      client.write(line(2, length: 9000))
      handler.awaitRequests(2)
      server.reconfigure(configuration(maxLineBytes: 140))
      // Its line is too long already.
      #expect(other.readToEnd().contains("the line has more than 140 bytes"))
      client.write(line(3, length: 300))
      handler.answer(1)
      handler.answer(2)
      #expect(client.readToEnd().contains("the line has more than 140 bytes"))
    }
  }

  @Test func `a larger window and budget let open connections go on`() async throws {
    var configuration = SocketConfiguration()
    configuration.window = 1
    try await withServer(configuration) { [configuration] server, handler in
      var configuration = configuration
      let client = try TestClient(server.path)
      client.write(line(1) + line(2) + line(3))
      handler.awaitRequests(1)
      configuration.window = 3
      configuration.maxBytesUnderWay = 1
      server.reconfigure(configuration)
      #expect(handler.requests.count == 1)
      configuration.maxBytesUnderWay = 1000
      server.reconfigure(configuration)
      handler.awaitRequests(3)
    }
  }
}
