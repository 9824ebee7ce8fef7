extension JSONValue {
  /// How deep values may be nested. The texts that are read nest a few levels deep; the limit keeps hostile text from
  /// exhausting the stack.
  package static let maximumDepth = 64

  /// Reads one JSON text (RFC 8259 section 2), in time and memory linear in its length.
  ///
  /// Half a surrogate pair names no character and is read as U+FFFD, so that one bad escape does not cost the whole
  /// text.
  ///
  /// - Throws: ``SyntaxFault`` for anything else, including text that is not UTF-8 and nesting deeper than
  ///   ``maximumDepth``.
  package init(parsing text: some Collection<UInt8>) throws(SyntaxFault) {
    let result = text.withBytes { bytes in
      Result { () throws(SyntaxFault) in try JSONValue.read(bytes) }
    }
    self = try result.get()
  }

  /// Reads one JSON text from a string.
  ///
  /// - Throws: ``SyntaxFault``, as for bytes.
  package init(parsing text: String) throws(SyntaxFault) {
    try self.init(parsing: text.utf8)
  }

  private static func read(_ text: UnsafeRawBufferPointer) throws(SyntaxFault) -> JSONValue {
    guard let base = text.baseAddress else { throw SyntaxFault(kind: .expectedValue, offset: 0) }
    var reader = JSONReader(scanner: JSONScanner(base: base, count: text.count))
    return try reader.readText()
  }
}

/// Builds a value from what a scanner accepts. The scanner's pointer is lent for the time of one reading.
private struct JSONReader {
  var scanner: JSONScanner

  mutating func readText() throws(SyntaxFault) -> JSONValue {
    scanner.skipWhitespace()
    let value = try readValue(depth: 0, orThrow: .expectedValue)
    scanner.skipWhitespace()
    guard scanner.position == scanner.end else { throw SyntaxFault(kind: .trailingData, offset: scanner.position) }
    return value
  }

  /// Reads the value at `scanner.position`, or throws a fault of `kind` if none begins there.
  private mutating func readValue(depth: Int, orThrow kind: SyntaxFault.Kind) throws(SyntaxFault) -> JSONValue {
    guard depth < JSONValue.maximumDepth else { throw SyntaxFault(kind: .tooDeep, offset: scanner.position) }
    switch scanner.peek() {
    case UInt8(ascii: "{"): return try readObject(depth: depth)
    case UInt8(ascii: "["): return try readArray(depth: depth)
    case UInt8(ascii: "\""): return .string(try readString(orThrow: kind))
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try readNumber()
    case UInt8(ascii: "t"):
      try scanner.scanLiteral("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try scanner.scanLiteral("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try scanner.scanLiteral("null")
      return .null
    default: throw SyntaxFault(kind: kind, offset: scanner.position)
    }
  }

  private mutating func readObject(depth: Int) throws(SyntaxFault) -> JSONValue {
    var members: [JSONValue.Member] = []
    if skipOpening(emptyIfNext: "}") { return .object(members) }
    var kind = SyntaxFault.Kind.expectedNameOrEnd
    while true {
      let name = try readString(orThrow: kind)
      scanner.skipWhitespace()
      try scanner.take(":", orThrow: .expectedColon)
      scanner.skipWhitespace()
      members.append(JSONValue.Member(name, try readValue(depth: depth + 1, orThrow: .expectedValue)))
      guard try skipComma(unlessNext: "}", orThrow: .expectedCommaOrBrace) else { return .object(members) }
      kind = .expectedName
    }
  }

  private mutating func readArray(depth: Int) throws(SyntaxFault) -> JSONValue {
    var elements: [JSONValue] = []
    if skipOpening(emptyIfNext: "]") { return .array(elements) }
    var kind = SyntaxFault.Kind.expectedValueOrEnd
    while true {
      elements.append(try readValue(depth: depth + 1, orThrow: kind))
      guard try skipComma(unlessNext: "]", orThrow: .expectedCommaOrBracket) else { return .array(elements) }
      kind = .expectedValue
    }
  }

  /// Reads past the opening bracket, and past `closing` if it comes next; returns whether it did.
  private mutating func skipOpening(emptyIfNext closing: Unicode.Scalar) -> Bool {
    scanner.position += 1
    scanner.skipWhitespace()
    guard scanner.peek() == UInt8(ascii: closing) else { return false }
    scanner.position += 1
    return true
  }

  /// Reads past `closing` or a comma; returns whether it was a comma.
  private mutating func skipComma(
    unlessNext closing: Unicode.Scalar, orThrow kind: SyntaxFault.Kind
  ) throws(SyntaxFault) -> Bool {
    scanner.skipWhitespace()
    if scanner.peek() == UInt8(ascii: closing) {
      scanner.position += 1
      return false
    }
    try scanner.take(",", orThrow: kind)
    scanner.skipWhitespace()
    return true
  }

  private mutating func readString(orThrow kind: SyntaxFault.Kind) throws(SyntaxFault) -> String {
    try scanner.take("\"", orThrow: kind)
    let text = try scanner.scanString()
    return JSONTextDecoder.string(text, in: scanner.line)
  }

  private mutating func readNumber() throws(SyntaxFault) -> JSONValue {
    let start = scanner.position
    try scanner.scanNumber()
    return .number(String(decoding: scanner.line[start..<scanner.position], as: UTF8.self))
  }
}
