extension Console {
  /// One of the two streams and its abilities.
  package struct Stream {
    /// Whether a person sees the stream on a terminal.
    package var isTerminal: Bool
    /// The current width in columns. A terminal can change it at any time.
    package var columns: Int { measure() }
    /// Whether styles are written.
    package var colour: Bool
    /// Whether the locale's characters are those of UTF-8. Otherwise text for people is ASCII.
    package var isUTF8: Bool
    private var measure: () -> Int
    /// Writes text; `false` where not all of it could be written.
    package var write: (String) -> Bool

    package init(
      isTerminal: Bool, columns: @escaping @autoclosure () -> Int = 80, colour: Bool = false,
      isUTF8: Bool = true, write: @escaping (String) -> Bool
    ) {
      self.isTerminal = isTerminal
      measure = columns
      self.colour = colour
      self.isUTF8 = isUTF8
      self.write = write
    }

    /// A text as people see it on this stream.
    func drawn(_ text: TerminalText) -> String {
      let drawn = text.rendered(colour: colour)
      return isUTF8 ? drawn : drawn.inASCII
    }
  }

  /// Whether the environment names a locale with UTF-8: the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set counts
  /// (POSIX.1 XBD section 8.2).
  package static func isUTF8(_ environment: [String: String]) -> Bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    let characters = (locale ?? "").uppercased()
    return characters.contains("UTF-8") || characters.contains("UTF8")
  }
}
