import ArgumentParser
import CertRegClient

struct ForgetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget",
    abstract: "Removes what certregd knows about certificates; AWS IoT is not asked and keeps them.",
    discussion: """
      The next request to register one of them goes to AWS IoT again. Ends with 1 where nothing was known about one of them.

        certregctl forget device.pem
      """)

  @Argument(
    help: ArgumentHelp("Certificate IDs (64 hexadecimal digits), files, folders, or -.", valueName: "id-or-file"),
    completion: .file())
  var subjects: [String]

  @OptionGroup var input: InputArguments

  @OptionGroup var targets: TargetOptions

  @OptionGroup var options: SocketOptions

  func run() throws {
    var verb = ForgetVerb(subjects: subjects)
    verb.input = input.options
    try options.run(targets: targets.target) { verb.run($0) }
  }
}
