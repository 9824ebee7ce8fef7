import ArgumentParser
import CertRegClient

struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Lists the faults of certificates, without registering them.",
    discussion: """
      The exit status is 65 if one of them cannot be registered.

        certregctl validate device.pem
        certregctl validate --json certificates/
      """)

  @Argument(help: "Files and folders; - reads standard input.", completion: .file())
  var files: [String]

  @OptionGroup var input: InputArguments

  @OptionGroup var options: SocketOptions

  func run() throws {
    var verb = ValidateVerb(paths: files)
    verb.input = input.options
    try options.run { verb.run($0) }
  }
}
