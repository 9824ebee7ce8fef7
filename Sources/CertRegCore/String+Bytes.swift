extension String {
  /// Whether `isAllowed` holds for each byte of the text in UTF-8. As `utf8.allSatisfy`, which takes more than
  /// twice as long: for texts that come with each registration.
  @inlinable
  package func hasOnly(bytes isAllowed: (UInt8) -> Bool) -> Bool {
    let bytes = utf8Span.span
    for place in bytes.indices where !isAllowed(bytes[place]) { return false }
    return true
  }
}
