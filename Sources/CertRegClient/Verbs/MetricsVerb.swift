import CertRegCodec
import CertRegCore

/// `certregctl metrics`: prints the daemon's metrics in Prometheus' text exposition format.
package struct MetricsVerb {
  package init() {}

  /// Runs the command.
  package func run(_ session: Session) -> CommandStatus {
    do throws(ClientError) {
      let answer = try session.ask(Request("metrics"))
      if session.json {
        session.console.printJSON(answer)
      } else if let body = answer.json["body"]?.string {
        for line in body.split(separator: "\n") { session.console.print(TerminalText(String(line))) }
      }
      if let error = answer.error {
        if !session.json { session.report(error) }
        return error.exitStatus
      }
      return .success
    } catch {
      session.report(error)
      return error.exitStatus
    }
  }
}
