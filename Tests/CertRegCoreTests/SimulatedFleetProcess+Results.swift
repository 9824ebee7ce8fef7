import CertRegTesting

@testable import CertRegCore

// The duties of `FleetLoop+Results` and `EngineLoop+Fleet`: results of this host and of others.
extension SimulatedFleetProcess {
  func note(_ key: RegistrationKey, _ what: FleetNews.What, endOf job: JobID? = nil) -> StoreChange {
    let shared = SimulatedFleetCoordinator.fleetKey(key)
    world.noted(shared, what == .forgotten, on: self)
    return results.note(shared, storedAs: key, what, stamp: machine.member.stamp(now.wall), endOf: job)
  }

  /// A note is on disk, or the disk did not take it.
  func noted(_ change: StoreChange, isKept: Bool = true) {
    guard case .share(let stored, let note) = change, note.number == 0 else { return }
    let key = SimulatedFleetCoordinator.fleetKey(stored)
    if results.noted(key, note, isKept: isKept) { machine.member.tell(key, stamp: note.stamp) }
  }

  func registration(_ result: SharedResult) -> Registration? {
    guard let content = result.content else { return nil }
    return Registration(
      key: result.key.own, certificateARN: content.certificateARN, outcome: content.outcome, status: content.status,
      requestID: content.requestID, finishedAt: content.finishedAt, basis: content.basis, deviceID: content.deviceID)
  }

  /// Whether what the database knows may answer a request: nothing that this host knows is newer.
  func check(_ result: SharedResult, body: @escaping (SimulatedFleetProcess, Registration?) -> Void) {
    results.beginCheck(of: result.key)
    after(.microseconds(world.some(20...3000))) { process in
      let note = try? process.host.store.fleetNote(of: result.key.own)
      let isOutdated = note.map { $0.stamp > result.stamp } ?? false
      body(process, isOutdated || process.results.isBeingOutdated(result) ? nil : process.registration(result))
      process.results.settled(result.key, as: result.key.own, hasJob: process.registrar.hasJob(of: result.key.own))
    }
  }

  func takeOver(_ row: FleetReply.Row) {
    guard let pending = world.pending(row.request, row.key.own) else { return world.violate(.unreadableRow) }
    guard let (job, isStored, actions) = registrar.adopt(pending, now: now) else {
      return machine.member.postpone(row.id, now: now.monotonic)
    }
    machine.member.resume(job, row.key, now: now)
    if isStored { machine.member.took(row.id) } else { takenRows[job, default: []].append(row.id) }
    world.tookOver(row, self)
    perform(actions)
  }

  func isStored(_ id: JobID) {
    for row in takenRows.removeValue(forKey: id) ?? [] { machine.member.took(row) }
  }

  func compare(_ others: [ResultOfOthers]) {
    after(.microseconds(world.some(100...20_000))) { process in
      let presents = others.map { process.present($0.stored) }
      process.after(.microseconds(process.world.some(10...3000))) { process in
        for (other, present) in zip(others, presents) { process.compared(other, with: present) }
      }
    }
  }

  private func present(_ key: RegistrationKey) -> PresentResult? {
    guard let registration = try? host.store.registration(for: key) else {
      return PresentResult(note: nil, content: nil)
    }
    return PresentResult(
      note: try? host.store.fleetNote(of: key), content: SharedResult.Content(telling: registration))
  }

  private func compared(_ other: ResultOfOthers, with present: PresentResult?) {
    switch results.compared(other, with: present, hasJob: registrar.hasJob(of: other.key)) {
    case .take(let completed): adopt(completed, registration(completed.result))
    case .doubt(let key): perform(registrar.mayBeRevoked(key, now: now))
    case .none: break
    }
  }

  func adopt(_ other: ResultOfOthers, _ registration: Registration?, isAsked: Bool = false) {
    if registration == nil { memory[other.key] = nil }
    if isAsked, let registration { memory[other.key] = registration }
    let changes = results.begin(
      other, registration, telling: registration.map { SharedResult.Content(telling: $0) }, home: nil)
    commit(changes) { process, isKept in
      process.results.ended(other, isKept: isKept, hasJob: process.registrar.hasJob(of: other.key))
      for change in changes { process.noted(change, isKept: isKept) }
      if isKept, let registration {
        process.memory[other.key] = registration
      } else if registration == nil || isAsked {
        process.memory[other.key] = nil
      }
    }
  }

  func read(_ page: FleetRetelling) {
    after(.microseconds(world.some(100...5000))) { process in
      let read = page.nextPage(of: process.host.store) { SimulatedFleetCoordinator.fleetKey($0) }
      process.after(.microseconds(process.world.some(10...3000))) { process in
        let notes = process.results.read(read, &process.machine.member)
        if !notes.isEmpty { process.commit(notes) { _, _ in } }
      }
    }
  }
}
