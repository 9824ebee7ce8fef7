import CertRegCodec

/// Evaluates the references and functions of a provisioning template (AWS IoT Developer Guide, "Provisioning
/// templates", "Intrinsic functions").
struct TemplateEvaluator {
  /// How many bytes of text all values together may take. Functions within functions could make texts of any length.
  private static let textLimitBytes = 1 << 18

  /// The values of the declared parameters.
  private let parameters: [String: String]
  /// `Mappings`.
  private let mappings: JSONValue?
  private var remainingBytes = textLimitBytes

  init(parameters: [String: String], mappings: JSONValue?) {
    self.parameters = parameters
    self.mappings = mappings
  }

  /// A value with its references and functions replaced by what they stand for.
  ///
  /// - Throws: InvalidRequestException.
  mutating func evaluate(_ value: JSONValue) throws(SandboxError) -> JSONValue {
    switch value {
    case .null, .bool, .number: return value
    case .string(let text): return .string(try counted(text))
    case .array(let elements):
      var results: [JSONValue] = []
      for element in elements { results.append(try evaluate(element)) }
      return .array(results)
    case .object(let members):
      if let member = members.first, members.count == 1, let function = Function(rawValue: member.name) {
        return try evaluate(function, member.value)
      }
      var results: [JSONValue.Member] = []
      for member in members { results.append(JSONValue.Member(member.name, try evaluate(member.value))) }
      return .object(results)
    }
  }

  // MARK: Functions

  private enum Function: String {
    case ref = "Ref"
    case join = "Fn::Join"
    case select = "Fn::Select"
    case findInMap = "Fn::FindInMap"
    case split = "Fn::Split"
    case sub = "Fn::Sub"
  }

  private mutating func evaluate(_ function: Function, _ argument: JSONValue) throws(SandboxError) -> JSONValue {
    switch function {
    case .ref:
      guard let name = argument.string else { throw .template("Ref takes the name of a parameter") }
      return .string(try parameter(name))
    case .join:
      let (delimiter, list) = try pair(argument, of: function, "a delimiter and a list")
      guard let delimiter = try evaluate(delimiter).string, let texts = try self.list(list)?.map(\.string),
        !texts.contains(nil)
      else { throw .template("Fn::Join takes a delimiter and a list of strings") }
      return .string(try counted(texts.compactMap(\.self).joined(separator: delimiter)))
    case .select:
      let (position, list) = try pair(argument, of: function, "an index and a list")
      let index = try evaluate(position)
      guard let index = index.integer ?? index.string.flatMap({ Int($0) }), let elements = try self.list(list),
        elements.indices.contains(index), !elements[index].isNull
      else { throw .template("Fn::Select takes an index and a list that has a value there") }
      return elements[index]
    case .split:
      let (delimiter, text) = try pair(argument, of: function, "a delimiter and a string")
      guard let delimiter = try evaluate(delimiter).string, !delimiter.isEmpty, let text = try evaluate(text).string
      else { throw .template("Fn::Split takes a delimiter and a string") }
      return .array(text.parts(at: delimiter).map { .string($0) })
    case .findInMap:
      guard let keys = try list(argument)?.map(\.string), keys.count == 3, let map = keys[0], let top = keys[1],
        let second = keys[2]
      else { throw .template("Fn::FindInMap takes the name of a map and two keys") }
      guard let value = mappings?[map]?[top]?[second] else {
        throw .template("Mappings has no value for \(map).\(top).\(second)")
      }
      return try evaluate(plain: value)
    case .sub: return .string(try substitution(argument))
    }
  }

  /// `"text"`, or `["text", {"Name": value}]`: `${Name}` stands for a value or a parameter, `${!Name}` for itself.
  private mutating func substitution(_ argument: JSONValue) throws(SandboxError) -> String {
    var variables: [String: String] = [:]
    let pattern: String
    if let text = argument.string {
      pattern = text
    } else {
      guard let parts = argument.array, parts.count == 2, let text = parts[0].string, let members = parts[1].members
      else { throw .template("Fn::Sub takes a string, or a string and an object of variables") }
      pattern = text
      for member in members {
        guard let value = try evaluate(member.value).string else {
          throw .template("the variable \(member.name) of Fn::Sub is not a string")
        }
        variables[member.name] = value
      }
    }
    // What stands before the first `${`, then a name, `}` and text each.
    let pieces = pattern.parts(at: "${")
    var result = pieces[0]
    for piece in pieces.dropFirst() {
      guard let end = piece.utf8.firstIndex(of: UInt8(ascii: "}")) else { throw .template("Fn::Sub: ${ without }") }
      let name = String(piece[..<end])
      if name.hasPrefix("!") {
        result += "${\(name.dropFirst())}"
      } else if let value = variables[name] {
        result += try counted(value)
      } else {
        result += try parameter(name)
      }
      result += piece[piece.utf8.index(after: end)...]
    }
    return try counted(result)
  }

  // MARK: Parts

  private mutating func parameter(_ name: String) throws(SandboxError) -> String {
    guard let value = parameters[name] else { throw .template("there is no parameter \(name)") }
    return try counted(value)
  }

  /// A value of a map, in which nothing is evaluated.
  private mutating func evaluate(plain value: JSONValue) throws(SandboxError) -> JSONValue {
    if let text = value.string { _ = try counted(text) }
    return value
  }

  private mutating func list(_ value: JSONValue) throws(SandboxError) -> [JSONValue]? {
    try evaluate(value).array
  }

  private func pair(
    _ argument: JSONValue, of function: Function, _ expectation: String
  ) throws(SandboxError) -> (JSONValue, JSONValue) {
    guard let parts = argument.array, parts.count == 2 else {
      throw .template("\(function.rawValue) takes \(expectation)")
    }
    return (parts[0], parts[1])
  }

  private mutating func counted(_ text: String) throws(SandboxError) -> String {
    remainingBytes -= text.utf8.count
    if remainingBytes < 0 { throw .template("its values are longer than \(Self.textLimitBytes) bytes together") }
    return text
  }
}

extension SandboxError {
  /// A template that cannot be used.
  static func template(_ reason: String) -> SandboxError {
    SandboxError(.invalidRequest, "The provisioning template is not valid: \(reason)")
  }
}
