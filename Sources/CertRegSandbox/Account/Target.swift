package import CertRegCore

/// The relation between a principal and a thing (API reference, AttachThingPrincipal).
package enum ThingPrincipalType: String, CaseIterable, Sendable {
  /// The thing is the only one of the principal.
  case exclusiveThing = "EXCLUSIVE_THING"
  /// The principal may have other things.
  case nonExclusiveThing = "NON_EXCLUSIVE_THING"
}

/// A principal, or another target of policies.
package enum Target: Hashable, Sendable {
  case certificate(CertificateID)
  case thingGroup(name: String)
  /// An identity of Amazon Cognito, `REGION:UUID`. Whether it exists is not known to AWS IoT.
  case identity(String)

  /// Reads `target` or `principal` of a request: an ARN of the account, or an identity.
  package init?(_ text: String, in account: SandboxAccount) {
    if let resource = account.resource(ofARN: text) {
      self.init(resource: resource)
      if case .identity = self { return nil }
    } else {
      self.init(resource: "identity/\(text)")
    }
  }

  /// Reads what `resource` writes.
  package init?(resource: String) {
    let parts = resource.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[1].isEmpty else { return nil }
    switch parts[0] {
    case "cert":
      guard let id = CertificateID(hex: parts[1].utf8) else { return nil }
      self = .certificate(id)
    case "thinggroup":
      self = .thingGroup(name: parts[1])
    case "identity":
      let identity = parts[1].split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      guard identity.count == 2, !identity[0].isEmpty, UniqueID.isUUID(identity[1]) else { return nil }
      self = .identity(parts[1])
    default: return nil
    }
  }

  /// The target in a state file.
  package var resource: String {
    switch self {
    case .certificate(let id): "cert/\(id.hex)"
    case .thingGroup(let name): "thinggroup/\(name)"
    case .identity(let id): "identity/\(id)"
    }
  }

  /// The target in answers.
  package func text(in account: SandboxAccount) -> String {
    if case .identity(let id) = self { return id }
    return account.arn(resource)
  }
}
