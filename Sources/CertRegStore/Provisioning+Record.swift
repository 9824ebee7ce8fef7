import CertRegCodec
import CertRegCore

// The JSON forms of what makes devices. Members may be added, never renamed; unknown members are skipped.

extension Provisioned {
  var json: JSONValue {
    .object(of: [
      "activated": isActivated ? .bool(true) : nil,
      "completedSteps": completedSteps.map { .integer($0) }, "groups": .names(resources.groups),
      "policies": .names(resources.policies), "profile": .string(profile), "tag": tag.json,
      "thing": resources.thingName.map { .string($0) }, "thingArn": resources.thingARN.map { .string($0) },
    ])
  }

  /// `nil` if a part cannot be read: the profile is applied again then, which changes nothing that is there. A part
  /// that was left out would make a device complete that is not.
  init?(_ json: JSONValue) {
    guard let profile = json["profile"]?.string, let tag = json["tag"].flatMap(ProvisioningTag.init),
      let thingName = json.optional("thing", \.string), let thingARN = json.optional("thingArn", \.string),
      let policies = json["policies"]?.names, let groups = json["groups"]?.names,
      let completedSteps = json.optional("completedSteps", \.integer), completedSteps ?? 0 >= 0
    else { return nil }
    self.init(
      profile: profile, tag: tag,
      resources: DeviceResources(thingName: thingName, thingARN: thingARN, policies: policies, groups: groups),
      completedSteps: completedSteps, isActivated: json["activated"]?.bool ?? false)
  }
}

extension AskedFor {
  var json: JSONValue {
    .object(of: [
      "policies": .names(policies), "status": status.map { .string($0.rawValue) },
      "thing": thingName.map { .string($0) },
    ])
  }

  /// `nil` if a part cannot be read.
  init?(_ json: JSONValue) {
    guard let status = json.optional("status", { $0.string.flatMap(CertificateStatus.init) }),
      let thingName = json.optional("thing", \.string), let policies = json["policies"]?.names
    else { return nil }
    self.init(status: status, thingName: thingName, policies: policies)
  }
}

extension Provisioning {
  var json: JSONValue {
    switch work {
    case .parts(let parts):
      .object(of: [
        "activatesLast": parts.activatesLast ? .bool(true) : nil, "deviceId": deviceID.map { .string($0.text) },
        "policies": .names(parts.policies),
        "profile": .string(profile), "tag": tag.json, "thing": parts.thing?.json,
      ])
    case .template(let template):
      .object(of: [
        "parameters": .pairs(template.parameters), "profile": .string(profile), "status": template.status.json,
        "tag": tag.json, "template": .string(template.body),
      ])
    }
  }

  /// `nil` if a part cannot be read: without it the certificate would be registered, and no device be made of it.
  init?(_ json: JSONValue) {
    guard let profile = json["profile"]?.string, let tag = json["tag"].flatMap(ProvisioningTag.init) else { return nil }
    if let template = json["template"] {
      guard let body = template.string, let parameters = json["parameters"]?.pairs else { return nil }
      let filled = FilledTemplate(
        body: body, parameters: parameters, status: FilledTemplate.StatusEffect(json["status"]))
      self.init(profile: profile, tag: tag, work: .template(filled))
      return
    }
    var thing: DeviceParts.Thing?
    if let json = json["thing"] {
      guard let read = DeviceParts.Thing(json) else { return nil }
      thing = read
    }
    guard let policies = json["policies"]?.names, let activatesLast = json.optional("activatesLast", \.bool) else {
      return nil
    }
    let parts = DeviceParts(thing: thing, policies: policies, activatesLast: activatesLast ?? false)
    self.init(
      profile: profile, tag: tag, work: .parts(parts), deviceID: json["deviceId"]?.string.flatMap { DeviceID($0) })
  }
}

extension FilledTemplate.StatusEffect {
  /// The word for a status that the template leaves as it is.
  private static let keptWord = "KEPT"

  /// `nil`: not known.
  fileprivate var json: JSONValue? {
    switch self {
    case .kept: .string(Self.keptWord)
    case .set(let status): .string(status.rawValue)
    case .unknown: nil
    }
  }

  fileprivate init(_ json: JSONValue?) {
    if json?.string == Self.keptWord {
      self = .kept
    } else {
      self = json?.string.flatMap(CertificateStatus.init).map { .set($0) } ?? .unknown
    }
  }
}

extension DeviceParts.Thing {
  fileprivate var json: JSONValue {
    .object(of: [
      "attributes": .pairs(attributes), "exclusive": isExclusive ? .bool(true) : nil, "groups": .names(groups),
      "name": .string(name), "type": type.map { .string($0) },
    ])
  }

  fileprivate init?(_ json: JSONValue) {
    guard let name = json["name"]?.string, let attributes = json["attributes"]?.pairs,
      let groups = json["groups"]?.names, let type = json.optional("type", \.string),
      let isExclusive = json.optional("exclusive", \.bool)
    else { return nil }
    self.init(
      name: name, type: type, attributes: attributes, groups: groups, isExclusive: isExclusive ?? false)
  }
}

extension ProvisioningTag {
  /// In hexadecimal: numbers of JSON have 53 bits.
  fileprivate var json: JSONValue { .string(String(rawValue, radix: 16)) }

  /// `nil` for 0, too, which is no tag.
  fileprivate init?(_ json: JSONValue) {
    guard let number = json.string.flatMap({ UInt64($0, radix: 16) }), number != 0 else { return nil }
    self.init(rawValue: number)
  }
}

extension JSONValue {
  fileprivate static func names(_ names: [String]) -> JSONValue { .array(names.map { .string($0) }) }

  fileprivate static func pairs(_ pairs: [NamedText]) -> JSONValue {
    .object(pairs.map { .init($0.name, .string($0.value)) })
  }

  /// The member `name`, which may be absent (`.some(nil)`); `nil` if it is there and `read` finds no value in it.
  fileprivate func optional<Value>(_ name: String, _ read: (JSONValue) -> Value?) -> Value?? {
    guard let member = self[name] else { return .some(nil) }
    return read(member).map { .some($0) }
  }

  /// `nil` if an element is no string.
  fileprivate var names: [String]? {
    guard let elements = array else { return nil }
    let names = elements.compactMap(\.string)
    return names.count == elements.count ? names : nil
  }

  /// `nil` if a member is no string.
  fileprivate var pairs: [NamedText]? {
    guard let members else { return nil }
    let pairs = members.compactMap { member in member.value.string.map { NamedText(member.name, $0) } }
    return pairs.count == members.count ? pairs : nil
  }
}
