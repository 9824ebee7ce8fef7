import CertRegCore

/// The profiles that requests of the simulation name.
enum SimulatedProfiles {
  static let all = [
    profile("policies", nil, ["common"]),
    // A thing has one site: another one is refused.
    profile("things", "thing-{certificateId}", ["common"]),
    profile("late", "{site}-{certificateId}", ["common", "policy-{site}"], groups: ["hall"], activatesLast: true),
    template,
  ]

  private static var template: ProvisioningProfile {
    var template = ProvisioningProfile.Template(file: "/t")
    template.body = "{}"
    template.status = .literal("ACTIVE")
    return ProvisioningProfile(name: "template", form: .template(template))
  }

  private static func text(_ text: String) -> PlaceholderText {
    guard let text = try? PlaceholderText(text) else { preconditionFailure("not a text with placeholders: \(text)") }
    return text
  }

  private static func profile(
    _ name: String, _ thing: String?, _ policies: [String], groups: [String] = [], activatesLast: Bool = false
  ) -> ProvisioningProfile {
    let thing = thing.map { thing in
      ProvisioningProfile.Thing(
        name: text(thing), attributes: [.init(name: "site", value: text("{site}"))], groups: groups.map(text))
    }
    return ProvisioningProfile(
      name: name, form: .parts(thing: thing, policies: policies.map(text), activatesLast: activatesLast))
  }

  /// A profile with the values of a request.
  static func filled(_ profile: Int, site: String, _ key: RegistrationKey) -> Provisioning {
    let values = PlaceholderValues(
      certificateID: key.certificateID, deviceID: nil, attributes: [NamedText("site", site)], certificate: nil)
    guard let provisioning = try? all[profile].filled(with: values) else { preconditionFailure("profile \(profile)") }
    return provisioning
  }
}

extension Provisioning {
  /// What is to be done between the registration and the change of the status, in order.
  var expectedActions: [ProvisioningAction] {
    switch work {
    case .template(let template): return [.registerThing(template)]
    case .parts(let parts):
      var actions: [ProvisioningAction] = []
      if let thing = parts.thing {
        actions.append(.createThing(name: thing.name, type: thing.type, attributes: thing.attributes))
        for group in thing.groups { actions.append(.addThingToThingGroup(thing: thing.name, group: group)) }
      }
      for policy in parts.policies { actions.append(.attachPolicy(policy)) }
      if let thing = parts.thing {
        actions.append(.attachThingPrincipal(thing: thing.name, isExclusive: thing.isExclusive))
      }
      return actions
    }
  }
}
