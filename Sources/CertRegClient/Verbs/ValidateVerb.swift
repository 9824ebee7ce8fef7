import CertRegCore

/// `certregctl validate`: says what is wrong with certificates; nothing goes upstream.
package struct ValidateVerb {
  package var paths: [String]

  package init(paths: [String]) {
    self.paths = paths
  }

  /// Runs the command.
  package func run(_ session: Session) -> CommandStatus {
    var inputs = CertificateInputs(paths)
    let batch = CertificateBatch(
      session, participle: "checked", timeout: session.timeout ?? Session.defaultTimeout)
    return batch.run(
      next: {
        inputs.next().map { BatchStep($0) { Request("validate", [("certificatePem", .string($0))]) } }
      },
      lines: { name, answer in
        var line = ResultLine(result: answer.json, name: name)
        if line.error == nil { line.outcome = "valid" }
        return [(line, ValidateVerb.lines(for: line, answer, session.console.output))]
      })
  }

  /// On a terminal what the certificate says, below its name; otherwise one line with tabs.
  private static func lines(for line: ResultLine, _ answer: Answer, _ stream: Console.Stream) -> [TerminalText] {
    guard stream.isTerminal, line.error == nil else { return line.rendered(for: stream) }
    var members = [JSON.Member("certificateId", .string(line.certificateID ?? "-"))]
    members += answer.json["certificate"]?.members ?? []
    members += (answer.json.members ?? []).filter { !["id", "certificateId", "certificate"].contains($0.name) }
    return ["\("valid", .green)    \(line.name)"]
      + MemberList(members).lines(width: stream.columns, indentation: 9)
  }
}
