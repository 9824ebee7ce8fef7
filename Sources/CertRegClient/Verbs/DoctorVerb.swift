import CertRegCore

/// `certregctl doctor`: finds out why registrations do not go through; needs no running daemon.
package struct DoctorVerb {
  private let probe: HostProbe
  private let region: String?

  package init(probe: HostProbe, region: String? = nil) {
    self.probe = probe
    self.region = region
  }

  /// Runs the checks and prints each finding. Ends with `unavailable` where one of them is an error.
  package func run(_ session: Session) -> CommandStatus {
    var counts: [Finding.Level: Int] = [:]
    Doctor(socketPath: session.socketPath, region: region, probe: probe).examine { finding in
      counts[finding.level, default: 0] += 1
      if session.json {
        session.console.printJSON(finding.json)
      } else {
        session.console.print(finding.lines(width: session.console.output.columns))
      }
    }
    let errors = counts[.error] ?? 0
    let warnings = counts[.warning] ?? 0
    if errors + warnings == 0 {
      session.console.note("nothing wrong found")
    } else {
      session.console.note("\(errors) error\(errors == 1 ? "" : "s"), \(warnings) warning\(warnings == 1 ? "" : "s")")
    }
    return errors == 0 ? .success : .unavailable
  }
}
