import CertRegCodec

/// Reads a request from its line.
package enum LineParser {
  /// The most names that an array in `target` may have.
  package static let maxTargets = 256
  /// The most bytes of JSON text that the `id` of a `watch` may have.
  package static let maxWatchIDBytes = 1024
  /// The most members that `attributes` may have.
  package static let maxAttributes = 50
  /// The most characters that the name of an attribute may have.
  package static let maxAttributeNameCharacters = 128
  /// The most characters that the value of an attribute may have.
  package static let maxAttributeValueCharacters = 4096
  /// The range of `timeoutMs`.
  package static let timeoutRangeMilliseconds = 1...300_000

  /// Parses a line without its LF. White space around the object is allowed, such as a CR at the end.
  ///
  /// Only errors and long names of devices allocate memory. The cost is linear in the line's length. A line that breaks
  /// the grammar is refused with the position of the first fault and without an `id`; one that is an object, but not a
  /// request, is read to its end, so that the error can carry the `id` wherever it stands.
  ///
  /// - Throws: `InvalidRequestException` with one of the reasons `not_an_object`, `invalid_json`, `invalid_utf8`,
  ///   `byte_order_mark`, `trailing_data`, `nesting_too_deep`, `lone_surrogate`, `unknown_member`, `duplicate_member`,
  ///   `missing_member`, `conflicting_members`, `invalid_type`, `invalid_value`, `unknown_operation`, `invalid_id`.
  package static func parse(_ line: UnsafeRawBufferPointer) throws(LineError) -> RequestLine {
    guard let base = line.baseAddress else {
      throw LineError(SyntaxFault(kind: .emptyLine, offset: 0), in: line)
    }
    var parser = RequestParser(scanner: JSONScanner(base: base, count: line.count))
    do throws(SyntaxFault) {
      try parser.readLine()
    } catch {
      throw LineError(error, in: line)
    }
    if let fault = parser.firstFault() {
      throw LineError(fault, of: parser.request, idIsCertain: parser.idIsCertain, in: line)
    }
    return parser.request
  }
}
