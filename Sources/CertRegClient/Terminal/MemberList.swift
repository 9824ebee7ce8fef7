package import CertRegCodec
import CertRegCore

/// The members of a JSON object for people: a name and a value on each line, also for members that this program does
/// not know.
package struct MemberList {
  private let members: [JSON.Member]

  package init(_ members: [JSON.Member]) {
    self.members = members
  }

  /// Lines of at most `width` columns, where values can be broken between words. Values are aligned.
  package func lines(width: Int, indentation: Int = 2) -> [TerminalText] {
    let shown = members.filter { !$0.value.isNull }
    let column = min(24, (shown.map { MemberList.label($0.name).columns }.max() ?? 0) + 2)
    let margin = String(repeating: " ", count: indentation)
    return shown.flatMap { member in
      let head: TerminalText = "\(margin)\(TerminalText(MemberList.label(member.name), .dim).padded(to: column))"
      let values = MemberList.text(member).printable.wrapped(to: max(20, width - indentation - column))
      let rest = values.dropFirst().map { TerminalText(margin + String(repeating: " ", count: column) + $0) }
      return [head + TerminalText(values.first ?? "-")] + rest
    }
  }

  /// A member's name in words: `notBefore` becomes `not before`, `certificateId` becomes `certificate ID`.
  package static func label(_ name: String) -> String {
    var words: [String] = []
    var previousIsUpper = true
    for character in name {
      if character.isUppercase, !previousIsUpper || words.isEmpty {
        words.append(String(character))
      } else if words.isEmpty {
        words = [String(character)]
      } else {
        words[words.count - 1].append(character)
      }
      previousIsUpper = character.isUppercase
    }
    return words.map { word in
      if ["Id", "Arn", "id", "arn"].contains(word) { return word.uppercased() }
      return word.dropFirst().contains(where: \.isUppercase) ? word : word.lowercased()
    }.joined(separator: " ")
  }

  /// A value on one line, with objects and arrays written out flat.
  package static func text(_ value: JSON) -> String {
    switch value {
    case .null: "-"
    case .bool(let value): value ? "yes" : "no"
    case .number(let spelling): grouped(spelling)
    case .string(let text): text.isEmpty ? "(empty)" : text
    case .array(let elements):
      elements.isEmpty ? "none" : distinguishedName(elements) ?? elements.map(text).joined(separator: "; ")
    case .object(let members):
      members.filter { !$0.value.isNull }.map { "\(label($0.name)) \(text($0))" }.joined(separator: ", ")
    }
  }

  /// Numbers that count nothing, and so are written without separators.
  private static let numbers: Set<String> = ["pid", "uid", "gid"]

  private static func text(_ member: JSON.Member) -> String {
    if case .number(let spelling) = member.value, numbers.contains(member.name) { return spelling }
    return text(member.value)
  }

  /// A list of attributes `{"type":"CN","value":"x"}` as RFC 4514 writes a name, in the certificate's order.
  private static func distinguishedName(_ elements: [JSON]) -> String? {
    let attributes = elements.compactMap { element -> String? in
      guard element.members?.count == 2, let type = element["type"]?.string, let value = element["value"]?.string else {
        return nil
      }
      // A comma in a value must not look like the end of it (RFC 4514 section 2.4). The daemon has escaped backslashes
      // and control characters already.
      let escaped = value.map { ",+\"<>;".contains($0) ? "\\\($0)" : String($0) }.joined()
      return "\(type)=\(escaped)"
    }
    return attributes.count == elements.count ? attributes.joined(separator: ", ") : nil
  }

  /// Whole numbers of five digits and more with a comma at every third.
  package static func grouped(_ spelling: String) -> String {
    guard spelling.count >= 5, spelling.allSatisfy(\.isNumber) else { return spelling }
    var text = ""
    for (index, digit) in spelling.enumerated() {
      if index > 0, (spelling.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }
}
