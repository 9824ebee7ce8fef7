import CertRegCodec
import CertRegCore

/// `certregctl top`: a live screen of the daemon.
package struct TopVerb {
  /// Whether somebody asked to stop.
  package var isInterrupted: () -> Bool
  package var interval = Duration.seconds(1)

  package init(isInterrupted: @escaping () -> Bool) {
    self.isInterrupted = isInterrupted
  }

  /// Runs until `q` or a signal. A daemon that goes away is waited for, once it has answered.
  package func run(_ session: Session) -> CommandStatus {
    var connection: Connection?
    do throws(ClientError) {
      connection = try session.connect()
    } catch {
      session.console.report(error)
      return error.exitStatus
    }
    guard let screen = Screen() else {
      session.console.note("\("certregctl:", .red) top needs a terminal; certregctl status does without")
      return .usage
    }
    var view = TopView()
    while !isInterrupted() {
      let size = screen.size
      var lines: [TerminalText]
      do throws(ClientError) {
        let current = if let connection { connection } else { try session.connect() }
        connection = current
        try poll(current, session, &view)
        lines = view.lines(size: size, now: Clock.wall)
      } catch {
        connection = nil
        lines = view.lines(size: size, now: Clock.wall)
        // In place of the line that would say that all is well; the rest is what was last seen.
        let notice = TerminalText("waiting: \(error.message)", .red).truncated(to: size.columns)
        if lines.isEmpty { lines = [notice] } else { lines[0] = notice }
      }
      screen.draw(lines, colour: session.console.output.colour)
      let wake = Clock.now + interval
      while !isInterrupted(), Clock.now < wake {
        if screen.key(until: wake) == UInt8(ascii: "q") { return .success }
      }
    }
    return .success
  }

  private func poll(_ connection: Connection, _ session: Session, _ view: inout TopView) throws(ClientError) {
    let timeout = session.timeout ?? .seconds(5)
    let answer = try connection.ask(Request("status"), timeout: timeout)
    if let error = answer.error { throw Connection.refusal(error) }
    // Metrics may be closed to this user; then there are no latencies.
    let metrics = try connection.ask(Request("metrics"), timeout: timeout).json["body"]?.string ?? ""
    view.add(TopView.Sample(time: Clock.now, status: answer.json, metrics: Exposition(metrics)))
  }
}
