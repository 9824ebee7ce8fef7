import CertRegCore

/// The account of an ``EmbeddedUpstream``. ``SandboxRegister`` decides, as it does for ``SandboxEndpoint``.
///
/// Every thing type, group and policy that a profile names exists, since nobody can make them here.
struct EmbeddedAccount: Sendable {
  /// Certificates that were registered and nothing else. The register would take four times the memory for each.
  private var registered: [CertificateID: CertificateStatus] = [:]
  /// The other certificates, and everything that is attached to them. Without a file.
  private var content: RegisterStore.Content
  /// Whether answers tell the status of a certificate that is registered already.
  var describesExisting = false

  init(_ account: SandboxAccount, seed: UInt64) {
    content = RegisterStore.Content(register: SandboxRegister(account: account), file: nil, seed: seed)
  }

  private var account: SandboxAccount { content.register.account }

  /// How many certificates are registered.
  var certificateCount: Int { registered.count + content.register.count }

  /// The status of a certificate; `nil`: it is not registered.
  func status(of id: CertificateID) -> CertificateStatus? {
    registered[id] ?? (try? content.register.describe(id))?.status
  }

  /// What is known of a certificate, which was registered without a CA.
  ///
  /// - Throws: ResourceNotFoundException.
  func describe(_ id: CertificateID) throws(SandboxError) -> UpstreamCertificate {
    guard let status = registered[id] else {
      let (register, all) = (content.register, PageRequest(size: .max))
      return UpstreamCertificate(
        certificateARN: account.arn(of: id), status: try register.describe(id).status, mode: "SNI_ONLY",
        things: try register.things(ofPrincipal: .certificate(id), nil, all).elements.map(\.key),
        policies: try register.policies(of: .certificate(id), recursive: false, all).elements)
    }
    return UpstreamCertificate(
      certificateARN: account.arn(of: id), status: status, mode: "SNI_ONLY", things: [], policies: [])
  }

  // MARK: Calls

  /// RegisterCertificateWithoutCA.
  ///
  /// - Returns: The status of a certificate that is registered already; `nil`: the call registered it.
  /// - Throws: CertificateStateException for a status that a certificate cannot be registered with.
  mutating func register(_ call: RegisterCertificateCall) throws(SandboxError) -> CertificateStatus? {
    let status = call.status ?? .ofUnnamed
    try SandboxRegister.checkRegistrable(status)
    if let present = self.status(of: call.certificateID) { return present }
    registered[call.certificateID] = status
    return nil
  }

  /// UpdateCertificate.
  ///
  /// - Throws: What ``SandboxRegister/statusChange(of:to:at:)`` throws.
  mutating func update(_ call: UpdateCertificateCall, at now: WallTime) throws(SandboxError) {
    try enter(call.certificateID)
    try content.make(content.register.statusChange(of: call.certificateID, to: call.status, at: now))
  }

  /// Makes a part of a device. The certificate is looked up first, whatever the part is: when the process ends, it is
  /// lost together with its thing, and the caller has to begin with it.
  ///
  /// - Throws: The error of AWS IoT.
  mutating func perform(_ call: ProvisioningCall, at now: WallTime) throws(SandboxError) -> DeviceResources {
    try enter(call.certificateID)
    _ = try content.register.describe(call.certificateID)
    switch call.action {
    case .createThing(let name, let type, let attributes):
      if let type { try provideType(type, at: now) }
      let configuration = ThingConfiguration(
        typeName: type, attributes: Dictionary(attributes.map { ($0.name, $0.value) }) { first, _ in first })
      let id = content.nextID()
      _ = try content.make(content.register.thingCreation(name, configuration, id: id))
      return DeviceResources(thingName: name, thingARN: account.arn("thing/\(name)"))
    case .addThingToThingGroup(let thing, let group):
      try provideGroup(group, at: now)
      try content.make(content.register.addition(ofThing: thing, toGroup: group))
    case .attachPolicy(let policy):
      try providePolicy(policy, at: now)
      try content.make(content.register.attachment(ofPolicy: policy, to: .certificate(call.certificateID)))
    case .attachThingPrincipal(let thing, let isExclusive):
      try content.make(
        content.register.attachment(
          of: .certificate(call.certificateID), toThing: thing, isExclusive ? .exclusiveThing : .nonExclusiveThing))
    case .registerThing(let template): return try register(template, at: now)
    }
    return DeviceResources()
  }

  /// RegisterThing.
  private mutating func register(_ filled: FilledTemplate, at now: WallTime) throws(SandboxError) -> DeviceResources {
    let parameters = Dictionary(filled.parameters.map { ($0.name, $0.value) }) { first, _ in first }
    let template = try ProvisioningTemplate(filled.body, parameters: parameters)
    do throws(SandboxError) {
      let registration = try ThingRegistration(template, judge: X509CertificateJudge(), at: now)
      if case .registered(let id) = registration.certificate { try enter(id) }
      if let type = registration.thing?.configuration.typeName { try provideType(type, at: now) }
      for group in registration.thing?.groups ?? [] { try provideGroup(group, at: now) }
      for policy in registration.policies where policy.document == nil { try providePolicy(policy.name, at: now) }
      _ = try registration.perform(in: &content, at: now)
      let thing = registration.thing?.name
      return DeviceResources(
        thingName: thing, thingARN: thing.map { account.arn("thing/\($0)") },
        policies: registration.policies.map(\.name).sorted())
    } catch {
      // The daemon takes RegisterThing's error for a resource that is missing as such, too.
      throw error.kind == .resourceNotFound ? error : error.ofRegisterThing
    }
  }

  // MARK: What has to be there

  /// Puts a certificate into the register, to which something else than its registration is to happen.
  private mutating func enter(_ id: CertificateID) throws(SandboxError) {
    guard let status = registered.removeValue(forKey: id) else { return }
    // Nobody can ask for the text of the certificate and its dates here.
    let unknown = WallTime(secondsSinceEpoch: 0)
    let generationID = content.nextID()
    try content.make(
      .register(
        RegisteredCertificate(
          id: id, der: [], status: status, createdAt: unknown, lastModifiedAt: unknown, notBefore: unknown,
          notAfter: unknown, generationID: generationID)))
  }

  private mutating func provideType(_ name: String, at now: WallTime) throws(SandboxError) {
    guard content.register.thingTypes[name] == nil else { return }
    let id = content.nextID()
    _ = try content.make(content.register.thingTypeCreation(name, ThingTypeProperties(), id: id, at: now))
  }

  private mutating func provideGroup(_ name: String, at now: WallTime) throws(SandboxError) {
    guard content.register.thingGroups[name] == nil else { return }
    let id = content.nextID()
    _ = try content.make(content.register.thingGroupCreation(name, ThingGroupConfiguration(), id: id, at: now))
  }

  private mutating func providePolicy(_ name: String, at now: WallTime) throws(SandboxError) {
    guard content.register.policies[name] == nil else { return }
    let document = #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iot:*","Resource":"*"}}"#
    let id = content.nextID()
    _ = try content.make(
      content.register.policyCreation(name, document: document, generationID: id, at: now))
  }
}
