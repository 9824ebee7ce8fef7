import CertRegCore

extension ThingRegistration {
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
    let present = try content.register.describe(id).status
    guard present != status else { return id }
    switch resource.overrideSettings["Status"] {
    case .doNothing: break
    case _ where present == .revoked:
      throw SandboxError(.resourceRegistrationFailure, "Certificate \(id.hex) is revoked, and stays so")
    case .fail:
      throw SandboxError(
        .resourceRegistrationFailure, "Certificate \(id.hex) has another status, which must not be overridden")
    // A template says ACTIVE to activate a certificate that is registered already.
    default: try content.make(content.register.statusChange(of: id, to: status, at: now))
    }
    return id
  }
}
