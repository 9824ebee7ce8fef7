/// Everything that is wrong with a configuration, in the order in which a person would mend it.
package struct SettingsError: Error, Hashable, Sendable {
  /// One thing that is wrong.
  package struct Problem: Hashable, Sendable {
    /// The line, variable or flag to change.
    package var origin: SettingOrigin
    /// Path of the key (`socket.window`); empty if no key is concerned.
    package var key: String
    /// For people; holds nothing unescaped from the outside.
    package var message: String
    /// What was probably meant.
    package var suggestion: String?

    package init(origin: SettingOrigin, key: String, message: String, suggestion: String? = nil) {
      self.origin = origin
      self.key = key
      self.message = message
      self.suggestion = suggestion
    }

    /// Line in the file, from 1; `nil` if the problem is not in a file.
    package var line: Int? {
      if case .file(_, let line, _) = origin { line } else { nil }
    }

    /// Column in the file, from 1.
    package var column: Int? {
      if case .file(_, _, let column) = origin { column } else { nil }
    }
  }

  /// Never empty.
  package var problems: [Problem]

  package init(problems: [Problem]) {
    self.problems = problems
  }
}

extension SettingsError.Problem: CustomStringConvertible {
  private static let maximumKeyCharacters = 200

  /// `FILE:LINE: key: message; did you mean "this"?`
  package var description: String {
    let place =
      key.isEmpty ? "\(origin): " : "\(origin): \(shown(key, limit: SettingsError.Problem.maximumKeyCharacters)): "
    guard let suggestion else { return place + message }
    return place + message + "; did you mean \(quoted(suggestion))?"
  }
}

extension SettingsError: CustomStringConvertible {
  /// One problem a line.
  package var description: String {
    problems.map(\.description).joined(separator: "\n")
  }
}
