import CertRegCore
import Testing

@testable import CertRegSocket

/// Answers that a client does not read, and that other connections wait for the room of.
@Suite(.serialized) struct UnreadAnswerTests {
  private static let certificateID = String(repeating: "0", count: 64)
  private static let answerBytes = 2_000_000

  /// A `lookup` without its end.
  private func beginning(_ id: Int, length: Int) -> String {
    let text = #"{"op":"lookup","certificateId":"\#(Self.certificateID)","id":\#(id)"#
    return text + String(repeating: " ", count: max(0, length - text.utf8.count))
  }

  /// A server whose first client does not read its answer, whose second one goes past the common budget, and whose
  /// third one waits for room.
  private func withUnreadAnswer(
    behind line: String = "",
    _ body: @escaping @Sendable (TestServer, _ reader: TestClient, ScriptedHandler) throws -> Void
  ) async throws {
    var configuration = SocketConfiguration()
    configuration.budgetBytes = 100_000
    try await withServer(configuration) { server, handler in
      let reader = try TestClient(server.path)
      reader.write(beginning(1, length: 0) + "}\n" + line)
      handler.awaitRequests(1)
      handler.answer(1, padding: Self.answerBytes)
      server.advance(by: .zero)
      let second = try TestClient(server.path)
      second.write(beginning(2, length: 30_000))
      second.awaitTaken()
      server.advance(by: .zero)
      second.write("}\n")
      handler.awaitRequests(2)
      let third = try TestClient(server.path)
      third.write(beginning(3, length: 30_000))
      third.awaitTaken()
      server.advance(by: .zero)
      try body(server, reader, handler)
      // The third one looks for room from time to time.
      server.advance(by: .milliseconds(100))
      let count = handler.requests.count
      third.write("}\n")
      handler.awaitRequests(count + 1)
    }
  }

  @Test(.timeLimit(.minutes(5)))
  func `a client that reads nothing for a minute makes room for those that wait`() async throws {
    try await withUnreadAnswer { server, reader, _ in
      for _ in 1...420 { server.advance(by: .milliseconds(150)) }
      #expect(reader.readToEnd().utf8.count < Self.answerBytes)
    }
  }

  @Test(.timeLimit(.minutes(5)))
  func `a client that reads a part of its answers now and then gets all of them`() async throws {
    try await withUnreadAnswer { server, reader, _ in
      for step in 1...720 {
        if step == 360 { reader.take() }
        server.advance(by: .milliseconds(150))
      }
      #expect(reader.read(lines: 1).utf8.count > Self.answerBytes)
    }
  }

  @Test(.timeLimit(.minutes(5)))
  func `an unfinished line that is not read because of unread answers is not given up`() async throws {
    try await withUnreadAnswer(behind: beginning(4, length: 100)) { server, reader, handler in
      for _ in 1...200 { server.advance(by: .milliseconds(150)) }
      #expect(reader.read(lines: 1).utf8.count > Self.answerBytes)
      reader.write("}\n")
      handler.awaitRequests(3)
      handler.answer(4)
      #expect(reader.read(lines: 1) == "{\"id\":4,\"n\":4}\n")
    }
  }

  /// The kernel says that there is room for more when most of the last bytes are read.
  @Test(.timeLimit(.minutes(5)))
  func `a client that reads a little now and then gets all of its answers`() async throws {
    try await withUnreadAnswer { server, reader, _ in
      for step in 1...840 {
        if step.isMultiple(of: 260) { reader.take(atMost: 40_000) }
        server.advance(by: .milliseconds(150))
      }
      #expect(reader.read(lines: 1).utf8.count > Self.answerBytes)
    }
  }

  @Test(.timeLimit(.minutes(5)))
  func `answers that nobody waits for the room of may be read late`() async throws {
    try await withServer { server, handler in
      let reader = try TestClient(server.path)
      reader.write(beginning(1, length: 0) + "}\n")
      handler.awaitRequests(1)
      handler.answer(1, padding: Self.answerBytes)
      for _ in 1...100 { server.advance(by: .seconds(10)) }
      #expect(reader.read(lines: 1).utf8.count > Self.answerBytes)
    }
  }
}
