/// A JSON value (RFC 8259) as it was written: members keep their order and numbers their spelling.
package enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  /// A number by its spelling (RFC 8259 section 6), so that none is rounded.
  case number(String)
  case string(String)
  case array([JSONValue])
  case object([Member])

  /// One name and its value in an object.
  package struct Member: Hashable, Sendable {
    /// The name, without its quotes and escapes.
    package var name: String
    /// The value of the member.
    package var value: JSONValue

    package init(_ name: String, _ value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// A number without a fraction.
  package static func integer(_ value: some BinaryInteger) -> JSONValue {
    .number(String(value))
  }

  /// An object with these members; the ones without a value are left out.
  package static func object(of members: KeyValuePairs<String, JSONValue?>) -> JSONValue {
    .object(members.compactMap { name, value in value.map { Member(name, $0) } })
  }
}

extension JSONValue {
  /// The member `name` of an object. Of members with the same name the last one counts, as in AWS's SDKs.
  package subscript(name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.name == name }?.value
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

  /// The value of a number, rounded to the nearest `Double`; infinite for a number beyond the range of `Double`.
  package var double: Double? {
    if case .number(let spelling) = self { Double(spelling) } else { nil }
  }

  /// The elements of an array.
  package var array: [JSONValue]? {
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
