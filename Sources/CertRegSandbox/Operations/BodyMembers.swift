import CertRegCodec

/// The members of a JSON object in a request. Members that the operation does not know are ignored, as AWS ignores
/// them; `null` counts as left out.
struct BodyMembers {
  private let json: JSONValue
  /// The path of the object: empty, or with a dot at the end.
  private let path: String

  /// Reads a request's body. A call without parameters may leave the body out.
  ///
  /// - Throws: SerializationException for anything but a JSON object.
  init(_ body: [UInt8]) throws(SandboxError) {
    let json = body.isEmpty ? .object([]) : try? JSONValue(parsing: body)
    guard let json, json.members != nil else { throw .notSerialized }
    self.init(json, path: "")
  }

  private init(_ json: JSONValue, path: String) {
    self.json = json
    self.path = path
  }

  private func value(_ name: String) -> JSONValue? {
    json[name].flatMap { $0.isNull ? nil : $0 }
  }

  /// A text.
  ///
  /// - Throws: SerializationException for another value, InvalidRequestException for one that the constraint excludes.
  func text(_ name: String, _ constraint: TextConstraint? = nil) throws(SandboxError) -> String? {
    guard let value = value(name) else { return nil }
    guard let text = value.string else { throw .notSerialized }
    return try constraint?.check(text, at: path + name) ?? text
  }

  /// A text that must be there.
  func required(_ name: String, _ constraint: TextConstraint? = nil) throws(SandboxError) -> String {
    guard let text = try text(name, constraint) else { throw .missing(path + name) }
    return text
  }

  /// A boolean.
  func flag(_ name: String) throws(SandboxError) -> Bool? {
    guard let value = value(name) else { return nil }
    guard let flag = value.bool else { throw .notSerialized }
    return flag
  }

  /// An integer.
  func integer(_ name: String) throws(SandboxError) -> Int? {
    guard let value = value(name) else { return nil }
    guard let integer = value.integer else { throw .notSerialized }
    return integer
  }

  /// An object.
  func object(_ name: String) throws(SandboxError) -> BodyMembers? {
    guard let value = value(name) else { return nil }
    guard value.members != nil else { throw .notSerialized }
    return BodyMembers(value, path: "\(path)\(name).")
  }

  /// An object that is kept as it came.
  func opaqueObject(_ name: String) throws(SandboxError) -> JSONValue? {
    guard let value = value(name) else { return nil }
    guard value.members != nil else { throw .notSerialized }
    return value
  }

  /// An array of texts.
  func texts(_ name: String, _ constraint: TextConstraint) throws(SandboxError) -> [String]? {
    guard let value = value(name) else { return nil }
    guard let elements = value.array else { throw .notSerialized }
    var texts: [String] = []
    for element in elements {
      guard let text = element.string else { throw .notSerialized }
      texts.append(try constraint.check(text, at: path + name))
    }
    return texts
  }

  /// An object whose members are texts with names of their own.
  func map(
    _ name: String, names: TextConstraint, values: TextConstraint
  ) throws(SandboxError) -> [String: String]? {
    guard let value = value(name) else { return nil }
    guard let members = value.members else { throw .notSerialized }
    var map: [String: String] = [:]
    for member in members {
      guard let text = member.value.string else { throw .notSerialized }
      map[try names.check(member.name, at: path + name)] = try values.check(text, at: path + name)
    }
    return map
  }
}

extension SandboxError {
  /// A body of another form than the operation's input.
  static var notSerialized: SandboxError {
    SandboxError(.serialization, "The request body is not the JSON object that the operation takes")
  }
}
