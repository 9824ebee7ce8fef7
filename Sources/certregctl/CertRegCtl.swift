import ArgumentParser
import CertRegArchive
import CertRegClient
import CertRegClock
import CertRegCore
import Glibc

@main
enum Main {
  static func main() {
    StandardDescriptors.open(reportsLostOutput: true)
    do {
      var command = try CertRegCtl.parseAsRoot(words)
      // Archives that people hand over can ask for any amount of memory. The doctor reads none, and the programs that
      // it starts would inherit the limit.
      if !(command is DoctorCommand) { ArchiveMemory.limit() }
      // libarchive converts the time of each member of a zip archive, and without TZ the C library looks at this file
      // each time.
      setenv("TZ", ":/etc/localtime", 0)
      try command.run()
    } catch {
      guard CertRegCtl.exitCode(for: error) == .success else { CertRegCtl.exit(withError: error) }
      // Help or the version.
      let console = Console.standard(environment: Environment.current)
      console.printVerbatim(CertRegCtl.fullMessage(for: error))
      exit(console.finalStatus(.success).rawValue)
    }
  }

  /// The words of the command line, the verb first. Ends the process if there is no such verb.
  static let words = arrangedWords()

  private static func arrangedWords() -> [String] {
    let verbs = CertRegCtl.configuration.subcommands.compactMap { $0.configuration.commandName }
    do throws(CommandWords.Fault) {
      return try CommandWords.arranged(Array(CommandLine.arguments.dropFirst()), verbs: verbs + ["help"])
    } catch {
      Console.standard(environment: Environment.current).report(error)
      exit(EX_USAGE)
    }
  }
}

/// The root command: `certregctl VERB …`.
struct CertRegCtl: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certregctl",
    abstract: "Registers certificates with AWS IoT through certregd, and shows the state of certregd.",
    discussion: """
      To try it without an account, start a daemon with its sandbox and register a certificate:

        certregd --sandbox --socket /tmp/certregd.sock --state-dir /tmp/certregd-state &
        export CERTREGD_SOCKET=/tmp/certregd.sock
        certregctl register device.pem

      The options --socket, --timeout, --target and --json may also precede the verb.

      Exit codes (sysexits): \(CommandStatus.list).
      """,
    version: "certregctl \(Version.current)",
    subcommands: [
      RegisterCommand.self, ActivateCommand.self, DeactivateCommand.self, RevokeCommand.self, ValidateCommand.self,
      LookupCommand.self, DescribeCommand.self, ForgetCommand.self, StatusCommand.self,
      ImportCommand.self, VerifyCommand.self, TopCommand.self, FleetCommand.self,
      DoctorCommand.self, WatchCommand.self, MetricsCommand.self, CompletionsCommand.self,
    ])
}
