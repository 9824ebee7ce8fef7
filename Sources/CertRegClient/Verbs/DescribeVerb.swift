import CertRegCodec
import CertRegCore

/// `certregctl describe`: prints what the upstream says about certificates now.
package struct DescribeVerb {
  /// Certificate IDs, ARNs, fingerprints, files, folders, reports of imports or `-`.
  package var subjects: [String]
  /// How to read files.
  package var input = InputOptions()

  package init(subjects: [String]) {
    self.subjects = subjects
  }

  /// So many requests are under way at once. The daemon takes 64 from all its clients together.
  private static let window = 32
  /// How much longer than the daemon's own limit this side waits.
  private static let grace = Duration.seconds(10)

  /// Runs the command. Ends with `nothingFound` where the upstream lacks some certificate and nothing worse happened.
  package func run(_ session: Session) -> CommandStatus {
    var steps = SubjectSteps(
      subjects: subjects, operation: "describe", targets: session.targets, sendsIDs: true, input)
    steps.readsReports = true
    steps.members = [("timeoutMs", session.timeout.map { .integer($0.milliseconds) })]
    let isSingle = subjects.count == 1 && session.targets.count < 2
    let batch = CertificateBatch(
      session, participle: "described", timeout: session.timeout.map { $0 + DescribeVerb.grace }, noun: "result",
      window: DescribeVerb.window)
    return batch.run(
      next: { facts in steps.next(comparing: ARNHome(session, facts)) },
      lines: { subject, answer in
        let line = DescribeVerb.line(answer, subject)
        let style: TerminalText.Style = line.outcome == CertificateStatus.active.rawValue ? .green : .yellow
        let hints = [
          line.outcome == CertificateStatus.inactive.rawValue
            ? "no device can connect with it: certregctl activate" : nil,
          answer.json["certificateMode"]?.string.flatMap(Advice.forMode),
        ].compactMap(\.self)
        return [(line, line.detailed(answer, session, isSingle: isSingle, without: "status", style, hints: hints))]
      })
  }

  /// A line whose outcome is the status.
  private static func line(_ answer: Answer, _ subject: BatchSubject) -> ResultLine {
    var line = ResultLine(result: answer.json, of: subject)
    guard line.error == nil else {
      if line.error?.exitStatus == .nothingFound { line.outcome = "unknown" }
      return line
    }
    line.outcome = answer.json["status"]?.string ?? "-"
    let lists = ["things", "policies"].compactMap { kind in
      answer.json[kind].flatMap { $0.array }.map { names in
        "\(kind) \(names.isEmpty ? "none" : names.map(MemberList.text).joined(separator: ", "))"
      }
    }
    let parts = [answer.json["certificateMode"]?.string].compactMap(\.self) + lists
    line.remark = parts.isEmpty ? nil : parts.joined(separator: "; ")
    return line
  }
}
