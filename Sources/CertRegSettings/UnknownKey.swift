/// What is said of a key that the schema does not have.
enum UnknownKey {
  static func report(
    _ member: ConfigurationNode.Member, path: String, siblings: [String], _ decoding: inout Decoding
  ) {
    let key = member.key
    if decoding.problems.isFull { return }
    if isSecret(key) {
      decoding.report(
        member.keyOrigin, path,
        "is a secret, and secrets are never in the configuration: keep it in a credentials file that systemd's"
          + " LoadCredential= hands over and name that with credentials: {profile: {file: PATH}}, or choose another"
          + " provider; if this file has been readable to others, replace the secret")
    } else if path == "validation.\(key)", let why = FixedRule.explanation(of: key) {
      decoding.report(member.keyOrigin, path, why)
    } else if let near = Suggestion.nearest(to: key, among: siblings) {
      decoding.report(member.keyOrigin, path, "unknown key", suggestion: near)
    } else if let elsewhere = Schema.keys.first(where: { $0.name == key })?.path {
      decoding.report(member.keyOrigin, path, "unknown key here", suggestion: elsewhere)
    } else if siblings.isEmpty {
      decoding.report(member.keyOrigin, path, "unknown key: there are no keys here")
    } else {
      decoding.report(member.keyOrigin, path, "unknown key; the keys here are \(siblings.joined(separator: ", "))")
    }
  }

  /// Whether a key is a name that the AWS tools or people give to a secret.
  private static func isSecret(_ key: String) -> Bool {
    let folded = key.lowercased().filter { $0 != "_" && $0 != "-" }
    return [
      "secretaccesskey", "accesskeyid", "accesskey", "secretkey", "sessiontoken", "securitytoken", "password", "token",
    ]
    .contains { folded.hasSuffix($0) }
  }
}
