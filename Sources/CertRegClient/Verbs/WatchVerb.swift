import CertRegCodec
import CertRegCore

/// `certregctl watch`: prints a line for every registration and update that ends, until the connection closes or the
/// user stops it.
package struct WatchVerb {
  /// Ends after this many lines; `nil`: never.
  package var limit: Int?
  /// Prints only ends with this outcome: `created`, `existing`, `updated` or `failed`; `nil`: all.
  package var outcome: String?

  package init(limit: Int? = nil, outcome: String? = nil) {
    self.limit = limit
    self.outcome = outcome
  }

  /// Runs the command. Ends with success at the limit, otherwise with the error of the connection.
  package func run(_ session: Session) -> CommandStatus {
    do throws(ClientError) {
      let connection = try session.connect()
      _ = connection.enqueue(Request("watch", [("target", session.target), ("outcome", outcome.map(JSON.string))]))
      if session.console.output.isTerminal, !session.json {
        session.console.showTransient("watching \(session.socketPath) (Ctrl-C ends)")
      }
      var printed = 0
      while limit.map({ printed < $0 }) ?? true {
        guard let answer = try connection.receive(until: nil) else { continue }
        if let error = answer.error, answer.json["certificateId"] == nil {
          session.report(error, of: answer)
          return error.exitStatus
        }
        if show(answer, session) { printed += 1 }
      }
      return .success
    } catch {
      session.report(error)
      return error.exitStatus
    }
  }

  /// Prints one line; `false` for an answer that is not about a registration.
  private func show(_ answer: Answer, _ session: Session) -> Bool {
    let isRegistration = answer.json["certificateId"] != nil
    if session.json {
      session.console.printJSON(answer)
      return isRegistration
    }
    guard isRegistration else {
      if let count = answer.json["missed"]?.integer {
        session.console.note("\(count) registration\(count == 1 ? " was" : "s were") missed")
      }
      return false
    }
    let time = answer.json["finishedAt"]?.string ?? answer.json["time"]?.string ?? session.clock.wall.rfc3339
    let isTerminal = session.console.output.isTerminal
    let deviceID = answer.json["deviceId"]?.string
    // Programs have the target in a column of its own.
    let place = isTerminal ? answer.json["target"]?.string : nil
    var line = ResultLine(result: answer.json, name: deviceID ?? place ?? "-")
    if line.outcome == "updated" { line.remark = answer.json["status"]?.string.map { "status \($0)" } }
    let lines = line.rendered(for: session.console.output, showsTarget: deviceID != nil)
    if isTerminal {
      session.console.print(["\(String(time.prefix(19)), .dim)  \(lines[0])"] + lines.dropFirst())
    } else {
      session.console.print(lines.map { [TerminalText(time), $0].joinedByTabs() })
    }
    return true
  }
}
