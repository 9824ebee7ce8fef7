import ArgumentParser
import CertRegClient

struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Says what is wrong with certificates, without registering them.")

  @Argument(help: "Files and folders; - reads standard input.")
  var files: [String]

  @OptionGroup var options: SocketOptions

  func run() throws {
    try options.run { ValidateVerb(paths: files).run($0) }
  }
}
