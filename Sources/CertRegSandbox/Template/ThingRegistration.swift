import CertRegCodec
import CertRegCore
import CertRegCrypto

/// A template with everything checked that can be checked without the register. What has to be there is looked up before
/// anything is made. Later checks, those of limits, follow one by one: what was made before one of them fails stays.
struct ThingRegistration {
  /// The certificate of the template.
  enum Certificate {
    case registered(CertificateID)
    case new(JudgedCertificate)
  }

  private struct ThingPart {
    var resource: ProvisioningTemplate.Resource
    var name: String
    var configuration: ThingConfiguration
    /// `nil` for properties that the template leaves out.
    var attributes: [String: String]?
    var groups: [String]?
  }

  private struct PolicyPart {
    var logicalName: String
    var name: String
    /// `nil` for a policy that has to be there.
    var document: String?
  }

  private var thing: ThingPart?
  private var certificate: Certificate?
  private var certificateResource: ProvisioningTemplate.Resource?
  private var status = CertificateStatus.active
  private var principalType = ThingPrincipalType.nonExclusiveThing
  private var policies: [PolicyPart] = []

  /// - Throws: InvalidRequestException; CertificateValidationException for a certificate that cannot be registered.
  init(
    _ template: ProvisioningTemplate, judge: any CertificateJudge, at now: WallTime
  ) throws(SandboxError) {
    if let resource = template.thing {
      guard let name = try resource.text("ThingName", .name) else {
        throw .template("\(resource.logicalName) has no ThingName")
      }
      try SandboxOperation.checkBillingGroup(try resource.text("BillingGroup", .name))
      let attributes = try resource.attributes()
      thing = ThingPart(
        resource: resource, name: name,
        configuration: ThingConfiguration(
          typeName: try resource.text("ThingTypeName", .name), attributes: attributes ?? [:]),
        attributes: attributes, groups: try resource.texts("ThingGroups", .name))
    }
    if let resource = template.certificate {
      certificateResource = resource
      certificate = try ThingRegistration.certificate(resource, judge: judge, at: now)
      if let text = try resource.text("Status") {
        guard let status = CertificateStatus(rawValue: text.uppercased()), status == .active || status == .inactive
        else { throw .template("Status of \(resource.logicalName) is neither ACTIVE nor INACTIVE") }
        self.status = status
      }
      if let text = try resource.text("ThingPrincipalType") {
        guard let type = ThingPrincipalType(rawValue: text) else {
          throw .notInSet(ThingPrincipalType.allCases.map(\.rawValue), at: "ThingPrincipalType", value: text)
        }
        principalType = type
      }
    }
    for resource in template.policies { policies.append(try ThingRegistration.policy(resource)) }
  }

  private static func certificate(
    _ resource: ProvisioningTemplate.Resource, judge: any CertificateJudge, at now: WallTime
  ) throws(SandboxError) -> Certificate {
    let id = try resource.text("CertificateId")
    let pem = try resource.text("CertificatePem", .certificatePEM)
    if try resource.text("CertificateSigningRequest") != nil {
      throw SandboxError(
        .resourceRegistrationFailure, "The sandbox issues no certificates: CertificateId or CertificatePem is needed")
    }
    switch (id, pem) {
    case (let id?, nil):
      guard let id = CertificateID(hex: id.utf8) else {
        throw .template("CertificateId of \(resource.logicalName) is not 64 hexadecimal digits")
      }
      return .registered(id)
    case (nil, let pem?): return .new(try judge.judge(pem: pem, at: now))
    default: throw .template("\(resource.logicalName) needs either CertificateId or CertificatePem")
    }
  }

  private static func policy(_ resource: ProvisioningTemplate.Resource) throws(SandboxError) -> PolicyPart {
    let name = try resource.text("PolicyName", .policyName)
    // The document may be a JSON object or its text.
    let document = resource.properties["PolicyDocument"].map { $0.string ?? $0.jsonText }
    switch (name, document) {
    case (let name?, nil): return PolicyPart(logicalName: resource.logicalName, name: name)
    case (nil, let document?):
      let document = try TextConstraint.policyDocument.check(document, at: "PolicyDocument")
      return PolicyPart(
        logicalName: resource.logicalName, name: SHA256.digest(of: document).hex, document: document)
    default: throw .template("\(resource.logicalName) needs either PolicyName or PolicyDocument")
    }
  }

  // MARK: Effects

  /// What RegisterThing answers.
  struct Outcome: Sendable {
    var der: [UInt8]?
    /// ARNs by logical name.
    var resourceARNs: [String: String] = [:]
  }

