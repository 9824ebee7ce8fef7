import CertRegCodec
import CertRegCore

// What a request says about provisioning.
extension RequestParser {
  /// A profile's name or null.
  mutating func readProvision() throws(SyntaxFault) {
    if scanner.peek() == UInt8(ascii: "n") {
      try scanner.scanLiteral("null")
      request.provision = .none
    } else if let name = try readString(of: .provision) {
      request.provision = .named(name)
    }
  }

  /// An object of strings.
  mutating func readAttributes() throws(SyntaxFault) {
    guard scanner.peek() == UInt8(ascii: "{") else { return try skipWrongType(of: .attributes) }
    let start = scanner.position
    var names = AttributeNames()
    var count = 0
    scanner.position += 1
    scanner.skipWhitespace()
    if scanner.peek() != UInt8(ascii: "}") {
      try scanner.take("\"", orThrow: .expectedNameOrEnd)
      while true {
        if count == LineParser.maxAttributes { note(.attributeCount(offset: start)) }
        try readAttribute(after: &names)
        count += 1
        scanner.skipWhitespace()
        if scanner.peek() == UInt8(ascii: "}") { break }
        try scanner.take(",", orThrow: .expectedCommaOrBrace)
        scanner.skipWhitespace()
        try scanner.take("\"", orThrow: .expectedName)
      }
    }
    scanner.position += 1
    request.attributes = AttributesText(range: start..<scanner.position, count: count)
  }

  /// Reads an attribute from behind the opening quote of its name to the end of its value.
  private mutating func readAttribute(after names: inout AttributeNames) throws(SyntaxFault) {
    let name = try scanner.scanString()
    if name.range.isEmpty || name.hasMore(than: LineParser.maxAttributeNameCharacters, in: scanner.line) {
      note(.attributeName(offset: name.range.lowerBound))
    } else if !names.insert(name, in: scanner.line) {
      note(.duplicateAttribute(name: name))
    }
    scanner.skipWhitespace()
    try scanner.take(":", orThrow: .expectedColon)
    scanner.skipWhitespace()
    let start = scanner.position
    let first = scanner.peek()
    guard first == UInt8(ascii: "\"") else {
      try scanner.skipValue(depth: 2)
      return note(.wrongType(.attributes, found: first, offset: start))
    }
    scanner.position += 1
    let value = try scanner.scanString()
    if value.hasMore(than: LineParser.maxAttributeValueCharacters, in: scanner.line) {
      note(.attributeValue(name: name, offset: start))
    }
  }
}

extension RequestFault {
  /// The stable word and the text for people of a fault in `attributes`. Values are not shown: they may be secrets.
  func explanationOfAttributes(in line: UnsafeRawBufferPointer) -> (reason: RequestReason, message: String) {
    switch self {
    case .duplicateAttribute(let name):
      return (
        .duplicateMember,
        "\"attributes\" has \(Self.shown(name, in: line)) twice, again at byte offset \(name.range.lowerBound)"
      )
    case .attributeName(let offset):
      return (
        .invalidValue,
        "a name in \"attributes\" at byte offset \(offset) has to have 1 to"
          + " \(LineParser.maxAttributeNameCharacters) characters"
      )
    case .attributeValue(let name, let offset):
      return (
        .invalidValue,
        "\"attributes\" has a value of more than \(LineParser.maxAttributeValueCharacters) characters"
          + " for \(Self.shown(name, in: line)) at byte offset \(offset)"
      )
    case .attributeCount(let offset):
      return (
        .invalidValue,
        "\"attributes\" at byte offset \(offset) has to have at most \(LineParser.maxAttributes) members"
      )
    default:
      preconditionFailure("no fault of an attribute: \(self)")
    }
  }

  private static func shown(_ name: JSONText, in line: UnsafeRawBufferPointer) -> String {
    let text = JSONTextDecoder.string(name, in: line)
    return text.isShort ? "\"\(Excerpt.text(text))\"" : "a long name"
  }
}

/// The names of attributes that were read, in a fixed size of memory on the stack.
private struct AttributeNames {
  private static let none = JSONText(range: 0..<0, hasEscapes: false, isASCII: true)

  private var names = InlineArray<50, JSONText>(repeating: none)
  /// Hashes under a key of the process, so that no caller can choose names that have to be compared.
  private var hashes = InlineArray<50, Int>(repeating: 0)
  private var count = 0

  /// Adds a name of at most ``LineParser/maxAttributeNameCharacters`` characters, and returns whether it is new.
  /// Names beyond ``LineParser/maxAttributes`` count as new: their request is refused for their number.
  mutating func insert(_ name: JSONText, in line: UnsafeRawBufferPointer) -> Bool {
    guard count < names.count else { return true }
    guard name.hasEscapes else {
      return insert(name, UnsafeRawBufferPointer(rebasing: line[name.range]), in: line)
    }
    return withUnsafeTemporaryAllocation(byteCount: name.range.count, alignment: 8) { room in
      let length = JSONTextDecoder.unescape(name, in: line, into: room)
      return insert(name, UnsafeRawBufferPointer(rebasing: room[..<length]), in: line)
    }
  }

  private mutating func insert(
    _ name: JSONText, _ text: UnsafeRawBufferPointer, in line: UnsafeRawBufferPointer
  ) -> Bool {
    var hasher = Hasher()
    hasher.combine(bytes: text)
    let hash = hasher.finalize()
    for index in 0..<count where hashes[index] == hash {
      if JSONTextDecoder.equals(names[index], in: line, text) { return false }
    }
    names[count] = name
    hashes[count] = hash
    count += 1
    return true
  }
}

extension JSONText {
  /// Whether the text has more than `limit` characters (Unicode scalars). Takes no longer than a text of `limit`
  /// characters needs.
  fileprivate func hasMore(than limit: Int, in line: UnsafeRawBufferPointer) -> Bool {
    if range.count <= limit { return false }
    // The longest way to write a character is a surrogate pair of escapes, with 12 bytes.
    if range.count > 12 * limit { return true }
    var count = 0
    var index = range.lowerBound
    while index < range.upperBound {
      if line[index] != UInt8(ascii: "\\") {
        // All bytes of a character of UTF-8 but the first are 0b10xx_xxxx.
        if line[index] & 0xc0 != 0x80 { count += 1 }
        index += 1
      } else if line[index + 1] != UInt8(ascii: "u") {
        count += 1
        index += 2
      } else {
        if !isSecondSurrogate(line[index + 2], line[index + 3]) { count += 1 }
        index += 6
      }
    }
    return count > limit
  }

  /// Whether an escape with these first two digits is the second half of a surrogate pair: U+DC00 to U+DFFF.
  private func isSecondSurrogate(_ first: UInt8, _ second: UInt8) -> Bool {
    JSONScanner.hexValue(first) == 0xd && (0xc...0xf).contains(JSONScanner.hexValue(second))
  }
}
