import CertRegCodec
import CertRegCore

/// `certregctl status`: how the daemon is.
package struct StatusVerb {
  package init() {}

  /// Runs the command. Succeeds whenever the daemon answers; what it says about its targets is for the reader.
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
      let view = StatusView(answer.json, targets: session.targets, now: Clock.wall)
      session.console.print(view.lines(width: session.console.output.columns))
      return .success
    } catch {
      session.console.report(error)
      return error.exitStatus
    }
  }
}
