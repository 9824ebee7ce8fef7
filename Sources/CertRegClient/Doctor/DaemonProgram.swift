/// The installed certregd, ready to be asked about its configuration and upstream.
///
/// certregd runs programs that its configuration names, such as a `credential_process`. So it is only ever run with the
/// rights of the user whose configuration it is: this user's own, or, after root has given up its rights, those of the
/// daemon's user or, where no daemon runs, of the service's user. All other checks are left out.
struct DaemonProgram {
  /// Variables that decide what the daemon does. No others are taken from its process: `PATH` and `LD_PRELOAD` would
  /// choose code to run.
  private static let prefixes = ["AWS_", "CERTREGD_"]
  private static let variables: Set<String> = [
    "HOME", "CONFIGURATION_DIRECTORY", "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CREDENTIALS_DIRECTORY", "HTTPS_PROXY",
    "https_proxy", "NO_PROXY", "no_proxy",
  ]
  /// The user of `certregd.service`.
  private static let serviceUser = "certregd"
  /// Flags that make certregd answer a question and end.
  private static let questions: Set<String> = [
    "--check-config", "--print-config", "--check-upstream", "--print-iam-policy",
  ]

  /// Why checks are left out, and what a person can do to have them made.
  struct Omission: Hashable, Error {
    var reason: String
    var cure: String?
  }

  private let probe: HostProbe
  private let flags: [String]
  private let environment: [String: String]
  /// What stands before a program and its arguments: how rights are given up and the daemon's folder is entered.
  private let prefix: [String]
  private let executable: String
  /// What a person puts before a command to run it as this runs certregd.
  private let runner: [String]
  /// Whose the credentials are; `nil` for those of a running daemon.
  let credentialsOwner: String?

  /// - Parameter flags: The flags to use where no daemon runs.
  /// - Throws: `Omission` where certregd may not be run.
  init(probe: HostProbe, serving: ServingProcess, flags: [String]) throws(Omission) {
    self.probe = probe
    guard let installed = probe.program("certregd") else {
      throw Omission(
        reason: "certregd is not installed next to certregctl or in a folder of PATH that only root can change")
    }
    executable = installed.path
    switch serving {
    case .absent where probe.userID == 0:
      self.flags = try DaemonProgram.protectedFlags(flags, probe)
      let service = try DaemonProgram.service(probe)
      // Nothing of root's environment, as below.
      environment = ["HOME": service.home]
      prefix =
        try DaemonProgram.dropping(to: service.userID, service.groupID, service.supplementaryGroupIDs, probe)
        + DaemonProgram.entering("/", probe)
      runner = ["sudo", "-u", DaemonProgram.serviceUser]
      credentialsOwner = "\(DaemonProgram.serviceUser)'s outside of its service"
    case .absent:
      self.flags = flags
      environment = probe.environment
      prefix = []
      runner = []
      credentialsOwner = "\(probe.user)'s"
    case .unidentified(let reason):
      throw Omission(reason: reason)
    case .hidden:
      throw DaemonProgram.anotherUsers(probe)
    case .certregd(let process, let user, let group):
      guard user == probe.userID || probe.userID == 0 else {
        throw DaemonProgram.anotherUsers(probe)
      }
      guard let theirs = process.environment else {
        throw Omission(reason: "the environment of certregd's process cannot be read")
      }
      self.flags = process.arguments.filter { !DaemonProgram.questions.contains($0) }
      let decisive = theirs.filter { DaemonProgram.decides($0.key) }
      if user == probe.userID {
        environment = probe.environment.filter { !DaemonProgram.decides($0.key) }.merging(decisive) { $1 }
        prefix = try DaemonProgram.entering(process.workingDirectory, probe)
      } else {
        // Nothing of root's environment: the daemon's user can read that of its processes.
        environment = decisive
        prefix =
          try DaemonProgram.dropping(to: user, group, process.supplementaryGroupIDs, probe)
          + DaemonProgram.entering(process.workingDirectory, probe)
      }
      runner = []
      credentialsOwner = nil
    }
  }

  private static func anotherUsers(_ probe: HostProbe) -> Omission {
    Omission(
      reason: "certregd runs as another user, whose configuration and credentials are not \(probe.user)'s to use",
      cure: "sudo certregctl doctor makes these checks as certregd's user")
  }

  private static func decides(_ variable: String) -> Bool {
    variables.contains(variable) || prefixes.contains { variable.hasPrefix($0) }
  }

  /// The account with whose rights the service runs.
  private static func service(_ probe: HostProbe) throws(Omission) -> HostProbe.Account {
    guard let account = probe.account(serviceUser), account.userID != 0 else {
      throw Omission(
        reason: "no certregd is running, and there is no user \(serviceUser) with whose rights it could be asked",
        cure: "start certregd, or run certregctl doctor as the user who is going to run it")
    }
    return account
  }

  /// Changes to `folder` after rights have been given up: flags may have relative paths.
  private static func entering(_ folder: String?, _ probe: HostProbe) throws(Omission) -> [String] {
    guard let folder else { return [] }
    return [try tool("env", probe), "-C", folder]
  }

  /// Gives up root's rights for good: `no_new_privs` keeps programs with the set-user-ID bit from giving any back.
  private static func dropping(
    to user: UInt32, _ group: UInt32, _ groups: [UInt32], _ probe: HostProbe
  ) throws(Omission) -> [String] {
    let others = groups.isEmpty ? "--clear-groups" : "--groups=" + groups.map(String.init).joined(separator: ",")
    return [
      try tool("setpriv", probe), "--reuid=\(user)", "--regid=\(group)", others, "--inh-caps=-all", "--no-new-privs",
      "--",
    ]
  }

  private static func tool(_ name: String, _ probe: HostProbe) throws(Omission) -> String {
    guard let program = probe.program(name) else {
      throw Omission(reason: "there is no \(name)(1) to run certregd with")
    }
    return program.path
  }

  /// The command that shows a person the same, quoted for a shell.
  func commandLine(_ question: String) -> String {
    (runner + ["certregd"] + flags + [question]).map(\.quotedForShell).joined(separator: " ")
  }

  /// Runs certregd with one of `--check-config`, `--print-config`, `--check-upstream` and `--print-iam-policy`; `nil`
  /// where it cannot be run or does not end in time.
  func ask(_ question: String) -> HostProbe.ProgramResult? {
    probe.run(HostProbe.Command(arguments: prefix + [executable] + flags + [question], environment: environment))
  }

  /// Runs a program of the system with the daemon's rights, since the path it is given may lead anywhere.
  func run(_ name: String, _ arguments: [String]) -> HostProbe.ProgramResult? {
    probe.program(name).flatMap {
      probe.run(HostProbe.Command(arguments: prefix + [$0.path] + arguments, environment: environment))
    }
  }
}
