package import CertRegCore

/// `certregctl register`: registers the certificates of files, folders and standard input.
package struct RegisterVerb {
  package var paths: [String]
  package var status: CertificateStatus?
  package var ifExists: IfExists?
  /// Ask the upstream again whatever the daemon knows.
  package var refresh = false
  /// Wait for the upstream; otherwise until the request is safe on the daemon's disk.
  package var wait = true

  package init(paths: [String]) {
    self.paths = paths
  }

  /// What the daemon's own limit is given before this side stops waiting.
  private static let grace = Duration.seconds(10)

  /// Runs the command. Prints a line for each certificate and target, and a summary where there is more than one.
  package func run(_ session: Session) -> CommandStatus {
    var inputs = CertificateInputs(paths)
    let batch = CertificateBatch(
      session, participle: "answered", timeout: session.timeout.map { $0 + RegisterVerb.grace })
    return batch.run(
      next: { inputs.next().map { BatchStep($0) { request(pem: $0, session) } } },
      lines: { name, answer in
        ResultLine.lines(of: answer, name: name).map { line in
          (line, line.rendered(for: session.console.output, showsTarget: session.targets.count > 1))
        }
      })
  }

  func request(pem: String, _ session: Session) -> Request {
    let target: JSON? =
      session.targets.count > 1 ? .array(session.targets.map(JSON.string)) : session.singleTarget
    return Request(
      "register",
      [
        ("certificatePem", .string(pem)), ("status", status.map { .string($0.rawValue) }), ("target", target),
        ("ifExists", ifExists.map { .string($0.rawValue) }), ("refresh", refresh ? .bool(true) : nil),
        ("wait", wait ? nil : .bool(false)), ("timeoutMs", session.timeout.map { .integer($0.milliseconds) }),
      ])
  }
}
