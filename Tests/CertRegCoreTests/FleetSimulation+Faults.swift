import CertRegTesting

@testable import CertRegCore

// Callers, and what goes wrong.
extension FleetSimulation {
  /// A situation that the simulation is meant to reach.
  enum Event: CaseIterable {
    case exchange, join, joinWithNewState, nameTaken, lostReply
    case call, conflict, lostAnswer, succession, takeover, update, forget, promise, cachedAnswer
    case deviceCall, revocation, givenWay, lateRevocation
    case crash, stateLost, goneForGood, removal, cutOff, outage, failover, restored, emptied, slow, diskFull
  }

  /// Everything goes wrong for a while; then all is well, and has to come to rest.
  func run() {
    for host in hosts { start(host) }
    run(for: .milliseconds(some(0...2000)))
    let steps = some(60...160)
    for _ in 0..<steps where violations.isEmpty {
      step()
      run(for: .milliseconds(oneIn(10) ? some(100...4000) : some(1...300)))
      for process in running { checkProcess(process) }
    }
    heal()
    settle()
  }

  private func start(_ host: SimulatedFleetHost) {
    guard host.process == nil, host.isAlive else { return }
    let process = SimulatedFleetProcess(host, in: self)
    trace(host.name, "starts")
    host.process = process
    process.start()
  }

  private func step() {
    switch some(0...199) {
    case 0..<110: askForRegistration()
    case 110..<120: forget()
    case 120..<130: askForStatus()
    case 130..<146: crash()
    case 146..<158: cutOff()
    case 158..<166: endOutage(after: outage())
    case 166..<170: failover()
    case 170..<176: backup = database
    case 176..<180: restore()
    case 180..<182: empty()
    case 182..<186:
      isDatabaseSlow = true
      reach(.slow)
      after(.milliseconds(some(100...8000))) { [self] in isDatabaseSlow = false }
    case 186..<190:
      upstream.isDown = true
      after(.milliseconds(some(100...6000))) { [self] in upstream.isDown = false }
    case 190..<194: remove()
    case 194..<198: fillDisk()
    default: break
    }
  }

  private var running: [SimulatedFleetProcess] { hosts.compactMap(\.process) }

  private func anyKey() -> RegistrationKey { Self.key(UInt64(some(0...Int64(Self.certificates) - 1))) }

  // MARK: Callers

  private func askForRegistration() {
    guard !running.isEmpty else { return }
    let key = anyKey()
    let isRefresh = oneIn(25)
    let isDevice = !isRefresh && oneIn(4)
    if isRefresh { book.refreshed.insert(key) }
    // Several hosts may be asked for the same at a time.
    for _ in 0..<(oneIn(3) ? 2 : 1) {
      let process = random.pick(running)
      let waits = oneIn(2)
      process.after(.microseconds(some(0...2000))) { [self] process in
        let asked = now
        if isRefresh, process.machine.member.offsetMicroseconds == 0, process.host.skew != .zero {
          book.undated.insert(key)
        }
        if isDevice { book.activationAskedAt[key] = now }
        process.register(
          key, refresh: isRefresh, isDevice: isDevice,
          expectation: waits ? .result(deadline: now + .seconds(600)) : .queued
        ) { [self] answer, isKnown in
          if isKnown { reach(.cachedAnswer) }
          check(answer, to: key, isRefresh: isRefresh, askedAt: asked, on: process)
        }
      }
    }
  }

  private func askForStatus() {
    guard !running.isEmpty else { return }
    let key = anyKey()
    book.updated.insert(key)
    let (status, waits) = (random.pick([CertificateStatus.active, .inactive, .revoked]), oneIn(2))
    random.pick(running).after(.zero) { [self] process in
      if status == .active { book.activationAskedAt[key] = now }
      process.update(key, to: status, expectation: waits ? .result(deadline: now + .seconds(600)) : .queued) { _, _ in }
    }
  }

  private func forget() {
    guard !running.isEmpty else { return }
    let key = anyKey()
    random.pick(running).after(.zero) { [self] process in
      process.forget(key) { [self] isDone in
        guard isDone else { return }
        reach(.forget)
        book.confirmForgotten(key, on: process)
      }
    }
  }

  private func remove() {
    guard !running.isEmpty else { return }
    let name = random.pick(hosts).name
    random.pick(running).after(.zero) { process in
      if let token = process.machine.member.remove(name, now: process.now) { process.answers[token] = { _ in } }
    }
    reach(.removal)
    // Whether and when it happens is not looked at.
    goneAt[name] = now + .seconds(3)
  }

  // MARK: Hosts

