/// A call that makes a part of a device. All of them are idempotent.
package struct ProvisioningStep: Step {
  /// What is done.
  package let action: ProvisioningAction

  package var operation: UpstreamOperation { action.operation }

  /// The operations are idempotent: they are made again where their answer was lost.
  package let isMarked = false

  package var changesStatus: Bool {
    if case .registerThing(let template) = action { template.status != .kept } else { false }
  }

  package init(_ action: ProvisioningAction) {
    self.action = action
  }

  package func isNeeded(for pending: PendingRegistration) -> Bool { !pending.isLeftAlone }

  package func call(for pending: PendingRegistration) -> UpstreamCall {
    .provision(
      ProvisioningCall(
        action: action, certificateID: pending.key.certificateID,
        certificateARN: pending.facts.registered?.certificateARN ?? "", home: pending.facts.home))
  }

  package func read(
    _ reply: UpstreamReply, to pending: PendingRegistration, mayHaveTakenEffect: Bool
  ) -> StepResult {
    switch reply {
    case .provisioned(let named, _):
      var facts = pending.facts
      facts.note(resources(naming: named), of: pending.provisioning)
      if case .registerThing(let template) = action {
        switch template.status {
        case .kept: break
        case .set(let status): facts.registered?.status = status
        case .unknown: facts.registered?.status = nil
        }
      }
      return .done(facts)
    case .failed(let failure): return .failed(failure)
    case .registered, .alreadyExists, .updated: return .failed(.foreignReply)
    }
  }

  /// What there is since the step has succeeded.
  private func resources(naming named: DeviceResources) -> DeviceResources {
    switch action {
    case .createThing(let name, _, _): DeviceResources(thingName: name, thingARN: named.thingARN)
    case .addThingToThingGroup(_, let group): DeviceResources(groups: [group])
    case .attachPolicy(let policy): DeviceResources(policies: [policy])
    case .attachThingPrincipal: DeviceResources()
    case .registerThing: named
    }
  }
}

extension Provisioning {
  /// The steps between the registration and the change of the status.
  var steps: [any Step] {
    switch work {
    case .template(let template): return [ProvisioningStep(.registerThing(template))]
    case .parts(let parts):
      var actions: [ProvisioningAction] = []
      if let thing = parts.thing {
        actions.append(.createThing(name: thing.name, type: thing.type, attributes: thing.attributes))
        actions += thing.groups.map { .addThingToThingGroup(thing: thing.name, group: $0) }
      }
      actions += parts.policies.map { .attachPolicy($0) }
      if let thing = parts.thing {
        actions.append(.attachThingPrincipal(thing: thing.name, isExclusive: thing.isExclusive))
      }
      return actions.map { ProvisioningStep($0) }
    }
  }
}

extension JobFacts {
  /// Adds what a step of the provisioning brought about.
  fileprivate mutating func note(_ resources: DeviceResources, of provisioning: Provisioning?) {
    guard let provisioning else { return }
    var provisioned = registered?.provisioned
    if provisioned?.tag != provisioning.tag || provisioned?.isComplete != false {
      provisioned = Provisioned(
        profile: provisioning.profile, tag: provisioning.tag, resources: DeviceResources(), completedSteps: 0,
        isActivated: provisioned?.isActivated ?? false)
    }
    provisioned?.resources.add(resources)
    registered?.provisioned = provisioned
  }

  /// A step has succeeded.
  ///
  /// - Parameter step: Its position in the plan.
  mutating func complete(_ step: Int, of provisioning: Provisioning?) {
    // Where only the status was asked for, later steps may be done already.
    if step == 0, let registered { return take(registered, for: provisioning) }
    completedSteps = step + 1
    guard let provisioning, let known = registered?.provisioned, known.tag == provisioning.tag,
      // A job that leaves the certificate alone takes nothing from the device that there is.
      let before = known.completedSteps, before < completedSteps
    else { return }
    registered?.provisioned?.completedSteps = completedSteps
  }

  /// Takes a certificate as it is registered: that step is done, and so are those of the provisioning that were done
  /// before.
  mutating func take(_ certificate: RegisteredCertificate, for provisioning: Provisioning?) {
    registered = certificate
    completedSteps = 1
    guard let provisioning, let known = certificate.provisioned, known.tag == provisioning.tag else { return }
    completedSteps = known.completedSteps ?? 1 + provisioning.steps.count
  }
}

extension [String] {
  /// Takes the order of other names, if they are the same ones.
  fileprivate mutating func sort(as names: [String]) {
    if Set(self) == Set(names) { self = names }
  }
}

extension DeviceResources {
  fileprivate mutating func add(_ other: DeviceResources) {
    thingName = other.thingName ?? thingName
    thingARN = other.thingARN ?? thingARN
    policies += other.policies.filter { !policies.contains($0) }
    groups += other.groups.filter { !groups.contains($0) }
  }
}

extension Provisioned {
  /// All of a profile, applied.
  ///
  /// - Parameters:
  ///   - provisioning: The profile with its values.
  ///   - progress: What its steps brought about, or an earlier provisioning.
  ///   - status: The status that the certificate has after the last step.
  init(_ provisioning: Provisioning, progress: Provisioned?, status: CertificateStatus?) {
    let resources = progress?.tag == provisioning.tag ? progress?.resources : nil
    self.init(
      profile: provisioning.profile, tag: provisioning.tag, resources: resources ?? DeviceResources(),
      isActivated: status == .active || progress?.isActivated ?? false)
    // A device that was mended is told as one that was made at once.
    guard case .parts(let parts) = provisioning.work else { return }
    self.resources.policies.sort(as: parts.policies)
    self.resources.groups.sort(as: parts.thing?.groups ?? [])
  }
}
