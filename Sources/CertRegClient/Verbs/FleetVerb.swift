import CertRegCodec
import CertRegCore

/// `certregctl fleet`: prints the members of the fleet that the daemon belongs to.
package struct FleetVerb {
  package init() {}

  /// Runs the command. Succeeds whenever the daemon answers and belongs to a fleet, however that is.
  package func run(_ session: Session) -> CommandStatus {
    do throws(ClientError) {
      let answer = try session.ask(Request("status"))
      if let error = answer.error {
        session.report(error, of: answer)
        return error.exitStatus
      }
      guard let fleet = answer.json["fleet"], case .object = fleet else {
        let error = AnswerError(
          type: "ResourceNotFoundException", reason: "no_fleet",
          message: "this host belongs to no fleet: fleet.url is not set")
        if session.json { session.console.printJSON(error.localLine(file: nil)) }
        session.console.note("certregctl: \(error.message)")
        return .nothingFound
      }
      if session.json {
        session.console.printJSON(fleet)
      } else {
        session.console.print(FleetView(fleet).lines(width: session.console.output.columns))
      }
      return .success
    } catch {
      session.report(error)
      return error.exitStatus
    }
  }
}

/// `certregctl fleet remove`: declares a member gone, so that the others finish its queue.
package struct FleetRemoveVerb {
  /// Members tell the fleet that they are there every few seconds.
  private static let recently = 15.0

  private let member: String

  package init(member: String) { self.member = member }

  /// The error for the host that the command runs on. It would be a member again at once.
  private static func isThisHost(_ name: String) -> AnswerError {
    AnswerError(
      type: "InvalidRequestException", reason: "member_is_alive",
      message: "\(name) is this host, which is a member again at once: stop certregd here, and run this on another host"
    )
  }

  /// Runs the command.
  package func run(_ session: Session) -> CommandStatus {
    do throws(ClientError) {
      // Without the right to see the status, nothing is known of the member.
      let fleet = try session.ask(Request("status")).json["fleet"]
      if fleet?["member"]?.string == member {
        let error = FleetRemoveVerb.isThisHost(member)
        if session.json { session.console.printJSON(error.localLine(file: nil)) }
        session.report(error)
        return .usage
      }
      let known = fleet?["members"]?.array?.first { $0["name"]?.string == member }
      let answer = try session.ask(Request("removeMember", [("member", .string(member))]))
      if session.json { session.console.printJSON(answer) }
      if let error = answer.error {
        if !session.json { session.report(error) }
        return error.exitStatus
      }
      if !session.json { session.console.print("\(member) is declared gone: the other members finish its queue") }
      if let silence = known?["heardOfSecondsAgo"]?.double, silence < FleetRemoveVerb.recently {
        session.console.note(
          "\(member) was heard of \(StatusView.duration(seconds: silence)) ago: if it runs, it is a member again at once "
            + "and keeps its queue")
      }
      return .success
    } catch {
      session.report(error)
      return error.exitStatus
    }
  }
}

/// The fleet for people.
package struct FleetView {
  private let fleet: JSON

  /// - Parameter fleet: The member `fleet` of the answer to `status`. Untrusted.
  package init(_ fleet: JSON) { self.fleet = fleet }

  /// The lines, tables fitted to `width`.
  package func lines(width: Int) -> [TerminalText] {
    let state = fleet["state"]?.string ?? "-"
    var headline: TerminalText = "\(fleet["member"]?.string ?? "-", .bold)  "
    headline += TerminalText(state, state == "connected" ? .green : .yellow)
    if let since = fleet["since"]?.string { headline += "  since \(since)" }
    if let database = fleet["database"]?.string { headline += "  \(database)" }
    var lines = [headline]
    if let problem = fleet["problem"], let message = problem["message"]?.string {
      let text = "! \(problem["reason"]?.string ?? "problem"): \(message)"
      lines += text.printable.wrapped(to: max(20, width)).map { "\($0, .yellow)" }
    }
    return lines + [""] + members.lines(width: width)
  }

  private var members: Table {
    Table(
      [
        .init("MEMBER", minimum: 8), .init("STATE"), .init("HEARD OF", alignsRight: true),
        .init("QUEUED", alignsRight: true), .init("SHARE/S"),
      ],
      rows: (fleet["members"]?.array ?? []).map { member in
        let isGone = member["gone"]?.bool == true
        let shares = (member["shares"]?.members ?? []).map { share in
          "\(share.name) \(share.value.double.map(StatusView.oneDecimal) ?? "-")"
        }
        return [
          TerminalText(member["name"]?.string ?? "-"), TerminalText(isGone ? "gone" : "here", isGone ? .red : .green),
          TerminalText(
            member["heardOfSecondsAgo"]?.double.map { StatusView.duration(seconds: $0) + " ago" } ?? "-"),
          TerminalText(member["queued"].map { MemberList.text($0) } ?? ""),
          TerminalText(shares.joined(separator: ", ")),
        ]
      })
  }
}
