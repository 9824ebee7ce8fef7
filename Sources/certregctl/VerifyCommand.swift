import ArgumentParser
import CertRegClient
import CertRegCore

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compares what AWS IoT has of certificates with what was asked for.",
    discussion: """
      Asks AWS IoT about every certificate, and prints a line for each that is not registered, has another status, or \
      lacks its thing or a policy. What the options leave open is expected as certregd was asked for it; the thing is \
      that of the report, if there is one. Each certificate takes three calls or more. It changes nothing in AWS IoT. \
      The exit status is 1 if a certificate differs, as long as it does.

        certregctl verify batch.import.csv
        certregctl verify --status ACTIVE --policy sensor-policy --report differences.csv devices.csv
        certregctl verify --thing pump-7 device.pem
      """)

  @Argument(
    help: ArgumentHelp(
      "Files, folders, reports of certregctl import, certificate IDs (64 hexadecimal digits), ARNs, or -.",
      valueName: "source"),
    completion: .file())
  var subjects: [String]

  @Option(
    help: ArgumentHelp("The expected status (default: the one that certregd was asked for).", valueName: "status"))
  var status: CertificateStatus?

  @Option(
    help: ArgumentHelp(
      "The thing that has to be attached (default: the report's, else the one that certregd attached).",
      valueName: "name"))
  var thing: String?

  @Option(
    help: ArgumentHelp(
      "A policy that has to be attached; may be repeated (default: those that certregd attached).", valueName: "name"))
  var policy: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      Write a row for each difference: CSV, or JSON lines where the name ends in .jsonl; - is standard output, in place \
      of results (default: no report).
      """,
      valueName: "path"))
  var report: String?

  @OptionGroup var input: InputArguments

  @OptionGroup var targets: TargetOptions

  @OptionGroup var options: SocketOptions

  func run() throws {
    var verb = VerifyVerb(subjects: subjects)
    verb.input = input.options
    verb.expected.status = status
    verb.expected.thing = thing
    verb.expected.policies = policy
    verb.reportPath = report
    try options.run(targets: targets.target) { verb.run($0) }
  }
}
