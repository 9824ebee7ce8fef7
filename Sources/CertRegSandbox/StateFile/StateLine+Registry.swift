import CertRegCodec
import CertRegCore

// The lines of things, thing types, groups, policies and their attachments. Targets and principals stand in them as
// `cert/ID`, `thinggroup/NAME` or `identity/ID`.
extension StateLine {
  /// The line of a change to anything but certificates.
  static func registryLine(_ change: RegisterChange) -> JSONValue {
    switch change {
    case .setThing(let thing):
      .object(of: [
        "attributes": .map(thing.attributes), "change": .string("setThing"), "id": .string(thing.id.description),
        "thing": .string(thing.name), "type": thing.typeName.map { .string($0) }, "version": .integer(thing.version),
      ])
    case .setThingType(let type):
      .object(of: [
        "at": .time(type.createdAt), "change": .string("setThingType"),
        "deprecated": type.deprecatedAt.map { .time($0) },
        "description": type.properties.description.map { .string($0) }, "id": .string(type.id.description),
        "mqtt5Configuration": type.properties.mqtt5Configuration,
        "searchableAttributes": .array(type.properties.searchableAttributes.map { .string($0) }),
        "type": .string(type.name),
      ])
    case .setThingGroup(let group):
      .object(of: [
        "at": .time(group.createdAt), "attributes": .map(group.attributes), "change": .string("setThingGroup"),
        "description": group.description.map { .string($0) }, "group": .string(group.name),
        "id": .string(group.id.description), "parent": group.parentName.map { .string($0) },
      ])
    case .setPolicy(let policy):
      .object(of: [
        "at": .time(policy.createdAt), "change": .string("setPolicy"), "document": .string(policy.document),
        "generationId": .string(policy.generationID.description), "policy": .string(policy.name),
      ])
    case .deleteThing(let name): named("deleteThing", ("thing", name))
    case .deleteThingType(let name): named("deleteThingType", ("type", name))
    case .deleteThingGroup(let name): named("deleteThingGroup", ("group", name))
    case .deletePolicy(let name): named("deletePolicy", ("policy", name))
    case .addToGroup(let thing, let group): named("addToGroup", ("group", group), ("thing", thing))
    case .removeFromGroup(let thing, let group): named("removeFromGroup", ("group", group), ("thing", thing))
    case .attachPolicy(let name, let target): named("attachPolicy", ("policy", name), ("target", target.resource))
    case .detachPolicy(let name, let target): named("detachPolicy", ("policy", name), ("target", target.resource))
    case .attachPrincipal(let principal, let thing, let type):
      named("attachPrincipal", ("principal", principal.resource), ("thing", thing), ("type", type.rawValue))
    case .detachPrincipal(let principal, let thing):
      named("detachPrincipal", ("principal", principal.resource), ("thing", thing))
    case .register, .setStatus, .delete: preconditionFailure("a change to a certificate has its own line")
    }
  }

  private static func named(_ kind: String, _ members: (name: String, text: String)...) -> JSONValue {
    .object(
      [JSONValue.Member("change", .string(kind))] + members.map { JSONValue.Member($0.name, .string($0.text)) })
  }

  /// Versions of things: far from where an update could not count on.
  private static let versions = 1...(1 << 53)

  /// How each kind of change is read; the functions return `nil` if a member is missing or damaged.
  static let registryChanges: [String: @Sendable (JSONValue) -> RegisterChange?] = [
    "setThing": { json in
      guard let name = json.text("thing"), let id = json.id("id"), let attributes = json.texts("attributes"),
        let version = json["version"]?.integer, versions.contains(version), let type = json.optional("type", \.string)
      else { return nil }
      return .setThing(Thing(name: name, id: id, typeName: type, attributes: attributes, version: version))
    },
    "setThingType": { json in
      guard let name = json.text("type"), let id = json.id("id"), let createdAt = json.time("at"),
        let elements = json["searchableAttributes"]?.array, let description = json.optional("description", \.string),
        let mqtt5 = json.optional("mqtt5Configuration", { $0.members == nil ? nil : $0 }),
        let deprecatedAt = json.optional("deprecated", \.time)
      else { return nil }
      let searchable = elements.compactMap(\.string)
      guard searchable.count == elements.count else { return nil }
      let properties = ThingTypeProperties(
        description: description, searchableAttributes: searchable, mqtt5Configuration: mqtt5)
      return .setThingType(
        ThingType(name: name, id: id, properties: properties, createdAt: createdAt, deprecatedAt: deprecatedAt))
    },
    "setThingGroup": { json in
      guard let name = json.text("group"), let id = json.id("id"), let createdAt = json.time("at"),
        let attributes = json.texts("attributes"), let parent = json.optional("parent", \.string),
        let description = json.optional("description", \.string)
      else { return nil }
      return .setThingGroup(
        ThingGroup(
          name: name, id: id, parentName: parent, description: description, attributes: attributes,
          createdAt: createdAt))
    },
    "setPolicy": { json in
      guard let name = json.text("policy"), let document = json.text("document"), let createdAt = json.time("at"),
        let generationID = json.id("generationId")
      else { return nil }
      return .setPolicy(Policy(name: name, document: document, createdAt: createdAt, generationID: generationID))
    },
    "deleteThing": { json in json.text("thing").map { .deleteThing(name: $0) } },
    "deleteThingType": { json in json.text("type").map { .deleteThingType(name: $0) } },
    "deleteThingGroup": { json in json.text("group").map { .deleteThingGroup(name: $0) } },
    "deletePolicy": { json in json.text("policy").map { .deletePolicy(name: $0) } },
    "addToGroup": { json in
      guard let thing = json.text("thing"), let group = json.text("group") else { return nil }
      return .addToGroup(thingName: thing, groupName: group)
    },
    "removeFromGroup": { json in
      guard let thing = json.text("thing"), let group = json.text("group") else { return nil }
      return .removeFromGroup(thingName: thing, groupName: group)
    },
    "attachPolicy": { json in
      guard let name = json.text("policy"), let target = json.target("target") else { return nil }
      return .attachPolicy(name: name, target)
    },
    "detachPolicy": { json in
      guard let name = json.text("policy"), let target = json.target("target") else { return nil }
      return .detachPolicy(name: name, target)
    },
    "attachPrincipal": { json in
      guard let principal = json.target("principal"), let thing = json.text("thing"),
        let type = json.text("type").flatMap({ ThingPrincipalType(rawValue: $0) })
      else { return nil }
      return .attachPrincipal(principal, thingName: thing, type)
    },
    "detachPrincipal": { json in
      guard let principal = json.target("principal"), let thing = json.text("thing") else { return nil }
      return .detachPrincipal(principal, thingName: thing)
    },
  ]
}

extension JSONValue {
  /// What `read` makes of a member, within `nil` if there is no such member; `nil` if it makes nothing of it.
  fileprivate func optional<Value>(_ name: String, _ read: (JSONValue) -> Value?) -> Value?? {
    guard let value = self[name] else { return .some(nil) }
    return read(value).map { .some($0) }
  }

  fileprivate func text(_ name: String) -> String? { self[name]?.string }

  fileprivate func id(_ name: String) -> UniqueID? { text(name).flatMap { UniqueID($0) } }

  fileprivate func target(_ name: String) -> Target? { text(name).flatMap { Target(resource: $0) } }

  fileprivate func texts(_ name: String) -> [String: String]? {
    guard let members = self[name]?.members else { return nil }
    let texts = members.compactMap { member in member.value.string.map { (member.name, $0) } }
    return texts.count == members.count ? Dictionary(texts) { $1 } : nil
  }
}
