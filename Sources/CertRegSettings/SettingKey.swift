/// One key of a section: how it is read into a `Root` and written from it.
struct SettingKey<Root: Sendable>: Sendable {
  var name: String
  /// Whether `--print-config` shows the key while it has no value.
  var isShownWithoutValue = false
  /// The path is that of the key itself.
  var decode: @Sendable (_ node: ConfigurationNode, _ path: String, inout Root, inout Decoding) -> Void
  var encode: @Sendable (Root) -> ConfigurationNode.Content
  /// The key and all below it, defaults taken from a `Root`.
  var describe: @Sendable (_ path: String, _ defaults: Root) -> [KeyDescription]
  /// Restores the setting from those in force, if it takes effect only at a restart.
  var keepUntilRestart: @Sendable (inout Root, _ inForce: Root) -> Void = { _, _ in }
}

extension SettingKey {
  /// A key with one value.
  static func value<Value>(
    _ name: String, _ property: any WritableKeyPath<Root, Value> & Sendable, _ form: ValueForm<Value>,
    _ documentation: String, atReload: Bool = true
  ) -> SettingKey {
    SettingKey(name: name) { node, path, root, decoding in
      if let value = decoding.read(node, path, form) { root[keyPath: property] = value }
    } encode: { root in
      .scalar(form.format(root[keyPath: property]))
    } describe: { path, defaults in
      [
        KeyDescription(
          path: path, type: form.name, defaultText: form.format(defaults[keyPath: property]),
          documentation: documentation,
          variable: EnvironmentVariables.name(ofKey: path), takesEffectAtReload: atReload, role: form.role)
      ]
    } keepUntilRestart: { root, inForce in
      if !atReload { root[keyPath: property] = inForce[keyPath: property] }
    }
  }

  /// A key whose value may be absent, which the file says with `none`. Left out, it has its default.
  static func optional<Value>(
    _ name: String, _ property: any WritableKeyPath<Root, Value?> & Sendable, _ form: ValueForm<Value>,
    _ documentation: String, atReload: Bool = true
  ) -> SettingKey {
    SettingKey(name: name) { node, path, root, decoding in
      switch node.content {
      case .null: return
      case .explicitNone:
        decoding.note(node.origin, path)
        root[keyPath: property] = nil
      case .scalar, .sequence, .mapping:
        if let value = decoding.read(node, path, form) { root[keyPath: property] = value }
      }
    } encode: { root in
      root[keyPath: property].map { .scalar(form.format($0)) } ?? .explicitNone
    } describe: { path, defaults in
      [
        KeyDescription(
          path: path, type: form.name + ", or `none`",
          defaultText: defaults[keyPath: property].map(form.format) ?? "none",
          documentation: documentation, variable: EnvironmentVariables.name(ofKey: path), takesEffectAtReload: atReload,
          role: form.role)
      ]
    } keepUntilRestart: { root, inForce in
      if !atReload { root[keyPath: property] = inForce[keyPath: property] }
    }
  }

  /// A key that has a default if it is left out.
  ///
  /// - Parameter none: What `none` stands for, which takes the default away; `nil`: `none` is refused.
  static func leftOut<Value>(
    _ name: String, _ property: any WritableKeyPath<Root, Value?> & Sendable, _ form: ValueForm<Value>,
    _ documentation: String, none: Value? = nil, atReload: Bool = true
  ) -> SettingKey {
    SettingKey(name: name, isShownWithoutValue: true) { node, path, root, decoding in
      switch (node.content, none) {
      case (.null, _): return
      case (.explicitNone, let none?):
        decoding.note(node.origin, path)
        root[keyPath: property] = none
      default:
        if let value = decoding.read(node, path, form) { root[keyPath: property] = value }
      }
    } encode: { root in
      root[keyPath: property].map { .scalar(form.format($0)) } ?? .null
    } describe: { path, _ in
      [
        KeyDescription(
          path: path, type: form.name + (none == nil ? "" : ", or `none`"), defaultText: "left out",
          documentation: documentation, variable: EnvironmentVariables.name(ofKey: path),
          takesEffectAtReload: atReload, role: form.role)
      ]
    } keepUntilRestart: { root, inForce in
      if !atReload { root[keyPath: property] = inForce[keyPath: property] }
    }
  }

  /// A key that grants or restricts something where it is given, and that is left out otherwise. `none` and an empty
  /// value are refused: a reader could take either for "nobody" or "nothing", while a key that is left out stands for
  /// everything.
  static func ifGiven<Value>(
    _ name: String, _ property: any WritableKeyPath<Root, Value?> & Sendable, _ form: ValueForm<Value>,
    _ documentation: String
  ) -> SettingKey {
    SettingKey(name: name) { node, path, root, decoding in
      if decoding.isGiven(node, path), let value = decoding.read(node, path, form) { root[keyPath: property] = value }
    } encode: { root in
      root[keyPath: property].map { .scalar(form.format($0)) } ?? .null
    } describe: { path, defaults in
      [
        KeyDescription(
          path: path, type: form.name, defaultText: defaults[keyPath: property].map(form.format) ?? "left out",
          documentation: documentation, variable: nil, takesEffectAtReload: true, role: form.role)
      ]
    }
  }

  /// A key with a list of values that is left out where it restricts nothing. `none` and empty lists are refused.
  static func list<Value>(
    _ name: String, _ property: any WritableKeyPath<Root, [Value]?> & Sendable, of form: ValueForm<Value>,
    _ documentation: String
  ) -> SettingKey {
    SettingKey(name: name) { node, path, root, decoding in
      guard decoding.isGiven(node, path) else { return }
      switch node.content {
      case .null, .explicitNone: return
      case .sequence(let items):
        if items.isEmpty { decoding.report(node.origin, path, "is an empty list: leave the key out to mean all") }
        decoding.note(node.origin, path)
        root[keyPath: property] = items.enumerated().compactMap { decoding.read($1, "\(path)[\($0)]", form) }
      case .scalar:
        root[keyPath: property] = decoding.read(node, path, form).map { [$0] }
      case .mapping:
        decoding.report(node.origin, path, "takes a list, not \(node.kind)")
      }
    } encode: { root in
      root[keyPath: property].map { .sequence($0.map { ConfigurationNode(.scalar(form.format($0))) }) } ?? .null
    } describe: { path, defaults in
      [
        KeyDescription(
          path: path, type: "list of: \(form.name)",
          defaultText: defaults[keyPath: property] == nil ? "left out" : "[]",
          documentation: documentation, variable: nil, takesEffectAtReload: true, role: .other)
      ]
    }
  }

  /// A section of keys.
  static func section<Section>(
    _ name: String, _ property: any WritableKeyPath<Root, Section> & Sendable, _ table: KeyTable<Section>
  ) -> SettingKey {
    SettingKey(name: name) { node, path, root, decoding in
      table.decode(node, path, into: &root[keyPath: property], &decoding)
    } encode: { root in
      table.encode(root[keyPath: property]).content
    } describe: { path, defaults in
      table.describe(path, defaults: defaults[keyPath: property])
    } keepUntilRestart: { root, inForce in
      table.keepUntilRestart(&root[keyPath: property], inForce: inForce[keyPath: property])
    }
  }
}
