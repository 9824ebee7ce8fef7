import CertRegCodec
import CertRegCore

/// What a verification has come to: prints and reports what is not as it should be, and sums up.
final class VerifyOutcomes {
  static let agrees = "as_expected"
  static let differs = "differs"

  private let session: Session
  private let report: VerifyReport?
  /// The form of a report on standard output; `nil`: it goes elsewhere.
  private let stream: ReportForm?
  private var tally: Tally
  private var passedOver = PassedOverSummary()
  private var counts: [String: Int] = [:]
  private var unlisted: [VerifyVerdict.Unlisted: Int] = [:]
  private var modes: [String: Int] = [:]
  private var inactive = 0
  /// Certificates that were not asked for, after the daemon went away.
  var unsent = 0

  init(_ session: Session, _ report: VerifyReport?, _ stream: ReportForm?) {
    self.session = session
    self.report = report
    self.stream = stream
    tally = Tally(targets: session.targets)
  }

  /// Begins the report on standard output.
  func begin() {
    if let headings = stream?.headings { session.console.printRecord(headings) }
  }

  func showProgress(underWay: Int, elapsed: Duration) {
    guard elapsed > .seconds(1), underWay > 0 else { return }
    session.console.showTransient(
      "\("…", .cyan) \(tally.total) verified, \(underWay) under way, \(elapsed.components.seconds) s")
  }

  /// Takes a certificate that is as expected.
  ///
  /// - Parameter isStatusNamed: Whether the command line names the status. Then INACTIVE is meant.
  func agree(
    _ subject: VerifySubject, _ upstream: JSON, unlisted: [VerifyVerdict.Unlisted], isStatusNamed: Bool
  ) {
    if !isStatusNamed, upstream["status"]?.string == CertificateStatus.inactive.rawValue { inactive += 1 }
    note(upstream, unlisted)
    tally.add(line(subject, upstream, VerifyOutcomes.agrees))
    count(VerifyOutcomes.agrees)
    printJSON(subject, upstream, VerifyOutcomes.agrees, [])
  }

  /// Takes a certificate that is not as expected. Its rows have the ARN and the thing that were expected, so that the
  /// report can be verified again.
  func differ(
    _ subject: VerifySubject, _ upstream: JSON, _ wanted: VerifyExpectation.Resolved,
    _ differences: [VerifyDifference], unlisted: [VerifyVerdict.Unlisted]
  ) {
    note(upstream, unlisted)
    var line = line(subject, upstream, VerifyOutcomes.differs)
    line.remark = differences.map { "\($0.reason.rawValue): \($0.message)" }.joined(separator: "; ")
    tally.add(line, status: .differs)
    for difference in differences {
      switch difference.reason {
      case .statusDiffers: tally.add(advice: Advice.forStatus(upstream["status"]?.string, wanted: wanted.status))
      case .thingNotAttached: tally.add(advice: Advice.forThing(attached: upstream["things"]?.array?.first?.string))
      // No step is made for it any more.
      case .notComplete where upstream["status"]?.string == CertificateStatus.revoked.rawValue: break
      case .notComplete where wanted.incomplete?.isUnderWay == true: tally.add(advice: Advice.forQueued)
      case .notRegistered, .arnDiffers, .policyNotAttached, .notComplete:
        tally.add(advice: Advice.forReason(difference.reason.rawValue))
      }
    }
    count(VerifyOutcomes.differs)
    for difference in differences {
      var row = subject.record
      row.outcome = VerifyOutcomes.differs
      row.reason = difference.reason.rawValue
      row.message = difference.message
      row.certificateARN = wanted.arn.flatMap { $0.isEmpty ? nil : $0 } ?? line.certificateARN ?? ""
      row.thingName = wanted.thing ?? ""
      row.target = line.target ?? row.target
      write(row)
    }
    print(line)
    printJSON(subject, upstream, VerifyOutcomes.differs, differences)
  }

  /// Takes a certificate that could not be verified.
  func fail(_ subject: VerifySubject, _ error: AnswerError, status: CommandStatus? = nil, advice: String? = nil) {
    var row = subject.record
    row.outcome = ImportRecord.failed
    row.reason = error.reason
    row.message = error.message
    fail(row, subject.name, error, status: status, advice: advice)
  }

  /// Takes an entry that has no certificate to verify.
  func fail(_ row: ImportRecord, _ name: String, _ error: InputError) {
    fail(row, name, error.answerError, status: error.exitStatus, advice: error.advice)
  }

