import CertRegCodec
import CertRegCore

/// `certregctl lookup`: prints what the daemon knows about certificates.
package struct LookupVerb {
  /// Certificate IDs, ARNs, fingerprints, files, folders, reports of imports or `-`.
  package var subjects: [String]
  /// How to read files.
  package var input = InputOptions()

  package init(subjects: [String]) {
    self.subjects = subjects
  }

  /// Runs the command. Ends with `nothingFound` where some certificate is unknown and nothing worse happened.
  package func run(_ session: Session) -> CommandStatus {
    var steps = SubjectSteps(subjects: subjects, operation: "lookup", targets: session.targets, input)
    steps.readsReports = true
    let isSingle = subjects.count == 1 && session.targets.count < 2
    let batch = CertificateBatch(
      session, participle: "looked up", timeout: session.timeout ?? Session.defaultTimeout, noun: "result")
    return batch.run(
      next: { _ in steps.next() },
      lines: { subject, answer in
        let line = LookupVerb.line(answer, subject)
        let style: TerminalText.Style =
          line.outcome == "registered" ? .green : line.outcome == "failed" ? .red : .yellow
        return [(line, line.detailed(answer, session, isSingle: isSingle, without: "state", style))]
      })
  }

  /// A recorded failure is an answer, not a failure of `lookup`. Only an `error` without a `state` is one.
  private static func line(_ answer: Answer, _ subject: BatchSubject) -> ResultLine {
    var line = ResultLine(result: answer.json, of: subject)
    // The daemon looks an ID up in its target. The ARN may name another region or account.
    if subject.name.hasPrefix("arn:"), let arn = line.certificateARN, arn != subject.name {
      line.remark = "its ARN is another one"
    }
    if let state = answer.json["state"]?.string {
      line.outcome = state
      line.remark = line.remark ?? line.explanation
      line.error = nil
    } else if line.error?.exitStatus == .nothingFound {
      line.outcome = "unknown"
    }
    return line
  }
}
