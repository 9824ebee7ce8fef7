import ArgumentParser
import CertRegClient

struct LookupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lookup",
    abstract: "Shows what certregd knows about certificates.",
    discussion: """
      Of a registration it tells state, ARN, outcome, status, times, the request ID of AWS, and in requestedBy who asked \
      first: user ID, process ID and, where systemd manages the caller, its unit. Ends with 1 where nothing is known \
      about one of them.

        certregctl lookup device.pem
        certregctl lookup --target factory --json ID
      """)

  @Argument(
    help: ArgumentHelp("Certificate IDs (64 hexadecimal digits), files, folders, or -.", valueName: "id-or-file"),
    completion: .file())
  var subjects: [String]

  @OptionGroup var input: InputArguments

  @OptionGroup var targets: TargetOptions

  @OptionGroup var options: SocketOptions

  func run() throws {
    var verb = LookupVerb(subjects: subjects)
    verb.input = input.options
    try options.run(targets: targets.target) { verb.run($0) }
  }
}
