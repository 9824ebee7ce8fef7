import CertRegCodec

/// What one check of `doctor` came to.
package struct Finding: Hashable, Sendable {
  /// How a check ended.
  package enum Level: String, Hashable, Sendable {
    case ok
    case warning
    case error
    /// The check could not be made, which says nothing about what it would have found.
    case skipped
  }

  /// How the check ended.
  package var level: Level
  /// What was checked, in a word or two.
  package var subject: String
  /// What was seen.
  package var seen: String
  /// What to do about it.
  package var cure: String?

  package init(_ level: Level, _ subject: String, _ seen: String, cure: String? = nil) {
    self.level = level
    self.subject = subject
    self.seen = seen
    self.cure = cure
  }

  /// The finding for a person, in lines of at most `width` columns.
  package func lines(width: Int) -> [TerminalText] {
    let label: TerminalText =
      switch level {
      case .ok: "\("ok", .green)     "
      case .warning: "\("warning", .yellow)"
      case .error: "\("error", .red)  "
      case .skipped: "\("skipped", .dim)"
      }
    let margin = String(repeating: " ", count: Finding.indentation)
    let room = max(20, width - Finding.indentation)
    let seenLines = seen.printable.wrapped(to: room)
    let first: TerminalText = "\(label)  \(TerminalText(subject, .bold).padded(to: 15))  \(seenLines.first ?? "")"
    return [first] + seenLines.dropFirst().map { "\(margin)\($0)" } + cureLines(margin, room)
  }

  private static let indentation = 26

  private func cureLines(_ margin: String, _ room: Int) -> [TerminalText] {
    guard let cure else { return [] }
    return cure.printable.wrapped(to: room - 2).enumerated().map { index, line in
      index == 0 ? "\(margin)\("→", .cyan) \(line)" : "\(margin)  \(line)"
    }
  }

  /// The finding as a line for programs.
  package var json: JSON {
    var members = [
      JSON.Member("check", .string(subject)), JSON.Member("level", .string(level.rawValue)),
      JSON.Member("seen", .string(seen)),
    ]
    if let cure { members.append(JSON.Member("cure", .string(cure))) }
    return .object(members)
  }
}
