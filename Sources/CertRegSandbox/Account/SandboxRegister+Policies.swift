import CertRegCodec
package import CertRegCore

extension SandboxRegister {
  /// The policy of a name.
  ///
  /// - Throws: ResourceNotFoundException.
  package func policy(_ name: String) throws(SandboxError) -> Policy {
    guard let policy = policies[name] else {
      throw SandboxError(.resourceNotFound, "Policy \(name) cannot be found")
    }
    return policy
  }

  /// Checks a CreatePolicy. It succeeds once: a policy of that name, whatever its document, is in the way of another.
  ///
  /// - Parameter generationID: A new one.
  /// - Throws: ResourceAlreadyExistsException, MalformedPolicyException.
  package func policyCreation(
    _ name: String, document: String, generationID: UniqueID, at now: WallTime
  ) throws(SandboxError) -> Decision<Policy> {
    guard policies[name] == nil else {
      throw SandboxError(
        .resourceAlreadyExists, "Policy cannot be created - name already exists (name=\(name))", resourceID: name,
        resourceARN: account.arn("policy/\(name)"))
    }
    try SandboxRegister.checkDocument(document)
    let policy = Policy(name: name, document: document, createdAt: now, generationID: generationID)
    return Decision(policy, change: .setPolicy(policy))
  }

  /// Checks the elements that every statement of an AWS IoT policy has (AWS IoT Developer Guide, "AWS IoT Core
  /// policies").
  private static func checkDocument(_ document: String) throws(SandboxError) {
    func malformed(_ reason: String) -> SandboxError {
      SandboxError(.malformedPolicy, "Policy document is malformed: \(reason)")
    }
    let characters = document.unicodeScalars.count { !$0.properties.isWhitespace }
    guard characters <= RegistryLimits.policyDocumentCharacters else {
      throw malformed(
        "it has \(characters) characters; \(RegistryLimits.policyDocumentCharacters) are allowed without white space")
    }
    guard let json = try? JSONValue(parsing: document), json.members != nil else {
      throw malformed("it is not a JSON object")
    }
    guard let statement = json["Statement"] else { throw malformed("it has no Statement") }
    for statement in statement.array ?? [statement] {
      guard statement.members != nil else { throw malformed("a statement is not an object") }
      guard let effect = statement["Effect"]?.string, effect == "Allow" || effect == "Deny" else {
        throw malformed("the Effect of a statement is Allow or Deny")
      }
      guard statement["Action"] != nil || statement["NotAction"] != nil else {
        throw malformed("a statement has no Action")
      }
      guard statement["Resource"] != nil || statement["NotResource"] != nil else {
        throw malformed("a statement has no Resource")
      }
    }
  }

  /// Checks a DeletePolicy.
  ///
  /// - Throws: ResourceNotFoundException, DeleteConflictException for a policy that is attached.
  package func policyDeletion(_ name: String) throws(SandboxError) -> RegisterChange {
    _ = try policy(name)
    guard policyTargets.rights(of: name).isEmpty else {
      throw SandboxError(
        .deleteConflict,
        "The policy cannot be deleted as the policy is attached to one or more principals (name=\(name))")
    }
    return .deletePolicy(name: name)
  }

  // MARK: Attachments

  /// Checks an AttachPolicy. A policy that is attached already stays attached.
  ///
  /// - Throws: ResourceNotFoundException for a policy or target that is not there, LimitExceededException.
  package func attachment(ofPolicy name: String, to target: Target) throws(SandboxError) -> RegisterChange? {
    _ = try policy(name)
    try checkPresence(of: target)
    guard policyTargets[name, target] == nil else { return nil }
    let limit =
      if case .thingGroup = target { RegistryLimits.policiesOfGroup } else { RegistryLimits.policiesOfPrincipal }
    guard policyTargets.lefts(of: target).count < limit else {
      throw SandboxError(
        .limitExceeded, "Maximum number of policies (\(limit)) attached to \(target.text(in: account))")
    }
    return .attachPolicy(name: name, target)
  }

  /// The change that a DetachPolicy makes. DetachPolicy has no ResourceNotFoundException: a policy that is not attached
  /// counts as detached.
  package func detachment(ofPolicy name: String, from target: Target) -> RegisterChange? {
    policyTargets[name, target] == nil ? nil : .detachPolicy(name: name, target)
  }

  /// The policies of a target. A recursive list of a group has those of the groups above it, too.
  ///
  /// - Throws: ResourceNotFoundException.
  package func policies(
    of target: Target, recursive: Bool, _ request: PageRequest
  ) throws(SandboxError) -> Page<String> {
    try checkPresence(of: target)
    guard recursive, case .thingGroup(let name) = target, let group = thingGroups[name] else {
      return policyTargets.lefts(of: target).page(request).map(\.key)
    }
    // A hierarchy has 7 levels of 2 policies each at most.
    let all = ([group] + ancestors(of: group)).flatMap { group in
      policyTargets.lefts(of: .thingGroup(name: group.name)).elements.map(\.key)
    }
    return policies.page(request, of: Set(all))
  }

  /// The targets of a policy.
  ///
  /// - Throws: ResourceNotFoundException.
  package func targets(ofPolicy name: String, _ request: PageRequest) throws(SandboxError) -> Page<Target> {
    _ = try policy(name)
    return policyTargets.rights(of: name).page(request).map(\.key)
  }

  /// - Throws: ResourceNotFoundException.
  func checkPresence(of target: Target) throws(SandboxError) {
    switch target {
    case .certificate(let id): _ = try describe(id)
    case .thingGroup(let name): _ = try thingGroup(name)
    case .identity: break
    }
  }
}
