@testable import CertRegCore

// What makes devices in the simulation.
extension SimulatedUpstream {
  /// Profiles with their values. The last one names a policy that is missing at times.
  static let profiles = [
    provisioning("plain", thing: true, policies: ["first", "second"]),
    provisioning("last", thing: true, policies: ["first"], activatesLast: true),
    provisioning("late", thing: false, policies: ["first", "late"]),
  ]

  private static func provisioning(
    _ name: String, thing: Bool, policies: [String], activatesLast: Bool = false
  ) -> Provisioning {
    let made = DeviceParts.Thing(name: name, type: nil, attributes: [], groups: ["hall"], isExclusive: false)
    return Provisioning(
      profile: name, tag: ProvisioningTag(rawValue: UInt64(name.utf8.count * 100 + policies.count)),
      work: .parts(DeviceParts(thing: thing ? made : nil, policies: policies, activatesLast: activatesLast)))
  }

  /// Whether all of a profile was done for a certificate.
  func hasDevice(of provisioning: Provisioning, _ key: RegistrationKey) -> Bool {
    provisioning.actions.allSatisfy { devices[key]?.contains($0) ?? false }
  }
}

extension Provisioning {
  /// The actions of the steps, in their order.
  var actions: [ProvisioningAction] { steps.compactMap { ($0 as? ProvisioningStep)?.action } }
}
