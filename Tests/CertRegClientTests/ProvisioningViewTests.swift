import CertRegCodec
import CertRegCore
import Testing

@testable import CertRegClient

/// Profiles in `top` and `doctor`.
@Suite struct ProvisioningViewTests {
  private func lines(calls: String) throws -> [String] {
    var view = TopView()
    view.add(
      TopView.Sample(
        time: MonotonicTime(nanoseconds: 0),
        status: try JSON(
          parsing: """
            {"version":"1","targets":[{"name":"factory","health":"ok","queued":7,"inFlight":2,"ratePerSecond":10,
            "throttles":0,"calls":[\(calls)]},{"name":"other","health":"ok","queued":0}]}
            """)))
    let now = CivilTime.wallTime(year: 2026, month: 11, day: 24, hour: 9, minute: 0, second: 0)
    return view.lines(size: TerminalSize(rows: 24, columns: 160), now: now).map(\.plain)
  }

  private static let registering =
    #"{"operation":"RegisterCertificateWithoutCA","ratePerSecond":10,"queued":4,"underWay":2,"throttles":0}"#

  @Test func `top shows each call beneath its target`() throws {
    let lines = try lines(
      calls: Self.registering
        + #",{"operation":"AttachPolicy","ratePerSecond":14.5,"queued":12345,"underWay":3,"throttles":6}"#
        + #",{"operation":"CreateThing","ratePerSecond":null,"queued":0,"throttles":0}"#)
    let start = try #require(lines.firstIndex { $0.hasPrefix("factory ") })
    let words = lines[(start + 1)...].prefix(4).map { $0.split(separator: " ").map(String.init) }
    #expect(words[0] == ["RegisterCertificateWithoutCA", "4", "10", "2", "0"])
    #expect(words[1] == ["AttachPolicy", "12,345", "14.5", "3", "6"])
    #expect(words[2] == ["CreateThing", "0", "-", "-", "0"])
    #expect(words[3].first == "other")
  }

  @Test func `top leaves out the only call of a target`() throws {
    #expect(!(try lines(calls: Self.registering).contains { $0.contains("RegisterCertificateWithoutCA") }))
  }

  /// What the doctor finds where the daemon has a target with these members, and its program prints these texts.
  private func findings(target: String, config: String, policy: String) throws -> [Finding] {
    var probe = try FakeMachine.healthy(upstream: .init(status: 0, output: ""))
    probe.answer(#"{"id":1,"pid":812,"targets":[{"name":"factory","health":"ok"\#(target)}]}"#)
    let others = probe.run
    probe.run = { command in
      switch command.arguments.last {
      case "--print-config": .init(status: 0, output: config)
      case "--print-iam-policy": .init(status: 0, output: policy)
      default: others(command)
      }
    }
    var findings: [Finding] = []
    Doctor(socketPath: "/run/c.sock", probe: probe).examine { findings.append($0) }
    return findings
  }

  @Test(arguments: [
    (#","calls":[]"#, "defaultStatus: null  # default\n", true),
    (#","calls":[]"#, "defaultStatus: ACTIVE  # /etc/x line 3\n", false),
    (#","calls":[],"profile":"pumps""#, "defaultStatus: null  # default\n", false),
    ("", "defaultStatus: null  # default\n", false),
    (#","calls":[]"#, "", true),
  ])
  func `doctor says where no device can connect`(target: String, config: String, isSaid: Bool) throws {
    let finding = try findings(target: target, config: config, policy: "").first { $0.subject == "target factory" }
    #expect(finding?.level == .ok)
    #expect(finding?.seen.contains("no device can connect") == isSaid)
    #expect(finding?.seen.contains("unless defaultStatus") == config.isEmpty)
    #expect((finding?.cure != nil) == isSaid)
  }

  private static func policy(_ actions: [String]) -> String {
    let statements = actions.map { #"{"Sid":"x","Effect":"Allow","Action":["\#($0)"],"Resource":["*"]}"# }
    return #"{"Version":"2012-10-17","Statement":[\#(statements.joined(separator: ",\n"))]}"# + "\n"
  }

  @Test func `doctor names the rights that profiles need, and what prints them`() throws {
    let policy = Self.policy([
      "iot:AttachPolicy", "iot:CreateThing", "iot:RegisterCertificateWithoutCA", "iot:UpdateCertificate",
    ])
    let finding = try findings(target: "", config: "", policy: policy).first { $0.subject == "permission" }
    #expect(finding?.level == .skipped)
    #expect(finding?.seen == "not checked: iot:AttachPolicy, iot:CreateThing, iot:UpdateCertificate")
    #expect(finding?.cure?.contains("certregd --config /x --print-iam-policy") == true)
  }

  @Test(arguments: [
    ProvisioningViewTests.policy(["iot:RegisterCertificateWithoutCA", "iot:UpdateCertificate"]), "", "Usage: certregd",
  ])
  func `doctor says nothing about rights where there is no profile`(policy: String) throws {
    #expect(!(try findings(target: "", config: "", policy: policy).contains { $0.subject == "permission" }))
  }
}
