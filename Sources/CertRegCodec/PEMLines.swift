/// The lines of a text, and what RFC 7468 calls its encapsulation boundaries.
///
/// The pointer is lent by the caller; each access is preceded by a comparison with the end of the text.
package struct PEMLines: Sequence, IteratorProtocol {
  /// One line.
  package struct Line {
    /// The line without its end.
    package let whole: Range<Int>
    /// The line without white space around it.
    package let content: Range<Int>
    /// Whether a CR without LF ended the line.
    package let endsWithLoneCR: Bool
  }

  private let text: UnsafeRawBufferPointer
  private var position: Int

  /// Begins at `position`. The text has to outlive this value.
  package init(_ text: UnsafeRawBufferPointer, from position: Int) {
    self.text = text
    self.position = position
  }

  /// The next line; `nil` at the end of the text. LF, CRLF and a lone CR end a line.
  package mutating func next() -> Line? {
    guard position < text.count else { return nil }
    let start = position
    while position < text.count, text[position] != UInt8(ascii: "\n"), text[position] != UInt8(ascii: "\r") {
      position += 1
    }
    let whole = start..<position
    var endsWithLoneCR = false
    if position < text.count {
      endsWithLoneCR = text[position] == UInt8(ascii: "\r")
      position += 1
      if endsWithLoneCR, position < text.count, text[position] == UInt8(ascii: "\n") {
        endsWithLoneCR = false
        position += 1
      }
    }
    var (first, end) = (whole.lowerBound, whole.upperBound)
    while first < end, Base64.isWhiteSpace(text[first]) { first += 1 }
    while end > first, Base64.isWhiteSpace(text[end - 1]) { end -= 1 }
    return Line(whole: whole, content: first..<end, endsWithLoneCR: endsWithLoneCR)
  }

  /// The label of a BEGIN line; `nil` for any other line.
  package static func beginLabel(_ line: Range<Int>, in text: UnsafeRawBufferPointer) -> Range<Int>? {
    label(line, after: begin, in: text)
  }

  /// The label of an END line; `nil` for any other line.
  package static func endLabel(_ line: Range<Int>, in text: UnsafeRawBufferPointer) -> Range<Int>? {
    label(line, after: end, in: text)
  }

  private static let begin: StaticString = "-----BEGIN "
  private static let end: StaticString = "-----END "
  private static let dashes: StaticString = "-----"

  private static func label(
    _ line: Range<Int>, after prefix: StaticString, in text: UnsafeRawBufferPointer
  ) -> Range<Int>? {
    let shortest = prefix.utf8CodeUnitCount + dashes.utf8CodeUnitCount
    guard line.count >= shortest, matches(prefix, in: text, at: line.lowerBound),
      matches(dashes, in: text, at: line.upperBound - dashes.utf8CodeUnitCount)
    else { return nil }
    let label = line.lowerBound + prefix.utf8CodeUnitCount..<line.upperBound - dashes.utf8CodeUnitCount
    return containsDashes(label, in: text) ? nil : label
  }

  /// Whether two hyphens stand side by side, which no label has (RFC 7468 section 3).
  private static func containsDashes(_ label: Range<Int>, in text: UnsafeRawBufferPointer) -> Bool {
    var previous: UInt8 = 0
    for byte in text[label] {
      if byte == UInt8(ascii: "-"), previous == byte { return true }
      previous = byte
    }
    return false
  }

  /// Whether `expected` stands at `position`; the caller has checked that it fits.
  package static func matches(_ expected: StaticString, in text: UnsafeRawBufferPointer, at position: Int) -> Bool {
    let count = expected.utf8CodeUnitCount
    guard position + count <= text.count else { return false }
    // A StaticString that is not a single scalar always has a pointer to its bytes.
    return text[position..<position + count].elementsEqual(UnsafeBufferPointer(start: expected.utf8Start, count: count))
  }
}
