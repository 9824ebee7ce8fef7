import CertRegCore

/// A key that differs between two configurations.
package struct SettingsChange: Hashable, Sendable {
  /// `socket.window`, `targets.default.region`; a list counts as one value.
  package var key: String
  /// Whether the new value is used without a restart.
  package var takesEffectAtReload: Bool
}

extension Settings {
  /// What a reload from `old` to this configuration changes, sorted by key.
  package func changes(from old: Settings) -> [SettingsChange] {
    let before = Settings.leaves(Schema.root.encode(old), "")
    let after = Settings.leaves(Schema.root.encode(self), "")
    let restart = Set(Schema.keys.filter { !$0.takesEffectAtReload }.map(\.path))
    return Set(before.keys).union(after.keys).sorted().compactMap { (key) -> SettingsChange? in
      guard before[key] != after[key] else { return nil }
      return SettingsChange(key: key, takesEffectAtReload: !restart.contains(key))
    }
  }

  /// These settings, with the values in force for settings that take effect only at a restart.
  package func atReload(of inForce: Settings) -> Settings {
    var settings = self
    Schema.root.keepUntilRestart(&settings, inForce: inForce)
    return settings
  }

  private static func leaves(_ node: ConfigurationNode, _ path: String) -> [String: ConfigurationNode.Content] {
    guard case .mapping(let members) = node.content else { return [path: node.content] }
    return members.reduce(into: [:]) { all, member in
      let key = path.isEmpty ? member.key : "\(path).\(member.key)"
      all.merge(leaves(member.value, key)) { $1 }
    }
  }
}
