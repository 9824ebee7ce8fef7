/// Where and why a text is not the JSON that is expected (RFC 8259). Small and trivial, so that throwing it is cheap.
public struct SyntaxFault: Error, Equatable {
  /// What is wrong. The first three are about lines that have to be one object.
  public enum Kind: UInt8, Sendable {
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

  /// What is wrong.
  public var kind: Kind
  /// Offset in bytes of the fault; the length of the text if the text ends too early.
  public var offset: Int

  /// A fault at `offset`.
  @inlinable
  public init(kind: Kind, offset: Int) {
    self.kind = kind
    self.offset = offset
  }

  /// What the grammar requires at the offset, for people.
  package var expectation: String {
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
    case .trailingData: "expected nothing after the value"
    case .tooDeep: "values are nested too deeply"
    }
  }
}
