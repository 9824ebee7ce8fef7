/// The keys of a section.
struct KeyTable<Root: Sendable>: Sendable {
  var keys: [SettingKey<Root>]

  /// Reads a section. Unknown keys are problems; keys that are left out keep what `root` has.
  func decode(_ node: ConfigurationNode, _ path: String, into root: inout Root, _ decoding: inout Decoding) {
    switch node.content {
    case .null: return
    case .explicitNone, .scalar, .sequence:
      let example = keys.prefix(3).map(\.name).joined(separator: ", ")
      decoding.report(node.origin, path, "takes a section of keys (\(example) …), not \(node.kind)")
    case .mapping(let members):
      for member in members {
        let memberPath = ProblemList.path(path, member.key)
        if let key = keys.first(where: { $0.name == member.key }) {
          key.decode(member.value, memberPath, &root, &decoding)
        } else {
          UnknownKey.report(member, path: memberPath, siblings: keys.map(\.name), &decoding)
        }
      }
    }
  }

  /// Writes a section. Most keys whose content is `null` are left out.
  func encode(_ root: Root) -> ConfigurationNode {
    ConfigurationNode(
      .mapping(
        keys.compactMap { key in
          let content = key.encode(root)
          guard content != .null || key.isShownWithoutValue else { return nil }
          return ConfigurationNode.Member(key: key.name, keyOrigin: .builtIn, value: ConfigurationNode(content))
        }))
  }

  func keepUntilRestart(_ root: inout Root, inForce: Root) {
    for key in keys { key.keepUntilRestart(&root, inForce) }
  }

  func describe(_ path: String, defaults: Root) -> [KeyDescription] {
    keys.flatMap { $0.describe(path.isEmpty ? $0.name : "\(path).\($0.name)", defaults) }
  }
}
