package import CertRegCodec

/// The member `attributes` of a request: its place in the line. Each name is there once.
package struct AttributesText: Hashable, Sendable {
  /// The object with its braces, as offsets into the line.
  package var range: Range<Int>
  /// How many attributes it has, up to ``LineParser/maxAttributes``.
  package var count: Int

  /// The attributes in the order in which they were written.
  ///
  /// - Parameter line: The line that the request was parsed from. It stays valid and unchanged while the result is
  ///   used.
  package func pairs(in line: UnsafeRawBufferPointer) -> AttributePairs {
    AttributePairs(self, in: line)
  }
}

/// Reads the attributes of a request a second time, which needs no memory. It relies on the parser's checks.
package struct AttributePairs: Sequence, IteratorProtocol {
  /// `nil`: there is no line.
  private var scanner: JSONScanner?
  private var left: Int

  fileprivate init(_ text: AttributesText, in line: UnsafeRawBufferPointer) {
    precondition(text.range.upperBound <= line.count)
    left = text.count
    scanner = line.baseAddress.map { JSONScanner(base: $0, count: text.range.upperBound) }
    scanner?.position = text.range.lowerBound
  }

  /// The next name and its value.
  package mutating func next() -> (name: JSONText, value: JSONText)? {
    guard left > 0, var scanner else { return nil }
    left -= 1
    defer { self.scanner = scanner }
    // The brace or the comma before a name, and the colon before a value.
    guard let name = scanner.nextString(), let value = scanner.nextString() else { return nil }
    return (name, value)
  }
}
