import CertRegCore
import Testing

@testable import CertRegClient

/// Whose programs the doctor runs, and with whose rights.
@Suite struct DoctorRightsTests {
  private static let daemon = PeerCredentials(processID: 812, userID: 990, groupID: 990)
  private static let installed = InstalledProgram(path: "/bin/certregd", identity: FakeMachine.certregd)

  private func commands(
    _ probe: HostProbe, configurationFile: String? = nil
  ) -> (commands: [HostProbe.Command], findings: [Finding]) {
    var probe = probe
    var commands: [HostProbe.Command] = []
    let run = probe.run
    probe.run = {
      commands.append($0)
      return run($0)
    }
    var findings: [Finding] = []
    Doctor(socketPath: "/run/c.sock", configurationFile: configurationFile, probe: probe)
      .examine { findings.append($0) }
    return (commands, findings)
  }

  private func probe(user: UInt32, daemon: UInt32) throws -> HostProbe {
    var probe = try FakeMachine.healthy(upstream: .init(status: 0, output: ""))
    probe.userID = user
    probe.answer(#"{"id":1,"pid":4711,"targets":[]}"#, user: daemon)
    probe.process = { id in
      id == 812
        ? FakeMachine.process(
          user: daemon, arguments: ["--region", "eu-west-1"],
          environment: ["AWS_REGION": "x", "LD_PRELOAD": "/evil.so", "PATH": "/evil", "HOME": "/h"],
          workingDirectory: "/w") : nil
    }
    return probe
  }

  @Test func `root gives up its rights, its environment and its groups before it asks certregd of another user`() throws
  {
    var probe = try probe(user: 0, daemon: 990)
    probe.environment = ["PATH": "/bin", "AWS_PROFILE": "root", "SECRET": "root's"]
    let asked = try #require(commands(probe).commands.first { $0.arguments.last == "--check-upstream" })
    #expect(
      asked.arguments == [
        "/bin/setpriv", "--reuid=990", "--regid=990", "--clear-groups", "--inh-caps=-all", "--no-new-privs", "--",
        "/bin/env", "-C", "/w", "/bin/certregd", "--region", "eu-west-1", "--check-upstream",
      ])
    #expect(asked.environment == ["AWS_REGION": "x", "HOME": "/h"])
  }

  @Test func `nothing that another user chose is run as root`() throws {
    for command in commands(try probe(user: 0, daemon: 990)).commands where command.arguments.contains("/w") {
      #expect(command.arguments.first == "/bin/setpriv")
    }
    let free = commands(try probe(user: 0, daemon: 990)).commands.first { $0.arguments.contains("--file-system") }
    #expect(free?.arguments.first == "/bin/setpriv")
  }

