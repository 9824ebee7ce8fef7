import CertRegCodec
import CertRegCore

/// `certregctl status`: prints the state of the daemon.
package struct StatusVerb {
  package init() {}

  /// Runs the command. Succeeds whenever the daemon answers and has the targets that are asked for, however they are.
  package func run(_ session: Session) -> CommandStatus {
    do throws(ClientError) {
      let answer = try session.ask(Request("status"))
      if answer.error == nil, let error = StatusVerb.unknownTarget(session.targets, in: answer.json) {
        if session.json {
          session.console.printJSON(error.localLine(file: nil))
        } else {
          session.report(error)
        }
        return error.exitStatus
      }
      if session.json {
        if session.targets.isEmpty {
          session.console.printJSON(answer)
        } else {
          session.console.printJSON(StatusVerb.narrowed(answer.json, to: session.targets))
        }
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
      session.report(error)
      return error.exitStatus
    }
  }

  /// The error for a target that the daemon does not have.
  private static func unknownTarget(_ names: [String], in status: JSON) -> AnswerError? {
    let known = (status["targets"]?.array ?? []).compactMap { $0["name"]?.string }
    guard let unknown = names.first(where: { !known.contains($0) }) else { return nil }
    let near = NearestName.of(unknown, among: known).map { "; did you mean \($0)?" } ?? ""
    return AnswerError(
      type: "InvalidRequestException", reason: "unknown_target",
      message: "there is no target \(unknown)\(near); the targets are \(known.joined(separator: ", "))")
  }

  /// The answer with these targets alone.
  private static func narrowed(_ status: JSON, to names: [String]) -> JSON {
    .object(
      (status.members ?? []).map { member in
        guard member.name == "targets", let targets = member.value.array else { return member }
        return JSON.Member(
          "targets", .array(targets.filter { $0["name"]?.string.map(names.contains) ?? false }))
      })
  }
}
