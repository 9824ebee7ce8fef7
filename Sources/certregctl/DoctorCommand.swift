import ArgumentParser
import CertRegClient
import CertRegCore

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Checks what is between you and a registered certificate, and says what to do about what is wrong.",
    discussion: "Works without a running certregd. Nothing is registered and nothing is changed.")

  @Option(help: "AWS region whose endpoint to check where certregd does not tell (default: $AWS_REGION).")
  var region: String?

  @OptionGroup var options: SocketOptions

  func run() throws {
    try options.run { session in
      let probe = HostProbe.live(
        socketPath: session.socketPath, environment: Environment.current, timeout: session.timeout ?? .seconds(5))
      return DoctorVerb(probe: probe, region: region).run(session)
    }
  }
}
