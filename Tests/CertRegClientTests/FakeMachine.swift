import CertRegCore

@testable import CertRegClient

/// A machine for the doctor on which all is well: ann runs certregd as process 812.
enum FakeMachine {
  static let certregd = FileIdentity(device: 1, inode: 7)

  static func healthy(upstream: HostProbe.ProgramResult) throws -> HostProbe {
    var probe = HostProbe(
      environment: [:], user: "ann", userID: 1000, groups: ["ann"],
      wallTime: CivilTime.wallTime(year: 2026, month: 11, day: 24, hour: 9, minute: 0, second: 0),
      file: { path in
        path == "/run/c.sock"
          ? .init(
            kind: .socket, mode: 0o660, owner: "certregd", group: "certregd", isReadable: true, isWritable: true) : nil
      },
      contact: { .init(peer: nil, status: .failure(ClientError(.noDaemon, "no certregd"))) },
      process: { $0 == 812 ? process() : nil },
      program: { name in
        InstalledProgram(
          path: "/bin/\(name)", identity: name == "certregd" ? certregd : FileIdentity(device: 1, inode: 8))
      },
      protectedPath: { $0 }, account: { _ in nil }, run: programs(upstream))
    probe.answer(
      """
      {"id":1,"version":"1.0","state":"running","pid":1,"targets":[{"name":"default","region":"eu-central-1","health":"ok",\
      "ratePerSecond":10,"queued":5,"throttles":2,"lastSuccessAt":"2026-11-24T08:59:00Z"}]}
      """)
    return probe
  }

  /// Programs of which certregd answers `--check-upstream` with this, and that find nothing else wrong.
  static func programs(_ upstream: HostProbe.ProgramResult) -> (HostProbe.Command) -> HostProbe.ProgramResult? {
    { command in
      if command.arguments.contains("--file-system") { return .init(status: 0, output: "2097152 4096 65536 60000\n") }
      return switch command.arguments.last {
      case "--check-upstream": upstream
      case "--print-config": .init(status: 0, output: "# x\nstateDirectory: /var/lib/c  # default\n")
      case "--check-config": .init(status: 0, output: "ok\n")
      case "certregd.service" where command.arguments.contains("show"): .init(status: 0, output: "yes\n")
      default: .init(status: 0, output: command.arguments[0] == "/bin/systemctl" ? "active\n" : "yes\n")
      }
    }
  }

  /// A process that runs certregd as this user.
  static func process(
    user: UInt32 = 1000, executable: FileIdentity? = certregd, name: String = "certregd",
    arguments: [String] = ["--config", "/x"], environment: [String: String]? = [:], workingDirectory: String? = nil
  ) -> ProcessFacts {
    ProcessFacts(
      userIDs: [user, user, user, user], groupIDs: [user, user, user, user], executable: executable,
      name: name, arguments: arguments, environment: environment, workingDirectory: workingDirectory)
  }
}

extension HostProbe {
  /// Lets the daemon of process 812 answer with this line.
  mutating func answer(_ line: String, user: UInt32 = 1000) {
    let result: Result<Answer, ClientError> = Result { () throws(ClientError) in try Answer(line: Array(line.utf8)[...])
    }
    contact = { Contact(peer: PeerCredentials(processID: 812, userID: user, groupID: user), status: result) }
  }
}
