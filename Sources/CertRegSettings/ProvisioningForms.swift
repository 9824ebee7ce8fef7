import CertRegCore

// The limits are those of CreateThing, AttachPolicy and AddThingToThingGroup in the API reference of AWS IoT
// (https://docs.aws.amazon.com/iot/latest/apireference/).

extension ValueForm<String> {
  static let profileName = name("a profile's name", 1...64, also: "_-")

  /// The name of a thing's attribute: `[a-zA-Z0-9_.,@/:#-]{1,128}`.
  static let attributeName = name("an attribute's name", 1...128, also: "_.,@/:#-")
}

extension ValueForm<PlaceholderText> {
  /// ThingName: `[a-zA-Z0-9:_-]{1,128}`.
  static let thingName = placeholders("a thing's name", 128, also: ":_-")
  /// ThingTypeName: `[a-zA-Z0-9:_-]{1,128}`.
  static let thingType = placeholders("a thing type's name", 128, also: ":_-")
  /// ThingGroupName: `[a-zA-Z0-9:_-]{1,128}`.
  static let thingGroup = placeholders("a thing group's name", 128, also: ":_-")
  /// PolicyName: `[\w+=,.@-]{1,128}`.
  static let policyName = placeholders("a policy's name", 128, also: "_+=,.@-")
  /// AttributeValue: `[a-zA-Z0-9_.,@/:#=\[\]-]*`, at most 800.
  static let attributeValue = placeholders("an attribute's value", 800, also: "_.,@/:#=[]-")

  /// A text with placeholders, whose literal parts are checked here. Values of placeholders are checked when a request
  /// gives them. `meaning` completes "… is not".
  private static func placeholders(_ meaning: String, _ limit: Int, also punctuation: String) -> ValueForm {
    ValueForm(name: "\(meaning), with placeholders") { (text) throws(ValueProblem) -> PlaceholderText in
      try plainText(text, limit: 4096)
      let parsed: PlaceholderText
      do throws(PlaceholderText.Fault) { parsed = try PlaceholderText(text) } catch {
        let fault =
          switch error {
          case .unpairedBrace: "has a brace without its partner"
          case .emptyPlaceholder: "has {} without a name in it"
          }
        throw ValueProblem("\(quoted(text)) \(fault): a placeholder is written as {deviceId}")
      }
      let literals = parsed.pieces.flatMap { piece in
        if case .literal(let text) = piece { Array(text.unicodeScalars) } else { [Unicode.Scalar]() }
      }
      let allowed = literals.allSatisfy { isLetterOrDigit($0) || punctuation.unicodeScalars.contains($0) }
      guard allowed, literals.count <= limit else {
        throw ValueProblem(
          "\(quoted(text)) is not \(meaning): 1 to \(limit) letters, digits or \(spaced(punctuation)), and placeholders"
            + " such as {deviceId}")
      }
      return parsed
    } format: {
      $0.text
    }
  }
}

extension ValueForm<RegistrationRate> {
  /// A number of calls a second, or `account`.
  static func registrationRate(_ range: ClosedRange<Double>) -> ValueForm {
    let number = ValueForm<Double>.number(range)
    return ValueForm(name: "\(number.name), `account`") { (text) throws(ValueProblem) -> RegistrationRate in
      if text == "account" { return .account }
      do throws(ValueProblem) { return .number(try number.parse(text)) } catch {
        throw ValueProblem(error.message, suggestion: Suggestion.nearest(to: text, among: ["account"]))
      }
    } format: { rate in
      switch rate {
      case .account: "account"
      case .number(let value): number.format(value)
      }
    }
  }
}

/// What `ratePerSecond` of a target may say.
enum RegistrationRate: Sendable {
  /// The account's own rate, which Service Quotas knows.
  case account
  /// Calls a second.
  case number(Double)
}
