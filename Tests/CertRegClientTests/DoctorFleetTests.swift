import CertRegCore
import Testing

@testable import CertRegClient

@Suite struct DoctorFleetTests {
  /// A machine whose daemon answers `status` with this fleet.
  private func machine(_ fleet: String) throws -> HostProbe {
    var probe = try FakeMachine.healthy(upstream: .init(status: 0, output: ""))
    probe.answer(#"{"id":1,"version":"1.0","state":"running","targets":[],"fleet":\#(fleet)}"#)
    return probe
  }

  private static func alone(_ reason: String, _ message: String) -> String {
    """
    {"state":"alone","member":"line-1","database":"db/fleet","members":[],"problem":{"reason":"\(reason)","message":"\(message)"}}
    """
  }

  private func findings(_ probe: HostProbe) -> [Finding] {
    var findings: [Finding] = []
    Doctor(socketPath: "/run/c.sock", probe: probe).examine { findings.append($0) }
    return findings.filter { $0.subject == "fleet" }
  }

  @Test func `a host without a fleet has no finding about one`() throws {
    var probe = try machine("null")
    #expect(findings(probe).isEmpty)
    probe.answer(#"{"id":1,"targets":[]}"#)
    #expect(findings(probe).isEmpty)
  }

  @Test func `a member among members is well`() throws {
    let probe = try machine(
      #"{"state":"connected","member":"line-1","database":"db/fleet","members":[{"name":"line-1"},{"name":"line-2"}]}"#)
    #expect(findings(probe) == [Finding(.ok, "fleet", "line-1, one of 2 members, by the database db/fleet")])
  }

  @Test func `a member that went with work to do is named`() throws {
    let probe = try machine(
      #"{"state":"connected","member":"a","members":[{"name":"a"},{"name":"b","gone":true,"queued":3},{"name":"c","gone":true,"queued":0}]}"#
    )
    let warnings = findings(probe).filter { $0.level == .warning }
    #expect(warnings.map(\.seen) == ["1 member went with work to do, among them b"])
  }

  @Test(arguments: [
    ("fleet_unreachable", "connection to server at db, port 5432 failed: Connection refused", "SELECT 1"),
    ("fleet_unreachable", "server certificate for a does not match host name b", "as its certificate does"),
    ("fleet_unreachable", "SSL error: certificate verify failed", "openssl s_client -starttls postgres"),
    ("fleet_unreachable", "root certificate file /root/.postgresql/root.crt does not exist", "sslrootcert"),
    ("fleet_unreachable", "libpq cannot be loaded (the package libpq5): no such file", "install the package libpq5"),
    ("fleet_refused", "password authentication failed for user line", "fleet.passwordFile"),
    ("fleet_refused", "permission denied for table claim", "certregctl fleet init --url URL --role ROLE"),
    ("fleet_refused", "no pg_hba.conf entry for host 10.0.0.1", "pg_hba.conf"),
    ("fleet_not_initialised", "the database has no tables of certregd", "certregctl fleet init"),
    ("fleet_schema_older", "version 1", "certregctl fleet init"),
    ("fleet_schema_newer", "version 3", "install the version"),
    ("fleet_name_taken", "another member has the name line-1", "connected runs: certregctl fleet remove"),
  ])
  func `a fault of the fleet has its cure`(reason: String, message: String, words: String) throws {
    let found = findings(try machine(Self.alone(reason, message)))
    #expect(found.map(\.level) == [.error])
    #expect(found.allSatisfy { $0.seen.contains(message) && $0.seen.contains(reason) })
    #expect(found.first?.cure?.contains(words) == true, "\(found)")
  }

  @Test func `a target that differs leaves the member connected`() throws {
    let probe = try machine(
      #"{"state":"connected","member":"a","members":[],"problem":{"reason":"fleet_target_differs","message":"the target x"}}"#
    )
    #expect(findings(probe).map(\.level) == [.warning])
  }

  /// - Parameter parameters: What `fleet.url` has behind the database.
  @Test(arguments: [
    ("", "certificate has expired", "renew"), ("?sslrootcert=/ca.pem", "self-signed certificate", "sslrootcert"),
    ("", "certificate is not yet valid", "clock"),
  ])
  func `openssl says what libpq does not`(parameters: String, fault: String, words: String) throws {
    var probe = try machine(Self.alone("fleet_unreachable", "SSL error: certificate verify failed"))
    let others = probe.run
    probe.run = { command in
      if command.arguments.last == "--print-config" {
        return .init(
          status: 0, output: "stateDirectory: /x  # default\nfleet:\n  url: postgresql://l@db/f\(parameters)  # /x:2\n")
      }
      guard command.arguments.contains("s_client") else { return others(command) }
      #expect(command.arguments.contains("db:5432"))
      return .init(
        status: 1,
        output: "CONNECTED\nverify error:num=20:unable to get local issuer certificate\nverify error:num=1:\(fault)\n")
    }
    let found = findings(probe)
    #expect(found.first?.seen.contains("db: \(fault)") == true, "\(found)")
    #expect(found.first?.cure?.contains(words) == true, "\(found)")
  }
}
