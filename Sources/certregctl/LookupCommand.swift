import ArgumentParser
import CertRegClient

struct LookupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lookup",
    abstract: "Shows what certregd knows about certificates.",
    discussion: """
      Shows the state, ARN, outcome, status, times and AWS request ID of a registration. requestedBy names the first \
      caller: its user ID, process ID and, if systemd manages the caller, its unit. A later registration that has to \
      ask AWS again is shown in its place. The exit status is 1 if certregd knows nothing about one of the certificates.

        certregctl lookup device.pem
        certregctl lookup --target factory --json ID
        certregctl lookup arn:aws:iot:eu-central-1:123456789012:cert/ID
      """)

  @OptionGroup var arguments: SubjectArguments

  func run() throws {
    var verb = LookupVerb(subjects: arguments.subjects)
    verb.input = arguments.input.options
    try arguments.run { verb.run($0) }
  }
}
