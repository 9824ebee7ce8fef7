import CertRegCodec
import CertRegCore

/// The things and attachments of an ``EmbeddedUpstream``. Every thing type, group and policy that a profile names exists,
/// since nobody can make them here.
struct EmbeddedDevices: Sendable {
  private struct Thing: Hashable, Sendable {
    var type: String?
    var attributes: [NamedText]
  }

  /// What is attached to a certificate.
  struct Attachments: Hashable, Sendable {
    var things: [String] = []
    var policies: [String] = []
  }

  private var things: [String: Thing] = [:]
  private var attached: [CertificateID: Attachments] = [:]

  func attachments(of id: CertificateID) -> Attachments { attached[id] ?? Attachments() }

  /// Carries a call out.
  ///
  /// - Parameter status: That of the certificate, which a template may set.
  /// - Throws: The error of AWS IoT.
  mutating func perform(
    _ call: ProvisioningCall, in account: SandboxAccount, _ status: inout CertificateStatus
  ) throws(SandboxError) -> DeviceResources {
    switch call.action {
    case .createThing(let name, let type, let attributes):
      try create(name, Thing(type: type, attributes: attributes))
      return DeviceResources(thingName: name, thingARN: account.arn("thing/\(name)"))
    case .addThingToThingGroup: return DeviceResources()
    case .attachPolicy(let policy):
      attach(policy, \.policies, to: call.certificateID)
      return DeviceResources()
    case .attachThingPrincipal(let thing, _):
      attach(thing, \.things, to: call.certificateID)
      return DeviceResources()
    case .registerThing(let template): return try register(template, call.certificateID, account, &status)
    }
  }

  private mutating func create(_ name: String, _ thing: Thing) throws(SandboxError) {
    guard things[name] == nil || things[name] == thing else {
      throw SandboxError(
        .resourceAlreadyExists, "Thing \(name) already exists in account with different attributes or another type")
    }
    things[name] = thing
  }

  private mutating func attach(
    _ name: String, _ kind: WritableKeyPath<Attachments, [String]>, to id: CertificateID
  ) {
    var attachments = attachments(of: id)
    if !attachments[keyPath: kind].contains(name) { attachments[keyPath: kind].append(name) }
    attached[id] = attachments
  }

  /// The parts of RegisterThing that a device is told: its thing and its policies.
  private mutating func register(
    _ filled: FilledTemplate, _ id: CertificateID, _ account: SandboxAccount, _ status: inout CertificateStatus
  ) throws(SandboxError) -> DeviceResources {
    let parameters = Dictionary(filled.parameters.map { ($0.name, $0.value) }) { first, _ in first }
    let template = try ProvisioningTemplate(filled.body, parameters: parameters)
    try setStatus(of: template, &status)
    var resources = DeviceResources()
    if let name = template.thing?.properties["ThingName"]?.string {
      resources.thingName = name
      resources.thingARN = account.arn("thing/\(name)")
      resources.groups = (template.thing?.properties["ThingGroups"]?.array ?? []).compactMap(\.string)
      attach(name, \.things, to: id)
    }
    resources.policies = template.policies.compactMap { $0.properties["PolicyName"]?.string }
    for policy in resources.policies { attach(policy, \.policies, to: id) }
    return resources
  }

  /// Without `Status` a template activates the certificate.
  private func setStatus(of template: ProvisioningTemplate, _ status: inout CertificateStatus) throws(SandboxError) {
    guard let certificate = template.certificate else { return }
    let text = try certificate.text("Status")
    guard let wanted = text.map({ CertificateStatus(rawValue: $0) }) ?? .active else {
      throw .template("its Status is none")
    }
    guard wanted != status, certificate.overrideSettings["Status"] != .doNothing else { return }
    guard certificate.overrideSettings["Status"] != .fail, status != .revoked else {
      throw SandboxError(
        .resourceRegistrationFailure, "The certificate has the status \(status.rawValue), which stays as it is")
    }
    status = wanted
  }
}
