// What a profile can give.
extension ProvisioningProfile {
  /// Whether this profile gives a provisioning of a certificate for some values of its placeholders.
  package func couldGive(_ provisioning: Provisioning, to certificateID: CertificateID) -> Bool {
    switch (form, provisioning.work) {
    case (.parts(let thing, let policies, let activatesLast), .parts(let parts)):
      guard activatesLast == parts.activatesLast, Self.couldGive(policies, parts.policies) else { return false }
      switch (thing, parts.thing) {
      case (nil, nil): return true
      case (let thing?, let given?): return thing.couldGive(given)
      default: return false
      }
    case (.template(let template), .template(let given)):
      // A template takes all attributes of a request, also those that it has no parameter for.
      let values = PlaceholderValues(
        certificateID: certificateID, deviceID: nil, attributes: given.parameters, certificate: nil)
      return (try? filled(template, values)) == given
    default: return false
    }
  }

  fileprivate static func couldGive(_ texts: [PlaceholderText], _ given: [String]) -> Bool {
    // Two texts may give the same name, which is listed once.
    given.count <= texts.count && given.allSatisfy { name in texts.contains { $0.couldGive(name) } }
  }
}

extension ProvisioningProfile.Thing {
  fileprivate func couldGive(_ given: DeviceParts.Thing) -> Bool {
    guard isExclusive == given.isExclusive, name.couldGive(given.name),
      ProvisioningProfile.couldGive(groups, given.groups)
    else { return false }
    switch (type, given.type) {
    case (nil, nil): break
    case (let type?, let given?) where type.couldGive(given): break
    default: return false
    }
    return given.attributes.allSatisfy { attribute in
      attributes.contains { $0.name == attribute.name && $0.value.couldGive(attribute.value) }
    }
  }
}

extension PlaceholderText {
  /// Whether the text is this one with values for its placeholders. Each literal is taken where it comes first.
  func couldGive(_ filled: String) -> Bool {
    var rest = filled.utf8[...]
    var isAnchored = true
    for (index, piece) in pieces.enumerated() {
      guard case .literal(let literal) = piece else {
        isAnchored = false
        continue
      }
      let bytes = Array(literal.utf8)
      if isAnchored {
        guard rest.starts(with: bytes) else { return false }
        rest = rest.dropFirst(bytes.count)
      } else if index == pieces.count - 1 {
        return rest.suffix(bytes.count).elementsEqual(bytes)
      } else {
        guard let place = rest.firstRange(of: bytes) else { return false }
        rest = rest[place.upperBound...]
      }
      isAnchored = true
    }
    return !isAnchored || rest.isEmpty
  }
}
