import ArgumentParser
import CertRegClient

struct ForgetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget",
    abstract: "Removes what certregd knows about certificates; AWS IoT is not asked and keeps them.")

  @Argument(
    help: ArgumentHelp("Certificate IDs (64 hexadecimal digits), files, folders, or -.", valueName: "id-or-file"))
  var subjects: [String]

  @OptionGroup var targets: TargetOptions

  @OptionGroup var options: SocketOptions

  func run() throws {
    try options.run(targets: targets.target) { ForgetVerb(subjects: subjects).run($0) }
  }
}
