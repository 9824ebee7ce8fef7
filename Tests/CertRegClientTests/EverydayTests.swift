import CertRegCodec
import CertRegCore
import Testing

@testable import CertRegClient

/// What people see who use certregctl every day.
@Suite struct EverydayTests {
  private func session(_ daemon: FakeDaemon, _ console: Console, json: Bool = false, targets: [String] = []) -> Session
  {
    Session(socketPath: daemon.path, console: console, json: json, targets: targets)
  }

  @Test(arguments: [40, 70, 80]) func `a narrow terminal shows the ARN of a single result whole`(columns: Int) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.pem", Sample.certificatePEM())
    let daemon = try FakeDaemon(answering: { JSON.created($0) })
    let capture = Capture()
    #expect(RegisterVerb(paths: [file]).run(session(daemon, capture.console(columns: columns))) == .success)
    // From the beginning of a line, so that a terminal that breaks it copies it as one.
    #expect(capture.outputLines.last == Sample.arn)
    #expect(capture.outputLines.dropFirst().first?.drop { $0 == " " } == Sample.id[...])
  }

  @Test func `a narrow terminal shows the ARN of a lookup once`() throws {
    let members: [(String, JSON)] = [
      ("state", .string("registered")), ("certificateId", .string(Sample.id)), ("certificateArn", .string(Sample.arn)),
    ]
    let daemon = try FakeDaemon(answering: { JSON.answer(to: $0, members) })
    let capture = Capture()
    #expect(LookupVerb(subjects: [Sample.id]).run(session(daemon, capture.console(columns: 80))) == .success)
    #expect(capture.outputLines.count { $0.hasSuffix(Sample.arn) } == 1)
  }

  @Test(arguments: [1, 2]) func `one certificate in two targets is one certificate`(count: Int) throws {
    let folder = try TemporaryFolder()
    let files = try (0..<count).map { try folder.write("\($0).pem", Sample.certificatePEM(UInt8($0))) }
    let daemon = try FakeDaemon(answering: { Batch.registered($0, failing: ["b"]) })
    let capture = Capture()
    _ = RegisterVerb(paths: files).run(session(daemon, capture.console(), targets: ["a", "b"]))
    let noun = count == 1 ? "1 certificate" : "2 certificates"
    #expect(capture.errors.hasPrefix("\(noun) in 2 targets: \(count) created, \(count) failed\n"), "\(capture.errors)")
    let source = try Batch.write(folder, count)
    let imported = Capture()
    _ = Batch.verb(source, folder.path("r.csv")).run(session(daemon, imported.console(), targets: ["a", "b"]))
    let entries = count == 1 ? "1 entry" : "2 entries"
    #expect(imported.errors.contains("\(entries) in 2 targets: \(count) created, \(count) failed\n"))
  }

  @Test(arguments: [1, 2]) func `what was done before is counted in words that fit`(count: Int) throws {
    let folder = try TemporaryFolder()
    let daemon = try FakeDaemon(answering: { Batch.registered($0) })
    var verb = Batch.verb(try Batch.write(folder, count), folder.path("r.csv"))
    #expect(verb.run(session(daemon, Capture().console())) == .success)
    verb.resumes = true
    let capture = Capture()
    #expect(verb.run(session(daemon, capture.console())) == .success)
    let words =
      count == 1
      ? ["1 certificate is done already and is passed over", "1 was done before"]
      : ["2 certificates are done already and are passed over", "2 were done before"]
    #expect((words + ["nothing was left to do"]).allSatisfy { capture.errors.contains($0 + "\n") }, "\(capture.errors)")
    #expect(!capture.errors.contains("0 entries"))
  }

  @Test func `a target that does not exist is an error of status, with the names of those that do`() throws {
    let daemon = try FakeDaemon(answering: { JSON.failure($0) })
    let capture = Capture()
    #expect(StatusVerb().run(session(daemon, capture.console(), targets: ["default", "defualt"])) == .dataError)
    #expect(capture.output == "")
    #expect(capture.errors.contains("there is no target defualt; did you mean default?; the targets are default"))
    let scripted = Capture()
    #expect(StatusVerb().run(session(daemon, scripted.console(), json: true, targets: ["nope"])) == .dataError)
    #expect(scripted.output.contains(#""reason":"unknown_target""#))
    #expect(StatusVerb().run(session(daemon, Capture().console(), targets: ["default"])) == .success)
  }

  @Test func `status as JSON has the targets that are asked for`() throws {
    let targets = JSON.array(["a", "b"].map { .object([JSON.Member("name", .string($0))]) })
    let daemon = try FakeDaemon(status: [("version", .string("1")), ("targets", targets)], answering: { _ in nil })
    let capture = Capture()
    #expect(StatusVerb().run(session(daemon, capture.console(), json: true, targets: ["b"])) == .success)
    #expect(capture.output.hasSuffix(#""targets":[{"name":"b"}]}"# + "\n"))
  }

  @Test func `backslashes that the daemon escaped are not escaped again`() throws {
    let value = #"a\\0ab\\\\c, d"#
    let members = [JSON.Member("subject", try JSON(parsing: #"[{"type":"CN","value":"\#(value)"}]"#))]
    #expect(MemberList(members).lines(width: 80).map(\.plain) == [#"  subject  CN=a\0ab\\c\, d"#])
  }
}
