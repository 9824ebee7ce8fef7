import CertRegTesting

@testable import CertRegCore

// The duties of `FleetLoop`.
extension SimulatedFleetProcess {
  private static let fileInterval = Duration.seconds(2)
  /// Small, so that results have to wait on disk.
  static let mostNews = 6

  func begin(_ highest: (number: Int64, stamp: Int64), firstSequence: Int64) {
    machine.member.start(
      sentNumber: highest.number, lastStamp: highest.stamp, firstSequence: firstSequence, now: now)
    machine.isStarted = true
    beginRetelling(writtenFile.untoldAfter.map { .all(after: $0) } ?? .untold)
  }

  func carryOut() {
    guard machine.isStarted, !isCarryingOut else { return }
    isCarryingOut = true
    for (id, isStored) in machine.ended {
      answered[id] = nil
      for row in takenRows.removeValue(forKey: id) ?? [] where !isStored {
        machine.member.postpone(row, now: now.monotonic)
      }
      adoptDeferred(SimulatedFleetCoordinator.fleetKey(id.key))
    }
    machine.ended = []
    machine.member.timePassed(now: now)
    var noted: [StoreChange] = []
    while case let actions = machine.member.takeActions(), !actions.isEmpty {
      for action in actions { carryOut(action, &noted) }
    }
    if !noted.isEmpty { commit(noted) { _, _ in } }
    retellMore()
    if tellsOnceMore, hasAdoptedAll, let number = writtenFile.untoldAfter {
      tellsOnceMore = false
      isToldAgain = false
      beginRetelling(.all(after: number))
    }
    if isToldAgain, news.isEmpty, hasAdoptedAll, writtenFile.untoldAfter != nil { writeFile(untoldAfter: nil) }
    if now.monotonic - writtenAt >= Self.fileInterval {
      adoptAgain()
      writeFile()
    }
    isCarryingOut = false
    let due = max(machine.member.nextDeadline(now: now.monotonic), now.monotonic + .milliseconds(1))
    guard memberTimer.map({ due < $0 || $0 <= now.monotonic }) ?? true else { return }
    memberTimer = due
    after(due - now.monotonic) { process in if process.memberTimer == due { process.memberTimer = nil } }
  }

  private func carryOut(_ action: FleetMember.Action, _ noted: inout [StoreChange]) {
    switch action {
    case .join(let sent): world.join(self, sent: sent)
    case .exchange(let batch):
      if isWriting, !isFileFailing, writtenFile.untoldAfter != nil { heldBatch = batch } else { exchange(batch) }
    case .answer(let token, let answer):
      if answer == .alone { cutOffAt = now.monotonic }
      answers.removeValue(forKey: token)?(answer)
    case .coordinated(let id, let answer, let result): coordinated(id, answer, result)
    case .giveWay(let key): perform(registrar.revokedElsewhere(key.own, now: now))
    case .marked(let id, let isGranted): perform(registrar.mayCall(id, isGranted, now: now))
    case .safe(let sequence):
      if let job = registrar.job(sequence) { perform(registrar.isSafe(job.id)) }
    case .adopt(let result, let number): adopt(result, number: number)
    case .sent(let key, let stamp, let number):
      guard let told = news[key], told.stamp == stamp else { break }
      news[key] = nil
      guard number > 0 else { break }
      noted.append(
        .share(key.own, FleetNote(stamp: stamp, isForgotten: told.what == .forgotten, number: number)))
    case .takeOver(let row): takeOver(row)
    case .pace: break
    case .tellAgain(let number): tellAgain(after: number)
    case .stateChanged: if machine.member.isJoined { writeFile() }
    }
  }

  private func coordinated(_ id: JobID, _ answer: Coordination.Answer?, _ result: SharedResult?) {
    if let answer { perform(registrar.coordinated(id.key, sequence: id.sequence, answer, now: now)) }
    guard let result else { return }
    check(result) { process, registration in
      guard let registration, process.machine.member.counts(result) else {
        return process.machine.member.reject(result)
      }
      process.answered[id] = (result, registration)
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
    if adopting.count > Self.mostNews { batch.positions = [:] }
    if batch.isFull {
      batch.queued = registrar.pendingCount
      batch.targets = [FleetSimulation.target.text]
      batch.targetsOfKeys = batch.targets
    }
    // The disk is read on the link's thread.
    batch.results = batch.results.compactMap { result in
      guard let told = news[result.key] else { return nil }
      var result = result
      switch told.what {
      case .result(let registration): result.content = SharedResult.Content(telling: registration)
      case .onDisk:
        guard let registration = try? host.store.registration(for: result.key.own) else { return nil }
        result.content = SharedResult.Content(telling: registration)
      case .forgotten: break
      }
      return result
    }
    exchangeBegan = now.monotonic
    for left in machine.member.filled(batch) where news[left.key]?.stamp == left.stamp { news[left.key] = nil }
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

  func writeFile() { writeFile(untoldAfter: writtenFile.untoldAfter) }

  func writeFile(untoldAfter number: Int64?) {
    var file = writtenFile
    file.untoldAfter = number
    if number == nil { isToldAgain = false }
    if file.fleetID != machine.member.fleetID { durablePositions = [:] }
    file.fleetID = machine.member.fleetID
    file.newsAt = machine.member.newsAt
    file.sentNumber = machine.member.sentNumber
    file.positions = durablePositions
    file.offsetMicroseconds = machine.member.offsetMicroseconds
    if hasAdoptedAll { durablePositions = machine.member.positions }
    writtenAt = now.monotonic
    guard file != writtenFile else { return }
    writtenFile = file
    beginWriting()
  }

  private func beginWriting() {
    guard !isWriting else { return }
    isWriting = true
    let file = writtenFile
    after(.milliseconds(world.some(1...10))) { process in
      process.isFileFailing = process.host.isDiskFull
      guard !process.isFileFailing else {
        process.sendHeldBatch()
        return process.after(.seconds(1)) { process in
          process.isWriting = false
          process.beginWriting()
        }
      }
      process.host.file = file
      process.isWriting = false
      if file != process.writtenFile { process.beginWriting() } else { process.sendHeldBatch() }
    }
  }

  private func sendHeldBatch() {
    guard let batch = heldBatch else { return }
    heldBatch = nil
    exchange(batch)
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
