import CertRegCodec
import CertRegCore
import Testing

@testable import CertRegClient

@Suite struct DoctorTests {
  /// What `certregd --check-upstream` prints for a target.
  private static func upstream(_ members: String = "", name: String = "default") -> HostProbe.ProgramResult {
    let line =
      #"{"target":"\#(name)","endpoint":"https://iot.eu-central-1.amazonaws.com/","region":"eu-central-1"\#(members)}"#
    return .init(status: 0, output: line + "\n")
  }

  private static let well =
    #","clockAheadMs":-900,"credentials":{"source":"environment","identity":"arn:aws:iam::123456789012:user/station"}"#

  /// What a check says that failed, in `unreachable` or `refused`.
  private static func failure(_ member: String, _ reason: String, _ message: String = "no") -> String {
    #","\#(member)":{"type":"UnauthorizedException","httpStatus":401,"reason":"\#(reason)","message":"\#(message)"}"#
  }

  /// Programs of which certregd answers `--check-upstream` with this, and that find nothing else wrong.
  private static func program(_ upstream: HostProbe.ProgramResult) -> (HostProbe.Command) -> HostProbe.ProgramResult? {
    FakeMachine.programs(upstream)
  }

  /// A machine on which all is well.
  private func healthy() throws -> HostProbe {
    try FakeMachine.healthy(upstream: DoctorTests.upstream(DoctorTests.well))
  }

  /// Programs of which stat(1) prints this.
  private static func room(_ output: String) -> (HostProbe.Command) -> HostProbe.ProgramResult? {
    let others = program(upstream(well))
    return { $0.arguments.contains("--file-system") ? .init(status: 0, output: output + "\n") : others($0) }
  }

  private func findings(_ probe: HostProbe) -> [Finding] {
    var findings: [Finding] = []
    Doctor(socketPath: "/run/c.sock", probe: probe).examine { findings.append($0) }
    return findings
  }

