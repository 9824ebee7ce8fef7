import CertRegCodec
import CertRegCore
import Testing

@testable import CertRegClient

@Suite struct DoctorTests {
  private let now = CivilTime.wallTime(year: 2026, month: 11, day: 24, hour: 9, minute: 0, second: 0)
  private static let socket = HostProbe.FileFacts(
    kind: .socket, mode: 0o660, owner: "certregd", group: "certregd", isReadable: true, isWritable: true)

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

  /// A certregd program that answers `--check-upstream` with this, and finds nothing else wrong.
  private static func program(_ upstream: HostProbe.ProgramResult) -> (HostProbe.Command) -> HostProbe.ProgramResult? {
    { command in
      switch command.arguments.last {
      case "--check-upstream": upstream
      case "--print-config": .init(status: 0, output: "# x\nstateDirectory: /var/lib/c  # default\n")
      case "--check-config": .init(status: 0, output: "ok\n")
      default: .init(status: 0, output: command.arguments[0] == "systemctl" ? "active\n" : "yes\n")
      }
    }
  }

  /// A machine on which all is well.
  private func healthy() throws -> HostProbe {
    let status = try Answer(
      line: Array(
        #"{"id":1,"version":"1.0","state":"running","pid":812,"targets":[{"name":"default","region":"eu-central-1","health":"ok","ratePerSecond":10,"queued":5,"throttles":2,"lastSuccessAt":"2026-11-24T08:59:00Z"}]}"#
          .utf8)[...])
    return HostProbe(
      environment: [:], user: "ann", userID: 1000, groups: ["ann"], wallTime: now,
      file: { $0 == "/run/c.sock" ? DoctorTests.socket : nil }, room: { _ in .init(bytes: 1 << 33, files: 1 << 20) },
      status: { .success(status) },
      daemonProcess: { id in
        id == 812 ? .init(user: .init(id: 1000, group: 1000), arguments: ["--config", "/x"], environment: [:]) : nil
      }, run: DoctorTests.program(DoctorTests.upstream(DoctorTests.well)))
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
    Fault("no daemon", "daemon", .error, "start it") { $0.status = { .failure(connectError(2, path: "/run/c.sock")) } },
    Fault("failed service", "service", .error, "journalctl") { probe in
      probe.run = { $0.arguments[0] == "systemctl" ? .init(status: 3, output: "failed\n") : nil }
    },
    Fault("wrong configuration", "configuration", .error, "reload") { probe in
      probe.run = { $0.arguments.last == "--check-config" ? .init(status: 78, output: "line 3: unknown key") : nil }
    },
    Fault("full disk", "storage", .error, "room") { $0.room = { _ in .init(bytes: 1000, files: 1000) } },
    Fault("no more files", "storage", .error, "room") { $0.room = { _ in .init(bytes: 1 << 40, files: 0) } },
    Fault("clock of 1970", "clock", .error, "set-ntp") { $0.wallTime = WallTime(secondsSinceEpoch: 60) },
    Fault("clock not kept", "clock", .warning, "set-ntp") { probe in
      probe.run = { $0.arguments[0] == "timedatectl" ? .init(status: 0, output: "no\n") : nil }
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
      let answer = try? Answer(line: Array(#"{"id":1,"pid":812,"targets":[]}"#.utf8)[...])
      if let answer { probe.status = { .success(answer) } }
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
    Fault("no region", "target", .error, "AWS_REGION") {
      $0.run = program(.init(status: 69, output: #"{"target":"default","problem":"target default: no region"}"#))
    },
    Fault("clock off", "clock there", .error, "five minutes") {
      $0.run = program(upstream(#","clockAheadMs":600000"#))
    },
    Fault("refused reload", "daemon", .error, "mend") { probe in
      let answer = try? Answer(
        line: Array(#"{"id":1,"problems":[{"reason":"reload_refused","message":"line 3"}]}"#.utf8)[...])
      if let answer { probe.status = { .success(answer) } }
    },
    Fault("long queue", "quota", .warning, "Service Quotas") { probe in
      let answer = try? Answer(
        line: Array(#"{"id":1,"targets":[{"name":"eu","health":"ok","ratePerSecond":10,"queued":90000}]}"#.utf8)[...])
      if let answer { probe.status = { .success(answer) } }
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

  @Test func `asks certregd with the daemon's flags, environment and user`() throws {
    var probe = try healthy()
    probe.userID = 0
    probe.environment = ["PATH": "/bin", "AWS_PROFILE": "root"]
    probe.daemonProcess = { _ in
      .init(
        user: .init(id: 990, group: 991), arguments: ["--region", "eu-west-1"],
        environment: ["AWS_REGION": "x", "LD_PRELOAD": "/evil.so", "PATH": "/evil", "HOME": "/h"],
        workingDirectory: "/w")
    }
    var commands: [HostProbe.Command] = []
    let run = probe.run
    probe.run = {
      commands.append($0)
      return run($0)
    }
    _ = findings(probe)
    let asked = try #require(commands.first { $0.arguments.last == "--check-upstream" })
    #expect(
      asked.arguments == [
        "env", "-C", "/w", "setpriv", "--reuid=990", "--regid=991", "--init-groups", "certregd", "--region",
        "eu-west-1",
        "--check-upstream",
      ])
    #expect(asked.environment == ["PATH": "/bin", "AWS_REGION": "x", "HOME": "/h"])
  }

  @Test func `runs nothing with the credentials of a daemon that is another user's`() throws {
    var probe = try healthy()
    probe.daemonProcess = { _ in .init(user: .init(id: 990, group: 991), arguments: [], environment: nil) }
    let finding = try #require(findings(probe).last)
    #expect(finding.subject == "upstream" && finding.level == .skipped)
    #expect(finding.cure?.contains("sudo certregctl doctor") == true)
  }

  @Test func `works without a daemon, with the region and configuration that are named`() throws {
    var probe = try healthy()
    probe.status = { .failure(ClientError(.noDaemon, "no certregd")) }
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
    #expect(asked.contains(["certregd", "--config", "/c", "--region", "eu-west-1", "--check-upstream"]))
    probe.run = { _ in nil }
    #expect(findings(probe).last?.level == .skipped)
  }

  @Test func `names the target where there are many`() throws {
    var probe = try healthy()
    let both = DoctorTests.upstream(name: "eu").output + DoctorTests.upstream(name: "us").output
    probe.run = DoctorTests.program(.init(status: 0, output: both))
    #expect(findings(probe).filter { $0.subject == "permission" }.map { $0.seen.prefix(4) } == ["eu: ", "us: "])
  }

  @Test func `tells what ails a target`() {
    let doctor = Doctor(
      socketPath: "", probe: HostProbe.live(socketPath: "", environment: [:], timeout: .zero))
    func finding(_ text: String) -> Finding? { (try? JSON(parsing: text)).map(doctor.health) }
    let denied = finding(
      #"{"name":"eu","health":"unauthorized","lastError":{"type":"UnauthorizedException","reason":"access_denied","message":"no"}}"#
    )
    #expect(denied?.level == .error)
    #expect(denied?.cure?.contains("iot:RegisterCertificateWithoutCA") == true)
    #expect(finding(#"{"health":"throttled"}"#)?.level == .warning)
    #expect(finding("{}")?.level == .ok)
  }

  @Test func `runs a program and notices one that is not there or does not end`() {
    #expect(
      Program.run(["sh", "-c", "echo a; echo b >&2; exit 3"], environment: [:], timeout: .seconds(30))?.status == 3)
    #expect(Program.run(["no-such-program-here"], environment: [:], timeout: .seconds(30)) == nil)
    #expect(Program.run(["sleep", "1000"], environment: [:], timeout: .milliseconds(50)) == nil)
  }

  @Test func `programs have no terminal of this session to type on`() throws {
    let result = try #require(
      Program.run(["cut", "-d", " ", "-f", "1,6", "/proc/self/stat"], environment: [:], timeout: .seconds(30)))
    let numbers = result.output.split(whereSeparator: \.isWhitespace)
    #expect(numbers.count == 2 && numbers.first == numbers.last)
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
