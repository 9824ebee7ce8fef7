import CertRegCore

// Devices: the order of steps, their progress on disk, and what callers are told.
extension RegistrarSimulation {
  /// A profile with its values, of a certificate.
  struct Device: Hashable {
    var tag: ProvisioningTag
    var key: RegistrationKey
  }

  static let provisioningOperations: Set<String> = [
    "CreateThing", "AddThingToThingGroup", "AttachPolicy", "AttachThingPrincipal", "RegisterThing",
  ]

  /// A profile with values, often one that was begun for the certificate.
  mutating func anyDevice(of key: RegistrationKey) -> Provisioning {
    if let begun = disk.results[key]?.provisioned, let provisioning = devices[Device(tag: begun.tag, key: key)],
      oneIn(begun.isComplete ? 4 : 2)
    {
      return provisioning
    }
    let profile = Int.random(in: 0..<SimulatedProfiles.all.count, using: &random)
    let provisioning = SimulatedProfiles.filled(profile, site: oneIn(3) ? "b" : "a", key)
    devices[Device(tag: provisioning.tag, key: key)] = provisioning
    return provisioning
  }

  /// Somebody makes what a profile needs, or rarely what is in its way.
  mutating func letOthersPrepare() {
    let key = anyKey()
    guard let action = anyDevice(of: key).expectedActions.randomElement(using: &random) else { return }
    if case .createThing = action, !oneIn(8) { return }
    upstream.devices.prepare(action, in: key.target)
  }

  // MARK: Calls

  /// The status that a call has to name.
  func expectedStatus(_ kind: SimulatedUpstream.Call.Kind, _ row: PendingRegistration) -> CertificateStatus? {
    guard kind == .register, row.status == .active, let provisioning = row.provisioning,
      case .parts(let parts) = provisioning.work, parts.activatesLast
    else { return row.status }
    return .inactive
  }

  mutating func check(_ call: ProvisioningCall, _ row: PendingRegistration) {
    reach(.provisioningStep)
    guard let provisioning = row.provisioning, let registered = row.facts.registered,
      registered.certificateARN == call.certificateARN, upstream.certificates[row.key] != nil
    else {
      violations.append(.callThatDiskDoesNotKnow)
      return
    }
    if row.purpose == .registerNew, registered.outcome == .existing { violations.append(.changesWhatIsLeftAlone) }
    if case .registerThing(let template) = call.action, case .set(let status) = template.status {
      if let named = row.namedStatus, named != status { violations.append(.changesNamedStatus) }
      if status == .active { checkIsNotKept(row) }
    }
    let actions = provisioning.expectedActions
    // The registration is the first step.
    let next = row.facts.completedSteps - 1
    guard actions.indices.contains(next), actions[next] == call.action else {
      violations.append(actions.prefix(max(0, next)).contains(call.action) ? .stepRepeated : .stepOutOfOrder)
      return
    }
    if flights[row.id]?.lastStep == next { reach(.stepRetried) }
    if flights[row.id]?.isResumed == true, next > 0 { reach(.provisioningResumed) }
    flights[row.id]?.lastStep = next
  }

  /// A job that registers sets the status.
  mutating func checkActivation(_ row: PendingRegistration) {
    guard row.purpose.registers, let provisioning = row.provisioning else { return }
    reach(.activation)
    if !upstream.devices.hasDevice(of: provisioning, row.key) { violations.append(.activatesTooEarly) }
    if provisioning.activatesLast, !row.overridesStatus, keptFromActivation.contains(row.id) {
      violations.append(.activatesWhatIsKept)
    }
    if provisioning.activatesLast, row.status == .active { checkIsNotKept(row) }
    if provisioning.activatesLast, !row.overridesStatus, row.facts.registered?.status == nil {
      violations.append(.activatesUnknownStatus)
    }
    if row.facts.completedSteps != provisioning.expectedActions.count + 1 { violations.append(.stepOutOfOrder) }
    if row.purpose == .registerNew, row.facts.registered?.outcome == .existing {
      violations.append(.changesWhatIsLeftAlone)
    }
  }

  // MARK: Progress

  /// A request becomes a job.
  mutating func checkDevice(_ row: PendingRegistration, of request: Registrar.Request) {
    guard let provisioning = row.provisioning, let known = request.registered,
      !flights.keys.contains(where: { $0.key == row.key })
    else { return }
    let all = provisioning.expectedActions.count + 1
    var done = 1
    if let provisioned = known.provisioned, provisioned.tag == provisioning.tag {
      reach(.provisioningContinued)
      done = provisioned.completedSteps ?? all
    } else if known.provisioned != nil {
      reach(.profileChanged)
    }
    if row.facts.isAskingForStatus { reach(.statusQuestion) }
    if row.facts.progress(of: provisioning) != done { violations.append(.progressLost) }
  }

