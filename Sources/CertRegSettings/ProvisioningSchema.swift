import CertRegCore

/// The `provisioning` section: one section of keys for each profile's name.
enum ProvisioningSchema {
  /// The keys of a profile as they were read. A profile of the file may lack keys that every profile needs.
  struct Draft: Sendable {
    var thing: Thing?
    var policies: [PlaceholderText]?
    var activatesLast: Bool?
    var template: String?
  }

  /// The keys of `thing`.
  struct Thing: Sendable {
    var name: PlaceholderText?
    var type: PlaceholderText?
    var attributes: [ProvisioningProfile.Attribute] = []
    var groups: [PlaceholderText]?
    var isExclusive = false
  }

  /// Most attributes of a thing that has a type, of one that has none, and most groups of a thing; most policies of a
  /// certificate (https://docs.aws.amazon.com/general/latest/gr/iot-core.html and
  /// https://docs.aws.amazon.com/iot/latest/developerguide/thing-types.html).
  private static let (attributesOfTyped, attributesOfUntyped, mostGroups, mostPolicies) = (50, 3, 10, 10)

  static let profile = KeyTable<Draft>(keys: [
    thing,
    .texts(
      "policies", \.policies, of: .policyName, most: mostPolicies,
      "Policies that the certificate gets. AWS IoT attaches at most \(mostPolicies) to a certificate."),
    .given(
      "activateLast", \.activatesLast, .boolean, defaultText: "false",
      "Register the certificate as INACTIVE and set it ACTIVE after all other steps, so that no device connects before"
        + " it is complete."),
    .given(
      "template", \.template, .path(), defaultText: "left out",
      "File of a provisioning template for RegisterThing, in place of all other keys."
        + " At most 10,240 characters. It is read at the start and at each reload."),
  ])

  private static let thingTable = KeyTable<Thing>(keys: [
    .given("name", \.name, .thingName, defaultText: "required", "Name of the thing that is made.", isRequired: true),
    .given("type", \.type, .thingType, defaultText: "left out", "The thing's type, which has to exist."),
    attributes,
    .texts(
      "groups", \.groups, of: .thingGroup, most: mostGroups,
      "Thing groups that the thing is added to. They have to exist; at most \(mostGroups)."),
    .value(
      "exclusive", \.isExclusive, .boolean,
      "Attach the certificate as `EXCLUSIVE_THING`: it can belong to no other thing."),
  ])

  private static let thing = SettingKey<Draft>(name: "thing") { node, path, draft, decoding in
    if node.content == .null { return }
    var thing = Thing()
    thingTable.decode(node, path, into: &thing, &decoding)
    draft.thing = thing
    guard case .mapping = node.content else { return }
    if node["name"] == nil { decoding.report(node.origin, path, "needs name, such as name: \"{deviceId}\"") }
    let most = node.value(at: ["type"]) == nil ? attributesOfUntyped : attributesOfTyped
    if thing.attributes.count > most {
      let key = "\(path).attributes"
      decoding.report(
        decoding.nearestOrigin(of: key), key,
        "has \(thing.attributes.count) attributes; AWS IoT takes \(attributesOfTyped) of a thing with a type and"
          + " \(attributesOfUntyped) of one without")
    }
  } encode: { draft in
    draft.thing.map { thingTable.encode($0).content } ?? .null
  } describe: { path, _ in
    thingTable.describe(path, defaults: Thing())
  }

  private static let attributes = SettingKey<Thing>(name: "attributes") { node, path, thing, decoding in
    switch node.content {
    case .null: return
    case .explicitNone, .scalar, .sequence:
      decoding.report(node.origin, path, "takes a section with a value for each attribute's name, not \(node.kind)")
    case .mapping(let members):
      decoding.note(node.origin, path)
      for member in members {
        let memberPath = ProblemList.path(path, member.key)
        do throws(ValueProblem) {
          let name = try ValueForm<String>.attributeName.parse(member.key)
          if let value = decoding.read(member.value, memberPath, .attributeValue) {
            thing.attributes.append(ProvisioningProfile.Attribute(name: name, value: value))
          }
        } catch {
          decoding.report(member.keyOrigin, memberPath, error.message, suggestion: error.suggestion)
        }
      }
      thing.attributes.sort { $0.name < $1.name }
    }
  } encode: { thing in
    thing.attributes.isEmpty
      ? .null
      : .mapping(
        thing.attributes.map {
          ConfigurationNode.Member(
            key: $0.name, keyOrigin: .builtIn, value: ConfigurationNode(.scalar($0.value.text)))
        })
  } describe: { path, _ in
    [
      KeyDescription(
        path: path, type: "section of names and texts with placeholders", defaultText: "left out",
        documentation: "The thing's attributes: at most \(attributesOfTyped), without a type \(attributesOfUntyped).",
        variable: nil, takesEffectAtReload: true, role: .other)
    ]
  }

  // MARK: The section

  static let provisioning = SettingKey<Settings>(name: "provisioning") { node, path, settings, decoding in
    switch node.content {
    case .null: return
    case .explicitNone, .scalar, .sequence:
      decoding.report(
        node.origin, path, "takes a section with a section of keys for each profile's name, not \(node.kind)")
    case .mapping(let members):
      decoding.note(node.origin, path)
      settings.provisioning = members.compactMap { decode($0, path, &decoding) }.sorted { $0.name < $1.name }
    }
  } encode: { settings in
    .mapping(
      settings.provisioning.map {
        ConfigurationNode.Member(key: $0.name, keyOrigin: .builtIn, value: profile.encode(Draft($0)))
      })
  } describe: { path, _ in
    profile.describe("\(path).NAME", defaults: Draft())
  }

