extension ProvisioningProfile {
  /// The profile with the values of a request, and the check of everything that AWS IoT would refuse only after the
  /// certificate is registered.
  ///
  /// - Throws: An `InvalidRequestException` that names the placeholder without a value, or the text of another form.
  package func filled(with values: PlaceholderValues) throws(ServiceError) -> Provisioning {
    if let name = values.attributes.first(where: { Builtin(rawValue: $0.name) != nil })?.name, !takesAllAttributes {
      throw .invalidProvisioning(
        "the attribute \(name.quoted) has the name of a placeholder that every profile has; give it another name")
    }
    return Provisioning(
      profile: self.name, tag: tag(of: values), work: try work(values), deviceID: usesDeviceID ? values.deviceID : nil)
  }

  /// The tag of the profile with the values of a request.
  package func tag(of values: PlaceholderValues) -> ProvisioningTag {
    var builder = ProvisioningTag.Builder(fingerprint: fingerprint)
    if usesDeviceID, var name = values.deviceID?.text {
      name.withUTF8 { builder.addDevice(UnsafeRawBufferPointer($0)) }
    }
    for attribute in values.attributes where takesAllAttributes || attributeNames.contains(attribute.name) {
      var (name, value) = (attribute.name, attribute.value)
      name.withUTF8 { name in
        value.withUTF8 { builder.addAttribute(UnsafeRawBufferPointer(name), UnsafeRawBufferPointer($0)) }
      }
    }
    return builder.tag
  }

  func work(_ values: PlaceholderValues) throws(ServiceError) -> Provisioning.Work {
    switch form {
    case .parts(let thing, let policies, let activatesLast):
      return .parts(
        DeviceParts(
          thing: try thing.map { thing throws(ServiceError) in try filled(thing, values) },
          policies: try distinct(policies, .policy, values), activatesLast: activatesLast))
    case .template(let template):
      return .template(try filled(template, values))
    }
  }

  private func filled(_ thing: Thing, _ values: PlaceholderValues) throws(ServiceError) -> DeviceParts.Thing {
    let type = try thing.type.map { type throws(ServiceError) in
      try text(type, .thingType, values)
    }
    var attributes: [NamedText] = []
    for attribute in thing.attributes {
      let value = NamedText(attribute.name, try fill(attribute.value, values))
      try check(value)
      attributes.append(value)
    }
    return DeviceParts.Thing(
      name: try text(thing.name, .thing, values), type: type,
      attributes: attributes.sorted { $0.name < $1.name },
      groups: try distinct(thing.groups, .thingGroup, values),
      isExclusive: thing.isExclusive)
  }

  func filled(_ template: Template, _ values: PlaceholderValues) throws(ServiceError) -> FilledTemplate {
    var parameters = values.attributes.filter { $0.name != "CertificateId" }
    parameters.append(NamedText("CertificateId", values.certificateID.hex))
    for name in template.required where !parameters.contains(where: { $0.name == name }) {
      throw .invalidProvisioning(
        "the template of the profile \(self.name) needs a value for its parameter \(name.quoted): give it in `attributes`"
      )
    }
    if let name = template.thingName?.value(parameters) {
      try check(name, .thing)
    }
    return FilledTemplate(
      body: template.body, parameters: parameters.sorted { $0.name < $1.name },
      status: try status(template.status, parameters))
  }

  private func status(
    _ status: Template.Status, _ parameters: [NamedText]
  ) throws(ServiceError) -> FilledTemplate.StatusEffect {
    let text: String?
    switch status {
    case .kept: return .kept
    case .unknown: return .unknown
    case .literal(let literal): text = literal
    case .parameter(let name, let byDefault): text = parameters.first { $0.name == name }?.value ?? byDefault
    }
    guard let text else { return .unknown }
    guard let status = CertificateStatus.ofTemplate(text) else {
      throw .invalidProvisioning(
        "\(text.quoted) is no status that the template of the profile \(name) can give: ACTIVE or INACTIVE")
    }
    return .set(status)
  }

  // MARK: Texts

  /// The kinds of names of AWS IoT, with their texts in error messages.
  enum Kind: String {
    case thing = "thing name"
    case thingType = "thing type"
    case thingGroup = "thing group"
    case policy = "policy"
  }

  /// ThingName, ThingTypeName and ThingGroupName of the API reference: `[a-zA-Z0-9:_-]{1,128}`.
  private static let nameCharacters = letters.union(":_-".utf8)
  /// PolicyName of the API reference: `[\w+=,.@-]{1,128}`.
  private static let policyCharacters = letters.union("_+=,.@-".utf8)
  /// AttributeValue of the API reference: `[a-zA-Z0-9_.,@/:#=\[\]-]*`.
  private static let attributeCharacters = letters.union("_.,@/:#=[]-".utf8)
  private static let letters = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".utf8)

  /// A name of AWS IoT.
  private func text(
    _ text: PlaceholderText, _ kind: Kind, _ values: PlaceholderValues
  ) throws(ServiceError) -> String {
    let filled = try fill(text, values)
    try check(filled, kind)
    return filled
  }

  func check(_ name: String, _ kind: Kind) throws(ServiceError) {
    let characters = kind == .policy ? Self.policyCharacters : Self.nameCharacters
    guard (1...128).contains(name.utf8.count), name.utf8.allSatisfy({ characters.contains($0) }) else {
      let others = characters.subtracting(Self.letters).sorted().map { String(UnicodeScalar($0)) }.joined()
      throw .invalidProvisioning(
        "\(name.quoted) is no \(kind.rawValue): 1 to 128 characters, letters, digits and \(others)")
    }
  }

  func check(_ attribute: NamedText) throws(ServiceError) {
    let value = attribute.value
    guard value.utf8.count <= 800, value.utf8.allSatisfy({ Self.attributeCharacters.contains($0) }) else {
      throw .invalidProvisioning(
        "the value \(value.quoted) of the thing's attribute \(attribute.name.quoted) is not one of AWS IoT: up to 800"
          + " characters, letters, digits and _.,@/:#=[]-")
    }
  }

  /// Names of AWS IoT, each once.
  private func distinct(
    _ texts: [PlaceholderText], _ kind: Kind, _ values: PlaceholderValues
  ) throws(ServiceError) -> [String] {
    var names: [String] = []
    for text in texts {
      let name = try self.text(text, kind, values)
      if !names.contains(name) { names.append(name) }
    }
    return names
  }

  private func fill(_ text: PlaceholderText, _ values: PlaceholderValues) throws(ServiceError) -> String {
    try text.filled { name throws(ServiceError) in
      guard let value = value(of: name, values), !value.isEmpty else {
        throw .invalidProvisioning("the profile \(self.name) needs a value for {\(name)}: \(source(of: name))")
      }
      return value
    }
  }

  func value(of name: String, _ values: PlaceholderValues) -> String? {
    switch Builtin(rawValue: name) {
    case .deviceID: values.deviceID?.text
    case .certificateID: values.certificateID.hex
    case .commonName: values.certificate?.commonName
    case .serialNumber: values.certificate?.serialNumber
    case nil: values.attributes.first { $0.name == name }?.value
    }
  }

  private func source(of name: String) -> String {
    switch Builtin(rawValue: name) {
    case .deviceID: "give `deviceId`"
    case .certificateID, .serialNumber: "the certificate has none"
    case .commonName: "the certificate's subject has no common name"
    case nil: "give it in `attributes`"
    }
  }
}
