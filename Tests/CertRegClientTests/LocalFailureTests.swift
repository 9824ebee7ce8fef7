import CertRegCodec
import CertRegCore
import Testing

@testable import CertRegClient

/// Failures of certregctl itself have a line on standard output with `--json`.
@Suite struct LocalFailureTests {
  private static let verbs: [(name: String, run: @Sendable (Session, TemporaryFolder) throws -> CommandStatus)] = [
    ("register", { session, folder in RegisterVerb(paths: [folder.root]).run(session) }),
    ("validate", { session, folder in ValidateVerb(paths: [folder.root]).run(session) }),
    ("lookup", { session, _ in LookupVerb(subjects: [Sample.id]).run(session) }),
    ("verify", { session, _ in VerifyVerb(subjects: [Sample.id]).run(session) }),
    ("update", { session, _ in UpdateVerb(subjects: [Sample.id], status: .active).run(session) }),
    (
      "import",
      { session, folder in
        Batch.verb(try Batch.write(folder, 1), folder.path("r.csv")).run(session)
      }
    ),
    ("status", { session, _ in StatusVerb().run(session) }), ("metrics", { session, _ in MetricsVerb().run(session) }),
    ("fleet", { session, _ in FleetVerb().run(session) }),
    ("fleet remove", { session, _ in FleetRemoveVerb(member: "m").run(session) }),
    ("watch", { session, _ in WatchVerb().run(session) }),
  ]

  private func run(_ socket: String, _ body: (Session) throws -> CommandStatus) throws -> (JSON, CommandStatus) {
    let capture = Capture()
    let status = try body(Session(socketPath: socket, console: capture.console(), json: true))
    #expect(capture.outputLines.count == 1, "\(capture.output)")
    return (try JSON(parsing: capture.outputLines.first ?? "null"), status)
  }

  @Test(arguments: verbs.indices)
  func `a daemon that does not run is told as JSON`(index: Int) throws {
    let folder = try TemporaryFolder()
    try folder.write("a.pem", Sample.certificatePEM(1))
    let (line, status) = try run(folder.path("none")) { try Self.verbs[index].run($0, folder) }
    #expect(line["error"]?["origin"]?.string == "client", "\(Self.verbs[index].name)")
    #expect(line["error"]?["retryable"]?.bool == true && status == .unavailable)
  }

  @Test func `a source that does not exist is told as JSON`() throws {
    let folder = try TemporaryFolder()
    let source = folder.path("none.csv")
    let (line, status) = try run("/none") { Batch.verb(source, folder.path("r.csv")).run($0) }
    #expect(line["error"]?["origin"]?.string == "client" && line["error"]?["reason"]?.string == "unreadable")
    #expect(line["file"]?.string == source && status == .noInput)
  }

  @Test func `a host without a fleet is told as JSON`() throws {
    let daemon = try FakeDaemon(answering: { _ in nil })
    let (line, status) = try run(daemon.path) { FleetVerb().run($0) }
    #expect(line["error"]?["reason"]?.string == "no_fleet" && status == .nothingFound)
  }

  @Test(arguments: ["watch", "fleet"])
  func `an answer that is an error is printed as it is`(verb: String) throws {
    let daemon = try FakeDaemon(status: nil, answering: { JSON.failure($0, reason: "unknown_target") })
    let (line, _) = try run(daemon.path) { verb == "watch" ? WatchVerb().run($0) : FleetVerb().run($0) }
    #expect(line["error"]?["reason"]?.string == "unknown_target")
  }
}
