/// A profile as it was applied to a certificate, or a part of it.
package struct Provisioned: Hashable, Sendable {
  /// The profile's name.
  package var profile: String
  /// See ``Provisioning/tag``.
  package var tag: ProvisioningTag
  /// What there is of the device.
  package var resources: DeviceResources
  /// How many steps of the plan have succeeded; `nil`: all.
  package var completedSteps: Int?
  /// Whether the certificate was ACTIVE when a device of it was complete, with this profile or with one before it. A
  /// certificate that is INACTIVE was deactivated since.
  package var isActivated: Bool

  package init(
    profile: String, tag: ProvisioningTag, resources: DeviceResources, completedSteps: Int? = nil,
    isActivated: Bool = false
  ) {
    self.profile = profile
    self.tag = tag
    self.resources = resources
    self.completedSteps = completedSteps
    self.isActivated = isActivated
  }

  /// Whether all steps have succeeded.
  package var isComplete: Bool { completedSteps == nil }

  /// Nothing but the registration counts as done: a part of the device may be missing. That the certificate was ACTIVE
  /// stays known.
  var begunAnew: Provisioned {
    Provisioned(
      profile: profile, tag: tag, resources: DeviceResources(), completedSteps: 1, isActivated: isActivated)
  }
}

/// What a device consists of in AWS IoT, beside its certificate.
package struct DeviceResources: Hashable, Sendable {
  /// `nil`: there is no thing.
  package var thingName: String?
  /// The thing's ARN; `nil`: it is not known.
  package var thingARN: String?
  /// Names of the policies that are attached to the certificate.
  package var policies: [String]
  /// Names of the thing groups that the thing belongs to.
  package var groups: [String]

  package init(thingName: String? = nil, thingARN: String? = nil, policies: [String] = [], groups: [String] = []) {
    self.thingName = thingName
    self.thingARN = thingARN
    self.policies = policies
    self.groups = groups
  }
}
