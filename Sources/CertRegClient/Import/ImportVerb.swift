package import CertRegCore

/// `certregctl import`: registers the certificates of a large source, with a report that it can be resumed from.
package struct ImportVerb {
  package var source: String
  package var format: ImportFormat?
  package var column: String?
  package var status: CertificateStatus?
  package var ifExists: IfExists?
  package var wait = true
  /// Asks the daemon to validate only; registers nothing.
  package var isDryRun = false
  /// Where the report goes; `nil`: a name made from the source's, and none for a dry run.
  package var reportPath: String?
  package var resumes = false
  /// Whether somebody asked to stop.
  package var isInterrupted: () -> Bool = { false }
  /// How long a daemon that went away is waited for.
  package var patience = Duration.seconds(60)
  /// The first pause before trying again; each later one is twice as long, up to 30 s.
  package var firstPause = Duration.milliseconds(500)

  package init(source: String) {
    self.source = source
  }

  /// Runs the command.
  package func run(_ session: Session) -> CommandStatus {
    let run: ImportRun
    do throws(InputError) {
      let (kind, entries) = try ImportFormat.open(source, format: format, column: column)
      if kind == .microchip, !session.json {
        session.console.note("\(source): the manifest's signatures are not checked")
      }
      let (report, history) = try openReport()
      if history.count > 0 {
        session.console.note("\(history.count) certificates are done already and are passed over")
      }
      run = ImportRun(self, session: session, source: entries, report: report, history: history)
    } catch {
      session.console.note("\("certregctl:", .red) \(source): \(error.message)")
      if let advice = error.advice { session.console.note("  \("→", .cyan) \(advice)") }
      return error.exitStatus
    }
    return run.run()
  }

  private func openReport() throws(InputError) -> (ImportReport?, ImportHistory) {
    if isDryRun, reportPath == nil { return (nil, ImportHistory()) }
    let (report, history) = try ImportReport.open(path: reportPath ?? defaultReportPath, resuming: resumes)
    return (report, history)
  }

  /// `batch.csv` gives `batch.import.csv`, in the current folder.
  package var defaultReportPath: String {
    let path = source == "-" ? "stdin" : source
    let last = path.split(separator: "/").last.map(String.init) ?? "import"
    let stem = last.lastIndex(of: ".").flatMap { $0 > last.startIndex ? String(last[..<$0]) : nil } ?? last
    return (stem == "." || stem == ".." ? "folder" : stem) + ".import.csv"
  }

  /// The request for one certificate.
  func request(pem: String, _ session: Session) -> Request {
    if isDryRun { return Request("validate", [("certificatePem", .string(pem))]) }
    var register = RegisterVerb(paths: [])
    register.status = status
    register.ifExists = ifExists
    register.wait = wait
    return register.request(pem: pem, session)
  }

  /// The command that goes on where this one stopped.
  func resumeCommand(report: String) -> String {
    "certregctl import --resume --report '\(report)' '\(source)', with the options given this time"
  }
}
