/// What `certregd --print-config` prints: YAML with one value on each line, and a comment behind it.
struct PrintedConfiguration {
  private let lines: [Substring]

  /// - Parameter text: The output. Untrusted.
  init(_ text: String) { lines = text.split(separator: "\n") }

  /// The value of a key, which may be `null` or `none`; `nil` where the key is missing.
  ///
  /// - Parameter section: The section that the key is in; `nil`: none.
  func value(_ key: String, in section: String? = nil) -> String? {
    var lines = lines[...]
    if let section {
      lines = lines.drop { $0 != "\(section):" }.dropFirst().prefix { $0.hasPrefix("  ") }
    }
    let start = (section == nil ? "" : "  ") + "\(key): "
    guard let text = lines.first(where: { $0.hasPrefix(start) })?.dropFirst(start.count) else { return nil }
    if text.first == "\"" { return Self.unquoted(text.dropFirst()) }
    return String(text.prefix { $0 != " " })
  }

  /// Whether there are access rules. Without any, whoever can connect may do everything.
  var hasAccessRules: Bool {
    lines.drop { $0 != "access:" }.dropFirst().prefix { $0.hasPrefix("  ") }.contains { $0.hasPrefix("    - ") }
  }

  /// Reads double-quoted text as the printer writes it (YAML 1.2 section 7.3.1); `nil` for anything else.
  private static func unquoted(_ text: Substring) -> String? {
    var value = ""
    var rest = text.unicodeScalars
    while let scalar = rest.popFirst() {
      switch scalar {
      case "\"": return value
      case "\\":
        guard let kind = rest.popFirst() else { return nil }
        let digits = kind == "x" ? 2 : kind == "U" ? 8 : 0
        guard digits > 0 else {
          value.unicodeScalars.append(kind)
          continue
        }
        guard let number = UInt32(String(rest.prefix(digits)), radix: 16), let escaped = UnicodeScalar(number) else {
          return nil
        }
        rest = rest.dropFirst(digits)
        value.unicodeScalars.append(escaped)
      default: value.unicodeScalars.append(scalar)
      }
    }
    return nil
  }
}
