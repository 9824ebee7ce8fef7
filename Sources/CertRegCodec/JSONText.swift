/// A JSON string inside a line: its place, and what its decoding needs. Nothing is copied.
public struct JSONText: Hashable, Sendable {
  /// The bytes between the quotes, as offsets into the line. They are valid UTF-8 and valid escapes.
  public var range: Range<Int>
  /// Whether it contains a backslash. Without one, the bytes are the text.
  public var hasEscapes: Bool
  /// Whether the unescaped text is ASCII, so that its characters are its bytes.
  public var isASCII: Bool

  /// A string between the quotes around `range`.
  @inlinable
  public init(range: Range<Int>, hasEscapes: Bool, isASCII: Bool) {
    self.range = range
    self.hasEscapes = hasEscapes
    self.isASCII = isASCII
  }
}