  /// Makes the resources and attaches them to each other.
  ///
  /// - Throws: What the operations throw that create and attach each resource.
  func perform(in content: inout RegisterStore.Content, at now: WallTime) throws(SandboxError) -> Outcome {
    try checkPresence(in: content.register)
    let account = content.register.account
    var outcome = Outcome()
    if let thing {
      try perform(thing, in: &content)
      outcome.resourceARNs[thing.resource.logicalName] = account.arn("thing/\(thing.name)")
    }
    guard let certificate, let certificateResource else { return outcome }
    let id = try perform(certificate, certificateResource, in: &content, at: now)
    outcome.der = try content.register.describe(id).der
    outcome.resourceARNs[certificateResource.logicalName] = account.arn(of: id)
    for policy in policies {
      if let document = policy.document, content.register.policies[policy.name] == nil {
        let generationID = content.nextID()
        _ = try content.make(
          content.register.policyCreation(policy.name, document: document, generationID: generationID, at: now))
      }
      try content.make(content.register.attachment(ofPolicy: policy.name, to: .certificate(id)))
      outcome.resourceARNs[policy.logicalName] = account.arn("policy/\(policy.name)")
    }
    if let thing {
      try content.make(content.register.attachment(of: .certificate(id), toThing: thing.name, principalType))
    }
    return outcome
  }

  /// - Throws: ResourceNotFoundException.
  private func checkPresence(in register: SandboxRegister) throws(SandboxError) {
    for group in thing?.groups ?? [] { _ = try register.thingGroup(group) }
    if let typeName = thing?.configuration.typeName { _ = try register.thingType(typeName) }
    for policy in policies where policy.document == nil { _ = try register.policy(policy.name) }
    if case .registered(let id) = certificate { _ = try register.describe(id) }
  }

  /// Properties of a thing that exists stay as they are, unless the template says otherwise.
  private func perform(_ part: ThingPart, in content: inout RegisterStore.Content) throws(SandboxError) {
    let settings = part.resource.overrideSettings
    guard content.register.things[part.name] != nil else {
      let id = content.nextID()
      _ = try content.make(content.register.thingCreation(part.name, part.configuration, id: id))
      for group in part.groups ?? [] {
        try content.make(content.register.addition(ofThing: part.name, toGroup: group))
      }
      return
    }
    for (property, isGiven) in [
      ("AttributePayload", part.attributes != nil), ("ThingTypeName", part.configuration.typeName != nil),
      ("ThingGroups", part.groups != nil),
    ] where isGiven && settings[property] == .fail {
      throw SandboxError(
        .resourceRegistrationFailure, "Thing \(part.name) exists already, and \(property) must not be overridden")
    }
    var update = ThingUpdate()
    if let setting = settings["AttributePayload"], setting != .doNothing {
      update.attributes = part.attributes
      update.mergesAttributes = setting == .merge
    }
    if settings["ThingTypeName"] == .replace { update.typeName = part.configuration.typeName }
    if update.attributes != nil || update.typeName != nil {
      _ = try content.make(content.register.thingUpdate(part.name, update))
    }
    guard let groups = part.groups, let setting = settings["ThingGroups"], setting != .doNothing else { return }
    if setting == .replace {
      for group in content.register.groupMembers.lefts(of: part.name).elements.map(\.key)
      where !groups.contains(group) {
        try content.make(content.register.removal(ofThing: part.name, fromGroup: group))
      }
    }
    for group in groups { try content.make(content.register.addition(ofThing: part.name, toGroup: group)) }
  }

  /// Registers the certificate, or gives the registered one the template's status.
  private func perform(
    _ certificate: Certificate, _ resource: ProvisioningTemplate.Resource, in content: inout RegisterStore.Content,
    at now: WallTime
  ) throws(SandboxError) -> CertificateID {
    let id: CertificateID
    switch certificate {
    case .registered(let registered): id = registered
    case .new(let judged):
      id = judged.id
      if !content.register.isRegistered(id) {
        let generationID = content.nextID()
        try content.make(
          content.register.registration(of: judged, status: status, at: now, generationID: generationID))
        return id
      }
    }
    guard try content.register.describe(id).status != status else { return id }
    switch resource.overrideSettings["Status"] {
    case .doNothing: break
    case .fail:
      throw SandboxError(
        .resourceRegistrationFailure, "Certificate \(id.hex) has another status, which must not be overridden")
    // A template says ACTIVE to activate a certificate that is registered already.
    default: try content.make(content.register.statusChange(of: id, to: status, at: now))
    }
    return id
  }
}
