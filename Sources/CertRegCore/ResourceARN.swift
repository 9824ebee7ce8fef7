/// An ARN of AWS IoT: `arn:PARTITION:iot:REGION:ACCOUNT:TYPE/NAME` (AWS Service Authorization Reference, "Resource
/// types defined by AWS IoT").
package struct ResourceARN: Hashable, Sendable {
  /// The types that a device consists of.
  package enum Kind: Hashable, Sendable {
    case thing(String)
    case policy(String)
    case group(String)
    /// The text of its ID.
    case certificate(String)
    case other
  }

  /// The greatest length of an ARN, in bytes.
  package static let maxBytes = 512
  /// The greatest length of a name, in characters (API reference, ThingName, PolicyName and ThingGroupName).
  private static let maxNameCharacters = 128

  /// What it names.
  package let kind: Kind

  /// `nil`: it is not such an ARN. Answers from memory hold the text as it is, so it has to be ASCII that JSON does not
  /// escape.
  package init?(_ text: String) {
    // The name of a thing may have colons.
    let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
    guard ResourceARN.isPlain(text), parts.count == 6, parts[0] == "arn", parts[2] == "iot",
      !parts[1].isEmpty, !parts[3].isEmpty, !parts[4].isEmpty, let slash = parts[5].firstIndex(of: "/")
    else { return nil }
    let name = String(parts[5][parts[5].index(after: slash)...])
    guard !name.isEmpty else { return nil }
    switch parts[5][..<slash] {
    case "thing": kind = .thing(name)
    case "policy": kind = .policy(name)
    case "thinggroup": kind = .group(name)
    case "cert": kind = .certificate(name)
    default: kind = .other
    }
    guard name.utf8.count <= ResourceARN.maxNameCharacters || kind == .other else { return nil }
  }

  /// Whether a text is short and of visible ASCII characters without quotes and backslashes.
  static func isPlain(_ text: String) -> Bool {
    text.utf8.count <= maxBytes && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x5c }
  }
}
