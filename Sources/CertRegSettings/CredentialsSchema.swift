import CertRegCore

/// The `credentials` key of a target: a provider's name, or a section with one provider and its settings.
enum CredentialsSchema {
  struct Field: Sendable {
    var name: String
    var form: ValueForm<String>
    var isRequired = false
    var documentation: String
  }

  /// One provider. Values travel between the file and Core's type by the names of the fields.
  struct Provider: Sendable {
    var name: String
    var fields: [Field] = []
    /// The field that a single value sets.
    var shorthand: String?
    /// Called with all required fields present.
    var make: @Sendable ([String: String]) -> CredentialsConfiguration
    /// `nil`: these are another provider's credentials.
    var values: @Sendable (CredentialsConfiguration) -> [String: String?]?
  }

  static let credentials = SettingKey<TargetConfiguration>(name: "credentials") { node, path, target, decoding in
    if let credentials = decode(node, path, &decoding) { target.credentials = credentials }
  } encode: { target in
    encode(target.credentials)
  } describe: { path, _ in
    let words = CredentialProviders.all.map { "`\($0.name)`" }.joined(separator: ", ")
    let own = KeyDescription(
      path: path, type: "\(words); those with settings as a section", defaultText: "chain",
      documentation: "Source of the target's credentials: the provider chain of the AWS SDKs, or one provider.",
      variable: EnvironmentVariables.name(ofKey: path), takesEffectAtReload: true, role: .other)
    let fields = CredentialProviders.all.flatMap { provider in
      provider.fields.map { field in
        KeyDescription(
          path: "\(path).\(provider.name).\(field.name)", type: field.form.name,
          defaultText: field.isRequired ? "required" : "left out", documentation: field.documentation, variable: nil,
          takesEffectAtReload: true, role: field.form.role)
      }
    }
    return [own] + fields
  }

  private static func decode(
    _ node: ConfigurationNode, _ path: String, _ decoding: inout Decoding
  ) -> CredentialsConfiguration? {
    let names = CredentialProviders.all.map(\.name)
    switch node.content {
    case .null: return nil
    case .scalar(let name):
      decoding.note(node.origin, path)
      guard let provider = CredentialProviders.all.first(where: { $0.name == name }) else {
        decoding.report(
          node.origin, path, "\(quoted(name)) is not a provider: \(names.joined(separator: ", "))",
          suggestion: Suggestion.nearest(to: name, among: names))
        return nil
      }
      return decode(provider, ConfigurationNode(.null, origin: node.origin), "\(path).\(name)", &decoding)
    case .explicitNone, .sequence:
      decoding.report(
        node.origin, path, "takes the name of one provider, or a section with one provider, not \(node.kind)")
      return nil
    case .mapping(let members):
      decoding.note(node.origin, path)
      let known = members.filter { names.contains($0.key) }
      for member in members where !names.contains(member.key) {
        UnknownKey.report(member, path: "\(path).\(member.key)", siblings: names, &decoding)
      }
      guard let first = known.first, let provider = CredentialProviders.all.first(where: { $0.name == first.key })
      else {
        if members.isEmpty { decoding.report(node.origin, path, "names no provider: \(names.joined(separator: ", "))") }
        return nil
      }
      for other in known.dropFirst() {
        decoding.report(other.keyOrigin, "\(path).\(other.key)", "is a second provider beside \(first.key): choose one")
      }
      return decode(provider, first.value, "\(path).\(first.key)", &decoding)
    }
  }

  private static func decode(
    _ provider: Provider, _ node: ConfigurationNode, _ path: String, _ decoding: inout Decoding
  ) -> CredentialsConfiguration? {
    var members = node.members
    if case .scalar = node.content, let shorthand = provider.shorthand {
      members = [ConfigurationNode.Member(key: shorthand, keyOrigin: node.origin, value: node)]
    } else if members.isEmpty, node.content != .null, node.content != .mapping([]) {
      decoding.report(node.origin, path, "takes a section of keys, not \(node.kind)")
      return nil
    }
    var values: [String: String] = [:]
    var isComplete = true
    for member in members {
      let fieldPath = "\(path).\(member.key)"
      guard let field = provider.fields.first(where: { $0.name == member.key }) else {
        UnknownKey.report(member, path: fieldPath, siblings: provider.fields.map(\.name), &decoding)
        continue
      }
      if member.value.content == .null, !field.isRequired { continue }
      if let value = decoding.read(member.value, fieldPath, field.form) {
        values[field.name] = value
      } else {
        isComplete = false
      }
    }
    for field in provider.fields where field.isRequired && !members.contains(where: { $0.key == field.name }) {
      decoding.report(node.origin, path, "needs \(field.name)")
      isComplete = false
    }
    return isComplete ? provider.make(values) : nil
  }

  private static func encode(_ credentials: CredentialsConfiguration) -> ConfigurationNode.Content {
    for provider in CredentialProviders.all {
      guard let values = provider.values(credentials) else { continue }
      let members = provider.fields.compactMap { field in
        (values[field.name] ?? nil).map {
          ConfigurationNode.Member(key: field.name, keyOrigin: .builtIn, value: ConfigurationNode(.scalar($0)))
        }
      }
      if members.isEmpty { return .scalar(provider.name) }
      return .mapping([
        ConfigurationNode.Member(
          key: provider.name, keyOrigin: .builtIn, value: ConfigurationNode(.mapping(members)))
      ])
    }
    return .scalar("chain")
  }
}
