import CertRegCore

// Everything around the core, except for callers.
extension RegistrarSimulation {
  private static let ages: [Duration?] = [nil, .seconds(2), .seconds(200), .seconds(200)]
  private static let timesToLive: [Duration?] = [nil, .seconds(1), .seconds(20)]

  /// The process loads its settings, at a start or a reload.
  mutating func reload() {
    let maxAge = mutant == .expiresNothing ? nil : settings.maxAge
    core.setConfiguration(maxPending: Self.maxPending, maxAge: maxAge)
    var limits: [TargetName: TargetLimits] = [:]
    for name in settings.targets {
      limits[name] = TargetLimits.one(
        ratePerSecond: name == Self.first ? settings.rate : nil, burst: 6, maxConcurrent: Self.maxConcurrent[name] ?? 1)
    }
    let actions = core.setTargets(limits, now: now)
    if mutant != .ignoresReloads { perform(actions) }
  }

  mutating func changeSettings() {
    switch Int.random(in: 0..<4, using: &random) {
    case 0: settings.targets.formSymmetricDifference([oneIn(2) ? Self.first : Self.second])
    case 1:
      settings.maxAge = Self.ages.randomElement(using: &random) ?? nil
      changedAt = now.monotonic
    case 2: settings.timeToLive = Self.timesToLive.randomElement(using: &random) ?? nil
    default: settings.rate = oneIn(2) ? 50 : 2
    }
    reload()
  }

  mutating func toggleUpstream() {
    if oneIn(3), let operation = UpstreamOperation.ofJobs.randomElement(using: &random) {
      upstream.unwellOperations.formSymmetricDifference([operation])
      return
    }
    upstream.unwellTargets.formSymmetricDifference([oneIn(2) ? Self.first : Self.second])
  }

  mutating func letOthersUseUpstream() {
    reach(.othersChange)
    upstream.othersUse(anyKey(), anyStatus())
    letOthersPrepare()
  }

  mutating func forget() {
    let key = anyKey()
    guard disk.results[key] != nil else { return }
    reach(.forget)
    disk.apply(.forget(key))
    noteActiveDevice(key)
  }

  /// Time passes, and each timer fires when it is due.
  mutating func pass(_ duration: Duration) {
    let end = now.monotonic + duration
    // Timers of callers, retries and paced calls, and ten checks of the ages a second.
    var timersLeft = 100 + 4 * (waiting.count + flights.count) + 12 * Int(duration.milliseconds) / 1000
    while let due = core.nextDeadline, due < end, timersLeft > 0 {
      clock.advance(by: max(.zero, due - now.monotonic))
      perform(core.timePassed(now: now))
      timersLeft -= 1
    }
    if timersLeft == 0 { violations.append(.tooManyTimers) }
    clock.advance(by: max(.zero, end - now.monotonic))
    perform(core.timePassed(now: now))
    checkTimes()
  }

  /// The oldest commit ends: they take effect in order.
  mutating func endCommit() {
    guard !disk.commits.isEmpty else { return }
    let (id, changes) = disk.commits.removeFirst()
    endBeginning(changes)
    if disk.isWell {
      for change in changes { apply(change) }
      perform(core.committed(id, .success(()), now: now))
    } else {
      reach(.diskFailure)
      for case .enqueue(let row) in changes { flights[row.id] = nil }
      perform(core.committed(id, .failure(StoreError(.full, message: "full")), now: now))
    }
    committed = []
  }

  private mutating func apply(_ change: StoreChange) {
    if case .complete(let id, let registration) = change { checkReplacement(registration, by: id) }
    let before = change.completed.flatMap { disk.record(for: $0.key) }
    let madeDevice = change.completed.flatMap { disk.row($0)?.pending.provisioning } != nil
    disk.apply(change)
    if case .complete(let id, let registration) = change {
      checkStepFailure(before, id, registration, madeDevice: madeDevice)
    }
    switch change {
    case .complete(let id, _), .setStatus(let id, _), .fail(let id, _): noteActiveDevice(id.key)
    default: break
    }
    switch change {
    case .complete(let id, _), .setStatus(let id, _), .fail(let id, _):
      if let version = answered[id] { upstream.raiseFloor(of: id.key, to: version) }
      if let version = lost[id] { upstream.raiseFloor(of: id.key, to: version) }
      flights[id] = nil
      (answered[id], lost[id]) = (nil, nil)
    case .noteProgress(let id, _): flights[id]?.isAdvancing = false
    default: break
    }
  }

