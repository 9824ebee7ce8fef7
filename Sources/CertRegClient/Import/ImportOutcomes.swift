import CertRegCore

/// What an import has come to: counts outcomes, writes them to the report and to the console, and sums up.
final class ImportOutcomes {
  /// Failures that are printed one by one. The report has all of them.
  private static let maximumPrinted = 20

  /// How a run ended.
  struct End {
    /// Whether every entry of the source has its outcome.
    var isComplete: Bool
    /// Whether the source could not be read to its end.
    var isSourceBroken: Bool
    /// Why the daemon was given up.
    var failure: ClientError?
    var isInterrupted: Bool
  }

  private let verb: ImportVerb
  private let session: Session
  private let report: ImportReport?
  private let facts: DaemonFacts
  /// The form of a report on standard output; `nil`: it goes elsewhere.
  private let stream: ReportForm?
  private var printed = 0
  private var tally: Tally
  private var passedOver = PassedOverSummary()
  /// The entries with an outcome of this run.
  private var entries = 0
  /// Whether some entries failed that can succeed on another try.
  private var hasRetryable = false
  /// How far the import is.
  var progress = ImportProgress()
  /// Whether a line was printed over the progress bar.
  var hasPrinted = false

  init(_ verb: ImportVerb, _ session: Session, _ report: ImportReport?, _ facts: DaemonFacts) {
    self.facts = facts
    self.verb = verb
    self.session = session
    self.report = report
    tally = Tally(status: verb.status, targets: session.targets)
    stream = verb.reportStream(json: session.json)
    progress.targets = session.targets
  }

  /// Begins the report on standard output.
  func begin() {
    if let headings = stream?.headings { session.console.printRecord(headings) }
  }

  /// Takes the final results of an entry, one for each target.
  ///
  /// - Parameters:
  ///   - status: How the command ends because of a failure; `nil`: as its error says.
  ///   - advice: What a person can do about a failure; `nil`: as its error says.
  func settle(
    _ attempt: ImportAttempt, _ lines: [ResultLine], status: CommandStatus? = nil, advice: String? = nil
  ) {
    entries += 1
    let id = attempt.certificate.id
    for var line in lines {
      line.certificateID = line.certificateID ?? attempt.certificate.digest?.hex
      record(line, ImportOutcomes.rows(line, attempt), of: id, status: status, advice: advice)
    }
    if !lines.isEmpty, lines.allSatisfy({ ImportRecord.registered.contains($0.outcome) }) {
      report?.succeed(id, attempt.entry)
    }
    if let failed = lines.first(where: { $0.error != nil }) {
      if failed.error?.retryable == true { hasRetryable = true }
      var row = ImportOutcomes.rows(failed, attempt)[0]
      // By it the entry is found again, also where it is not the ID of a certificate.
      row.certificateID = id.hex
      report?.addFailed(
        row, pem: attempt.certificate.pem, id, DeviceDetails(attempt.entry, provision: verb.provision, facts))
    }
  }

  /// The rows for a result: one for each target that it is about. There is at least one.
  private static func rows(_ line: ResultLine, _ attempt: ImportAttempt) -> [ImportRecord] {
    var row = ImportRecord(line, attempt.entry)
    if line.error != nil { row.certificateID = attempt.certificate.digest?.hex ?? "" }
    guard row.target.isEmpty, row.isAboutTarget, !attempt.asked.isEmpty else { return [row] }
    return attempt.asked.map { target in
      row.target = target
      return row
    }
  }

  /// Takes an entry that has no certificate to send.
  func fail(_ entry: InputEntry, _ error: InputError) {
    entries += 1
    let line = ResultLine(outcome: ImportRecord.failed, name: entry.name, error: error.answerError)
    let row = ImportRecord(entry, outcome: line.outcome, reason: error.reason, message: error.message)
    record(line, [row], status: error.exitStatus, advice: error.advice)
  }

  /// Takes an entry whose certificate occurred before in the source.
  func duplicate(_ entry: InputEntry) {
    entries += 1
    record(
      ResultLine(outcome: ImportRecord.duplicate, name: entry.name),
      [ImportRecord(entry, outcome: ImportRecord.duplicate)])
  }

