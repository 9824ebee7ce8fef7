/// The variables of the environment that override keys.
///
/// The rule: `CERTREGD_` and the path of the key in upper case, words and sections joined by `_`. The keys of
/// `targets.NAME` are `CERTREGD_TARGET_…` and mean the default target. Four often used names are shorter. An empty
/// variable counts as not set.
enum EnvironmentVariables {
  static let prefix = "CERTREGD_"
  /// The variable that names the configuration file.
  static let configurationFile = "CERTREGD_CONFIG"
  static let targetPath = "targets.NAME."

  private static let shortNames = [
    "socket.path": "CERTREGD_SOCKET",
    "stateDirectory": "CERTREGD_STATE_DIR",
    "targets.NAME.region": "CERTREGD_REGION",
    "targets.NAME.endpoint": "CERTREGD_ENDPOINT_URL",
  ]

  /// The variable for a key with one value; `nil` for keys inside lists, of a provider's credentials and of a profile.
  static func name(ofKey path: String) -> String? {
    if let short = shortNames[path] { return short }
    if path.contains("[") || path.hasPrefix("targets.NAME.credentials.") || path.hasPrefix("provisioning.") {
      return nil
    }
    return ruledName(ofKey: path)
  }

  /// The short name that a variable has whose name follows the rule; `nil`: there is none.
  static func shortName(for name: String) -> String? {
    shortNames.first { ruledName(ofKey: $0.key) == name }?.value
  }

  /// The name that follows the rule.
  private static func ruledName(ofKey path: String) -> String {
    let plain = path.hasPrefix(targetPath) ? "target." + path.dropFirst(targetPath.count) : path
    var name = prefix
    for character in plain {
      if character == "." {
        name.append("_")
      } else if character.isUppercase {
        name += "_\(character)"
      } else {
        name += character.uppercased()
      }
    }
    return name
  }

  /// Whether a value comes from a variable of the AWS SDKs.
  static func isOfSDKs(_ origin: SettingOrigin) -> Bool {
    if case .variable(let name) = origin { name.hasPrefix("AWS_") } else { false }
  }

  /// A variable's value; `nil` if it is not set or empty.
  static func value(_ name: String, in environment: [String: String]) -> String? {
    guard let value = environment[name], !value.isEmpty else { return nil }
    return value
  }
}
