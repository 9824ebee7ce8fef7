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
    upstream.unwellTargets.formSymmetricDifference([oneIn(2) ? Self.first : Self.second])
  }

  mutating func letOthersUseUpstream() {
    reach(.othersChange)
    upstream.othersUse(anyKey(), anyStatus())
  }

  mutating func forget() {
    let key = anyKey()
    guard disk.results[key] != nil else { return }
    reach(.forget)
    disk.apply(.forget(key))
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
      for case .enqueue(let row) in changes { flights[row.key] = nil }
      perform(core.committed(id, .failure(StoreError(.full, message: "full")), now: now))
    }
    committed = []
  }

  private mutating func apply(_ change: StoreChange) {
    if case .complete(let registration) = change { checkReplacement(registration) }
    disk.apply(change)
    switch change {
    case .complete(let registration): flights[registration.key] = nil
    case .fail(let failure): flights[failure.key] = nil
    default: break
    }
  }

  /// Calls begin now, unless the disk failed or the target was removed.
  private mutating func endBeginning(_ changes: [StoreChange]) {
    for change in changes {
      switch change {
      case .enqueue(let row) where row.callStarted: committed.insert(row.key)
      case .markCallStarted(let key): committed.insert(key)
      default: break
      }
    }
    for key in committed { flights[key]?.isBeginning = false }
  }

  mutating func endCall() {
    if let call = orphans.popLast() {
      upstream.take(call)
      return
    }
    guard !calls.isEmpty else { return }
    let call = calls.remove(at: Int.random(in: 0..<calls.count, using: &random))
    let reply = upstream.answer(call)
    switch reply {
    case .alreadyExists(_, let status, _):
      describedStatus = status
      if status != nil { reach(.describedStatus) }
    case .failed(let failure):
      if failure.mayHaveTakenEffect { disk.noteLostAnswer(call.key) }
      if failure.disposition != .final { troubledTargets.insert(call.key.target) }
    case .registered: break
    }
    perform(core.replied(call.key, reply, now: now))
    describedStatus = nil
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
    turns = SimulatedTurns()
    troubledTargets = []
    isDraining = false
    disk.crash()
    core = SimulatedCore(maxPending: Self.maxPending, maxAge: nil, seed: random.next())
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
      flights[row.key] = Flight(
        uid: row.requester.uid, slots: row.slots, since: now.monotonic + .milliseconds(-age))
    }
    perform(core.resume(mutant == .forgetsTheQueue ? [] : left, now: now))
  }
}
