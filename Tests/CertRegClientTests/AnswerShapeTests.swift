import CertRegCodec
import CertRegCore
import Glibc
import Testing

@testable import CertRegClient

/// Answers that lack what the protocol requires, and lines that are none.
@Suite struct AnswerShapeTests {
  private func session(
    _ daemon: FakeDaemon, _ capture: Capture, json: Bool = false, targets: [String] = []
  ) -> Session {
    Session(socketPath: daemon.path, console: capture.console(), json: json, targets: targets)
  }

  private static func without(_ name: String, _ object: JSON) -> JSON {
    .object((object.members ?? []).filter { $0.name != name })
  }

  @Test(arguments: ["certificateArn", "certificateId", "outcome", "status", "cached", "target"], [false, true])
  func `an answer without an outcome is none`(removed: String, json: Bool) throws {
    let folder = try TemporaryFolder()
    let files = try (0..<2).map { try folder.write("\($0).pem", Sample.certificatePEM(UInt8($0))) }
    let daemon = try FakeDaemon(answering: { request in
      let answer = JSON.created(request)
      return request["certificatePem"]?.string == Sample.certificatePEM(0) ? Self.without(removed, answer) : answer
    })
    let capture = Capture()
    let status = RegisterVerb(paths: files).run(session(daemon, capture, json: json))
    #expect(status == (removed == "outcome" ? .protocolError : .success))
    #expect(capture.outputLines.count == 2)
    #expect(capture.outputLines.contains { $0.contains("invalid_answer") } == (removed == "outcome"))
    #expect(capture.outputLines.contains { $0.contains("created") })
  }

  @Test(arguments: [
    "[]", "{}", "null", #"[{"target":"a","outcome":"created"}]"#,
    #"[{"target":"a","outcome":"created"},{"target":"c","outcome":"created"}]"#,
    #"[{"target":"a","outcome":"created"},{"target":"a","outcome":"created"}]"#,
    #"[{"target":"a","outcome":"created"},{"outcome":"created"}]"#,
    #"[{"target":"a","outcome":"created"},{"target":"b"}]"#,
    #"[{"target":"a","outcome":"created"},{"target":"b","error":"x"}]"#,
    #"[{"target":"a","outcome":"created"},{"target":"b","outcome":"created"},{"target":"c","outcome":"created"}]"#,
  ])
  func `results for other targets than those asked for are no answer`(results: String) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.pem", Sample.certificatePEM())
    let value = try JSON(parsing: results)
    let daemon = try FakeDaemon(answering: {
      JSON.answer(to: $0, [("certificateId", .string(Sample.id)), ("results", value)])
    })
    let capture = Capture()
    #expect(RegisterVerb(paths: [file]).run(session(daemon, capture, targets: ["a", "b"])) == .protocolError)
    #expect(capture.outputLines.count == 1)
    #expect(capture.output.hasPrefix("failed\t"))
    #expect(capture.output.contains("invalid_answer"))
  }

  @Test func `no operation takes an answer without content for success`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.pem", Sample.certificatePEM())
    let daemon = try FakeDaemon(answering: { JSON.answer(to: $0, []) })
    let session = session(daemon, Capture())
    let statuses = [
      RegisterVerb(paths: [file]).run(session), ValidateVerb(paths: [file]).run(session),
      LookupVerb(subjects: [Sample.id]).run(session), ForgetVerb(subjects: [Sample.id]).run(session),
      UpdateVerb(subjects: [Sample.id], status: .active).run(session),
    ]
    #expect(statuses == Array(repeating: .protocolError, count: 5))
  }

  @Test func `an import fails an entry whose answer is none, and goes on`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 3)
    let bad = PEM.certificate(der: Sample.certificate(1))
    let daemon = try FakeDaemon(answering: { request in
      request["certificatePem"]?.string == bad ? JSON.answer(to: request, []) : Batch.registered(request)
    })
    let status = Batch.verb(source, folder.path("r.csv")).run(session(daemon, Capture()))
    #expect(status == .protocolError)
    #expect(try ReportRows(folder.path("r.csv")).outcomes == ["created": 2, "failed": 1])
  }

  @Test(arguments: [false, true])
  func `a watch tells how many registrations it missed, and does not count them`(json: Bool) throws {
    let daemon = try FakeDaemon { peer in
      guard let request = peer.readLine() else { return }
      peer.write(JSON.created(request).serialized() + "\n{\"missed\":42}\n")
      peer.write(JSON.created(request).serialized() + "\n")
      _ = peer.readLine()
    }
    let capture = Capture()
    #expect(WatchVerb(limit: 2).run(session(daemon, capture, json: json)) == .success)
    #expect(capture.outputLines.count { $0.contains(Sample.id) } == 2)
    #expect(capture.outputLines.contains("{\"missed\":42}") == json)
    #expect(capture.errors == (json ? "" : "42 registrations were missed\n"))
  }

  @Test func `a socket that has vanished is not another file`() throws {
    let folder = try TemporaryFolder()
    let error = connectError(ECONNREFUSED, path: folder.path("gone"))
    #expect(error.code == .noDaemon)
    #expect(error.canPass)
    #expect(connectError(ECONNREFUSED, path: try folder.write("file", "")).code == .notASocket)
  }
}
