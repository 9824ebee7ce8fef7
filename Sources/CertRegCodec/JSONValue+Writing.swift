extension JSONValue {
  /// This value as JSON text on one line, without spaces. ``JSONWriter`` says what is escaped.
  package var jsonText: String {
    String(decoding: jsonBytes, as: UTF8.self)
  }

  /// The same text as bytes.
  package var jsonBytes: [UInt8] {
    var writer = JSONWriter()
    writer.element(self)
    return writer.bytes
  }
}

extension JSONWriter {
  /// Writes any value.
  package mutating func element(_ value: JSONValue) {
    switch value {
    case .null: element(literal: "null")
    case .bool(let value): element(value)
    case .number(let spelling): element(literal: spelling)
    case .string(let text): element(text)
    case .array(let elements):
      beginArray()
      for element in elements { self.element(element) }
      endArray()
    case .object(let members):
      beginObject()
      for member in members { self.member(member.name, member.value) }
      endObject()
    }
  }
}