  /// Takes something that is not the certificate of a device.
  func passOver(_ entry: InputEntry, _ other: OtherContent) {
    passedOver.add(entry.place, other)
    progress.count(ImportRecord.passedOver)
    let row = ImportRecord(entry, outcome: ImportRecord.passedOver, reason: other.rawValue, message: other.name)
    if other == .notListed || other == .notSelected { report?.addUnselected(row) } else { report?.add(row) }
    printRow(row)
  }

  /// Adds a row to the report, wherever that goes.
  private func write(_ row: ImportRecord, of certificate: CertificateID? = nil) {
    report?.add(row, of: certificate)
    printRow(row)
  }

  private func printRow(_ row: ImportRecord) {
    if let stream {
      session.console.printRecord(stream.line(row))
    } else if session.json {
      session.console.printJSON(row.json)
    }
  }

  /// Counts and prints a result.
  private func record(
    _ line: ResultLine, _ rows: [ImportRecord], of certificate: CertificateID? = nil, status: CommandStatus? = nil,
    advice: String? = nil
  ) {
    tally.add(line, status: status, advice: advice)
    progress.count(line.outcome)
    for row in rows { write(row, of: certificate) }
    if stream != nil {
      hasPrinted = true
    } else if !session.json, line.outcome == ImportRecord.failed {
      printed += 1
      guard printed <= ImportOutcomes.maximumPrinted else { return }
      session.console.print(line.rendered(for: session.console.output))
      hasPrinted = true
    }
  }

  /// Ends the report and prints the summary.
  func conclude(_ end: End) -> CommandStatus {
    if printed > ImportOutcomes.maximumPrinted, !session.json {
      session.console.note("and \(printed - ImportOutcomes.maximumPrinted) more failures")
    }
    let hadNothingToDo = end.isComplete && tally.total == 0 && progress.passedOver > 0
    session.console.note(hadNothingToDo ? "nothing was left to do" : summary)
    if let text = passedOver.text { session.console.note(text) }
    if progress.passedOver > 0 { session.console.note(doneBefore) }
    for advice in tally.advices { session.console.note("  \("→", .cyan) \(advice)") }
    if let failure = end.failure {
      session.report(failure)
      tally.add(status: failure.exitStatus)
    }
    if end.isInterrupted { tally.add(status: .interrupted) }
    if end.isComplete, tally.total + progress.passedOver == 0 { reportNoCertificate() }
    if let report {
      if tally.total + passedOver.total == 0, report.isNew { report.discard() } else { conclude(report, end) }
    } else if stream != nil {
      session.console.note("report: standard output")
      if hasRetryable || !end.isComplete {
        session.console.note("  \("→", .cyan) to continue: give the same command again; certregd knows what is done")
      }
    }
    return tally.exitStatus
  }

  private var summary: TerminalText {
    let targets = session.targets.count
    guard targets > 1 else { return tally.summary(noun: "entry", plural: "entries") }
    return tally.summary(noun: "entry", plural: "entries", count: entries, targets: targets)
  }

  private var doneBefore: TerminalText {
    progress.passedOver == 1 ? "1 was done before" : "\(progress.passedOver) were done before"
  }

  private func reportNoCertificate() {
    session.console.note("\("certregctl:", .red) \(verb.source): there was no certificate")
    for advice in passedOver.advices { session.console.note("  \("→", .cyan) \(advice)") }
    tally.add(status: .noInput)
  }

  private func conclude(_ report: ImportReport, _ end: End) {
    let wasWritten = report.failure == nil
    let failedPath = report.finish(isComplete: end.isComplete)
    if let failure = report.failure {
      // A failure during the run was printed when it happened.
      if wasWritten { session.console.note("\("certregctl:", .red) \(failure.message)") }
      tally.add(status: .cannotCreate)
    }
    session.console.note(
      report.isReadOnly ? "a dry run leaves the report \(report.path) as it is" : "report: \(report.path)")
    if let failedPath {
      session.console.note("failed entries, with their certificates: \(failedPath)")
      if !hasRetryable {
        let command = verb.retryCommand(failedPath, session)
        session.console.note("  \("→", .cyan) once the cause is removed: \(command)")
      }
    }
    if hasRetryable || (!end.isComplete && !end.isSourceBroken) {
      session.console.note("  \("→", .cyan) to continue: \(verb.resumeCommand)")
    }
  }
}
