import ArgumentParser
import CertRegClient
import CertRegCore

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Registers many certificates from a folder, an archive, a table or a manufacturer's manifest.",
    discussion: """
      The content tells what the source is: a folder, an archive, PEM with any text around it, DER, PKCS#7, base64, a \
      table, JSON, or a manufacturer's manifest. Private keys and the certificates of authorities are passed over.

      A report gets a line for every entry as soon as its outcome is known. Ctrl-C stops cleanly; --resume goes on \
      from the report and passes over what is done. What can succeed later is tried again by itself; what failed is \
      kept with its certificates beside the report, in a file that can be imported.

        certregctl import --dry-run devices.csv
        certregctl import --status INACTIVE --column pem devices.csv
        certregctl import --provision sensors --attribute site=@hall devices.csv
        certregctl import --resume devices.csv
        certregctl import --signer MCHP_manifest_signer.crt manifest.json
        ssh factory cat batch.tar.gz | certregctl import --report batch.csv -
      """)

  @Argument(help: "A folder, a file, or - for standard input.", completion: .file())
  var source: String

  @Option(
    help: ArgumentHelp(
      "A certificate that a Microchip manifest may be signed with; can be given more than once (default: not checked).",
      valueName: "file"))
  var signer: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      The report: CSV, or JSON lines where it ends in .jsonl; - is standard output, which takes the report in place of \
      results, as JSON lines with --json (default: the source's name with .import.csv).
      """,
      valueName: "path"))
  var report: String?

  @Flag(help: "Go on with the report of an earlier run, if there is one.")
  var resume = false

  @Flag(help: "Validate only; register nothing.")
  var dryRun = false

  @OptionGroup var status: StatusOption

  @OptionGroup var input: InputArguments

  @OptionGroup var targets: TargetOptions

  @OptionGroup var ifExists: IfExistsOption

  @OptionGroup var provisioning: ProvisionOptions

  @Flag(help: "Do not wait for AWS IoT: be done when everything is safe on certregd's disk.")
  var noWait = false

  @OptionGroup var options: SocketOptions

  func run() throws {
    var verb = ImportVerb(source: source)
    verb.input = input.options
    verb.signerPaths = signer
    verb.reportPath = report
    verb.resumes = resume
    verb.isDryRun = dryRun
    verb.status = status.status
    verb.ifExists = ifExists.ifExists
    verb.provision = provisioning.choice
    verb.wait = !noWait
    verb.arguments = Array(Main.words.dropFirst())
    Interruption.watch()
    verb.isInterrupted = { Interruption.isRequested }
    try options.run(targets: targets.target) { verb.run($0) }
  }
}
