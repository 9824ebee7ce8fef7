/// What makes a device of a registered certificate: a profile with its placeholders filled in. Jobs hold it, also on
/// disk, so that a reload of the configuration changes nothing about them.
package struct Provisioning: Hashable, Sendable {
  /// The profile's name.
  package var profile: String
  /// Stands for the profile and the values of its placeholders.
  package var tag: ProvisioningTag
  /// The calls.
  package var work: Work
  /// The device's name that the profile was filled with; `nil`: the profile does not use it. A job may get another name
  /// afterwards.
  package var deviceID: DeviceID?

  /// The two ways to provision.
  package enum Work: Hashable, Sendable {
    /// A call for each part of the device.
    case parts(DeviceParts)
    /// RegisterThing with a template.
    case template(FilledTemplate)
  }

  package init(profile: String, tag: ProvisioningTag, work: Work, deviceID: DeviceID? = nil) {
    self.profile = profile
    self.tag = tag
    self.work = work
    self.deviceID = deviceID
  }

  /// Whether the certificate is registered as INACTIVE and set ACTIVE after all other steps.
  package var activatesLast: Bool {
    if case .parts(let parts) = work { parts.activatesLast } else { false }
  }

  /// What becomes of the status of the certificate while the device is made.
  package var statusEffect: FilledTemplate.StatusEffect {
    if case .template(let template) = work { template.status } else { .kept }
  }

  /// The status that a certificate gets with its device, whatever status it was registered with; `nil`: none, or it is
  /// not known.
  package var givenStatus: CertificateStatus? {
    if activatesLast { return .active }
    return if case .set(let status) = statusEffect { status } else { nil }
  }

  /// Whether the certificate is ACTIVE once its device is complete, whatever status it has before.
  ///
  /// - Parameter asked: The status that the request asks for.
  func activates(asked: CertificateStatus?) -> Bool { activatesLast ? asked == .active : givenStatus == .active }

  /// About how many bytes it takes, for the bound of the queue.
  package var size: Int {
    switch work {
    case .parts(let parts):
      let texts = (parts.thing?.texts ?? []) + parts.policies
      return texts.reduce(64) { $0 + $1.utf8.count }
    case .template(let template):
      return template.parameters.reduce(64 + template.body.utf8.count) { $0 + $1.name.utf8.count + $1.value.utf8.count }
    }
  }
}

/// The parts of a device in AWS IoT.
package struct DeviceParts: Hashable, Sendable {
  /// `nil`: no thing is made.
  package var thing: Thing?
  /// Names of the policies that the certificate gets.
  package var policies: [String]
  /// See ``Provisioning/activatesLast``.
  package var activatesLast: Bool

  package init(thing: Thing?, policies: [String], activatesLast: Bool) {
    self.thing = thing
    self.policies = policies
    self.activatesLast = activatesLast
  }

  /// A thing, as CreateThing makes it (https://docs.aws.amazon.com/iot/latest/apireference/API_CreateThing.html).
  package struct Thing: Hashable, Sendable {
    /// `[a-zA-Z0-9:_-]{1,128}`.
    package var name: String
    /// The thing type's name; `nil`: it has none.
    package var type: String?
    /// In the order of their names.
    package var attributes: [NamedText]
    /// Names of the thing groups that it belongs to.
    package var groups: [String]
    /// Whether the certificate can belong to no other thing: `EXCLUSIVE_THING` of AttachThingPrincipal.
    package var isExclusive: Bool

    package init(name: String, type: String?, attributes: [NamedText], groups: [String], isExclusive: Bool) {
      self.name = name
      self.type = type
      self.attributes = attributes
      self.groups = groups
      self.isExclusive = isExclusive
    }

    fileprivate var texts: [String] {
      [name, type ?? ""] + groups + attributes.flatMap { [$0.name, $0.value] }
    }
  }
}

/// A name and its value.
package struct NamedText: Hashable, Sendable {
  /// The name.
  package var name: String
  /// The value.
  package var value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// A template for RegisterThing with the values of its parameters
/// (https://docs.aws.amazon.com/iot/latest/apireference/API_RegisterThing.html).
package struct FilledTemplate: Hashable, Sendable {
  /// The template, a JSON document.
  package var body: String
  /// In the order of their names.
  package var parameters: [NamedText]
  /// What the template does to the status of the certificate.
  package var status: StatusEffect

  /// What a template does to the status of the certificate.
  package enum StatusEffect: Hashable, Sendable {
    /// The certificate keeps its status: the template does not describe it.
    case kept
    case set(CertificateStatus)
    /// The template alone does not tell.
    case unknown
  }

  package init(body: String, parameters: [NamedText], status: StatusEffect = .unknown) {
    self.body = body
    self.parameters = parameters
    self.status = status
  }
}
