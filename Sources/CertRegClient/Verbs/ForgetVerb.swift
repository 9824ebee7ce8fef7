package import CertRegCore

/// `certregctl forget`: removes what the daemon knows about certificates; nothing goes upstream.
package struct ForgetVerb {
  /// Certificate IDs: 64 hexadecimal digits each.
  package var certificateIDs: [CertificateID]

  package init(certificateIDs: [CertificateID]) {
    self.certificateIDs = certificateIDs
  }

  /// Runs the command. Ends with `nothingFound` where nothing was known about some certificate and nothing worse happened.
  package func run(_ session: Session) -> CommandStatus {
    var steps = SubjectSteps(subjects: certificateIDs.map(\.hex), operation: "forget", targets: session.targets)
    let batch = CertificateBatch(
      session, participle: "forgotten", timeout: session.timeout ?? Session.defaultTimeout)
    return batch.run(
      next: { steps.next() },
      lines: { name, answer in
        var line = ResultLine(result: answer.json, name: "-")
        line.certificateID = name
        if line.error == nil { line.outcome = "forgotten" }
        if line.error?.exitStatus == .nothingFound { line.outcome = "unknown" }
        return [(line, line.rendered(for: session.console.output, showsTarget: session.targets.count > 1))]
      })
  }
}
