extension JSON {
  /// Why a text is not JSON.
  package struct SyntaxError: Error, Hashable, Sendable {
    /// Offset in bytes of the first byte that does not fit.
    package var offset: Int
    package var message: String
  }

  /// Deepest nesting that is read. Answers nest four deep; the limit keeps hostile text from using up the stack.
  package static let maximumDepth = 64

  /// Reads one JSON text (RFC 8259), with white space around it.
  ///
  /// - Throws: ``SyntaxError`` for anything else, text that is not UTF-8 and nesting deeper than ``maximumDepth`` included.
  package init(parsing bytes: ArraySlice<UInt8>) throws(SyntaxError) {
    var parser = JSONParser(bytes: bytes)
    self = try parser.text()
  }

  /// Reads one JSON text from a string.
  package init(parsing text: String) throws(SyntaxError) {
    try self.init(parsing: ArraySlice(text.utf8))
  }
}

private struct JSONParser {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  mutating func text() throws(JSON.SyntaxError) -> JSON {
    let result = try value(depth: 0)
    skipSpace()
    guard position == bytes.endIndex else { throw fault("text after the value") }
    return result
  }

  private func fault(_ message: String) -> JSON.SyntaxError {
    JSON.SyntaxError(offset: position - bytes.startIndex, message: message)
  }

  private var current: UInt8? {
    position < bytes.endIndex ? bytes[position] : nil
  }

  private mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func value(depth: Int) throws(JSON.SyntaxError) -> JSON {
    guard depth < JSON.maximumDepth else { throw fault("nested too deeply") }
    skipSpace()
    switch current {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case nil: throw fault("the text ends early")
    default: return try number()
    }
  }

  private mutating func word(_ word: StaticString, _ value: JSON) throws(JSON.SyntaxError) -> JSON {
    let end = position + word.utf8CodeUnitCount
    guard end <= bytes.endIndex, bytes[position..<end].elementsEqual("\(word)".utf8) else {
      throw fault("not a JSON value")
    }
    position = end
    return value
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard current == byte else { return false }
    position += 1
    return true
  }

  private mutating func object(depth: Int) throws(JSON.SyntaxError) -> JSON {
    position += 1
    var members: [JSON.Member] = []
    if take(UInt8(ascii: "}")) { return .object(members) }
    repeat {
      skipSpace()
      guard current == UInt8(ascii: "\"") else { throw fault("a member's name is missing") }
      let name = try string()
      guard take(UInt8(ascii: ":")) else { throw fault("':' is missing") }
      members.append(JSON.Member(name, try value(depth: depth + 1)))
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw fault("'}' or ',' is missing") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(JSON.SyntaxError) -> JSON {
    position += 1
    var elements: [JSON] = []
    if take(UInt8(ascii: "]")) { return .array(elements) }
    repeat { elements.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw fault("']' or ',' is missing") }
    return .array(elements)
  }

  /// RFC 8259 section 6: an optional minus, digits without leading zeros, an optional fraction and exponent.
  private mutating func number() throws(JSON.SyntaxError) -> JSON {
    let start = position
    if current == UInt8(ascii: "-") { position += 1 }
    if current == UInt8(ascii: "0") { position += 1 } else { try digits() }
    if current == UInt8(ascii: ".") {
      position += 1
      try digits()
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      position += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
      try digits()
    }
    return .number(String(decoding: bytes[start..<position], as: UTF8.self))
  }

  private mutating func digits() throws(JSON.SyntaxError) {
    let start = position
    while let byte = current, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { position += 1 }
    guard position > start else { throw fault("not a JSON value") }
  }

  private mutating func string() throws(JSON.SyntaxError) -> String {
    position += 1
    var content: [UInt8] = []
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        guard let text = String(validating: content, as: UTF8.self) else { throw fault("not UTF-8") }
        return text
      case UInt8(ascii: "\\"):
        position += 1
        content.append(contentsOf: String(try escape()).utf8)
      case 0..<0x20:
        throw fault("a control character inside a string")
      default:
        content.append(byte)
        position += 1
      }
    }
    throw fault("a string does not end")
  }

  private mutating func escape() throws(JSON.SyntaxError) -> Unicode.Scalar {
    guard let byte = current else { throw fault("a string does not end") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw fault("an unknown escape")
    }
  }

  /// Half a surrogate pair names no character and is read as U+FFFD, so that an answer is not lost because of it.
  private mutating func unicodeEscape() throws(JSON.SyntaxError) -> Unicode.Scalar {
    let first = try fourHexDigits()
    guard 0xD800..<0xDC00 ~= first else { return Unicode.Scalar(first) ?? "\u{FFFD}" }
    let pair = position + 2
    guard pair <= bytes.endIndex, bytes[position..<pair].elementsEqual("\\u".utf8) else { return "\u{FFFD}" }
    let beforePair = position
    position = pair
    let second = try fourHexDigits()
    guard 0xDC00..<0xE000 ~= second else {
      position = beforePair
      return "\u{FFFD}"
    }
    return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) ?? "\u{FFFD}"
  }

  private mutating func fourHexDigits() throws(JSON.SyntaxError) -> UInt32 {
    let end = position + 4
    guard end <= bytes.endIndex, bytes[position..<end].allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }),
      let value = UInt32(String(decoding: bytes[position..<end], as: UTF8.self), radix: 16)
    else { throw fault("four hexadecimal digits are missing") }
    position = end
    return value
  }
}
