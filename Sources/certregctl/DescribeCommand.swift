import ArgumentParser
import CertRegClient

struct DescribeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "describe",
    abstract: "Asks AWS IoT what it has of certificates now.",
    discussion: """
      Shows status, mode, dates, and the things and policies that are attached. It changes nothing in AWS IoT, and \
      corrects what certregd knew wrongly. Each certificate takes three calls or more. The exit status is 1 if AWS IoT \
      does not have one of the certificates.

        certregctl describe device.pem
        certregctl describe --json batch.import.csv
      """)

  @Argument(
    help: ArgumentHelp(
      "Certificate IDs (64 hexadecimal digits), ARNs, files, folders, reports of certregctl import, or -.",
      valueName: "id-or-file"),
    completion: .file())
  var subjects: [String]

  @OptionGroup var input: InputArguments

  @OptionGroup var targets: TargetOptions

  @OptionGroup var options: SocketOptions

  func run() throws {
    var verb = DescribeVerb(subjects: subjects)
    verb.input = input.options
    try options.run(targets: targets.target) { verb.run($0) }
  }
}
