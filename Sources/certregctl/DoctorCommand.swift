import ArgumentParser
import CertRegClient
import CertRegCore

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Checks what is between you and a registered certificate, and says what to do about what is wrong.",
    discussion: """
      Works without a running certregd. Registers nothing and changes nothing; each target's endpoint is called with a \
      text that is not a certificate. As root or as the daemon's user it checks with the flags and the environment of the \
      running certregd; root gives up its rights first. Ends with 69 where something is wrong.

        certregctl doctor
        sudo certregctl doctor
        certregctl doctor --config ./config.yaml
        certregctl doctor --json
      """)

  @Option(
    help: ArgumentHelp(
      "Configuration to check where no certregd is running (default: the one it would read).", valueName: "file"),
    completion: .file())
  var config: String?

  @Option(help: "AWS region whose endpoint to check where no certregd is running (default: the configuration's).")
  var region: String?

  @OptionGroup var options: SocketOptions

  func run() throws {
    try options.run { session in
      let probe = HostProbe.live(
        socketPath: session.socketPath, environment: Environment.current, timeout: session.timeout ?? .seconds(5),
        clock: session.clock)
      return DoctorVerb(probe: probe, configurationFile: config, region: region).run(session)
    }
  }
}
