import CertRegCodec
import CertRegCore

/// `certregctl status`: prints the state of the daemon.
package struct StatusVerb {
  package init() {}

  /// Runs the command. Succeeds whenever the daemon answers, however its targets are.
  package func run(_ session: Session) -> CommandStatus {
    do throws(ClientError) {
      let answer = try session.ask(Request("status"))
      if session.json {
        session.console.printJSON(answer)
        return answer.error?.exitStatus ?? .success
      }
      if let error = answer.error {
        session.report(error)
        return error.exitStatus
      }
      let view = StatusView(answer.json, targets: session.targets, now: session.clock.wall)
      session.console.print(view.lines(width: session.console.output.columns))
      return .success
    } catch {
      session.console.report(error)
      return error.exitStatus
    }
  }
}
