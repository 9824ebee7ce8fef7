/// Where and why a line is not one JSON object (RFC 8259). Small and trivial, so that throwing it costs nothing.
struct SyntaxFault: Error, Equatable {
  enum Kind: UInt8 {
    case emptyLine
    case byteOrderMark
    case notAnObject
    case expectedNameOrEnd
    case expectedName
    case expectedColon
    case expectedValue
    case expectedValueOrEnd
    case expectedCommaOrBrace
    case expectedCommaOrBracket
    case unterminatedString
    case controlCharacter
    case badEscape
    case badUnicodeEscape
    case invalidUTF8
    case expectedDigit
    case badLiteral
    case trailingData
    case tooDeep
  }

  var kind: Kind
  /// Offset of the byte in the line; the line's length where the line ended too early.
  var offset: Int

  /// The stable word of the wire's error.
  var reason: RequestReason {
    switch kind {
    case .byteOrderMark: .byteOrderMark
    case .emptyLine, .notAnObject: .notAnObject
    case .invalidUTF8: .invalidUTF8
    case .trailingData: .trailingData
    case .tooDeep: .nestingTooDeep
    default: .invalidJSON
    }
  }

  /// What the grammar requires at the offset, for people.
  var expectation: String {
    switch kind {
    case .emptyLine, .notAnObject: "expected a JSON object, which begins with '{'"
    case .byteOrderMark: "a byte-order mark is not allowed (RFC 8259 section 8.1)"
    case .expectedNameOrEnd: "expected a member name in double quotes or '}'"
    case .expectedName: "expected a member name in double quotes after the comma"
    case .expectedColon: "expected ':' after the member name"
    case .expectedValue: "expected a JSON value"
    case .expectedValueOrEnd: "expected a JSON value or ']'"
    case .expectedCommaOrBrace: "expected ',' or '}' after the member"
    case .expectedCommaOrBracket: "expected ',' or ']' after the element"
    case .unterminatedString: "expected '\"' at the end of the string"
    case .controlCharacter: "control characters in strings have to be escaped (a line end as \\n)"
    case .badEscape: "expected one of \" \\ / b f n r t u after the backslash"
    case .badUnicodeEscape: "expected four hexadecimal digits after \\u"
    case .invalidUTF8: "the string is not valid UTF-8"
    case .expectedDigit: "expected a digit in the number"
    case .badLiteral: "expected true, false or null"
    case .trailingData: "expected nothing after the object"
    case .tooDeep: "values are nested more than \(JSONScanner.maxDepth) deep"
    }
  }
}
