/// What the service model demands of a text: its length in code points and a pattern.
struct TextConstraint: Sendable {
  private let length: ClosedRange<Int>
  private let pattern: String
  private let allows: @Sendable (Unicode.Scalar) -> Bool

  /// - Parameters:
  ///   - pattern: The pattern of the service model, for messages.
  ///   - allows: Which characters the pattern allows.
  private init(
    _ length: ClosedRange<Int>, pattern: String, allows: @escaping @Sendable (Unicode.Scalar) -> Bool
  ) {
    self.length = length
    self.pattern = pattern
    self.allows = allows
  }

  /// Returns the text if it satisfies the constraint.
  ///
  /// - Throws: InvalidRequestException.
  func check(_ text: String, at member: String) throws(SandboxError) -> String {
    let count = text.unicodeScalars.count
    if count < length.lowerBound {
      throw .constraint(
        "Member must have length greater than or equal to \(length.lowerBound)", at: member, value: text)
    }
    if count > length.upperBound {
      throw .constraint(
        "Member must have length less than or equal to \(length.upperBound)", at: member,
        // A value that is long by nature is not repeated.
        value: length.upperBound > 1_000 ? nil : text)
    }
    guard text.unicodeScalars.allSatisfy(allows) else {
      throw .constraint("Member must satisfy regular expression pattern: \(pattern)", at: member, value: text)
    }
    return text
  }
}

extension TextConstraint {
  /// Names of things, thing types and groups.
  static let name = TextConstraint(1...128, pattern: "[a-zA-Z0-9:_-]+") { isWord($0, or: ":-") }
  /// `PolicyName`.
  static let policyName = TextConstraint(1...128, pattern: "[\\w+=,.@-]+") { isWord($0, or: "+=,.@-") }
  /// `AttributeName`.
  static let attributeName = TextConstraint(1...128, pattern: "[a-zA-Z0-9_.,@/:#-]+") { isWord($0, or: ".,@/:#-") }
  /// `AttributeValue`.
  static let attributeValue = TextConstraint(0...800, pattern: "[a-zA-Z0-9_.,@/:#=\\[\\]-]*") {
    isWord($0, or: ".,@/:#=[]-")
  }
  /// `ThingTypeDescription` and `ThingGroupDescription`.
  static let description = TextConstraint(0...2028, pattern: "[\\p{Graph}\\x20]*") { (" "..."~").contains($0) }
  /// `PolicyDocument`.
  static let policyDocument = TextConstraint(0...404_600, pattern: "[\\s\\S]*") { _ in true }
  /// `CertificatePem`. The members of this and the following constraints may be anything.
  static let certificatePEM = TextConstraint(1...65_536, pattern: "[\\s\\S]*") { _ in true }
  /// `TemplateBody`.
  static let templateBody = TextConstraint(0...10_240, pattern: "[\\s\\S]*") { _ in true }
  /// Names of parameters of a template.
  static let parameterName = TextConstraint(0...2_048, pattern: "[\\s\\S]*") { _ in true }
  /// Values of parameters of a template.
  static let parameterValue = TextConstraint(0...4_096, pattern: "[\\s\\S]*") { _ in true }
  /// `ServiceCode` of Service Quotas.
  static let serviceCode = TextConstraint(1...63, pattern: "[a-zA-Z][a-zA-Z0-9-]{1,63}") { isWord($0, or: "-") }
  /// `QuotaCode` of Service Quotas.
  static let quotaCode = TextConstraint(1...128, pattern: "[a-zA-Z][a-zA-Z0-9-]{1,128}") { isWord($0, or: "-") }

  /// Letters and digits of ASCII, `_`, and the characters in `others`.
  private static func isWord(_ scalar: Unicode.Scalar, or others: String) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "_": true
    default: others.unicodeScalars.contains(scalar)
    }
  }
}
