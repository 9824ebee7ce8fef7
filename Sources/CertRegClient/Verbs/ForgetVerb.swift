import CertRegCodec

/// `certregctl forget`: removes what the daemon knows about certificates. Nothing goes upstream.
package struct ForgetVerb {
  /// Certificate IDs, ARNs, fingerprints, files, folders, reports of imports or `-`.
  package var subjects: [String]
  /// How to read files.
  package var input = InputOptions()

  package init(subjects: [String]) {
    self.subjects = subjects
  }

  /// Runs the command. Ends with `nothingFound` where some certificate was unknown and nothing worse happened.
  package func run(_ session: Session) -> CommandStatus {
    var steps = SubjectSteps(subjects: subjects, operation: "forget", targets: session.targets, sendsIDs: true, input)
    steps.readsReports = true
    let batch = CertificateBatch(
      session, participle: "forgotten", timeout: session.timeout ?? Session.defaultTimeout, noun: "result")
    return batch.run(
      next: { facts in steps.next(comparing: ARNHome(session, facts)) },
      lines: { subject, answer in
        var line = ResultLine(result: answer.json, of: subject)
        if line.error == nil { line.outcome = "forgotten" }
        if line.error?.exitStatus == .nothingFound { line.outcome = "unknown" }
        return [(line, line.rendered(for: session.console.output, showsTarget: session.targets.count > 1))]
      })
  }
}
