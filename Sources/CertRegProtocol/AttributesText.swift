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

/// Reads the attributes of a request a second time.
package struct AttributePairs: Sequence, IteratorProtocol {
  private var strings: StringsText

  fileprivate init(_ text: AttributesText, in line: UnsafeRawBufferPointer) {
    strings = StringsText(text.range, count: 2 * text.count, in: line)
  }

  /// The next name and its value.
  package mutating func next() -> (name: JSONText, value: JSONText)? {
    guard let name = strings.next(), let value = strings.next() else { return nil }
    return (name, value)
  }
}
