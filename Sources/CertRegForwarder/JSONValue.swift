/// Why a text is not JSON, or not JSON that this reader accepts.
enum JSONSyntaxError: Error, Hashable {
  case malformed
  /// Arrays and objects are nested deeper than any answer of AWS has them.
  case tooDeep
}

/// A JSON value (RFC 8259), for the small answers of AWS's services and credential endpoints.
///
/// Numbers keep their spelling: nothing here computes with them, and an epoch in milliseconds must not pass through a
/// floating-point number.
enum JSONValue: Hashable {
  case null
  case boolean(Bool)
  case number(String)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// Reads a complete text. Of members given twice the last counts, as in the SDKs.
  init(parsing text: some Collection<UInt8>) throws(JSONSyntaxError) {
    var reader = JSONReader(text: Array(text))
    self = try reader.readDocument()
  }

  /// The member `name`, where this is an object that has it.
  subscript(name: String) -> JSONValue? {
    if case .object(let members) = self { members[name] } else { nil }
  }

  /// The text, where this is a string.
  var text: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// The elements, where this is an array.
  var elements: [JSONValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }
}

/// Reads one value from the front of a text, with a limit on the depth so that hostile nesting cannot exhaust the stack.
private struct JSONReader {
  private static let depthLimit = 32
  private let text: [UInt8]
  private var position = 0

  init(text: [UInt8]) {
    self.text = text
  }

  mutating func readDocument() throws(JSONSyntaxError) -> JSONValue {
    let value = try readValue(depth: 0)
    skipWhitespace()
    guard position == text.count else { throw .malformed }
    return value
  }

  private mutating func readValue(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    guard depth < JSONReader.depthLimit else { throw .tooDeep }
    skipWhitespace()
    switch peek() {
    case UInt8(ascii: "{"): return try readObject(depth: depth)
    case UInt8(ascii: "["): return try readArray(depth: depth)
    case UInt8(ascii: "\""): return .string(try readString())
    case UInt8(ascii: "t"): return try readWord("true", .boolean(true))
    case UInt8(ascii: "f"): return try readWord("false", .boolean(false))
    case UInt8(ascii: "n"): return try readWord("null", .null)
    default: return .number(try readNumber())
    }
  }

  private mutating func readObject(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    position += 1
    var members: [String: JSONValue] = [:]
    skipWhitespace()
    if take(UInt8(ascii: "}")) { return .object(members) }
    repeat {
      skipWhitespace()
      guard peek() == UInt8(ascii: "\"") else { throw .malformed }
      let name = try readString()
      skipWhitespace()
      guard take(UInt8(ascii: ":")) else { throw .malformed }
      members[name] = try readValue(depth: depth + 1)
      skipWhitespace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw .malformed }
    return .object(members)
  }

  private mutating func readArray(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    position += 1
    var elements: [JSONValue] = []
    skipWhitespace()
    if take(UInt8(ascii: "]")) { return .array(elements) }
    repeat {
      elements.append(try readValue(depth: depth + 1))
      skipWhitespace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw .malformed }
    return .array(elements)
  }

  private mutating func readString() throws(JSONSyntaxError) -> String {
    position += 1
    var bytes: [UInt8] = []
    while let byte = peek() {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: bytes, as: UTF8.self) else { throw .malformed }
        return string
      case UInt8(ascii: "\\"): try readEscape(into: &bytes)
      case 0..<0x20: throw .malformed
      default: bytes.append(byte)
      }
    }
    throw .malformed
  }

  private mutating func readEscape(into bytes: inout [UInt8]) throws(JSONSyntaxError) {
    guard let byte = peek() else { throw .malformed }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(byte)
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0c)
    case UInt8(ascii: "n"): bytes.append(0x0a)
    case UInt8(ascii: "r"): bytes.append(0x0d)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "u"):
      var code = try readHexadecimal()
      if (0xd800..<0xdc00).contains(code) {
        guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw .malformed }
        let low = try readHexadecimal()
        guard (0xdc00..<0xe000).contains(low) else { throw .malformed }
        code = 0x1_0000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw .malformed }
      bytes.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
    default: throw .malformed
    }
  }

  private mutating func readHexadecimal() throws(JSONSyntaxError) -> UInt32 {
    guard position + 4 <= text.count else { throw .malformed }
    var value: UInt32 = 0
    for byte in text[position..<position + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw .malformed }
      value = value << 4 | UInt32(digit)
    }
    position += 4
    return value
  }

  private mutating func readNumber() throws(JSONSyntaxError) -> String {
    let start = position
    _ = take(UInt8(ascii: "-"))
    if !take(UInt8(ascii: "0")) { try readDigits() }
    if take(UInt8(ascii: ".")) { try readDigits() }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try readDigits()
    }
    return String(decoding: text[start..<position], as: UTF8.self)
  }

  private mutating func readDigits() throws(JSONSyntaxError) {
    let start = position
    while let byte = peek(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
    guard position > start else { throw .malformed }
  }

  private mutating func readWord(_ word: String, _ value: JSONValue) throws(JSONSyntaxError) -> JSONValue {
    guard text[position...].starts(with: word.utf8) else { throw .malformed }
    position += word.utf8.count
    return value
  }

  private mutating func skipWhitespace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
  }

  private func peek() -> UInt8? {
    position < text.count ? text[position] : nil
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    position += 1
    return true
  }
}
