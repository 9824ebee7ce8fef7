import ArgumentParser
import CertRegClient
import CertRegCore

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Checks everything that a registration needs, and says how to correct what is wrong.",
    discussion: """
      Works without a running certregd. Registers nothing and changes nothing: the doctor calls each target's endpoint \
      with a text that is not a certificate. As root or as the daemon's user it checks with the flags and the environment \
      of the running certregd; root gives up its rights first. The exit status is 69 if something is wrong.

        certregctl doctor
        sudo certregctl doctor
        certregctl doctor --config ./config.yaml
        certregctl doctor --json
      """)

  @Option(
    help: ArgumentHelp(
      "Configuration to check if no certregd is running (default: the file that it would read).", valueName: "file"),
    completion: .file())
  var config: String?

  @Option(help: "AWS region of the endpoint to check if no certregd is running (default: the configuration's).")
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
