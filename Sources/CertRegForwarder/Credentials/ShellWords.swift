/// Why a command line cannot be split.
enum ShellWordsError: Error, Hashable {
  case unclosedQuote
  case trailingBackslash
}

/// A command line as a list of words.
enum ShellWords {
  /// Splits as a POSIX shell does (Shell Command Language section 2.2): at blanks, with `'…'`, `"…"` and `\` as
  /// quoting. There are no expansions and no operators, since no shell runs the words.
  ///
  /// - Throws: `ShellWordsError` if a quote or backslash does not end.
  static func split(_ line: String) throws(ShellWordsError) -> [String] {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var rest = Substring(line)
    while let character = rest.popFirst() {
      switch (quote, character) {
      case ("'", "'"), ("\"", "\""): quote = nil
      case ("'", _): word?.append(character)
      case ("\"", "\\"):
        guard let next = rest.first else { throw .unclosedQuote }
        // Inside double quotes a backslash quotes only these (section 2.2.3).
        if "\"\\$`\n".contains(next) {
          rest.removeFirst()
          if next != "\n" { word?.append(next) }
        } else {
          word?.append(character)
        }
      case ("\"", _): word?.append(character)
      case (_, "'"), (_, "\""):
        quote = character
        word = word ?? ""
      case (_, "\\"):
        guard let next = rest.popFirst() else { throw .trailingBackslash }
        if next != "\n" { word = (word ?? "") + String(next) }
      case (_, " "), (_, "\t"), (_, "\n"):
        if let word { words.append(word) }
        word = nil
      default: word = (word ?? "") + String(character)
      }
    }
    guard quote == nil else { throw .unclosedQuote }
    if let word { words.append(word) }
    return words
  }
}