  /// The word with which certregctl asks for the registration alone.
  private static let noProfile = "none"

  /// A profile with a problem is kept, so that references to its name are not reported as well.
  private static func decode(
    _ member: ConfigurationNode.Member, _ path: String, _ decoding: inout Decoding
  ) -> ProvisioningProfile? {
    let profilePath = ProblemList.path(path, member.key)
    do throws(ValueProblem) {
      let name = try ValueForm<String>.profileName.parse(member.key)
      decoding.note(member.keyOrigin, profilePath)
      var draft = Draft()
      profile.decode(member.value, profilePath, into: &draft, &decoding)
      if name == noProfile {
        decoding.report(
          member.keyOrigin, profilePath,
          "cannot be asked for: certregctl's --provision \(name) means no profile; give it another name")
      }
      check(member, profilePath, &decoding)
      return ProvisioningProfile(name: name, form: draft.form)
    } catch {
      decoding.report(member.keyOrigin, profilePath, error.message, suggestion: error.suggestion)
      return nil
    }
  }

  /// Checks whether the keys of a profile make sense together.
  private static func check(_ member: ConfigurationNode.Member, _ path: String, _ decoding: inout Decoding) {
    let given = member.value.members.filter { $0.value.content != .null }
    if given.contains(where: { $0.key == "template" }) {
      for other in given where ["thing", "policies", "activateLast"].contains(other.key) {
        decoding.report(
          other.keyOrigin, "\(path).\(other.key)", "is not possible beside template, which makes the whole device")
      }
      return
    }
    // A key with a problem of its own may be what was meant.
    if given.allSatisfy({ $0.key == "activateLast" }), member.value.isSection {
      decoding.report(member.keyOrigin, path, "does nothing: it needs a thing, policies or a template")
    }
  }
}

extension ProvisioningSchema.Draft {
  fileprivate init(_ profile: ProvisioningProfile) {
    switch profile.form {
    case .template(let template): self.template = template.file
    case .parts(let thing, let policies, let activatesLast):
      self.thing = thing.map { thing in
        ProvisioningSchema.Thing(
          name: thing.name, type: thing.type, attributes: thing.attributes,
          groups: thing.groups.isEmpty ? nil : thing.groups, isExclusive: thing.isExclusive)
      }
      self.policies = policies.isEmpty ? nil : policies
      self.activatesLast = activatesLast
    }
  }

  fileprivate var form: ProvisioningProfile.Form {
    if let template { return .template(ProvisioningProfile.Template(file: template)) }
    let thing = thing.flatMap { thing in
      thing.name.map { name in
        ProvisioningProfile.Thing(
          name: name, type: thing.type, attributes: thing.attributes, groups: thing.groups ?? [],
          isExclusive: thing.isExclusive)
      }
    }
    return .parts(thing: thing, policies: policies ?? [], activatesLast: activatesLast ?? false)
  }
}

extension ConfigurationNode {
  /// Whether it is a section of keys, or nothing.
  fileprivate var isSection: Bool {
    switch content {
    case .null, .mapping: true
    case .explicitNone, .scalar, .sequence: false
    }
  }
}

extension SettingKey {
  /// A key of a profile that has no value where it is left out, and is not printed then.
  fileprivate static func given<Value>(
    _ name: String, _ property: any WritableKeyPath<Root, Value?> & Sendable, _ form: ValueForm<Value>,
    defaultText: String, _ documentation: String, isRequired: Bool = false
  ) -> SettingKey {
    SettingKey(name: name) { node, path, root, decoding in
      if node.content == .null, !isRequired { return }
      if let value = decoding.read(node, path, form) { root[keyPath: property] = value }
    } encode: { root in
      root[keyPath: property].map { .scalar(form.format($0)) } ?? .null
    } describe: { path, _ in
      [
        KeyDescription(
          path: path, type: form.name, defaultText: defaultText, documentation: documentation, variable: nil,
          takesEffectAtReload: true, role: form.role)
      ]
    }
  }

  /// A key of a profile with a list of texts.
  fileprivate static func texts(
    _ name: String, _ property: any WritableKeyPath<Root, [PlaceholderText]?> & Sendable,
    of form: ValueForm<PlaceholderText>, most: Int, _ documentation: String
  ) -> SettingKey {
    SettingKey(name: name) { node, path, root, decoding in
      switch node.content {
      case .null: return
      case .sequence(let items):
        decoding.note(node.origin, path)
        if items.isEmpty { decoding.report(node.origin, path, "is an empty list: leave the key out") }
        if items.count > most {
          decoding.report(node.origin, path, "has \(items.count) \(name); AWS IoT takes at most \(most)")
        }
        root[keyPath: property] = items.enumerated().compactMap { decoding.read($1, "\(path)[\($0)]", form) }
      case .scalar:
        root[keyPath: property] = decoding.read(node, path, form).map { [$0] }
      case .explicitNone, .mapping:
        decoding.report(node.origin, path, "takes a list, not \(node.kind)")
      }
    } encode: { root in
      root[keyPath: property].map { .sequence($0.map { ConfigurationNode(.scalar(form.format($0))) }) } ?? .null
    } describe: { path, _ in
      [
        KeyDescription(
          path: path, type: "list of: \(form.name)", defaultText: "left out", documentation: documentation,
          variable: nil, takesEffectAtReload: true, role: .other)
      ]
    }
  }
}
