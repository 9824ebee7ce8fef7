import CertRegCore

/// The program certregd, run with the flags, the environment and as the user of the daemon that is running, as far as this
/// user may know them: what it then says of its configuration, credentials and upstream is what the daemon meets.
struct DaemonProgram {
  /// Variables that decide what the daemon does. No others are taken from its process: a root that asks must not be given
  /// libraries or programs to load by somebody else's.
  private static let prefixes = ["AWS_", "CERTREGD_"]
  private static let variables: Set<String> = [
    "HOME", "CONFIGURATION_DIRECTORY", "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CREDENTIALS_DIRECTORY", "HTTPS_PROXY",
    "https_proxy", "NO_PROXY", "no_proxy",
  ]
  /// Flags that make it answer a question and end.
  private static let questions: Set<String> = ["--check-config", "--print-config", "--check-upstream"]

  private let probe: HostProbe
  private let flags: [String]
  private let environment: [String: String]
  private let workingDirectory: String?
  /// Run as this user in place of one's own.
  private let user: HostProbe.DaemonProcess.User?
  /// Whose credentials it has: the daemon's, or those of this user.
  let hasDaemonsEnvironment: Bool
  /// Whether a daemon runs whose credentials this user may not see.
  let isForbidden: Bool

  /// - Parameters:
  ///   - running: the daemon's process, where there is one that can be looked at.
  ///   - flags: those to use where there is none.
  init(probe: HostProbe, running: HostProbe.DaemonProcess?, flags: [String]) {
    self.probe = probe
    self.flags = (running?.arguments ?? flags).filter { !DaemonProgram.questions.contains($0) }
    workingDirectory = running?.workingDirectory
    hasDaemonsEnvironment = running?.environment != nil
    isForbidden = running != nil && running?.environment == nil
    let isOther = running.map { $0.user.id != probe.userID } ?? false
    user = isOther && probe.userID == 0 ? running?.user : nil
    if let theirs = running?.environment {
      environment = probe.environment.filter { !DaemonProgram.decides($0.key) }
        .merging(theirs.filter { DaemonProgram.decides($0.key) }) { $1 }
    } else {
      environment = probe.environment
    }
  }

  private static func decides(_ variable: String) -> Bool {
    variables.contains(variable) || prefixes.contains { variable.hasPrefix($0) }
  }

  /// What to type to see the same.
  func commandLine(_ question: String) -> String {
    (["certregd"] + flags + [question]).joined(separator: " ")
  }

  /// Runs it with one of `--check-config`, `--print-config`, `--check-upstream`; `nil` where there is no certregd.
  func ask(_ question: String) -> HostProbe.ProgramResult? {
    // The flags may have relative paths.
    let place = workingDirectory.map { ["env", "-C", $0] } ?? []
    let rights = user.map { ["setpriv", "--reuid=\($0.id)", "--regid=\($0.group)", "--init-groups"] } ?? []
    return probe.run(
      HostProbe.Command(arguments: place + rights + ["certregd"] + flags + [question], environment: environment))
  }
}
