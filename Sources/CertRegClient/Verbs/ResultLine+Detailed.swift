import CertRegCodec

extension ResultLine {
  /// All members of the answer about a single certificate, on a terminal; otherwise the line of a table.
  ///
  /// - Parameters:
  ///   - isSingle: Whether the command is about one certificate in one target.
  ///   - member: The member that the outcome shows already.
  ///   - style: The outcome's.
  ///   - hints: What to do about it.
  func detailed(
    _ answer: Answer, _ session: Session, isSingle: Bool, without member: String, _ style: TerminalText.Style,
    hints: [String] = []
  ) -> [TerminalText] {
    let stream = session.console.output
    guard stream.isTerminal, error == nil, isSingle else {
      return rendered(for: stream, showsTarget: session.targets.count > 1)
    }
    let members = (answer.json.members ?? []).filter { $0.name != "id" && $0.name != member }
    return ["\(outcome, style)  \(name)"] + MemberList(members).lines(width: stream.columns)
      + hints.flatMap { hint in
        hint.wrapped(to: max(20, stream.columns - 4)).enumerated().map { index, text -> TerminalText in
          index == 0 ? "  \("→", .cyan) \(text)" : "    \(text)"
        }
      }
  }
}