  @Test func `asks certregd of the same user with its flags and environment`() throws {
    var probe = try probe(user: 1000, daemon: 1000)
    probe.environment = ["LANG": "C", "AWS_PROFILE": "mine"]
    let asked = try #require(commands(probe).commands.first { $0.arguments.last == "--check-config" })
    #expect(
      asked.arguments == ["/bin/env", "-C", "/w", "/bin/certregd", "--region", "eu-west-1", "--check-config"])
    #expect(asked.environment == ["LANG": "C", "AWS_REGION": "x", "HOME": "/h"])
  }

  @Test func `a user who is not root runs nothing for a daemon of another user, and is told so`() throws {
    let (commands, findings) = commands(try probe(user: 1000, daemon: 990))
    #expect(commands.allSatisfy { !$0.arguments.contains("/bin/certregd") })
    for subject in ["configuration", "upstream"] {
      let finding = findings.first { $0.subject == subject }
      #expect(finding?.level == .skipped)
      #expect(finding?.cure?.contains("sudo certregctl doctor") == true)
    }
  }

  @Test(arguments: [UInt32(0), 1000])
  func `a process that does not run the installed certregd lends nothing, whatever its name and its answers`(
    user: UInt32
  ) throws {
    var probe = try probe(user: user, daemon: user)
    probe.process = { _ in
      FakeMachine.process(user: user, executable: FileIdentity(device: 1, inode: 99), arguments: ["--config", "/evil"])
    }
    let (commands, findings) = commands(probe)
    #expect(commands.allSatisfy { !$0.arguments.contains("/evil") && !$0.arguments.contains("/bin/certregd") })
    #expect(findings.first { $0.subject == "upstream" }?.seen.contains("does not run /bin/certregd") == true)
  }

  @Test func `the process number of an answer is not used`() throws {
    var probe = try probe(user: 0, daemon: 0)
    var asked: [Int32] = []
    let process = probe.process
    probe.process = {
      asked.append($0)
      return process($0)
    }
    _ = commands(probe)
    #expect(asked == [812])
  }

  /// A machine on which root asks and no daemon runs.
  private func lonely(account: HostProbe.Account? = DoctorRightsTests.service) throws -> HostProbe {
    var probe = try probe(user: 0, daemon: 0)
    probe.contact = { .init(peer: nil, status: .failure(ClientError(.noDaemon, "no certregd"))) }
    probe.environment = ["PATH": "/bin", "AWS_PROFILE": "root", "SECRET": "root's"]
    probe.account = { $0 == "certregd" ? account : nil }
    return probe
  }

  private static let service = HostProbe.Account(
    userID: 990, groupID: 991, supplementaryGroupIDs: [7, 8], home: "/var/lib/certregd")

  private static let file = HostProbe.FileFacts(
    kind: .file, mode: 0o644, owner: "ann", group: "ann", isReadable: true, isWritable: true)

  private func runsCertregd(_ commands: [HostProbe.Command]) -> Bool {
    commands.contains { $0.arguments.contains("/bin/certregd") }
  }

  @Test(arguments: [true, false], ["--config", "CERTREGD_CONFIG", ""])
  func `root uses no configuration that other users can change or put in place`(exists: Bool, named: String) throws {
    var probe = try lonely()
    let path = named.isEmpty ? "/etc/certregd/config.yaml" : "/home/ann/c.yaml"
    if named == "CERTREGD_CONFIG" { probe.environment[named] = path }
    probe.file = { exists && $0 == path ? DoctorRightsTests.file : nil }
    probe.protectedPath = { _ in nil }
    let (commands, findings) = commands(probe, configurationFile: named == "--config" ? path : nil)
    #expect(!runsCertregd(commands))
    let seen = findings.last?.seen ?? ""
    #expect(seen.contains(exists ? "other users than root can change \(path)" : "there is no \(path)"))
  }

  @Test(arguments: ["/etc/certregd", "/etc"])
  func `root reads the usual configuration, or none where only root could put one`(folder: String) throws {
    var probe = try lonely()
    probe.file = { $0 == folder ? DoctorRightsTests.file : nil }
    probe.protectedPath = { $0 == folder ? folder : nil }
    #expect(runsCertregd(commands(probe).commands))
    probe.protectedPath = { _ in nil }
    #expect(!runsCertregd(commands(probe).commands))

    probe.file = { _ in DoctorRightsTests.file }
    probe.protectedPath = { $0 == "/etc/certregd/config.yaml" ? "/srv/c.yaml" : nil }
    let asked = commands(probe).commands.first { $0.arguments.last == "--check-config" }
    #expect(asked?.arguments.suffix(4) == ["/bin/certregd", "--config", "/srv/c.yaml", "--check-config"])
  }

  @Test func `without a daemon root asks certregd as the service's user, with nothing of root's environment`() throws {
    var probe = try lonely()
    probe.protectedPath = { $0 == "./c.yaml" ? "/etc/c.yaml" : nil }
    let (commands, findings) = commands(probe, configurationFile: "./c.yaml")
    let asked = commands.filter { $0.arguments.contains("/bin/certregd") }
    #expect(!asked.isEmpty)
    for command in asked {
      #expect(
        command.arguments.prefix(12) == [
          "/bin/setpriv", "--reuid=990", "--regid=991", "--groups=7,8", "--inh-caps=-all", "--no-new-privs", "--",
          "/bin/env", "-C", "/", "/bin/certregd", "--config",
        ])
      #expect(command.arguments[12] == "/etc/c.yaml")
      #expect(command.environment == ["HOME": "/var/lib/certregd"])
    }
    let finding = findings.first { $0.subject == "configuration" }
    #expect(finding?.seen.contains("sudo -u certregd certregd --config /etc/c.yaml --check-config") == true)
  }

  @Test(arguments: [nil, HostProbe.Account(userID: 0, groupID: 0, home: "/root")])
  func `without a user of the service root asks nothing, and is told what to do`(account: HostProbe.Account?) throws {
    let (commands, findings) = commands(try lonely(account: account))
    #expect(!runsCertregd(commands))
    for subject in ["configuration", "upstream"] {
      let finding = findings.first { $0.subject == subject }
      #expect(finding?.level == .skipped)
      #expect(finding?.cure?.contains("start certregd") == true)
    }
  }

  @Test func `root never runs certregd with root's rights`() throws {
    let facts = FakeMachine.process(user: 990)
    // Whether root runs certregd where the service's user exists, and where it does not.
    let cases: [(serving: ServingProcess, runs: Bool, runsWithoutAccount: Bool)] = [
      (.absent, true, false), (.hidden, false, false), (.unidentified("x"), false, false),
      (.certregd(facts, user: 990, group: 990), true, true),
    ]
    for (serving, runs, runsWithoutAccount) in cases {
      for account in [DoctorRightsTests.service, nil] {
        var probe = try lonely(account: account)
        var commands: [HostProbe.Command] = []
        probe.run = {
          commands.append($0)
          return nil
        }
        if let program = try? DaemonProgram(probe: probe, serving: serving, flags: []) {
          _ = program.ask("--check-config")
          _ = program.run("stat", ["/x"])
        }
        #expect(commands.allSatisfy { $0.arguments.first == "/bin/setpriv" })
        #expect(commands.count == ((account == nil ? runsWithoutAccount : runs) ? 2 : 0), "\(serving)")
      }
    }
  }

  @Test func `quotes the daemon's flags in commands to copy`() throws {
    var probe = try probe(user: 1000, daemon: 1000)
    probe.process = { _ in FakeMachine.process(arguments: ["--config", "$(evil)"]) }
    probe.run = { $0.arguments.last == "--check-config" ? .init(status: 78, output: "no") : nil }
    let finding = commands(probe).findings.first { $0.subject == "configuration" }
    #expect(finding?.cure?.contains("--config '$(evil)' --check-config") == true)
  }

  @Test func `knows the daemon by what the kernel says of it alone`() {
    func serving(_ facts: ProcessFacts?, _ peer: PeerCredentials? = DoctorRightsTests.daemon) -> ServingProcess {
      ServingProcess(peer: peer, process: { _ in facts }, installed: DoctorRightsTests.installed)
    }
    let facts = FakeMachine.process(user: 990)
    #expect(serving(facts) == .certregd(facts, user: 990, group: 990))
    #expect(serving(nil, nil) == .absent)
    #expect(serving(FakeMachine.process(user: 990, executable: nil)) == .hidden)
    // A process that has its number by now, or that runs with several identities.
    #expect(serving(FakeMachine.process(user: 1000)) != .certregd(facts, user: 990, group: 990))
    for index in 0..<4 {
      var mixed = facts
      mixed.userIDs[index] = 0
      guard case .unidentified = serving(mixed) else {
        Issue.record("user \(index) was not looked at")
        continue
      }
    }
    // One file is both programs.
    if case .certregd = serving(FakeMachine.process(user: 990, name: "certreg-sandbox")) {
      Issue.record("the sandbox was taken for certregd")
    }
    guard
      case .unidentified(let reason) = serving(
        FakeMachine.process(user: 0, executable: FileIdentity(device: 1, inode: 2)),
        PeerCredentials(processID: 1, userID: 0, groupID: 0))
    else { return #expect(Bool(false), "the service manager was taken for certregd") }
    #expect(reason.contains("service manager"))
  }
}
