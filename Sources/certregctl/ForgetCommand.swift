import ArgumentParser
import CertRegClient

struct ForgetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget",
    abstract: "Deletes certregd's results of certificates; AWS IoT keeps the certificates.",
    discussion: """
      The next request to register one of them goes to AWS IoT again. The exit status is 1 if certregd knew nothing about \
      one of them.

        certregctl forget device.pem
      """)

  @Argument(
    help: ArgumentHelp(
      "Certificate IDs (64 hexadecimal digits), ARNs, SHA-256 fingerprints, files, folders, or -.",
      valueName: "id-or-file"),
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
