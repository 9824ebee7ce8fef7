import ArgumentParser
import CertRegArchive
import CertRegClock
import CertRegCore

@main
enum Main {
  static func main() {
    StandardDescriptors.open()
    // Archives that people hand over can ask for any amount of memory.
    ArchiveMemory.limit()
    CertRegCtl.main()
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

      Exit codes (sysexits): 0 all succeeded, 1 nothing known, 64 wrong usage, 65 a certificate cannot be registered, \
      66 a file does not exist, 69 no daemon, 70 fault, 75 try again later, 76 not certregd, 77 not permitted.
      """,
    version: "certregctl \(Version.current)",
    subcommands: [
      RegisterCommand.self, ActivateCommand.self, DeactivateCommand.self, RevokeCommand.self, ValidateCommand.self,
      LookupCommand.self, ForgetCommand.self, StatusCommand.self,
      ImportCommand.self, TopCommand.self,
      DoctorCommand.self, WatchCommand.self, MetricsCommand.self, CompletionsCommand.self,
    ])
}
