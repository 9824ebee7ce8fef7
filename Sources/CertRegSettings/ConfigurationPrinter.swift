/// Writes a tree as YAML, with a comment on each line that holds a value.
struct ConfigurationPrinter {
  private let comment: (_ key: String) -> String
  private var lines: [String] = []

  /// - Parameter comment: what to say of the value of a key; one line, nothing unescaped.
  init(comment: @escaping (_ key: String) -> String) {
    self.comment = comment
  }

  /// The whole of a mapping.
  mutating func text(of node: ConfigurationNode) -> String {
    lines = []
    write(members: node.members, path: "", indent: "", first: "")
    return lines.map { $0 + "\n" }.joined()
  }

  /// `first` stands for the indent of the first line: `- ` for a section in a list.
  private mutating func write(members: [ConfigurationNode.Member], path: String, indent: String, first: String) {
    for (index, member) in members.enumerated() {
      let start = (index == 0 ? first : indent) + YAMLText.scalar(member.key) + ":"
      let key = path.isEmpty ? member.key : "\(path).\(member.key)"
      write(member.value, after: start, key: key, indent: indent)
    }
  }

  private mutating func write(_ node: ConfigurationNode, after start: String, key: String, indent: String) {
    switch node.content {
    // Read again, both mean the same: nothing fills `none`, and whatever fills a key that is left out fills `null`.
    case .null: add("\(start) null", key)
    case .explicitNone: add("\(start) none", key)
    case .scalar(let text): add("\(start) \(YAMLText.scalar(text))", key)
    case .mapping(let members) where members.isEmpty: add("\(start) {}", key)
    case .mapping(let members):
      lines.append(start)
      write(members: members, path: key, indent: indent + "  ", first: indent + "  ")
    case .sequence(let items):
      let texts = items.compactMap { item in
        if case .scalar(let text) = item.content { YAMLText.scalar(text) } else { nil }
      }
      if texts.count == items.count {
        add("\(start) [\(texts.joined(separator: ", "))]", key)
        return
      }
      lines.append(start)
      for (index, item) in items.enumerated() {
        write(members: item.members, path: "\(key)[\(index)]", indent: indent + "    ", first: indent + "  - ")
      }
    }
  }

  private mutating func add(_ line: String, _ key: String) {
    lines.append("\(line)  # \(comment(key))")
  }
}

/// Scalars of YAML.
enum YAMLText {
  /// `text` so that every YAML reader takes it for this string, or for the number or truth value that it looks like.
  static func scalar(_ text: String) -> String {
    isPlain(text) ? text : doubleQuoted(text)
  }

  private static func isPlain(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, isLetterOrDigit(first) || first == "/" else { return false }
    let words: Set<String> = ["null", "none", "yes", "no", "on", "off", "y", "n"]
    if words.contains(text.lowercased()) { return false }
    // Octal to some readers: 0660. Sexagesimal to some: 1:30.
    if first == "0", text.utf8.count > 1, !text.contains(".") { return false }
    if isDigit(first), text.contains(":") { return false }
    return text.unicodeScalars.allSatisfy { isLetterOrDigit($0) || "-_./+@%:".unicodeScalars.contains($0) }
      && !text.hasSuffix(":")
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

  /// YAML 1.2 section 7.3.1: everything that is not printable is written by its number.
  private static func doubleQuoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      default:
        if isPrintable(scalar) {
          quoted.unicodeScalars.append(scalar)
        } else {
          let digits = String(scalar.value, radix: 16)
          quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
        }
      }
    }
    return quoted + "\""
  }
}