  private func fail(
    _ row: ImportRecord, _ name: String, _ error: AnswerError, status: CommandStatus?, advice: String?
  ) {
    var line = ResultLine(outcome: ImportRecord.failed, name: name, error: error)
    line.certificateID = row.certificateID.isEmpty ? nil : row.certificateID
    line.target = row.target.isEmpty ? nil : row.target
    tally.add(line, status: status, advice: advice)
    count(ImportRecord.failed)
    write(row)
    print(line)
    if session.json, stream == nil { session.console.printJSON(error.localLine(file: name)) }
  }

  /// Takes something that is not the certificate of a device, or a repeated one.
  func passOver(_ row: ImportRecord, _ other: OtherContent) {
    passedOver.add(row.place.isEmpty ? row.name : row.place, other)
    write(row)
    if session.json, stream == nil { session.console.printJSON(row.json) }
  }

  /// Ends the report and prints the summary.
  func conclude(_ failure: ClientError?) -> CommandStatus {
    if let text = passedOver.text { session.console.note(text) }
    if unsent > 0 { session.console.note("\(unsent) more certificate\(unsent == 1 ? " was" : "s were") not asked for") }
    if tally.total + unsent == 0 {
      session.console.note("\("certregctl:", .red) there was no certificate")
      for advice in passedOver.advices { session.console.note("  \("→", .cyan) \(advice)") }
      tally.add(status: .noInput)
    } else {
      summarize()
    }
    if let failure {
      session.report(failure)
      tally.add(status: failure.exitStatus)
    }
    if let report {
      if let error = report.finish() {
        session.console.note("\("certregctl:", .red) \(error.message)")
        tally.add(status: .cannotCreate)
      }
      session.console.note("report: \(report.path)")
    }
    return tally.exitStatus
  }

  private func summarize() {
    let parts = [
      (VerifyOutcomes.agrees, "as expected"), (VerifyOutcomes.differs, "not"), (ImportRecord.failed, "not verified"),
    ].compactMap { outcome, words in counts[outcome].map { "\($0) \(words)" } }
    let total = tally.total
    session.console.note("\(total) certificate\(total == 1 ? "" : "s"): \(parts.joined(separator: ", "))")
    if inactive > 0 {
      session.console.note("\(inactive) of them INACTIVE: no device can connect with it")
      tally.add(advice: "certregctl activate takes the same files, and sets the status to ACTIVE")
    }
    for kind in VerifyVerdict.Unlisted.allCases {
      guard let count = unlisted[kind] else { continue }
      session.console.note(
        """
        the \(kind.rawValue) of \(count) were not checked: certregd's identity may not list them (\(kind.action)), or \
        there are too many
        """)
    }
    if !modes.isEmpty {
      let words = modes.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
      session.console.note("mode: \(words.joined(separator: ", "))")
      for mode in modes.keys.sorted() { tally.add(advice: Advice.forMode(mode)) }
    }
    for advice in tally.advices { session.console.note("  \("→", .cyan) \(advice)") }
  }

  private func note(_ upstream: JSON, _ kinds: [VerifyVerdict.Unlisted]) {
    for kind in kinds { unlisted[kind, default: 0] += 1 }
    // A mode that nobody knows may have any name, and there may be any number of them.
    if let mode = upstream["certificateMode"]?.string, modes[mode] != nil || modes.count < 4 {
      modes[mode, default: 0] += 1
    }
  }

  private func count(_ outcome: String) {
    counts[outcome, default: 0] += 1
  }

  private func line(_ subject: VerifySubject, _ upstream: JSON, _ outcome: String) -> ResultLine {
    var line = ResultLine(outcome: outcome, name: subject.name)
    line.certificateID = subject.id.hex
    line.certificateARN = upstream["certificateArn"]?.string
    line.target = upstream["target"]?.string ?? subject.target
    return line
  }

  private func print(_ line: ResultLine) {
    guard !session.json, stream == nil else { return }
    session.console.print(line.rendered(for: session.console.output, showsTarget: session.targets.count > 1))
  }

  private func write(_ row: ImportRecord) {
    report?.add(row)
    if let stream { session.console.printRecord(stream.line(row)) }
  }

  /// Prints a line for programs: every certificate has one.
  private func printJSON(
    _ subject: VerifySubject, _ upstream: JSON, _ outcome: String, _ differences: [VerifyDifference]
  ) {
    guard session.json, stream == nil else { return }
    let found = differences.map { difference -> JSON in
      .object([
        JSON.Member("reason", .string(difference.reason.rawValue)), JSON.Member("message", .string(difference.message)),
      ])
    }
    let shown: Set<String> = ["id", "error", "certificateId"]
    session.console.printJSON(
      .object(
        [
          JSON.Member("outcome", .string(outcome)), JSON.Member("certificateId", .string(subject.id.hex)),
          JSON.Member("differences", .array(found)),
        ] + (upstream.members ?? []).filter { !shown.contains($0.name) } + [
          JSON.Member("file", .string(subject.name))
        ]))
  }
}
