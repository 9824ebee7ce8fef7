import CertRegCore

/// What an import has come to: counts outcomes, writes them to the report and to the console, and sums up.
final class ImportOutcomes {
  /// Failures that are printed one by one. The report has all of them.
  private static let maximumPrinted = 20

  /// How a run ended.
  struct End {
    /// Whether every entry of the source has its outcome.
    var isComplete: Bool
    /// Why the source could not be read to its end.
    var readFailure: InputError?
    /// Why the daemon was given up.
    var failure: ClientError?
    var isInterrupted: Bool
  }

  private let verb: ImportVerb
  private let session: Session
  private let format: ImportFormat
  private let report: ImportReport?
  private var printed = 0
  private var tally = Tally()
  /// Whether some entries failed that can succeed on another try.
  private var hasRetryable = false
  /// How far the import is.
  var progress = ImportProgress()
  /// Whether a line was printed over the progress bar.
  var hasPrinted = false

  init(_ verb: ImportVerb, _ session: Session, _ format: ImportFormat, _ report: ImportReport?) {
    self.verb = verb
    self.session = session
    self.format = format
    self.report = report
    progress.targets = session.targets
  }

  /// Takes the final results of an entry, one for each target.
  ///
  /// - Parameter status: How the command ends because of a failure; `nil`: as its error says.
  func settle(_ attempt: ImportAttempt, _ lines: [ResultLine], status: CommandStatus? = nil) {
    for line in lines { record(line, ImportRecord(line, fingerprint: attempt.fingerprint), status: status) }
    if let failed = lines.first(where: { $0.error != nil }) {
      if failed.error?.retryable == true { hasRetryable = true }
      report?.addFailed(ImportRecord(failed, fingerprint: attempt.fingerprint), pem: attempt.pem)
    }
  }

  /// Takes an entry that cannot be sent.
  func fail(_ name: String, _ error: InputError) {
    let line = ResultLine(outcome: ImportRecord.failed, name: name, error: error.answerError)
    record(
      line, ImportRecord(name: name, outcome: line.outcome, reason: error.reason, message: error.message),
      status: error.exitStatus, advice: error.advice)
  }

  /// Takes an entry whose certificate occurred before in the source.
  func duplicate(_ name: String, _ fingerprint: CertificateID) {
    record(
      ResultLine(outcome: ImportRecord.duplicate, name: name),
      ImportRecord(name: name, certificateID: fingerprint.hex, outcome: ImportRecord.duplicate))
  }

  private func record(
    _ line: ResultLine, _ record: ImportRecord, status: CommandStatus? = nil, advice: String? = nil
  ) {
    tally.add(line, status: status, advice: advice)
    progress.count(line.outcome)
    report?.add(record)
    if session.json {
      session.console.printJSON(record.json)
    } else if line.outcome == ImportRecord.failed {
      printed += 1
      guard printed <= ImportOutcomes.maximumPrinted else { return }
      session.console.print(line.rendered(for: session.console.output))
      hasPrinted = true
    }
  }

  /// Ends the report and prints the summary.
  func conclude(_ end: End) -> CommandStatus {
    if printed > ImportOutcomes.maximumPrinted, !session.json {
      session.console.note("… and \(printed - ImportOutcomes.maximumPrinted) more failures")
    }
    session.console.note(tally.summary(noun: "entry", plural: "entries"))
    if progress.passedOver > 0 { session.console.note("\(progress.passedOver) were done before") }
    for advice in tally.advices { session.console.note("  \("→", .cyan) \(advice)") }
    if let failure = end.readFailure {
      session.console.note("\("certregctl:", .red) \(verb.source): \(failure.message)")
      tally.add(status: failure.exitStatus)
    }
    if let failure = end.failure {
      session.console.report(failure)
      tally.add(status: failure.exitStatus)
    }
    if end.isInterrupted { tally.add(status: .interrupted) }
    if end.isComplete, tally.total + progress.passedOver == 0 { reportNoCertificate() }
    if let report {
      if tally.total == 0, report.isNew { report.discard() } else { conclude(report, end) }
    }
    return tally.exitStatus
  }

  private func reportNoCertificate() {
    session.console.note("\("certregctl:", .red) \(verb.source): there was no certificate")
    if [.folder, .tar, .zip].contains(format) {
      session.console.note(
        "  \("→", .cyan) a \(format.rawValue) is searched for PEM, DER and PKCS#7: import tables and manifests one by one"
      )
    }
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
    session.console.note("report: \(report.path)")
    if let failedPath {
      session.console.note("failed entries, with their certificates: \(failedPath)")
      if !hasRetryable {
        session.console.note(
          "  \("→", .cyan) once the cause is removed: certregctl import \(failedPath.quotedForShell)")
      }
    }
    if hasRetryable || (!end.isComplete && end.readFailure == nil) {
      session.console.note("  \("→", .cyan) to continue: \(verb.resumeCommand)")
    }
  }
}
