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

  @OptionGroup var arguments: SubjectArguments

  func run() throws {
    var verb = DescribeVerb(subjects: arguments.subjects)
    verb.input = arguments.input.options
    try arguments.run { verb.run($0) }
  }
}
