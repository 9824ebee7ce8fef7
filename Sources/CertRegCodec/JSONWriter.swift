/// Writes JSON text (RFC 8259) into a buffer of its own.
///
/// The caller keeps the calls in order: members inside an object, elements inside an array. Strings are escaped so that
/// the text stays on one line and a terminal does not act on it.
package struct JSONWriter: Sendable {
  /// The text so far, in UTF-8.
  package private(set) var bytes: [UInt8] = []
  /// Whether the innermost object or array already has a member or an element.
  private var needsComma = false

  /// An empty writer with room for `capacity` bytes.
  package init(reservingBytes capacity: Int = 256) {
    bytes.reserveCapacity(capacity)
  }

  // MARK: Structure

  /// Begins an object: the whole text, or an element of an array.
  package mutating func beginObject() {
    open(UInt8(ascii: "{"))
  }

  /// Begins an object that is the value of member `name`.
  package mutating func beginObject(_ name: String) {
    memberName(name)
    open(UInt8(ascii: "{"))
  }

  /// Ends the innermost object.
  package mutating func endObject() {
    close(UInt8(ascii: "}"))
  }

  /// Begins an array: the whole text, or an element of an array.
  package mutating func beginArray() {
    open(UInt8(ascii: "["))
  }

  /// Begins an array that is the value of member `name`.
  package mutating func beginArray(_ name: String) {
    memberName(name)
    open(UInt8(ascii: "["))
  }

  /// Ends the innermost array.
  package mutating func endArray() {
    close(UInt8(ascii: "]"))
  }

  /// The text with LF at its end.
  package consuming func line() -> [UInt8] {
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }

  // MARK: Members

  /// Writes a member with a string.
  package mutating func member(_ name: String, _ value: String) {
    memberName(name)
    element(value)
  }

  /// Writes a member with a whole number.
  package mutating func member(_ name: String, _ value: Int) {
    memberName(name)
    element(value)
  }

  /// Writes a member with `true` or `false`.
  package mutating func member(_ name: String, _ value: Bool) {
    memberName(name)
    element(value)
  }

  /// Writes a member with a number. JSON has no infinities and no NaN: they are written as null.
  package mutating func member(_ name: String, _ value: Double) {
    memberName(name)
    element(value)
  }

  /// Writes a member with a string, or nothing if there is no value.
  package mutating func member(_ name: String, ifPresent value: String?) {
    if let value { member(name, value) }
  }

  /// Writes a member with a whole number, or nothing if there is no value.
  package mutating func member(_ name: String, ifPresent value: Int?) {
    if let value { member(name, value) }
  }

  /// Writes a member whose value is JSON text already, on one line.
  package mutating func member(_ name: String, json: [UInt8]) {
    memberName(name)
    element(json: json)
  }

  /// Writes a member with any value.
  package mutating func member(_ name: String, _ value: JSONValue) {
    memberName(name)
    element(value)
  }

  // MARK: Elements

  /// Writes a string.
  package mutating func element(_ value: String) {
    separate()
    appendString(value)
    needsComma = true
  }

  /// Writes a whole number.
  package mutating func element(_ value: Int) {
    element(literal: String(value))
  }

  /// Writes `true` or `false`.
  package mutating func element(_ value: Bool) {
    element(literal: value ? "true" : "false")
  }

  /// Writes a number. JSON has no infinities and no NaN: they are written as null.
  package mutating func element(_ value: Double) {
    element(literal: value.isFinite ? value.description : "null")
  }

  /// Writes a value that is JSON text already, on one line.
  package mutating func element(json: [UInt8]) {
    separate()
    bytes.append(contentsOf: json)
    needsComma = true
  }

  /// Writes a number or a literal name as it is spelled.
  package mutating func element(literal: String) {
    separate()
    bytes.append(contentsOf: literal.utf8)
    needsComma = true
  }

  // MARK: Bytes

  /// Writes the name of a member; an element or the beginning of an object or array has to follow.
  package mutating func memberName(_ name: String) {
    separate()
    appendString(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
  }

  private mutating func open(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }

  private mutating func appendString(_ value: String) {
    bytes.append(UInt8(ascii: "\""))
    var value = value
    value.withUTF8 { appendEscaped($0) }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Appends valid UTF-8. Runs without escapes are copied at once.
  private mutating func appendEscaped(_ text: UnsafeBufferPointer<UInt8>) {
    let raw = UnsafeRawBufferPointer(text)
    var copied = 0
    var index = 0
    while index < text.count {
      if index + 8 <= text.count, SWAR.escapes(raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)) == 0 {
        index += 8
        continue
      }
      guard JSONWriter.mayNeedEscape(text[index]) else {
        index += 1
        continue
      }
      let (unit, length) = JSONWriter.unit(of: text, at: index)
      if JSONWriter.needsEscape(unit) {
        bytes.append(contentsOf: text[copied..<index])
        appendEscape(of: unit)
        copied = index + length
      }
      index += length
    }
    bytes.append(contentsOf: text[copied...])
  }

  /// Whether a character that needs an escape can begin with `byte`: ASCII's own, and the first bytes of U+0080 to
  /// U+00BF and of U+2000 to U+2FFF.
  @inline(__always)
  private static func mayNeedEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7f
      || byte == 0xc2 || byte == 0xe2
  }

  /// The character at `index`, and its length in UTF-8. `mayNeedEscape` leaves forms of one to three bytes.
  private static func unit(of text: UnsafeBufferPointer<UInt8>, at index: Int) -> (unit: UInt16, length: Int) {
    let first = UInt16(text[index])
    switch first {
    case 0xc2: return ((first & 0x1f) << 6 | UInt16(text[index + 1] & 0x3f), 2)
    case 0xe2: return ((first & 0x0f) << 12 | UInt16(text[index + 1] & 0x3f) << 6 | UInt16(text[index + 2] & 0x3f), 3)
    default: return (first, 1)
    }
  }

  /// Whether a character is escaped: the ones that RFC 8259 section 7 requires, and the ones that a terminal or an
  /// editor would act on (DEL and the C1 controls, line and paragraph separators, and the embeddings, overrides and
  /// isolates of writing direction, which can make one text look like another).
  private static func needsEscape(_ unit: UInt16) -> Bool {
    switch unit {
    case ..<0x20, 0x22, 0x5c, 0x7f...0x9f, 0x2028...0x202e, 0x2066...0x2069: true
    default: false
    }
  }

  /// Appends the two-character escape if there is one, else `\uXXXX`.
  private mutating func appendEscape(of unit: UInt16) {
    bytes.append(UInt8(ascii: "\\"))
    switch unit {
    case 0x22, 0x5c: bytes.append(UInt8(truncatingIfNeeded: unit))
    case 0x0a: bytes.append(UInt8(ascii: "n"))
    case 0x0d: bytes.append(UInt8(ascii: "r"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    default:
      bytes.append(UInt8(ascii: "u"))
      for shift in stride(from: 12, through: 0, by: -4) {
        let nibble = UInt8(truncatingIfNeeded: unit >> UInt16(shift) & 15)
        bytes.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
      }
    }
  }
}
