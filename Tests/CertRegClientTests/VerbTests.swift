import CertRegCodec
import CertRegCore
import CertRegCrypto
import Testing

@testable import CertRegClient

@Suite struct VerbTests {
  private func session(_ daemon: FakeDaemon, _ console: Console, json: Bool = false, targets: [String] = []) -> Session
  {
    Session(socketPath: daemon.path, console: console, json: json, targets: targets)
  }

  @Test func `registers a file and prints outcome, ID, ARN and file`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.pem", Sample.certificatePEM())
    let daemon = try FakeDaemon(answering: { request in
      request["certificatePem"]?.string == Sample.certificatePEM() && request["status"]?.string == "INACTIVE"
        && request["wait"] == nil && request["op"]?.string == "register"
        ? JSON.created(request) : JSON.failure(request, reason: "unexpected")
    })
    let capture = Capture()
    var verb = RegisterVerb(paths: [file])
    verb.status = .inactive
    #expect(verb.run(session(daemon, capture.console())) == .success)
    #expect(capture.output == "created\t\(Sample.id)\t\(Sample.arn)\t\(file)\tdefault\t-\n")
    #expect(capture.errors == "")
  }

  @Test func `passes every option on in the words of the wire`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.pem", Sample.certificatePEM())
    let daemon = try FakeDaemon(answering: { request in
      let members = (request.members ?? []).filter { !["id", "certificatePem"].contains($0.name) }
      let outcome = JSON.Member("outcome", .string(JSON.object(members).serialized()))
      let results = ["a", "b"].map { JSON.object([JSON.Member("target", .string($0)), outcome]) }
      return JSON.answer(to: request, [("results", .array(results))])
    })
    let capture = Capture()
    var verb = RegisterVerb(paths: [file])
    verb.ifExists = .error
    verb.refresh = true
    verb.wait = false
    var session = session(daemon, capture.console(), targets: ["a", "b"])
    session.timeout = .milliseconds(1500)
    #expect(verb.run(session) == .success)
    #expect(
      capture.output.hasPrefix(
        #"{"op":"register","target":["a","b"],"ifExists":"error","refresh":true,"wait":false,"timeoutMs":1500}"#))
  }

  @Test func `names the subject of a certificate that cannot be registered`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.pem", Sample.certificatePEM())
    let daemon = try FakeDaemon(answering: { request in
      let failure = JSON.failure(request)
      guard request["op"]?.string == "validate" else { return failure }
      let name = try? JSON(parsing: #"{"subject":[{"type":"CN","value":"device-7"},{"type":"O","value":"A, B"}]}"#)
      return .object((failure.members ?? []) + [JSON.Member("certificate", name ?? .null)])
    })
    let capture = Capture()
    #expect(RegisterVerb(paths: [file]).run(session(daemon, capture.console())) == .dataError)
    #expect(capture.output.hasSuffix(#"; subject CN=device-7, O=A\, B"# + "\n"))
    // A script gets the daemon's line as it is.
    let scripted = Capture()
    _ = RegisterVerb(paths: [file]).run(session(daemon, scripted.console(), json: true))
    #expect(!scripted.output.contains("device-7"))
  }

  @Test func `prints a line for each target`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.pem", Sample.certificatePEM())
    let daemon = try FakeDaemon(answering: { request in
      let failed = JSON.object(
        [JSON.Member("target", .string("b"))]
          + (JSON.failure(request, retryable: true).members ?? []).filter { $0.name == "error" })
      return JSON.answer(
        to: request, [("certificateId", .string(Sample.id)), ("results", .array([JSON.created(request), failed]))])
    })
    let capture = Capture()
    let status = RegisterVerb(paths: [file]).run(session(daemon, capture.console(), targets: ["default", "b"]))
    #expect(status == .temporaryFailure)
    #expect(
      capture.outputLines == [
        "created\t\(Sample.id)\t\(Sample.arn)\t\(file)\tdefault\t-",
        "failed\t\(Sample.id)\t-\t\(file)\tb\tweak_rsa_key: RSA key has 1024 bits; at least 2048 are required",
      ])
    #expect(capture.errors.hasPrefix("1 certificate in 2 targets: 1 created, 1 failed\n"))
  }

  @Test func `gives a script the daemon's own lines with the file added`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.pem", Sample.certificatePEM())
    let daemon = try FakeDaemon { peer in
      while peer.readLine() != nil { peer.write("{\"id\": 2,  \"outcome\":\"created\", \"novel\":[1.50] }\n") }
    }
    let capture = Capture()
    #expect(RegisterVerb(paths: [file]).run(session(daemon, capture.console(), json: true)) == .success)
    #expect(capture.output == "{\"id\": 2,  \"outcome\":\"created\", \"novel\":[1.50] ,\"file\":\"\(file)\"}\n")
  }

  @Test(arguments: [
    ("CertificateValidationException", false, CommandStatus.dataError),
    ("ThrottlingException", true, .temporaryFailure),
    ("UnauthorizedException", false, .notPermitted), ("InternalFailureException", false, .software),
    ("ResourceAlreadyExistsException", false, .dataError), ("ServiceUnavailableException", true, .temporaryFailure),
  ])
  func `ends with the code of the failure`(type: String, retryable: Bool, expected: CommandStatus) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.pem", Sample.certificatePEM())
    let daemon = try FakeDaemon(answering: { JSON.failure($0, type: type, retryable: retryable) })
    for json in [false, true] {
      #expect(RegisterVerb(paths: [file]).run(session(daemon, Capture().console(), json: json)) == expected)
    }
  }

  @Test func `ends with the code of what a person must mend`() throws {
    let folder = try TemporaryFolder()
    let good = try folder.write("a.pem", Sample.certificatePEM())
    let key = try folder.write("key.pem", Sample.pem("PRIVATE KEY", Sample.privateKey))
    let daemon = try FakeDaemon(answering: { JSON.created($0) })
    func status(_ paths: [String]) -> CommandStatus {
      RegisterVerb(paths: paths).run(session(daemon, Capture().console()))
    }
    #expect(status([good]) == .success)
    #expect(status([good, folder.path("none")]) == .noInput)
    #expect(status([good, folder.path("none"), key]) == .dataError)
    #expect(
      RegisterVerb(paths: [good]).run(Session(socketPath: folder.path("s"), console: Capture().console()))
        == .unavailable)
  }

  @Test func `tells every certificate whose answer did not come`() throws {
    let folder = try TemporaryFolder()
    let files = try (0..<3).map { try folder.write("\($0).pem", Sample.certificatePEM(UInt8($0))) }
    let daemon = try FakeDaemon(connections: 1) { peer in
      guard let first = peer.readLine() else { return }
      peer.write(JSON.created(first).serialized() + "\n")
      _ = peer.readLine()
      _ = peer.readLine()
    }
    let capture = Capture()
    #expect(RegisterVerb(paths: files).run(session(daemon, capture.console())) == .unavailable)
    #expect(capture.outputLines.count == 3)
    let id = SHA256.digest(of: Sample.certificate(1)).hex
    #expect(capture.outputLines[1].hasPrefix("failed\t\(id)\t-\t\(files[1])\t-\tno_answer: no certregd at"))
    #expect(capture.errors.contains("3 certificates: 1 created, 2 failed"))
    #expect(capture.errors.contains("start it"))
    #expect(!capture.errors.contains("not sent"))
  }

  @Test func `a failed line has the ID where the certificate can be read`() throws {
    let folder = try TemporaryFolder()
    let whole = try folder.write("whole.pem", Sample.certificatePEM(1))
    let cut = try folder.write("cut.pem", String(Sample.certificatePEM(2).dropLast(30)))
    let daemon = try FakeDaemon(answering: { JSON.failure($0) })
    let id = SHA256.digest(of: Sample.certificate(1)).hex
    for (file, expected) in [(whole, id), (cut, "-")] {
      let capture = Capture()
      #expect(RegisterVerb(paths: [file]).run(session(daemon, capture.console())) == .dataError)
      #expect(ValidateVerb(paths: [file]).run(session(daemon, capture.console())) == .dataError)
      #expect(LookupVerb(subjects: [file]).run(session(daemon, capture.console())) == .dataError)
      #expect(capture.outputLines.allSatisfy { $0.hasPrefix("failed\t\(expected)\t-\t\(file)\t") }, "\(capture.output)")
    }
  }

  @Test func `tells how many had not had their turn when the daemon went away`() throws {
    let folder = try TemporaryFolder()
    for number in 0..<100 { try folder.write("\(number).pem", Sample.certificatePEM(UInt8(number))) }
    let daemon = try FakeDaemon(connections: 1) { peer in
      for _ in 0..<64 where peer.readLine() == nil { return }
    }
    let capture = Capture()
    #expect(RegisterVerb(paths: [folder.root]).run(session(daemon, capture.console())) == .unavailable)
    #expect(capture.outputLines.count == 64)
    #expect(capture.errors.contains("36 more certificates were not sent"))
  }

  @Test func `sends nothing that would cost the connection`() throws {
    let folder = try TemporaryFolder()
    let zeros = String(repeating: "A", count: 56)
    let lines = "MIIIIDCB\(zeros)\n" + String(repeating: "AAAAAAAA\(zeros)\n", count: 8000) + "A\n"
    let file = try folder.write("a.pem", "-----BEGIN CERTIFICATE-----\n" + lines)
    let daemon = try FakeDaemon(answering: { JSON.failure($0, reason: "was_sent") })
    let capture = Capture()
    #expect(ValidateVerb(paths: [file]).run(session(daemon, capture.console())) == .dataError)
    #expect(capture.output.contains("line_too_long: the request has 528"))
  }

  @Test(arguments: [20, 60, 80, 100, 160, 240])
  func `keeps untrusted text and long lines off the terminal`(columns: Int) throws {
    let folder = try TemporaryFolder()
    let name = "a\u{1B}]0;owned\u{7}\u{202E}.pem"
    let file = try folder.write(name, Sample.certificatePEM())
    let evil = "\u{1B}[2J\u{9B}31m\u{202E}evil"
    let daemon = try FakeDaemon(
      status: nil,
      answering: { request in
        switch request["op"]?.string {
        case "validate":
          JSON.answer(
            to: request,
            [("certificateId", .string(Sample.id)), ("certificate", .object([JSON.Member(evil, .string(evil))]))])
        case "lookup": JSON.answer(to: request, [("state", .string(evil)), (evil, .array([.string(evil)]))])
        case "status":
          JSON.answer(to: request, [("version", .string(evil)), (evil, .object([JSON.Member(evil, .string(evil))]))])
        case "metrics": JSON.answer(to: request, [("body", .string("# HELP \(evil)\nx 1\n"))])
        default: JSON.failure(request, reason: evil, message: evil)
        }
      })
    for json in [false, true] {
      let capture = Capture()
      let session = session(daemon, capture.console(columns: columns), json: json)
      _ = RegisterVerb(paths: [file]).run(session)
      _ = ValidateVerb(paths: [file]).run(session)
      _ = LookupVerb(subjects: [file]).run(session)
      _ = StatusVerb().run(session)
      _ = MetricsVerb().run(session)
      let shown = capture.output + capture.errors
      #expect(shown.contains("evil"))
      #expect(shown.unicodeScalars.allSatisfy { $0 == "\n" || $0.isPrintable })
    }
  }

  @Test(arguments: [80, 100, 132, 240])
  func `fits results to the terminal`(columns: Int) throws {
    let folder = try TemporaryFolder()
    let files = try (0..<2).map {
      try folder.write("a-rather-long-name-of-a-certificate-file-\($0).pem", Sample.certificatePEM(UInt8($0)))
    }
    let daemon = try FakeDaemon(answering: { JSON.created($0, cached: true) })
    let capture = Capture()
    #expect(RegisterVerb(paths: files).run(session(daemon, capture.console(columns: columns))) == .success)
    #expect(capture.outputLines.allSatisfy { $0.count <= columns })
    let heads = capture.outputLines.filter { $0.hasPrefix("cached     ") }
    #expect(heads.count == 2 && heads.allSatisfy { $0.hasSuffix(".pem") })
    // Every width shows whole IDs, and what makes ARNs of them.
    let words = capture.outputLines.flatMap { $0.split(separator: " ") }
    #expect(words.count { $0 == Sample.id } == 2)
    #expect((capture.output + capture.errors).contains("arn:aws:iot:eu-central-1:123456789012:cert/"))
  }

  @Test(arguments: [
    ("notBefore", "not before"), ("certificateId", "certificate ID"), ("certificateArn", "certificate ARN"),
    ("isCA", "is CA"), ("pid", "pid"), ("sha256Digest", "sha256 digest"), ("", ""), ("URL", "URL"),
  ])
  func `tells members' names in words`(name: String, expected: String) {
    #expect(MemberList.label(name) == expected)
  }

  @Test func `groups the digits of what is counted alone`() {
    let caller = JSON.object([JSON.Member("uid", .integer(65_534)), JSON.Member("pid", .integer(19_534))])
    let members = MemberList([JSON.Member("requestedBy", caller), JSON.Member("entries", .integer(19_534))])
    let lines = members.lines(width: 80)
    #expect(lines.map(\.plain) == ["  requested by  uid 65534, pid 19534", "  entries       19,534"])
  }

  @Test func `watches until its limit`() throws {
    let daemon = try FakeDaemon { peer in
      guard let request = peer.readLine() else { return }
      peer.write(JSON.answer(to: request, [("watching", .bool(true))]).serialized() + "\n")
      for _ in 0..<3 { peer.write(JSON.created(request).serialized() + "\n") }
      _ = peer.readLine()
    }
    let capture = Capture()
    #expect(WatchVerb(limit: 2).run(session(daemon, capture.console())) == .success)
    #expect(capture.outputLines.count == 2)
    #expect(capture.outputLines.allSatisfy { $0.contains("\tcreated\t\(Sample.id)") })
  }

  @Test func `watch tells the name of the device, and the status that was set`() throws {
    let daemon = try FakeDaemon { peer in
      guard let request = peer.readLine() else { return }
      let members: [(String, JSON)] = [
        ("certificateId", .string(Sample.id)), ("target", .string("eu")), ("finishedAt", .string("T")),
        ("status", .string("INACTIVE")),
      ]
      let name = ("deviceId", JSON.string("pump-7"))
      peer.write(JSON.answer(to: request, members + [("outcome", .string("updated")), name]).serialized() + "\n")
      peer.write(JSON.answer(to: request, members + [("outcome", .string("created"))]).serialized() + "\n")
      _ = peer.readLine()
    }
    let capture = Capture()
    #expect(WatchVerb(limit: 2).run(session(daemon, capture.console())) == .success)
    #expect(
      capture.outputLines == [
        "T\tupdated\t\(Sample.id)\t-\tpump-7\teu\tstatus INACTIVE", "T\tcreated\t\(Sample.id)\t-\t-\teu\t-",
      ])
    let terminal = Capture()
    #expect(WatchVerb(limit: 1).run(session(daemon, terminal.console(columns: 140))) == .success)
    #expect(terminal.output.contains("pump-7 → eu") && terminal.output.contains("status INACTIVE"))
  }

  @Test func `notices that results were lost`() throws {
    let daemon = try FakeDaemon(answering: { JSON.answer(to: $0, []) })
    let capture = Capture()
    let console = capture.console()
    #expect(StatusVerb().run(session(daemon, console)) == .success)
    #expect(!console.hasLostOutput)
    capture.isFull = true
    _ = StatusVerb().run(session(daemon, console))
    #expect(console.hasLostOutput)
  }

  @Test func `combines codes so that what a person must mend comes first`() {
    #expect(CommandStatus.combining([]) == .success)
    #expect(CommandStatus.combining([.success, .temporaryFailure, .dataError, .noInput]) == .dataError)
    #expect(CommandStatus.combining([.temporaryFailure, .unavailable]) == .unavailable)
    #expect(CommandStatus.combining([.dataError, .cannotCreate]) == .cannotCreate)
  }
}
