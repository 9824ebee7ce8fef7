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

  @OptionGroup var arguments: SubjectArguments

  func run() throws {
    var verb = ForgetVerb(subjects: arguments.subjects)
    verb.input = arguments.input.options
    try arguments.run { verb.run($0) }
  }
}
