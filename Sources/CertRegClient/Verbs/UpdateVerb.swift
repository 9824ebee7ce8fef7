import CertRegCodec
package import CertRegCore

/// `certregctl activate`, `deactivate` and `revoke`: sets the status of certificates.
package struct UpdateVerb {
  /// Certificate IDs (64 hexadecimal digits), ARNs, files, folders, reports of imports or `-`.
  package var subjects: [String]
  /// The status to set.
  package var status: CertificateStatus
  /// Waits for the upstream; otherwise only until the request is safe on the daemon's disk.
  package var wait = true
  /// How to read files.
  package var input = InputOptions()

  package init(subjects: [String], status: CertificateStatus) {
    self.subjects = subjects
    self.status = status
  }

  /// How much longer than the daemon's own limit this side waits.
  private static let grace = Duration.seconds(10)

  /// Runs the command. Prints a line for each certificate and target, and a summary where there is more than one.
  package func run(_ session: Session) -> CommandStatus {
    var steps = SubjectSteps(subjects: subjects, operation: "update", targets: session.targets, sendsIDs: true, input)
    steps.readsReports = true
    steps.verb = status == .active ? "activate" : status == .revoked ? "revoke" : "deactivate"
    steps.members = [
      ("status", .string(status.rawValue)), ("wait", wait ? nil : .bool(false)),
      ("timeoutMs", session.timeout.map { .integer($0.milliseconds) }),
    ]
    let batch = CertificateBatch(
      session, participle: "answered", timeout: session.timeout.map { $0 + UpdateVerb.grace })
    return batch.run(
      // Nothing undoes REVOKED.
      next: { facts in steps.next(comparing: ARNHome(session, facts, asksUpstream: status == .revoked)) },
      lines: { subject, answer in
        let line = ResultLine(result: answer.json, of: subject)
        return [(line, line.rendered(for: session.console.output, showsTarget: session.targets.count > 1))]
      })
  }
}