  @Test func `finds nothing where all is well`() throws {
    let findings = findings(try healthy())
    #expect(findings.allSatisfy { $0.level == .ok })
    #expect(
      findings.map(\.subject) == [
        "socket", "service", "daemon", "configuration", "storage", "clock", "target default", "quota", "connection",
        "clock there", "credentials", "permission",
      ])
  }

  /// One thing that is wrong, the finding that it must lead to, and a word of its cure.
  struct Fault: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var subject: String
    var level: Finding.Level
    var word: String
    var change: @Sendable (inout HostProbe) -> Void

    init(
      _ name: String, _ subject: String, _ level: Finding.Level, _ word: String,
      _ change: @escaping @Sendable (inout HostProbe) -> Void
    ) {
      testDescription = name
      self.subject = subject
      self.level = level
      self.word = word
      self.change = change
    }
  }

  /// The status of a daemon whose credential process fails.
  static func helperFails(_ reason: String, _ message: String) -> String {
    """
    {"id":1,"pid":812,"targets":[{"name":"default","health":"unauthorized","lastError":{"type":"T","reason":"\(reason)",\
    "message":"\(message)"}}],"problems":[{"reason":"\(reason)","message":"default: \(message)"}]}
    """
  }

  @Test(arguments: [
    ("credentials_invalid", "/opt/helper did not print JSON", "yes\n"),
    ("access_denied", "/opt/helper ended with status 1", "yes\n"),
    ("credentials_invalid", "/opt/helper ended with status 1", "no\n"),
    ("credentials_invalid", "/opt/helper ended with status 1", ""),
  ])
  func `the sandbox is not blamed for what it does not do`(reason: String, message: String, property: String) throws {
    var probe = try FakeMachine.healthy(upstream: .init(status: 0, output: ""))
    let others = probe.run
    probe.run = {
      $0.arguments.contains("--property=MemoryDenyWriteExecute") ? .init(status: 0, output: property) : others($0)
    }
    probe.answer(DoctorTests.helperFails(reason, message))
    var findings: [Finding] = []
    Doctor(socketPath: "/run/c.sock", probe: probe).examine { findings.append($0) }
    #expect(!findings.contains { $0.subject == "sandbox" })
  }

  static let faults: [Fault] = [
    Fault("no socket", "socket", .error, "CERTREGD_SOCKET") { $0.file = { _ in nil } },
    Fault("no right", "socket", .error, "usermod -aG certregd ann") {
      $0.file = { _ in
        .init(kind: .socket, mode: 0o660, owner: "root", group: "certregd", isReadable: false, isWritable: false)
      }
    },
    Fault("open to all", "socket", .warning, "0660") {
      $0.file = { _ in
        .init(kind: .socket, mode: 0o666, owner: "root", group: "root", isReadable: true, isWritable: true)
      }
    },
    Fault("no socket but a file", "socket", .error, "--socket") {
      $0.file = { _ in .init(kind: .file, mode: 0o644, owner: "root", group: "root", isReadable: true, isWritable: true)
      }
    },
    Fault("no daemon", "daemon", .error, "start it") {
      $0.contact = { .init(peer: nil, status: .failure(connectError(2, path: "/run/c.sock"))) }
    },
    Fault("failed service", "service", .error, "journalctl") { probe in
      probe.run = { $0.arguments[0] == "/bin/systemctl" ? .init(status: 3, output: "failed\n") : nil }
    },
    Fault("wrong configuration", "configuration", .error, "reload") { probe in
      probe.run = { $0.arguments.last == "--check-config" ? .init(status: 78, output: "line 3: unknown key") : nil }
    },
    Fault("full disk", "storage", .error, "room") { $0.run = room("3 4096 1000 1000") },
    Fault("no more files", "storage", .error, "room") { $0.run = room("18446744073709551615 4096 9 0") },
    Fault("clock of 1970", "clock", .error, "set-ntp") { $0.wallTime = WallTime(secondsSinceEpoch: 60) },
    Fault("clock not kept", "clock", .warning, "set-ntp") { probe in
      probe.run = { $0.arguments[0] == "/bin/timedatectl" ? .init(status: 0, output: "no\n") : nil }
    },
    Fault("unknown name", "name", .error, "resolv.conf") {
      $0.run = program(upstream(failure("unreachable", "name_resolution")))
    },
    Fault("firewall", "connection", .error, "firewall") {
      $0.run = program(upstream(failure("unreachable", "connect_timeout")))
    },
    Fault("intercepted TLS", "TLS", .error, "caFile") {
      $0.run = program(upstream(failure("unreachable", "tls_failure")))
    },
    Fault("expired token", "credentials", .error, "renew") {
      $0.run = program(upstream(failure("refused", "expired_token")))
    },
    Fault("no credentials", "credentials", .error, "source of credentials") { probe in
      probe.answer(#"{"id":1,"pid":812,"targets":[]}"#)
      probe.run = program(upstream(failure("refused", "no_credentials")))
    },
    Fault("no permission", "permission", .error, "iot:RegisterCertificateWithoutCA") {
      $0.run = program(upstream(failure("refused", "access_denied")))
    },
    Fault("another region", "region", .error, "set the target's region") {
      $0.run = program(
        upstream(failure("refused", "invalid_signature", "Credential should be scoped to a valid region.")))
    },
    Fault("wrong secret", "credentials", .error, "secret key") {
      $0.run = program(upstream(failure("refused", "invalid_signature")))
    },
    Fault("throttled", "quota", .warning, "quota") {
      $0.run = program(upstream(failure("refused", "throttled_by_upstream")))
    },
    Fault("another service", "upstream", .error, "endpoint") {
      $0.run = program(upstream(failure("refused", "upstream_garbled")))
    },
    Fault("killed helper", "sandbox", .warning, "credential-process.conf") {
      $0.answer(helperFails("credentials_unavailable", "/opt/helper: it was ended by signal 6 (SIGABRT)"))
    },
    Fault("failed helper", "sandbox", .warning, "credential-process.conf") {
      $0.answer(helperFails("credentials_invalid", "/opt/helper ended with status 1: Could not reserve the code cache"))
    },
    Fault("no region", "target", .error, "AWS_REGION") {
      $0.run = program(.init(status: 69, output: #"{"target":"default","problem":"target default: no region"}"#))
    },
    Fault("clock off", "clock there", .error, "five minutes") {
      $0.run = program(upstream(#","clockAheadMs":600000"#))
    },
    Fault("refused reload", "daemon", .error, "correct") { probe in
      probe.answer(#"{"id":1,"problems":[{"reason":"reload_refused","message":"line 3"}]}"#)
    },
    Fault("long queue", "quota", .warning, "Service Quotas") { probe in
      probe.answer(#"{"id":1,"targets":[{"name":"eu","health":"ok","ratePerSecond":10,"queued":90000}]}"#)
    },
    Fault("a folder that may not be searched", "socket", .error, "usermod -aG staff ann") {
      $0.file = { path in
        path == "/run/c.sock"
          ? nil
          : .init(
            kind: .folder, mode: 0o750, owner: "root", group: "staff", isReadable: false, isWritable: false,
            isExecutable: false)
      }
    },
  ]

  @Test(arguments: faults)
  func `finds what is wrong and says what to do`(fault: Fault) throws {
    var probe = try healthy()
    fault.change(&probe)
    let finding = findings(probe).first { $0.subject == fault.subject && $0.level == fault.level }
    #expect(finding?.cure?.contains(fault.word) == true)
  }

  @Test func `works without a daemon, with the region and configuration that are named`() throws {
    var probe = try healthy()
    probe.contact = { .init(peer: nil, status: .failure(ClientError(.noDaemon, "no certregd"))) }
    // What this user does not have the daemon may have.
    let credentials = DoctorTests.upstream(DoctorTests.failure("refused", "no_credentials"))
    probe.run = DoctorTests.program(credentials)
    #expect(findings(probe).contains { $0.subject == "credentials" && $0.level == .warning })
    var asked: [[String]] = []
    probe.run = {
      asked.append($0.arguments)
      return credentials
    }
    Doctor(socketPath: "/run/c.sock", configurationFile: "/c", region: "eu-west-1", probe: probe).examine { _ in }
    #expect(asked.contains(["/bin/certregd", "--config", "/c", "--region", "eu-west-1", "--check-upstream"]))
    probe.run = { _ in nil }
    #expect(findings(probe).last?.level == .skipped)
  }

  @Test func `names the target where there are many`() throws {
    var probe = try healthy()
    let both = DoctorTests.upstream(name: "eu").output + DoctorTests.upstream(name: "us").output
    probe.run = DoctorTests.program(.init(status: 0, output: both))
    #expect(findings(probe).filter { $0.subject == "permission" }.map { $0.seen.prefix(4) } == ["eu: ", "us: "])
  }

  @Test func `tells what ails a target`() throws {
    let doctor = Doctor(socketPath: "", probe: try healthy())
    func finding(_ text: String) -> Finding? { (try? JSON(parsing: text)).map(doctor.health) }
    let denied = finding(
      #"{"name":"eu","health":"unauthorized","lastError":{"type":"UnauthorizedException","reason":"access_denied","message":"no"}}"#
    )
    #expect(denied?.level == .error)
    #expect(denied?.cure?.contains("iot:RegisterCertificateWithoutCA") == true)
    #expect(finding(#"{"health":"throttled"}"#)?.level == .warning)
    #expect(finding("{}")?.level == .ok)
  }

  @Test func `prints findings as text and JSON`() throws {
    var probe = try healthy()
    probe.file = { _ in nil }
    let capture = Capture()
    let session = Session(socketPath: "/run/c.sock", console: capture.console(columns: 80))
    #expect(DoctorVerb(probe: probe).run(session) == .unavailable)
    #expect(capture.outputLines.allSatisfy { $0.count <= 80 })
    #expect(capture.errors == "1 error, 0 warnings\n")
    let scripted = Capture()
    _ = DoctorVerb(probe: probe).run(Session(socketPath: "/run/c.sock", console: scripted.console(), json: true))
    #expect(try scripted.outputLines.map { try JSON(parsing: $0)["level"]?.string }.first == "error")
  }
}