  /// Calls begin now, unless the disk failed or the target was removed.
  private mutating func endBeginning(_ changes: [StoreChange]) {
    for change in changes {
      switch change {
      case .enqueue(let row) where flights[row.id]?.isBeginning == true: committed.insert(row.id)
      case .markCallStarted(let id): committed.insert(id)
      default: break
      }
    }
    for id in committed { flights[id]?.isBeginning = false }
  }

  mutating func endCall() {
    if let call = orphans.popLast() {
      upstream.take(call)
      return
    }
    guard !calls.isEmpty else { return }
    let call = calls.remove(at: Int.random(in: 0..<calls.count, using: &random))
    let before = upstream.certificates[call.key]?.version
    let reply = upstream.answer(call)
    let after = upstream.certificates[call.key]?.version
    switch reply {
    case .updated: (answered[call.id], lost[call.id]) = (after, nil)
    case .alreadyExists(_, let status, _, let undescribed):
      if undescribed != nil { reach(.undescribed) }
      if undescribed?.disposition == .identity { troubledTargets.insert(call.key.target) }
      if let status {
        described = (call.id, status)
        reach(.describedStatus)
        answered[call.id] = after
      }
    case .failed(let failure):
      if failure.mayHaveTakenEffect, call.kind == .register { disk.noteLostAnswer(call.id) }
      if after != before, call.kind != .register { lost[call.id] = after }
      if failure.disposition != .final { troubledTargets.insert(call.key.target) }
    case .provisioned: if after != before { (answered[call.id], lost[call.id]) = (after, nil) }
    case .registered: break
    }
    noteRegister(reply, to: call)
    replied = call.id
    perform(core.replied(call.id, reply, now: now))
    (described, replied) = (nil, nil)
  }

  private mutating func noteRegister(_ reply: UpstreamReply, to call: SimulatedUpstream.Call) {
    guard call.kind == .register, reply.certificateARN != nil else { return }
    registerReplies[call.key, default: 0] += 1
    keptFromActivation.remove(call.id)
    guard case .alreadyExists = reply, let status = upstream.certificates[call.key]?.status else { return }
    let earlier = disk.row(call.id)?.pending.facts.earlier
    let isDeactivated = status == .inactive && earlier?.status == status && earlier?.provisioned?.isActivated == true
    if status == .revoked || isDeactivated { keptFromActivation.insert(call.id) }
  }

  /// A drain begins, or its time is over and the process restarts.
  mutating func drain() {
    if isDraining {
      reach(.drain)
      perform(core.endDraining())
      if !waiting.isEmpty { violations.append(.lostAnswer) }
      restart()
    } else {
      isDraining = true
      if mutant != .drainsUnawaited { perform(core.beginDraining(now: now)) }
    }
  }

  /// The process dies and starts again. Calls under way may still arrive.
  mutating func restart() {
    reach(.crash)
    orphans += calls
    calls = []
    waiting = [:]
    flights = [:]
    (answered, lost) = ([:], [:])
    turns = SimulatedTurns()
    troubledTargets = []
    isDraining = false
    disk.crash()
    core = SimulatedCore(
      maxPending: Self.maxPending, maxAge: nil, makePlan: Self.plan(mutant), seed: random.next())
    changedAt = now.monotonic
    if !clock.isSet { reach(.unsetClock) }
    reload()
    resume()
  }

  mutating func reboot() {
    reach(.reboot)
    clock.reboot(isSet: !isRemote && oneIn(2))
    restart()
  }

  private mutating func resume() {
    let left = disk.pendingRegistrations
    for row in left {
      // If the clock was not set, the age is unknown and counts from the start of the process.
      let isAgeKnown = row.enqueuedAt >= Version.earliestClock && now.wall >= row.enqueuedAt
      let age = isAgeKnown ? now.wall.millisecondsSinceEpoch - row.enqueuedAt.millisecondsSinceEpoch : 0
      flights[row.id] = Flight(
        uid: row.requester.uid, purpose: row.purpose, slots: row.slots, since: now.monotonic + .milliseconds(-age),
        isResumed: true)
    }
    perform(
      core.resume(mutant == .forgetsTheQueue ? [] : left, firstSequence: disk.nextSequence, now: now))
  }
}

extension StoreChange {
  /// The job that leaves a result; `nil`: it is another change.
  fileprivate var completed: JobID? {
    if case .complete(let id, _) = self { id } else { nil }
  }
}
