/// A second reader of RFC 8259: recursive, slow and obviously correct. `nil` for a line that is not one JSON object.
struct ReferenceReader {
  indirect enum Value {
    case object([(name: [UInt16], value: Value)])
    case array([Value])
    /// UTF-16, so that half surrogate pairs can be kept.
    case string([UInt16])
    case number(String)
    case bool(Bool)
    case null
  }

  private struct Refusal: Error {}

  /// The line as UTF-16, the form of JSON's own escapes.
  private var units: [UInt16]
  private var index = 0
  /// Text of the value of the last top-level member `id`.
  private(set) var idTexts: [String] = []

  /// The top-level members and the texts of all values of `id`, if `line` is an object nested at most 32 deep.
  static func read(_ line: [UInt8]) -> (members: [(name: [UInt16], value: Value)], ids: [String])? {
    guard let text = String(validating: line, as: UTF8.self) else { return nil }
    var reader = ReferenceReader(units: Array(text.utf16))
    do {
      reader.skipSpace()
      guard case .object(let members) = try reader.value(depth: 0) else { return nil }
      reader.skipSpace()
      return reader.index == reader.units.count ? (members, reader.idTexts) : nil
    } catch {
      return nil
    }
  }

  private init(units: [UInt16]) {
    self.units = units
  }

  private var next: Character? {
    guard index < units.count, let scalar = Unicode.Scalar(units[index]) else { return nil }
    return Character(scalar)
  }

  private mutating func skipSpace() {
    while index < units.count, [0x20, 0x09, 0x0a, 0x0d].contains(units[index]) { index += 1 }
  }

  private mutating func take(_ text: String) throws {
    guard units[index...].starts(with: text.utf16) else { throw Refusal() }
    index += text.utf16.count
  }

  private mutating func value(depth: Int) throws -> Value {
    switch next {
    case "{": return .object(try members(depth: depth + 1))
    case "[": return .array(try elements(depth: depth + 1))
    case "\"": return .string(try string())
    case "t":
      try take("true")
      return .bool(true)
    case "f":
      try take("false")
      return .bool(false)
    case "n":
      try take("null")
      return .null
    default: return .number(try number())
    }
  }

  private mutating func members(depth: Int) throws -> [(name: [UInt16], value: Value)] {
    if depth > 32 { throw Refusal() }
    try take("{")
    skipSpace()
    var members: [(name: [UInt16], value: Value)] = []
    if next == "}" {
      try take("}")
      return members
    }
    while true {
      let name = try string()
      skipSpace()
      try take(":")
      skipSpace()
      let start = index
      let value = try value(depth: depth)
      if depth == 1, name == Array("id".utf16) {
        idTexts.append(String(decoding: units[start..<index], as: UTF16.self))
      }
      members.append((name, value))
      skipSpace()
      if next == "}" {
        try take("}")
        return members
      }
      try take(",")
      skipSpace()
    }
  }

  private mutating func elements(depth: Int) throws -> [Value] {
    if depth > 32 { throw Refusal() }
    try take("[")
    skipSpace()
    var elements: [Value] = []
    if next == "]" {
      try take("]")
      return elements
    }
    while true {
      elements.append(try value(depth: depth))
      skipSpace()
      if next == "]" {
        try take("]")
        return elements
      }
      try take(",")
      skipSpace()
    }
  }

  private mutating func string() throws -> [UInt16] {
    try take("\"")
    var text: [UInt16] = []
    while index < units.count {
      let unit = units[index]
      index += 1
      if unit == 0x22 { return text }
      if unit < 0x20 { throw Refusal() }
      if unit != 0x5c {
        text.append(unit)
        continue
      }
      guard let letter = next else { throw Refusal() }
      index += 1
      let simple: [Character: UInt16] = [
        "\"": 0x22, "\\": 0x5c, "/": 0x2f, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9,
      ]
      if let meaning = simple[letter] {
        text.append(meaning)
      } else {
        guard letter == "u", index + 4 <= units.count else { throw Refusal() }
        let digits = String(decoding: units[index..<index + 4], as: UTF16.self)
        guard digits.allSatisfy({ $0.isASCII && $0.isHexDigit }), let code = UInt16(digits, radix: 16) else {
          throw Refusal()
        }
        text.append(code)
        index += 4
      }
    }
    throw Refusal()
  }

  private mutating func number() throws -> String {
    let rest = String(decoding: units[index...].prefix { $0 < 0x80 }, as: UTF16.self)
    guard let match = rest.prefixMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+\-]?[0-9]+)?/) else { throw Refusal() }
    index += match.output.0.utf16.count
    return String(match.output.0)
  }
}
