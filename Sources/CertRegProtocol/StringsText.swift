package import CertRegCodec

/// Reads the strings of an array or object of a request a second time, which needs no memory: each stands behind a
/// bracket, a brace, a comma or a colon. It relies on the parser's checks.
package struct StringsText: Sequence, IteratorProtocol {
  /// `nil`: there is no line.
  private var scanner: JSONScanner?
  private var left: Int

  /// - Parameters:
  ///   - range: The array or object, as offsets into the line.
  ///   - count: How many strings it has.
  ///   - line: The line that the request was parsed from. It stays valid and unchanged while this is used.
  init(_ range: Range<Int>, count: Int, in line: UnsafeRawBufferPointer) {
    precondition(range.upperBound <= line.count)
    left = count
    scanner = line.baseAddress.map { JSONScanner(base: $0, count: range.upperBound) }
    scanner?.position = range.lowerBound
  }

  /// The next string.
  package mutating func next() -> JSONText? {
    guard left > 0 else { return nil }
    left -= 1
    return scanner?.nextString()
  }
}
