import CertRegCodec
import CertRegCore

/// `certregctl top`: shows the daemon on a live screen.
package struct TopVerb {
  /// Whether the user asked to stop.
  package var isInterrupted: () -> Bool
  /// Time between two frames.
  package var interval = Duration.seconds(1)

  package init(isInterrupted: @escaping () -> Bool) {
    self.isInterrupted = isInterrupted
  }

  /// Runs until `q` or a signal, or until the terminal has gone. Waits for a daemon that goes away after its first
  /// answer.
  package func run(_ session: Session) -> CommandStatus {
    var connection: Connection?
    do throws(ClientError) {
      connection = try session.connect()
    } catch {
      session.report(error)
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
        lines = view.lines(size: size, now: session.clock.wall)
      } catch {
        connection = nil
        lines = view.lines(size: size, now: session.clock.wall)
        // The notice replaces the headline; the rest of the frame shows the last answers.
        let notice = TerminalText("waiting: \(error.message)", .red).truncated(to: size.columns)
        if lines.isEmpty { lines = [notice] } else { lines[0] = notice }
      }
      guard screen.draw(lines, on: session.console.output) else { return .outputLost }
      let wake = session.clock.monotonic + interval
      while !isInterrupted(), session.clock.monotonic < wake {
        switch screen.key(until: wake, session.clock) {
        case .pressed(UInt8(ascii: "q")): return .success
        case .pressed, .nothing: break
        case .gone: return .outputLost
        }
      }
    }
    return .success
  }

  private func poll(_ connection: Connection, _ session: Session, _ view: inout TopView) throws(ClientError) {
    let timeout = session.timeout ?? .seconds(5)
    let answer = try connection.ask(Request("status"), timeout: timeout)
    if let error = answer.error { throw Connection.refusal(error) }
    // The daemon may refuse metrics to this user. Then there are no latencies.
    let metrics = try connection.ask(Request("metrics"), timeout: timeout).json["body"]?.string ?? ""
    view.add(TopView.Sample(time: session.clock.monotonic, status: answer.json, metrics: Exposition(metrics)))
  }
}