  private func crash() {
    let process = running.isEmpty ? nil : random.pick(running)
    guard let process else { return }
    let host = process.host
    reach(.crash)
    trace(host.name, "crashes")
    process.isRunning = false
    host.process = nil
    for pending in (try? host.store.pendingRegistrations()) ?? [] { book.ambiguous.insert(pending.key) }
    switch some(0...11) {
    case 0:
      reach(.stateLost)
      host.store = MemoryStore()
      host.progress = FleetProgress()
      host.instance = nextInstance
      host.ended = []
      book.revokedAt = [:]
      nextInstance += 1
      reviewLosses()
    case 1 where hosts.filter(\.isAlive).count > 1:
      reach(.goneForGood)
      host.isGoneForGood = true
      book.revokedAt = [:]
      reviewLosses()
    default: break
    }
    after(.milliseconds(oneIn(3) ? some(4000...20_000) : some(50...2000))) { [self] in start(host) }
  }

  private func cutOff() {
    let host = random.pick(hosts)
    guard !host.isCutOff else { return }
    reach(.cutOff)
    trace(host.name, "is cut off")
    host.isCutOff = true
    after(.milliseconds(oneIn(3) ? some(4000...20_000) : some(50...3000))) { host.isCutOff = false }
  }

  private func fillDisk() {
    let host = random.pick(hosts)
    reach(.diskFull)
    trace(host.name, "has a full disk")
    host.isDiskFull = true
    after(.milliseconds(some(50...15_000))) { host.isDiskFull = false }
  }

  // MARK: The database

  private func outage() -> Duration {
    isDatabaseDown = true
    reach(.outage)
    return .milliseconds(oneIn(3) ? some(2000...12_000) : some(50...2000))
  }

  private func endOutage(after duration: Duration) {
    connection += 1
    after(duration) { [self] in isDatabaseDown = false }
  }

  private func failover() {
    connection += 1
    reach(.failover)
  }

  private func restore() {
    guard let backup else { return }
    reach(.restored)
    database = backup
    loseContent()
  }

  private func empty() {
    reach(.emptied)
    database = FleetModel(id: "\(connection + 1)", now: databaseTime)
    backup = nil
    loseContent()
  }

  private func loseContent() {
    connection += 1
    lostContentAt = now
    book.revokedAt = [:]
    reviewLosses()
    if oneIn(2) { endOutage(after: outage()) }
  }

  // MARK: The end

  private func heal() {
    trace("", "heals")
    isWell = true
    (isDatabaseDown, isDatabaseSlow, upstream.isDown) = (false, false, false)
    for host in hosts {
      (host.isCutOff, host.isDiskFull) = (false, false)
      start(host)
    }
    revokeStuckDevices()
  }

  /// What cannot be made any more has to give way to a revocation, wherever that is asked for. All else is repaired.
  private func revokeStuckDevices() {
    let jobs = running.flatMap { (try? $0.host.store.pendingRegistrations()) ?? [] }
    upstream.stuck.formIntersection(jobs.filter { $0.provisioning != nil }.map(\.key))
    for key in upstream.stuck.sorted(by: { $0.certificateID.hex < $1.certificateID.hex }) {
      guard upstream.certificates[key] != nil, oneIn(2) else {
        upstream.stuck.remove(key)
        continue
      }
      book.updated.insert(key)
      reach(.lateRevocation)
      random.pick(running).after(.zero) { [self] process in
        process.update(key, to: .revoked, expectation: .result(deadline: now + .seconds(600))) { [self] answer, _ in
          if case .updated = answer {} else { upstream.stuck.remove(key) }
        }
      }
    }
  }

  /// All is well: everything has to come to its end, and everybody has to say the same.
  private func settle() {
    // What processes that are gone have sent arrives.
    run(for: .seconds(3))
    for _ in 0..<600 where violations.isEmpty && !isQuiet { run(for: .milliseconds(250)) }
    run(for: .seconds(3))
    guard violations.isEmpty else { return }
    noteUndecided()
    checkRest()
    checkAgreement()
    guard violations.isEmpty else { return }
    askEverybody()
    run(for: .seconds(10))
    checkSameAnswers()
    checkRest()
  }

  private func askEverybody() {
    for process in running {
      for number in 0..<Self.certificates {
        let key = Self.key(number)
        process.after(.milliseconds(some(0...1000))) { [self] process in
          process.register(key, refresh: false, expectation: .result(deadline: now + .seconds(600))) {
            [self] answer, _ in
            book.last[key, default: []].append(answer)
          }
        }
      }
    }
    book.isAsking = true
  }
}
