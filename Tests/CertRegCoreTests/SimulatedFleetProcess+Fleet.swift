import CertRegTesting

@testable import CertRegCore

// The duties of `FleetLoop`.
extension SimulatedFleetProcess {
  func begin(_ highest: (number: Int64, stamp: Int64), firstSequence: Int64) {
    machine.member.start(
      sentNumber: highest.number, lastStamp: highest.stamp, firstSequence: firstSequence, now: now)
    machine.isStarted = true
    results.start()
  }

  func carryOut() {
    guard machine.isStarted, !isCarryingOut else { return }
    isCarryingOut = true
    for (id, isStored) in machine.ended {
      for row in takenRows.removeValue(forKey: id) ?? [] where !isStored {
        machine.member.postpone(row, now: now.monotonic)
      }
      results.ended(id)
    }
    machine.ended = []
    machine.member.timePassed(now: now)
    var noted: [StoreChange] = []
    var isDone = false
    while !isDone {
      let decided = machine.member.takeActions()
      for action in decided { carryOut(action, &noted) }
      let due = results.takeActions(&machine.member, at: now.monotonic)
      for action in due { carryOut(action) }
      isDone = decided.isEmpty && due.isEmpty
    }
    if !noted.isEmpty { commit(noted) { _, _ in } }
    isCarryingOut = false
    let due = max(machine.member.nextDeadline(now: now.monotonic), now.monotonic + .milliseconds(1))
    guard memberTimer.map({ due < $0 || $0 <= now.monotonic }) ?? true else { return }
    memberTimer = due
    after(due - now.monotonic) { process in if process.memberTimer == due { process.memberTimer = nil } }
  }

  private func carryOut(_ action: FleetMember.Action, _ noted: inout [StoreChange]) {
    switch action {
    case .join(let sent, let ownSequences): world.join(self, sent: sent, ownSequences: ownSequences)
    case .exchange(let batch):
      if let batch = results.progress.pass(batch) { exchange(batch) }
    case .answer(let token, let answer):
      if answer == .alone { cutOffAt = now.monotonic }
      answers.removeValue(forKey: token)?(answer)
    case .coordinated(let id, let answer, let result): coordinated(id, answer, result)
    case .giveWay(let key): perform(registrar.revokedElsewhere(key.own, now: now))
    case .marked(let id, let isGranted): perform(registrar.mayCall(id, isGranted, now: now))
    case .safe(let sequence):
      if let job = registrar.job(sequence) { perform(registrar.isSafe(job.id)) }
    case .adopt(let result, let number):
      results.adopt(ResultOfOthers(result: result, number: number, key: result.key.own, stored: result.key.own))
    case .sent(let key, let stamp, let number):
      if let note = results.told(key, stamp: stamp, number: number) { noted.append(note) }
    case .takeOver(let row): takeOver(row)
    case .pace: break
    case .tellAgain(let number): write(results.tellAgain(after: number, machine.member, at: now.monotonic))
    case .stateChanged: if machine.member.isJoined { write(results.note(machine.member, at: now.monotonic)) }
    }
  }

  private func carryOut(_ action: FleetResults.Action) {
    switch action {
    case .adopt(let other): results.adopt(other)
    case .compare(let others): compare(others)
    case .read(let page): read(page)
    case .write(let progress): write(progress)
    }
  }

  private func coordinated(_ id: JobID, _ answer: Coordination.Answer?, _ result: SharedResult?) {
    if let answer { perform(registrar.coordinated(id.key, sequence: id.sequence, answer, now: now)) }
    guard let result else { return }
    check(result) { process, registration in
      guard process.registrar.job(id.sequence) != nil else { return }
      guard let registration, process.machine.member.counts(result) else {
        return process.machine.member.reject(result)
      }
      process.results.answer(id, with: result, as: registration)
      process.perform(
        process.registrar.coordinated(id.key, sequence: id.sequence, .known(registration, home: nil), now: process.now))
    }
  }

  // MARK: The database

  private func exchange(_ batch: FleetBatch) {
    var batch = batch
    for index in batch.copies.indices {
      batch.copies[index].request =
        registrar.job(batch.copies[index].sequence).map { world.record(of: $0, on: host) } ?? []
    }
    batch.copies.removeAll { $0.request.isEmpty }
    if batch.isFull {
      batch.queued = registrar.pendingCount
      batch.targets = [FleetSimulation.target.text]
      batch.targetsOfKeys = batch.targets
    }
    let unread = results.fill(&batch)
    // The disk is read on the link's thread.
    batch.results = batch.results.compactMap { result in
      guard let stored = unread[result.key] else { return result }
      guard let registration = try? host.store.registration(for: stored) else { return nil }
      var result = result
      result.content = SharedResult.Content(telling: registration)
      return result
    }
    exchangeBegan = now.monotonic
    results.leftOut(machine.member.filled(batch))
    world.exchange(batch, of: self)
  }

  func exchanged(_ batch: FleetBatch, _ reply: FleetReply?) {
    if let exchangeBegan, now.monotonic - exchangeBegan > FleetSimulation.patience { cutOffAt = now.monotonic }
    exchangeBegan = nil
    if let reply {
      machine.member.replied(reply, now: now)
    } else {
      connection = nil
      cutOffAt = now.monotonic
      machine.member.failed(FleetProblem(.unreachable, "simulated"), now: now)
    }
  }

  func joined(_ welcome: FleetWelcome?, _ problem: FleetProblem.Reason) {
    cutOffAt = now.monotonic
    if let welcome {
      machine.member.joined(welcome, now: now)
    } else {
      machine.member.failed(FleetProblem(problem, "simulated"), now: now)
    }
  }

  /// Whether the fleet's rules hold for what the process does now.
  var isInFleet: Bool {
    guard isRunning, machine.member.isJoined, now.monotonic - cutOffAt > .milliseconds(1200) else { return false }
    return exchangeBegan.map { now.monotonic - $0 <= FleetSimulation.patience } ?? true
  }

  private func write(_ progress: FleetProgress?) {
    guard let progress else { return }
    after(.milliseconds(world.some(1...10))) { process in
      if process.host.isDiskFull {
        if let batch = process.results.progress.failed() { process.exchange(batch) }
        return process.after(.seconds(1)) { $0.write($0.results.progress.retry()) }
      }
      process.host.progress = progress
      let (next, batch) = process.results.progress.wrote(progress)
      process.write(next)
      if let batch { process.exchange(batch) }
    }
  }
}

extension FleetKey {
  /// The certificate as every host of the simulation names it.
  var own: RegistrationKey { RegistrationKey(certificateID: certificateID, target: FleetSimulation.target.name) }
}

extension SharedResult.Content {
  /// As in the daemon, which leaves out what only this host needs.
  init(telling registration: Registration) {
    self.init(
      certificateARN: registration.certificateARN, outcome: registration.outcome, status: registration.status,
      requestID: registration.requestID, finishedAt: registration.finishedAt, basis: registration.basis,
      deviceID: registration.deviceID, provisioned: nil)
  }
}