  /// A step of a job has succeeded.
  mutating func checkProgress(_ facts: JobFacts, of id: JobID) {
    guard let row = disk.row(id)?.pending else { return }
    if facts.isBegunAnew, !row.facts.isBegunAnew {
      reach(.begunAnew)
      if facts.registered != nil || facts.completedSteps > 0 { violations.append(.progressInvented) }
      return
    }
    let next = row.facts.isAskingForStatus ? row.facts.progress(of: row.provisioning) : row.facts.completedSteps + 1
    if facts.completedSteps < next { violations.append(.progressLost) }
    if facts.completedSteps > next { violations.append(.progressInvented) }
    guard let provisioning = row.provisioning else { return }
    checkTruth(of: facts.registered?.provisioned, id.key)
    if facts.completedSteps > 1, facts.registered?.provisioned?.tag != provisioning.tag {
      violations.append(.progressLost)
    }
  }

  /// What a job established is there for the one behind it.
  mutating func checkInheritance(_ changes: [StoreChange]) {
    for case .complete(let ended, let registration) in changes {
      for case .noteProgress(let id, let facts) in changes where id.key == ended.key && !facts.asksAnew {
        guard let provisioning = disk.row(id)?.pending.provisioning, registration.provisioned?.tag == provisioning.tag
        else { continue }
        reach(.provisioningInherited)
        let done = registration.provisioned?.completedSteps ?? provisioning.expectedActions.count + 1
        if facts.progress(of: provisioning) != done { violations.append(.progressLost) }
      }
    }
  }

  /// Whatever the disk has of a device is there.
  mutating func checkTruth(of provisioned: Provisioned?, _ key: RegistrationKey) {
    guard let provisioned else { return }
    guard let provisioning = devices[Device(tag: provisioned.tag, key: key)],
      provisioned.profile == provisioning.profile
    else {
      violations.append(.progressInvented)
      return
    }
    let actions = provisioning.expectedActions
    let done = actions.prefix(provisioned.completedSteps.map { max(0, $0 - 1) } ?? actions.count)
    if !done.allSatisfy({ upstream.devices.has($0, key) }) { violations.append(.progressInvented) }
    // A device that is not whole any more has parts that no step has made again.
    let there = DeviceResources(of: actions.filter { upstream.devices.has($0, key) })
    let made = DeviceResources(of: Array(done))
    let isMended = provisioned.completedSteps == nil ? provisioned.resources == made : provisioned.resources.has(made)
    if !isMended || !there.has(provisioned.resources) { violations.append(.falseResources) }
  }

  // MARK: Answers

  /// A caller is told of a registration.
  mutating func checkDevice(_ registration: Registration, toldTo waiter: Waiter) {
    guard let provisioning = waiter.provisioning else {
      if registration.provisioned?.isComplete == false { reach(.plainBesideDevice) }
      return
    }
    reach(.provisioned)
    if provisioning.activatesLast, waiter.namedStatus ?? .active == .active, registration.status != .active {
      violations.append(.deviceNotActive)
    }
    if !registration.hasDevice(of: provisioning) || !upstream.devices.hasDevice(of: provisioning, waiter.key) {
      violations.append(.deviceToldTooEarly)
    }
  }
}

extension JobFacts {
  /// Whether the upstream is asked for nothing but the status of a known certificate.
  fileprivate var isAskingForStatus: Bool { registered == nil && earlier?.lacksOnlyStatus == true }

  /// The steps that are done, also before the status is known.
  fileprivate func progress(of provisioning: Provisioning?) -> Int {
    guard isAskingForStatus else { return completedSteps }
    guard let provisioning, let provisioned = earlier?.provisioned, provisioned.tag == provisioning.tag else {
      return 1
    }
    return provisioned.completedSteps ?? provisioning.expectedActions.count + 1
  }
}

extension DeviceResources {
  fileprivate func has(_ other: DeviceResources) -> Bool {
    (other.thingName == nil || thingName == other.thingName) && Set(policies).isSuperset(of: other.policies)
      && Set(groups).isSuperset(of: other.groups)
  }

  /// The resources that actions have made in the simulation.
  fileprivate init(of actions: [ProvisioningAction]) {
    self.init()
    for action in actions {
      switch action {
      case .createThing(let name, _, _): (thingName, thingARN) = (name, "arn:thing/" + name)
      case .addThingToThingGroup(_, let group): groups.append(group)
      case .attachPolicy(let policy): policies.append(policy)
      case .attachThingPrincipal, .registerThing: break
      }
    }
  }
}
