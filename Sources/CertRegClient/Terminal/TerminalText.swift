/// Text for people, in which nothing can act on the terminal.
///
/// Names in certificates, file names and messages of others are untrusted: an escape sequence in them could repaint the
/// screen, a bidirectional override could show another name than the one that is there. Whatever goes into a
/// `TerminalText`, by interpolation or otherwise, has such characters replaced by `\u{…}`, so there is no way to forget
/// it. Colours are kept apart from the characters and are added only when the text is drawn.
package struct TerminalText: Hashable, Sendable {
  /// How a part of a text is drawn: the parameter of SGR (ECMA-48 section 8.3.117).
  package enum Style: String, Hashable, Sendable {
    case plain = ""
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case cyan = "36"
  }

  private struct Span: Hashable {
    var text: String
    var style: Style
  }

  private var spans: [Span] = []

  /// An empty text.
  package init() {}

  /// `untrusted` with all characters escaped that a terminal could act on.
  package init(_ untrusted: String, _ style: Style = .plain) {
    spans = [Span(text: untrusted.printable, style: style)]
  }

  /// A tab between the fields of a line for programs: the only control character that a text can contain.
  package static let tab: TerminalText = {
    var text = TerminalText()
    text.spans = [Span(text: "\t", style: .plain)]
    return text
  }()

  /// Both texts, one after the other.
  package static func + (left: TerminalText, right: TerminalText) -> TerminalText {
    var sum = left
    sum.spans.append(contentsOf: right.spans)
    return sum
  }

  /// Appends a text.
  package static func += (left: inout TerminalText, right: TerminalText) {
    left.spans.append(contentsOf: right.spans)
  }

  /// The characters without styles.
  package var plain: String {
    spans.map(\.text).joined()
  }

  /// Terminal columns of the text.
  package var width: Int {
    spans.reduce(0) { $0 + $1.text.columns }
  }

  /// The text with escape sequences for its styles (ECMA-48 SGR) where `colour` says so.
  package func rendered(colour: Bool) -> String {
    guard colour else { return plain }
    return spans.map { span in
      span.style == .plain || span.text.isEmpty ? span.text : "\u{1B}[\(span.style.rawValue)m\(span.text)\u{1B}[0m"
    }.joined()
  }

  /// The text with spaces after it up to `columns`.
  package func padded(to columns: Int) -> TerminalText {
    self + TerminalText(String(repeating: " ", count: max(0, columns - width)))
  }

  /// The text with spaces before it up to `columns`.
  package func paddedLeft(to columns: Int) -> TerminalText {
    TerminalText(String(repeating: " ", count: max(0, columns - width))) + self
  }

  /// The text cut to `columns`, with an ellipsis in place of its end.
  package func truncated(to columns: Int) -> TerminalText {
    guard width > columns else { return self }
    var result = TerminalText()
    var left = max(0, columns - 1)
    for span in spans {
      let piece = span.text.prefix(columns: left)
      left -= piece.columns
      result.spans.append(Span(text: piece, style: span.style))
      if piece.count < span.text.count { break }
    }
    if columns > 0 { result.spans.append(Span(text: "…", style: result.spans.last?.style ?? .plain)) }
    return result
  }
}

extension TerminalText: ExpressibleByStringInterpolation {
  /// A text without styles.
  package init(stringLiteral value: String) {
    self.init(value)
  }

  package init(stringInterpolation: Interpolation) {
    self = stringInterpolation.text
  }

  /// Collects literal parts and values; every one of them is made printable.
  package struct Interpolation: StringInterpolationProtocol {
    fileprivate var text = TerminalText()

    package init(literalCapacity: Int, interpolationCount: Int) {}

    /// Adds a part of the literal.
    package mutating func appendLiteral(_ literal: String) {
      if !literal.isEmpty { text += TerminalText(literal) }
    }

    /// Adds a value by its description.
    package mutating func appendInterpolation(_ value: some CustomStringConvertible) {
      text += TerminalText(value.description)
    }

    /// Adds a string in a style.
    package mutating func appendInterpolation(_ value: String, _ style: Style) {
      text += TerminalText(value, style)
    }

    /// Adds a text with its styles.
    package mutating func appendInterpolation(_ value: TerminalText) {
      text += value
    }
  }
}
