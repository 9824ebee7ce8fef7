import ArgumentParser
import CertRegClock
import CertRegCore
import CertRegSandboxCommand
import CertRegSettings
import Glibc

@main
enum Main {
  /// Runs the daemon, or the sandbox if the process has its name. Packages install certreg-sandbox as a symbolic link
  /// to this program, which contains nearly all of it anyway.
  ///
  /// As in BusyBox, the name is the last component of `argv[0]`. Shells, systemd and env(1) put the name or the path
  /// there as they were told it, before any link is followed, so that the folder does not matter. A caller that chooses
  /// another name (`exec -a` of a shell, `@` in ExecStart=) chooses the program by it; every name but the sandbox's is
  /// the daemon. `/proc/self/exe` is the same file for both and says nothing: a process that executes it has to pass
  /// its `argv[0]` on.
  static func main() async {
    StandardDescriptors.open()
    let words = ProcessEnvironment.commandLine()
    let name = words.first?.split(separator: "/", omittingEmptySubsequences: false).last
    let arguments = Array(words.dropFirst())
    if name.map(String.init) == SandboxProgram.name {
      await SandboxProgram.main(arguments)
    } else {
      await CertRegDaemonCommand.main(arguments)
    }
  }
}

/// The command line of the daemon: reads the configuration, answers questions about it, and starts the daemon.
struct CertRegDaemonCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certregd",
    abstract: "Registers device certificates with AWS IoT for the programs of this host.",
    usage: """
      certregd [--config FILE] [--socket PATH] [--state-dir DIR] [--sandbox] [--region R] [--endpoint-url URL] \
      [--log-level L]
      certregd --check-config [--config FILE]
      certregd --print-config [--config FILE]
      certregd --check-upstream [--config FILE]
      certregd --print-iam-policy [--config FILE]
      """,
    discussion: """
      certregd listens on a Unix socket for JSON requests, one per line, and registers certificates with \
      RegisterCertificateWithoutCA. certregctl is its client.

      Every setting has a default. A configuration file overrides defaults, CERTREGD_* variables override the file, and \
      flags override variables. Without --config the file is $CERTREGD_CONFIG, config.yaml in $CONFIGURATION_DIRECTORY \
      (which systemd sets), or \(SettingsLoader.builtInConfigurationFile), and the last two may be absent.

      EXAMPLES:
        Try it, with no account and no network:
          certregd --sandbox --socket ./certregd.sock --state-dir ./state
        Use a region's endpoint, with credentials from the usual AWS sources:
          certregd --region eu-central-1
        Check a file before you install it:
          certregd --check-config --config ./config.yaml
        Show every setting and the origin of its value:
          certregd --print-config
        Check that AWS can be reached and lets this identity register:
          certregd --check-upstream --region eu-central-1
        Print the IAM policy that the configuration needs:
          certregd --print-iam-policy --config ./config.yaml

      EXIT STATUS (sysexits(3)):
        0   the daemon stopped after a signal, or the configuration is valid
        64  the command line is wrong
        69  a target could not register (--check-upstream), or the EC2 instance does
            not name its region yet
        71  a system call failed
        73  the socket's path is not a socket
        74  the state cannot be read or written, or standard output cannot be written
        75  another process has the socket or the state
        77  a right is missing
        78  the configuration is wrong
      """,
    version: "certregd \(Version.current)")

  @OptionGroup(title: "Settings")
  var settings: SettingsOptions

  @Flag(name: .customLong("check-config"), help: "List the mistakes of the configuration and exit: 0, or 78.")
  var checksConfiguration = false

  @Flag(name: .customLong("print-config"), help: "Print the effective configuration as YAML and exit.")
  var printsConfiguration = false

  @Flag(
    name: .customLong("check-upstream"),
    help: """
      Call each target without registering anything, print the results as JSON lines and exit: 0, 69 or 78. certregctl \
      doctor uses this.
      """)
  var checksUpstream = false

  @Flag(
    name: .customLong("print-iam-policy"),
    help: "Print the least IAM policy for the configuration as JSON and exit. No call is made.")
  var printsPolicy = false

  /// The flags that ask a question. The program answers and ends.
  private var questions: [Bool] { [checksConfiguration, printsConfiguration, checksUpstream, printsPolicy] }

  private var asks: Bool { questions.contains(true) }

  func validate() throws {
    if questions.count(where: { $0 }) > 1 {
      throw ValidationError(
        "--check-config, --print-config, --check-upstream and --print-iam-policy exclude each other.")
    }
  }

  func run() async throws {
    let loader = settings.loader()
    let loaded: LoadedSettings
    do {
      // What is only printed needs no templates.
      loaded = printsConfiguration || printsPolicy ? try loader.load() : try loader.loadWithTemplates()
    } catch {
      writeLines(error.problems.map(\.description), to: STDERR_FILENO)
      if !asks { turnClientsAway() }
      throw ExitCode(EX_CONFIG)
    }
    if asks {
      writeLines(loaded.warnings.map { "\($0.warningText)" }, to: STDERR_FILENO)
      if checksUpstream {
        let (lines, status) = await checkUpstream(loaded)
        try printAnswer(lines)
        if status != EX_OK { throw ExitCode(status) }
        return
      }
      if checksConfiguration {
        let (errors, warnings) = await checkStart(loaded)
        writeLines(warnings.map { "warning: \($0)" } + errors, to: STDERR_FILENO)
        if !errors.isEmpty { throw ExitCode(EX_CONFIG) }
      }
      try printAnswer([answer(loaded)])
      return
    }
    let status = await runDaemon(loaded) { (inForce) throws(SettingsError) -> LoadedSettings in
      try loader.loadWithTemplates(replacing: inForce)
    }
    if status != EX_OK { throw ExitCode(status) }
  }

  /// Writes the answer to a question; a part of one must not be taken for all of it.
  private func printAnswer(_ lines: [String]) throws {
    let code = writeLines(lines, to: STDOUT_FILENO)
    guard code != 0 else { return }
    writeLines(["cannot write to standard output: \(String(cString: strerror(code)))"], to: STDERR_FILENO)
    throw ExitCode(EX_IOERR)
  }

  /// What standard output gets for a question that the configuration alone answers.
  private func answer(_ loaded: LoadedSettings) -> String {
    if checksConfiguration { return "ok" }
    return printsPolicy ? loaded.settings.iamPolicy : loaded.yaml(version: Version.current)
  }
}

extension SettingsError.Problem {
  /// The line of a warning, distinct from those of errors.
  fileprivate var warningText: String { "warning: \(self)" }
}
