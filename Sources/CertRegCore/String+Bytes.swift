extension String {
  /// Whether `isAllowed` holds for each byte of the text in UTF-8. As `utf8.allSatisfy`, which takes more than
  /// twice as long: for texts that come with each registration.
  @inlinable
  package func hasOnly(bytes isAllowed: (UInt8) -> Bool) -> Bool {
    let bytes = utf8Span.span
    for place in bytes.indices where !isAllowed(bytes[place]) { return false }
    return true
  }

  /// Whether the text is a short word of the characters that AWS makes IDs and names from. Other IDs of an upstream, or
  /// of the database of a fleet, are left out: answers, logs and terminals take IDs as they are.
  package var isIdentifier: Bool {
    !isEmpty && utf8.count <= 128
      && hasOnly { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
          UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "/"):
          true
        default: false
        }
      }
  }
}
