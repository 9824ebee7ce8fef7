import CertRegCore
import CertRegFleet

// What the registrar and the engine ask the fleet.
extension FleetLoop {
  // MARK: Keys

  /// The certificate as all members name it; `nil`: nobody has said yet where the target's upstream is.
  func fleetKey(_ key: RegistrationKey) -> FleetKey? {
    parts.known.fleetTarget(of: key.target).map { FleetKey(certificateID: key.certificateID, target: $0) }
  }

  /// The certificate as this host names it; `nil`: this host has no such target, or it points elsewhere.
  func ownKey(_ key: FleetKey) -> RegistrationKey? {
    guard let target = FleetTarget(text: key.target), parts.known.fleetTarget(of: target.name) == target else {
      return nil
    }
    return RegistrationKey(certificateID: key.certificateID, target: target.name)
  }

  // MARK: The registrar's questions

  /// Whether this host may work on a job: see ``Coordinator``.
  func askLeave(for pending: PendingRegistration, isPromised: Bool) -> Coordination.Leave {
    guard let key = fleetKey(pending.key) else { return .granted }
    let now = parts.clock.now
    if isPromised { member.resume(pending.id, key, now: now) }
    defer { schedule() }
    return member.begin(
      pending.id, key, since: since(of: pending), goesOn: pending.changesCertificate, now: now)
  }

  /// Only a later result ends a job that was asked for although one was known, and none ends an update.
  private func since(of pending: PendingRegistration) -> Int64? {
    guard pending.purpose.registers else { return nil }
    let facts = pending.facts
    guard facts.earlier != nil || facts.registered != nil || facts.asksAnew else { return .min }
    return member.since(pending.enqueuedAt)
  }

  func mayCall(_ pending: PendingRegistration) -> Bool {
    guard isStarted, let key = fleetKey(pending.key) else { return true }
    defer { schedule() }
    return member.mark(pending.id, key, now: parts.clock.now)
  }

  func revokes(_ pending: PendingRegistration) {
    guard let key = fleetKey(pending.key) else { return }
    member.revokes(pending.id, key)
  }

  func isSafe(_ pending: PendingRegistration) -> Bool {
    guard isStarted, let key = fleetKey(pending.key) else { return true }
    defer { schedule() }
    return member.secure(pending.id, key, now: parts.clock.now)
  }

  /// - Parameter ending: `nil` if the job was never on disk.
  func ended(_ id: JobID, _ ending: Ending?) {
    // Where the disk did not take what another host left behind, the database keeps it.
    for row in takenRows.removeValue(forKey: id) ?? [] where ending == nil {
      member.postpone(row, now: parts.clock.monotonic)
    }
    if let key = fleetKey(id.key) { member.end(id, key, isAnswered: ending?.answersEarlierCalls ?? false) }
    results.ended(id)
    schedule()
  }

  /// A job is on disk: the database's row, if it was taken over, is not needed any more.
  func isStored(_ id: JobID) {
    guard !takenRows.isEmpty, let rows = takenRows.removeValue(forKey: id) else { return }
    for row in rows { member.took(row) }
    schedule()
  }

  // MARK: The engine's questions

  /// Asks the fleet before a registration begins; `answer` is called later. Returns whether it is.
  func claim(
    _ key: RegistrationKey, since: Int64, isCalled: Bool, answer: @escaping (FleetMember.Answer) -> Void
  ) -> Bool {
    guard isStarted, let fleetKey = fleetKey(key) else { return false }
    let token = member.claim(fleetKey, isCalled: isCalled, since: since, now: parts.clock.now)
    schedule()
    guard let token else { return false }
    answers[token] = { [self] given in
      answer(given)
      // The request may have been refused, or go on under another key, since its target points elsewhere now.
      member.giveUp(fleetKey)
      schedule()
    }
    return true
  }

  /// A caller that asks the upstream anew joins a job.
  func refresh(_ key: RegistrationKey) {
    guard let key = fleetKey(key) else { return }
    member.refresh(key, now: parts.clock.wall)
  }

  /// Gives up a claim for which no job came.
  func giveUp(_ key: RegistrationKey) {
    guard let key = fleetKey(key) else { return }
    member.giveUp(key)
    schedule()
  }

  /// Only a later result answers a request that is to ask the upstream anew.
  func since() -> Int64 { member.since(parts.clock.wall) }

  /// What the fleet knows of a certificate; `answer` is called once.
  func find(_ key: RegistrationKey, answer: @escaping (Registration?, _ holder: String?) -> Void) {
    guard isStarted, let fleetKey = fleetKey(key), let token = member.find(fleetKey, now: parts.clock.now) else {
      return answer(nil, nil)
    }
    answers[token] = { [self] found in
      guard case .found(let result, let holder) = found else { return answer(nil, nil) }
      guard let result else { return answer(nil, holder) }
      check(result) { answer($0, holder) }
    }
    schedule()
  }

  /// Takes a member for gone; `answer` gets what the database says.
  func remove(_ name: String, answer: @escaping (FleetMember.Answer) -> Void) {
    guard isStarted, let token = member.remove(name, now: parts.clock.now) else { return answer(.alone) }
    answers[token] = answer
    schedule()
  }

  /// Who makes the call for a job of this host, and whether the database has a copy of it.
  func standing(of id: JobID) -> FleetStanding? {
    guard let key = fleetKey(id.key) else { return nil }
    let (member, isShared) = member.standing(of: id, key)
    return FleetStanding(member: member, isInFleet: isShared)
  }
}
