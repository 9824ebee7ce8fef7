import CertRegCore
import Testing

@testable import CertRegClient

/// A socket to which every user may connect.
@Suite struct OpenSocketTests {
  private func finding(_ printed: String?) throws -> Finding? {
    var probe = try FakeMachine.healthy(upstream: .init(status: 0, output: ""))
    probe.file = { _ in
      .init(
        kind: .socket, mode: 0o666, owner: "certregd", group: "certregd", isReadable: true, isWritable: true)
    }
    let run = probe.run
    probe.run = { command in
      command.arguments.last == "--print-config" ? printed.map { .init(status: 0, output: $0) } : run(command)
    }
    var found: [Finding] = []
    Doctor(socketPath: "/run/c.sock", probe: probe).examine { found.append($0) }
    return found.first
  }

  @Test func `is no fault where access rules decide`() throws {
    let rules = "access:\n  rules:\n    - user: nobody  # /x:3\n    - user: root  # /x:4\nlog:\n  level: info\n"
    let found = try finding(rules)
    #expect(found?.level == .ok && found?.seen.contains("access rules say who may do what") == true)
  }

  @Test(arguments: ["log:\n  level: info\n", "access:\n  rules: []  # /x:3\nlog:\n    - x\n"])
  func `lets every user register where there are no rules`(printed: String) throws {
    let found = try finding(printed)
    #expect(found?.level == .warning && found?.seen.hasSuffix("user of this machine may register certificates") == true)
  }

  @Test func `is a warning where nobody can tell whether there are rules`() throws {
    let found = try finding(nil)
    #expect(found?.level == .warning && found?.seen.contains("unless access rules say otherwise") == true)
  }
}
