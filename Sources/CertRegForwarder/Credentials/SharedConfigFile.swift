/// What is wrong with a shared file.
struct SharedConfigFileError: Error, Hashable {
  /// Counted from 1.
  let line: Int
  let message: String
}

/// The text of a shared AWS file (`~/.aws/config`, `~/.aws/credentials`) as sections of settings.
///
/// The form is that of the AWS CLI: `[section]` lines, `name = value` lines, comment lines that begin with `#` or `;`,
/// and lines with a deeper indentation that belong to the setting above them. Names of settings are case-insensitive. A
/// `#` or `;` behind white space begins a comment (AWS SDKs and Tools Reference Guide, "Shared config and credentials
/// files").
struct SharedConfigFile: Hashable {
  struct Section: Hashable {
    var values: [String: String] = [:]
    /// Settings below a setting: `[services x]` has `iot =` with an indented `endpoint_url = …`.
    var nested: [String: [String: String]] = [:]
  }

  private(set) var sections: [String: Section] = [:]

  /// Reads the text of a file.
  ///
  /// - Throws: `SharedConfigFileError` with the line.
  init(parsing text: String) throws(SharedConfigFileError) {
    var section: String?
    var setting: (name: String, indentation: Int)?
    let withoutMark = text.hasPrefix("\u{feff}") ? text.dropFirst() : text[...]
    for (index, line) in withoutMark.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let content = trimmed(line)
      guard let first = content.first, first != "#", first != ";" else { continue }
      let indentation = line.prefix { $0 == " " || $0 == "\t" }.count
      if let section, let setting, indentation > setting.indentation {
        if let (name, value) = SharedConfigFile.setting(content) {
          sections[section]?.nested[setting.name, default: [:]][name] = value
        } else {
          sections[section]?.values[setting.name]?.append("\n" + content)
        }
      } else if first == "[" {
        let name = try SharedConfigFile.sectionName(content, line: index + 1)
        sections[name, default: Section()] = sections[name] ?? Section()
        section = name
        setting = nil
      } else {
        guard let section else {
          throw SharedConfigFileError(line: index + 1, message: "a setting stands before the first [section]")
        }
        guard let (name, value) = SharedConfigFile.setting(content) else {
          throw SharedConfigFileError(line: index + 1, message: "the line is neither [section] nor name = value")
        }
        sections[section]?.values[name] = value
        setting = (name, indentation)
      }
    }
  }

  private static func sectionName(_ content: Substring, line: Int) throws(SharedConfigFileError) -> String {
    guard let end = content.firstIndex(of: "]") else {
      throw SharedConfigFileError(line: line, message: "[ has no ]")
    }
    // The words of `[profile "my line"]` without quotes, with one space between them.
    let words = content[content.index(after: content.startIndex)..<end].filter { $0 != "\"" && $0 != "'" }
      .split(whereSeparator: \.isWhitespace)
    guard !words.isEmpty else { throw SharedConfigFileError(line: line, message: "the section has no name") }
    return words.joined(separator: " ")
  }

  private static func setting(_ content: Substring) -> (name: String, value: String)? {
    guard let equals = content.firstIndex(of: "=") else { return nil }
    let name = trimmed(content[..<equals])
    guard !name.isEmpty else { return nil }
    return (name.lowercased(), String(trimmed(withoutComment(content[content.index(after: equals)...]))))
  }

  /// The value without a comment behind it. Inside quotes, which a command line may have, nothing begins a comment.
  private static func withoutComment(_ value: Substring) -> Substring {
    var quote: Character?
    var follows = true
    for (index, character) in zip(value.indices, value) {
      if character == quote {
        quote = nil
      } else if quote == nil, character == "\"" || character == "'" {
        // A lone quote is a character like any other.
        if value[value.index(after: index)...].contains(character) { quote = character }
      } else if quote == nil, follows, character == "#" || character == ";" {
        return value[..<index]
      }
      follows = character.isWhitespace
    }
    return value
  }
}

private func trimmed(_ text: Substring) -> Substring {
  var rest = text.drop(while: \.isWhitespace)
  while let last = rest.last, last.isWhitespace { rest.removeLast() }
  return rest
}
