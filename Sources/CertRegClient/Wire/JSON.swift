/// A JSON value as it was written: members keep their order and numbers their spelling.
package enum JSON: Hashable, Sendable {
  case null
  case bool(Bool)
  /// A number by its spelling on the wire (RFC 8259 section 6), so that none is rounded.
  case number(String)
  case string(String)
  case array([JSON])
  case object([Member])

  /// One name and its value in an object.
  package struct Member: Hashable, Sendable {
    package var name: String
    package var value: JSON

    package init(_ name: String, _ value: JSON) {
      self.name = name
      self.value = value
    }
  }

  /// A number without a fraction.
  package static func integer(_ value: some BinaryInteger) -> JSON {
    .number(String(value))
  }
}

extension JSON {
  /// The first member of that name where this is an object that has one.
  package subscript(name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// The text of a string.
  package var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// The value of a boolean.
  package var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// The value of a number that is whole and fits.
  package var integer: Int? {
    guard case .number(let spelling) = self else { return nil }
    if let value = Int(spelling) { return value }
    return Double(spelling).flatMap { Int(exactly: $0) }
  }

  /// The value of a number, rounded to the nearest that a `Double` holds.
  package var double: Double? {
    if case .number(let spelling) = self { Double(spelling) } else { nil }
  }

  /// The elements of an array.
  package var array: [JSON]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  /// The members of an object, in their order.
  package var members: [Member]? {
    if case .object(let members) = self { members } else { nil }
  }

  /// Whether this is `null`.
  package var isNull: Bool {
    self == .null
  }
}

extension JSON {
  /// This value as one line without spaces. Strings escape quotes, backslashes and all control characters; with
  /// `printable`, also every other character that a terminal could act on or that changes how text is laid out.
  package func serialized(printable: Bool = false) -> String {
    var text = ""
    write(to: &text, printable: printable)
    return text
  }

  private func write(to text: inout String, printable: Bool) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .number(let spelling): text += spelling
    case .string(let value): JSON.writeString(value, to: &text, printable: printable)
    case .array(let elements):
      text += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { text += "," }
        element.write(to: &text, printable: printable)
      }
      text += "]"
    case .object(let members):
      text += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { text += "," }
        JSON.writeString(member.name, to: &text, printable: printable)
        text += ":"
        member.value.write(to: &text, printable: printable)
      }
      text += "}"
    }
  }

  private static func writeString(_ value: String, to text: inout String, printable: Bool) {
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20 || (printable && !scalar.isPrintable):
        for unit in String(scalar).utf16 { text += "\\u" + hexadecimal(UInt32(unit), digits: 4) }
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

/// `value` in lower-case hexadecimal with at least `digits` digits.
func hexadecimal(_ value: UInt32, digits: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}
