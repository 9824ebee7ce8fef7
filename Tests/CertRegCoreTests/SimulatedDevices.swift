import CertRegCore
import CertRegTesting

/// Things, groups and policies of all targets, and what is attached to certificates.
struct SimulatedDevices {
  private struct Name: Hashable {
    var target: TargetName
    var name: String
  }

  private struct Thing: Hashable {
    var type: String?
    var attributes: [NamedText]
  }

  private struct Attachment: Hashable {
    var key: RegistrationKey
    var action: ProvisioningAction
  }

  private var things: [Name: Thing] = [:]
  private var groups: Set<Name> = []
  private var policies: Set<Name> = []
  private var members: [Name: Set<String>] = [:]
  private var attachments: Set<Attachment> = []

  /// Policies and groups of these names exist from the beginning; the others once somebody makes them.
  private static let existing: Set<String> = ["common"]

  /// Whether the effect of an action is there.
  func has(_ action: ProvisioningAction, _ key: RegistrationKey) -> Bool {
    switch action {
    case .createThing(let name, let type, let attributes):
      things[Name(target: key.target, name: name)] == Thing(type: type, attributes: attributes)
    case .addThingToThingGroup(let thing, let group):
      members[Name(target: key.target, name: group)]?.contains(thing) ?? false
    case .attachPolicy, .attachThingPrincipal, .registerThing:
      attachments.contains(Attachment(key: key, action: action))
    }
  }

  /// Carries out an action.
  ///
  /// - Returns: The reason for which the upstream refuses it; `nil`: it is done.
  mutating func take(_ action: ProvisioningAction, _ key: RegistrationKey) -> (ServiceError.Kind, Reason)? {
    switch action {
    case .createThing(let name, let type, let attributes):
      let (name, thing) = (Name(target: key.target, name: name), Thing(type: type, attributes: attributes))
      if let present = things[name], present != thing { return (.resourceAlreadyExists, .thingDiffers) }
      things[name] = thing
    case .addThingToThingGroup(let thing, let group):
      let name = Name(target: key.target, name: group)
      guard things[Name(target: key.target, name: thing)] != nil, groups.contains(name) else {
        return (.resourceNotFound, "thing_group_not_found")
      }
      members[name, default: []].insert(thing)
    case .attachPolicy(let policy):
      guard Self.existing.contains(policy) || policies.contains(Name(target: key.target, name: policy)) else {
        return (.resourceNotFound, "policy_not_found")
      }
      attachments.insert(Attachment(key: key, action: action))
    case .attachThingPrincipal(let thing, _):
      guard things[Name(target: key.target, name: thing)] != nil else { return (.resourceNotFound, "thing_not_found") }
      attachments.insert(Attachment(key: key, action: action))
    case .registerThing: attachments.insert(Attachment(key: key, action: action))
    }
    return nil
  }

  /// Somebody makes what a step needs, or a thing that is not the one that the step makes.
  mutating func prepare(_ action: ProvisioningAction, in target: TargetName) {
    switch action {
    case .createThing(let name, _, _):
      let name = Name(target: target, name: name)
      if things[name] == nil { things[name] = Thing(type: "another", attributes: []) }
    case .addThingToThingGroup(_, let group): groups.insert(Name(target: target, name: group))
    case .attachPolicy(let policy): policies.insert(Name(target: target, name: policy))
    case .attachThingPrincipal, .registerThing: break
    }
  }

  /// Somebody detaches a part of a device from its certificate. A thing is attached last, so that only of a device that
  /// is complete it is known that it was attached.
  mutating func detach(_ device: Provisioned, _ key: RegistrationKey, _ number: UInt64) {
    let things = attachments.filter {
      if $0.key == key, case .attachThingPrincipal(device.resources.thingName, _) = $0.action { true } else { false }
    }.filter { _ in device.isComplete }
    let policies = device.resources.policies.map { Attachment(key: key, action: .attachPolicy($0)) }
    let parts = things + policies
    if !parts.isEmpty { attachments.remove(parts[Int(number % UInt64(parts.count))]) }
  }

  /// The names of the things and of the policies that are attached to a certificate.
  func attached(to key: RegistrationKey) -> (things: [String], policies: [String]) {
    var (things, policies): ([String], [String]) = ([], [])
    for attachment in attachments where attachment.key == key {
      switch attachment.action {
      case .attachThingPrincipal(let thing, _): things.append(thing)
      case .attachPolicy(let policy): policies.append(policy)
      case .createThing, .addThingToThingGroup, .registerThing: break
      }
    }
    return (things, policies)
  }

  /// Whether all of a profile is there.
  func hasDevice(of provisioning: Provisioning, _ key: RegistrationKey) -> Bool {
    provisioning.expectedActions.allSatisfy { has($0, key) }
  }
}
