/// A JSON string as it stands in a line: where it is, and what reading it will need. Nothing is copied.
package struct JSONText: Hashable, Sendable {
  /// The bytes between the quotes, as offsets into the line. They are valid UTF-8 and valid escapes.
  package var range: Range<Int>
  /// Whether there is a backslash in it; where there is none, the bytes are the text.
  package var hasEscapes: Bool
  /// Whether the text, once unescaped, is ASCII alone: then its characters are its bytes.
  package var isASCII: Bool

  @inlinable
  package init(range: Range<Int>, hasEscapes: Bool, isASCII: Bool) {
    self.range = range
    self.hasEscapes = hasEscapes
    self.isASCII = isASCII
  }
}
