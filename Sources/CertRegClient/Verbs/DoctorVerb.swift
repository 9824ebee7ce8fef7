import CertRegCodec
import CertRegCore

/// `certregctl doctor`: finds out why registrations fail. It needs no running daemon.
package struct DoctorVerb {
  private let probe: HostProbe
  private let configurationFile: String?
  private let region: String?

  package init(probe: HostProbe, configurationFile: String? = nil, region: String? = nil) {
    self.probe = probe
    self.configurationFile = configurationFile
    self.region = region
  }

  /// Runs the checks and prints each finding. Ends with `unavailable` where one is an error.
  package func run(_ session: Session) -> CommandStatus {
    var counts: [Finding.Level: Int] = [:]
    let doctor = Doctor(
      socketPath: session.socketPath, configurationFile: configurationFile, region: region, probe: probe)
    doctor.examine { finding in
      counts[finding.level, default: 0] += 1
      if session.json {
        session.console.printJSON(finding.json)
      } else {
        session.console.print(finding.lines(width: session.console.output.columns))
      }
    }
    let errors = counts[.error] ?? 0
    let warnings = counts[.warning] ?? 0
    let skipped = counts[.skipped] ?? 0
    if errors + warnings == 0 {
      session.console.note(skipped == 0 ? "nothing wrong found" : "nothing wrong found; \(skipped) not checked")
    } else {
      session.console.note("\(errors) error\(errors == 1 ? "" : "s"), \(warnings) warning\(warnings == 1 ? "" : "s")")
    }
    return errors == 0 ? .success : .unavailable
  }
}
