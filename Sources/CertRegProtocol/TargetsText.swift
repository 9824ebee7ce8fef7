package import CertRegCodec

/// The array in the member `target` of a request: its place in the line.
package struct TargetsText: Hashable, Sendable {
  /// The array with its brackets, as offsets into the line.
  package var range: Range<Int>
  /// How many names it has: 1 to ``LineParser/maxTargets``.
  package var count: Int

  /// The names in the order in which they were written.
  ///
  /// - Parameter line: The line that the request was parsed from. It stays valid and unchanged while the result is
  ///   used.
  package func names(in line: UnsafeRawBufferPointer) -> TargetNames {
    TargetNames(self, in: line)
  }
}

/// Reads the names of targets a second time, which needs no memory. It relies on the parser's checks.
package struct TargetNames: Sequence, IteratorProtocol {
  /// `nil`: there is no line.
  private var scanner: JSONScanner?
  private var left: Int

  fileprivate init(_ text: TargetsText, in line: UnsafeRawBufferPointer) {
    precondition(text.range.upperBound <= line.count)
    left = text.count
    scanner = line.baseAddress.map { JSONScanner(base: $0, count: text.range.upperBound) }
    scanner?.position = text.range.lowerBound
  }

  /// The next name.
  package mutating func next() -> JSONText? {
    guard left > 0 else { return nil }
    left -= 1
    return scanner?.nextString()
  }
}
