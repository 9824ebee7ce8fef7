import ArgumentParser
import CertRegClient
import CertRegCore

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Registers many certificates from a folder, an archive, a table or a manufacturer's manifest.",
    discussion: """
      The content tells what the source is: a folder of PEM and DER, PEM blocks one after the other, a CSV with \
      headings (Espressif's manifests among them), JSON lines, a Microchip manifest, or a tar archive.

      A report gets a line for every entry as soon as its outcome is known. Ctrl-C stops cleanly; --resume goes on \
      from the report and passes over what is done. What can succeed later is tried again by itself.

        certregctl import --dry-run devices.csv
        certregctl import --status INACTIVE --column pem devices.csv
        certregctl import --resume devices.csv
        gzip -dc batch.tar.gz | certregctl import --report batch.csv -
      """)

  @Argument(help: "A folder, a file, or - for standard input.", completion: .file())
  var source: String

  @Option(help: "What the source is, where its content does not tell.")
  var format: ImportFormat?

  @Option(help: ArgumentHelp("The column (heading or number) or member that has the certificate.", valueName: "name"))
  var column: String?

  @Option(
    help: ArgumentHelp(
      "The report: CSV, or JSON lines where it ends in .jsonl (default: the source's name with .import.csv).",
      valueName: "path"))
  var report: String?

  @Flag(help: "Go on with the report of an earlier run, if there is one.")
  var resume = false

  @Flag(help: "Validate only; register nothing.")
  var dryRun = false

  @Option(
    help: ArgumentHelp("Status to register with (default: the one of certregd's configuration).", valueName: "status"))
  var status: CertificateStatus?

  @OptionGroup var targets: TargetOptions

  @Option(help: "Whether a certificate that AWS IoT has already is a success (return) or an error (error).")
  var ifExists: IfExists?

  @Flag(help: "Do not wait for AWS IoT: be done when everything is safe on certregd's disk.")
  var noWait = false

  @OptionGroup var options: SocketOptions

  func run() throws {
    var verb = ImportVerb(source: source)
    verb.format = format
    verb.column = column
    verb.reportPath = report
    verb.resumes = resume
    verb.isDryRun = dryRun
    verb.status = status
    verb.ifExists = ifExists
    verb.wait = !noWait
    Interruption.watch()
    verb.isInterrupted = { Interruption.isRequested }
    try options.run(targets: targets.target) { verb.run($0) }
  }
}

extension ImportFormat: ExpressibleByArgument {}
