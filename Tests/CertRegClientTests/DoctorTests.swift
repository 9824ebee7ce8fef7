import CertRegCore
import Testing

@testable import CertRegClient

@Suite struct DoctorTests {
  private let now = CivilTime.wallTime(year: 2026, month: 11, day: 24, hour: 9, minute: 0, second: 0)
  private static let socket = HostProbe.FileFacts(
    kind: .socket, mode: 0o660, owner: "certregd", group: "certregd", isReadable: true, isWritable: true)
  private static let header = "HTTP/1.1 403 Forbidden\r\nDate: Tue, 24 Nov 2026 09:00:01 GMT\r\n\r\n"

  /// A machine on which all is well.
  private func healthy() throws -> HostProbe {
    let status = try Answer(
      line: Array(
        #"{"id":1,"version":"1.0","state":"running","targets":[{"name":"default","region":"eu-central-1","health":"ok","lastSuccessAt":"2026-11-24T08:59:00Z"}]}"#
          .utf8)[...])
    return HostProbe(
      environment: [:], user: "ann", groups: ["ann"], wallTime: now,
      file: { $0 == "/run/c.sock" ? DoctorTests.socket : nil }, freeBytes: { _ in 1 << 33 },
      status: { .success(status) },
      run: { arguments in
        switch arguments[0] {
        case "systemctl": .init(status: 0, output: "active\n")
        case "timedatectl": .init(status: 0, output: "yes\n")
        case "curl": .init(status: 0, output: DoctorTests.header)
        default: .init(status: 0, output: "")
        }
      },
      reach: { _, _ in .reached(address: "192.0.2.1") })
  }

  private func findings(_ probe: HostProbe, region: String? = nil) -> [Finding] {
    var findings: [Finding] = []
    Doctor(socketPath: "/run/c.sock", region: region, probe: probe).examine { findings.append($0) }
    return findings
  }

  @Test func `finds nothing where all is well`() throws {
    let findings = findings(try healthy())
    #expect(findings.allSatisfy { $0.level == .ok })
    #expect(
      findings.map(\.subject) == [
        "socket", "service", "daemon", "configuration", "storage", "clock", "target default", "connection", "TLS",
        "clock there", "credentials",
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
      probe.run = { $0[0] == "systemctl" ? .init(status: 3, output: "failed\n") : nil }
    },
    Fault("wrong configuration", "configuration", .error, "reload") { probe in
      probe.run = { $0[0] == "certregd" ? .init(status: 78, output: "line 3: unknown key") : nil }
    },
    Fault("full disk", "storage", .error, "room") { $0.freeBytes = { _ in 1000 } },
    Fault("clock of 1970", "clock", .error, "set-ntp") { $0.wallTime = WallTime(secondsSinceEpoch: 60) },
    Fault("clock not kept", "clock", .warning, "set-ntp") { probe in
      probe.run = { $0[0] == "timedatectl" ? .init(status: 0, output: "no\n") : nil }
    },
    Fault("unknown name", "name", .error, "resolv.conf") { $0.reach = { _, _ in .notResolved("no such name") } },
    Fault("firewall", "connection", .error, "firewall") { $0.reach = { _, _ in .notConnected("timed out") } },
    Fault("proxy", "connection", .warning, "proxy") {
      $0.reach = { _, _ in .notConnected("timed out") }
      $0.environment["HTTPS_PROXY"] = "http://proxy:3128"
    },
    Fault("intercepted TLS", "TLS", .error, "caFile") { probe in
      probe.run = { $0[0] == "curl" ? .init(status: 60, output: "curl: (60) SSL certificate problem") : nil }
    },
    Fault("clock off", "clock there", .error, "five minutes") { probe in
      probe.run = {
        $0[0] == "curl" ? .init(status: 0, output: "date: Tue, 24 Nov 2026 09:10:00 GMT\r\n") : nil
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

  @Test func `works without a daemon, with the region that is named`() throws {
    var probe = try healthy()
    probe.status = { .failure(ClientError(.noDaemon, "no certregd")) }
    #expect(findings(probe, region: "eu-west-1").contains { $0.seen.hasPrefix("iot.eu-west-1.amazonaws.com port 443") })
    probe.environment["AWS_REGION"] = "us-east-2"
    #expect(findings(probe).contains { $0.seen.hasPrefix("iot.us-east-2.amazonaws.com") })
  }

  @Test func `tells what ails a target`() {
    let doctor = Doctor(
      socketPath: "", region: nil, probe: HostProbe.live(socketPath: "", environment: [:], timeout: .zero))
    func finding(_ text: String) -> Finding? { (try? JSON(parsing: text)).map(doctor.health) }
    let denied = finding(
      #"{"name":"eu","health":"unauthorized","lastError":{"type":"UnauthorizedException","reason":"access_denied","message":"no"}}"#
    )
    #expect(denied?.level == .error)
    #expect(denied?.cure?.contains("iot:RegisterCertificateWithoutCA") == true)
    #expect(finding(#"{"health":"throttled"}"#)?.level == .warning)
    #expect(finding("{}")?.level == .ok)
  }

  @Test(arguments: [
    ("https://iot.eu-central-1.amazonaws.com", "iot.eu-central-1.amazonaws.com", UInt16(443), true),
    ("http://127.0.0.1:8080/x", "127.0.0.1", 8080, false), ("https://[::1]:8443", "::1", 8443, true),
    ("host", "host", 443, true),
  ])
  func `reads endpoints`(text: String, host: String, port: UInt16, isTLS: Bool) {
    let endpoint = Doctor.Endpoint(text)
    #expect(endpoint?.host == host)
    #expect(endpoint?.port == port)
    #expect(endpoint?.isTLS == isTLS)
  }

  @Test(arguments: ["", "https://", "https://a@b", "http://a:b", "https://a b"])
  func `refuses endpoints that are none`(text: String) {
    #expect(Doctor.Endpoint(text) == nil)
  }

  @Test func `runs a program and notices one that is not there or does not end`() {
    #expect(
      Program.run(["sh", "-c", "echo a; echo b >&2; exit 3"], environment: [:], timeout: .seconds(30))?.status == 3)
    #expect(Program.run(["no-such-program-here"], environment: [:], timeout: .seconds(30)) == nil)
    #expect(Program.run(["sleep", "1000"], environment: [:], timeout: .milliseconds(50)) == nil)
  }

  @Test func `prints findings as text and JSON`() throws {
    var probe = try healthy()
    probe.file = { _ in nil }
    let capture = Capture()
    let session = Session(socketPath: "/run/c.sock", console: capture.console(columns: 60))
    #expect(DoctorVerb(probe: probe).run(session) == .unavailable)
    #expect(capture.outputLines.allSatisfy { $0.count <= 60 })
    #expect(capture.errors == "1 error, 0 warnings\n")
    let scripted = Capture()
    _ = DoctorVerb(probe: probe).run(Session(socketPath: "/run/c.sock", console: scripted.console(), json: true))
    #expect(try scripted.outputLines.map { try JSON(parsing: $0)["level"]?.string }.first == "error")
  }
}
