import CertRegCodec
import CertRegCore

/// `certregctl validate`: prints what is wrong with certificates. Nothing goes upstream.
package struct ValidateVerb {
  /// Files, folders, or `-` for standard input.
  package var paths: [String]
  /// How to read them.
  package var input = InputOptions()

  package init(paths: [String]) {
    self.paths = paths
  }

  /// Runs the command.
  package func run(_ session: Session) -> CommandStatus {
    var inputs: InputSource
    do throws(InputError) {
      inputs = try InputSource(paths, options: input)
    } catch {
      return session.report(error)
    }
    let isSingle = paths.count == 1 && (try? Folder.kind(of: FilePath(paths[0]))) != .folder
    let batch = CertificateBatch(
      session, participle: "checked", timeout: session.timeout ?? Session.defaultTimeout)
    return batch.run(
      next: { _ in
        inputs.next().map { BatchStep($0) { Request("validate", [("certificatePem", .string($0.pem))]) } }
      },
      lines: { subject, answer in
        var line = ResultLine(result: answer.json, of: subject)
        if line.error == nil { line.outcome = "valid" }
        // The error of the line is also one of the findings.
        let findings = (answer.json["findings"]?.array ?? [])
          .filter { $0["reason"]?.string != line.error?.reason || $0["message"]?.string != line.error?.message }
          .map(ValidateVerb.text(ofFinding:))
        if !findings.isEmpty { line.remark = findings.joined(separator: "; ") }
        return [(line, ValidateVerb.lines(for: line, answer, findings, session.console.output, isSingle))]
      })
  }

  /// `note, ca_certificate: this is … (RFC 5280 section 4.2.1.9)`
  private static func text(ofFinding finding: JSON) -> String {
    let severity = finding["severity"]?.string.map { "\($0), " } ?? ""
    let source = finding["source"]?.string.map { " (\($0))" } ?? ""
    return "\(severity)\(finding["reason"]?.string ?? "-"): \(finding["message"]?.string ?? "")\(source)"
  }

  /// The content of the certificate for a single file on a terminal; otherwise a line for each, with the findings.
  private static func lines(
    for line: ResultLine, _ answer: Answer, _ findings: [String], _ stream: Console.Stream, _ isSingle: Bool
  ) -> [TerminalText] {
    guard stream.isTerminal, isSingle else { return line.rendered(for: stream) }
    var members = line.certificateID.map { [JSON.Member("certificateId", .string($0))] } ?? []
    members += answer.json["certificate"]?.members ?? []
    let shown: Set<String> = ["id", "certificateId", "certificate", "findings", "error"]
    members += (answer.json.members ?? []).filter { !shown.contains($0.name) }
    let notices = findings.flatMap { finding in
      finding.printable.wrapped(to: max(20, stream.columns - 4)).enumerated().map { index, text -> TerminalText in
        index == 0 ? "  \("!", .yellow) \(text)" : "    \(text)"
      }
    }
    var head = line
    head.remark = nil
    let title = line.error == nil ? ["\("valid", .green)  \(line.name)"] : head.rendered(for: stream)
    return title + MemberList(members).lines(width: stream.columns) + notices
  }
}
