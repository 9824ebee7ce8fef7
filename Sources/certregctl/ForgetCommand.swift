import ArgumentParser
import CertRegClient

struct ForgetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget",
    abstract: "Removes what certregd knows about certificates; AWS IoT is not asked and keeps them.")

  @Argument(help: ArgumentHelp("Certificate IDs: 64 hexadecimal digits each.", valueName: "certificate-id"))
  var certificateIDs: [CertificateIDArgument]

  @OptionGroup var targets: TargetOptions

  @OptionGroup var options: SocketOptions

  func run() throws {
    let verb = ForgetVerb(certificateIDs: certificateIDs.map(\.id))
    try exit(with: verb.run(options.session(targets: targets.target)))
  }
}
