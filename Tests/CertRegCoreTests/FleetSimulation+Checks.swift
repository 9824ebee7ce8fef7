import CertRegTesting

@testable import CertRegCore

// What has to hold.
extension FleetSimulation {
  // MARK: Notes

  func noted(_ key: FleetKey, _ isForgotten: Bool, on process: SimulatedFleetProcess) {
    // A host that has never asked the database for the time may date things wrongly.
    if process.machine.member.offsetMicroseconds == 0, process.host.skew != .zero { book.undated.insert(key.own) }
    trace(process.host.name, "notes \(isForgotten ? "forget" : "result") of \(Self.number(key.own))")
    if isForgotten {
      book.noteForgotten(key.own, at: now, on: process)
    } else {
      book.endings[key.own] = now
    }
  }

  /// A result of a host's own is on its disk.
  func kept(_ key: RegistrationKey, on process: SimulatedFleetProcess) {
    book.lastEndings[key] = .init(at: now, process: process)
  }

  func ended(_ id: JobID, _ ending: Ending, on process: SimulatedFleetProcess) {
    process.host.ended.insert(id.sequence)
    trace(process.host.name, "ended \(id.sequence) of \(Self.number(id.key)): \(Self.words(ending))")
    if case .updated(let update) = ending, update.status == .revoked { reach(.revocation) }
    if case .failed(let failure) = ending, failure.error.reason == .certificateRevoked { reach(.givenWay) }
  }

  private static func words(_ ending: Ending) -> String {
    switch ending {
    case .registered(let registration): words(registration)
    case .updated(let update): "updated \(update.status)"
    case .failed(let failure): "failed \(failure.error.reason.rawValue)"
    }
  }

  func tookOver(_ row: FleetReply.Row, _ process: SimulatedFleetProcess) {
    reach(.takeover)
    if reached[.restored] == nil, owner(of: row.request) == process.host.instance,
      process.host.ended.contains(row.sequence)
    {
      violate(.endedJobBeginsAgain(process.host.name, row.sequence))
    }
  }

  /// Something that was kept is gone for good.
  func reviewLosses() {
    let disks = hosts.filter(\.isAlive).map(\.store)
    let jobs = disks.flatMap { (try? $0.pendingRegistrations()) ?? [] }
    let rows = database.queue.values.compactMap { pending($0.request, $0.key.own) }
    // A change of the status registers nothing.
    let queued = Set((jobs + rows).filter(\.purpose.registers).map(\.key))
    for index in book.promises.indices where upstream.certificates[book.promises[index].key] == nil {
      if !queued.contains(book.promises[index].key) { book.promises[index].isLost = true }
    }
    for (key, time) in book.forgotten {
      let told = database.results[SimulatedFleetCoordinator.fleetKey(key)]?.result
      // Not an earlier forget.
      let isTold = told.map { $0.content == nil && isDated($0.stamp, at: time) } ?? false
      let isNoted = hosts.contains { $0.isAlive && $0.instance == book.forgetters[key] }
      if !isNoted, !isTold { book.forgotten[key] = nil }
    }
    for (key, certificate) in upstream.certificates where certificate.isOurs { reviewProof(of: key) }
  }

  private func isDated(_ stamp: Int64, at time: MonotonicTime) -> Bool {
    stamp > Self.start.microsecondsSinceEpoch + time.nanoseconds / 1000 - 1_000_000
  }

  /// Whether anything still tells that a call of a member made a registration.
  func reviewProof(of key: RegistrationKey) {
    let shared = SimulatedFleetCoordinator.fleetKey(key)
    guard let maker = upstream.certificates[key]?.maker else { return }
    // Where the maker still has its state, it goes by its own disk.
    let hasState = hosts.contains { $0.isAlive && $0.instance == maker.instance }
    if let claim = database.claims[shared] {
      // A claim that comes later than the call, from a member that was cut off, tells nothing about a certificate that
      // was known by then.
      let known = database.results[shared]?.result
      let isKnownBefore = known.map { $0.content != nil && $0.stamp < claim.claimedAt } ?? false
      let tells = claim.isCalled && !isKnownBefore && !hasState && ["", maker.name].contains(claim.member)
      if claim.earlier || tells { return }
    }
    if database.results[shared]?.result.content?.outcome == .created { return }
    for host in hosts where host.isAlive {
      if (try? host.store.registration(for: key))?.outcome == .created { return }
      let pending = (try? host.store.pendingRegistrations()) ?? []
      if host.instance == maker.instance, pending.contains(where: { $0.key == key && $0.callStarted }) { return }
    }
    book.unproven.insert(key)
  }

  // MARK: While it runs

  /// - Parameter isRefresh: Whether the caller asked for what the upstream says now.
  func check(
    _ answer: Registrar.Answer, to key: RegistrationKey, isRefresh: Bool, askedAt: MonotonicTime,
    on process: SimulatedFleetProcess
  ) {
    switch answer {
    // A caller may come while a result that was found is on its way to the job that it joins.
    case .registered
    where isRefresh && book.undated.isEmpty && process.cutOffAt < askedAt
      && askedAt.isBefore(now, by: .milliseconds(300))
      && !isAnswered(key, since: askedAt):
      violate(.answeredWithOldResult(Self.number(key)))
    case .queued:
      reach(.promise)
      book.promises.append(.init(key: key, member: process.host.name))
      let duration = now - askedAt
      if duration > .milliseconds(2800) { violate(.promiseLate(duration)) }
      let shared = SimulatedFleetCoordinator.fleetKey(key)
      let isThere = database.queue.values.contains { $0.key == shared } || database.results[shared] != nil
      if process.isInFleet, duration < .milliseconds(900), !isThere, now - lostContentAt > .seconds(3) {
        violate(.promiseNotInDatabase(process.host.name))
      }
    case .registered(let registration): check(registration)
    case .failed(let error) where [.storeFull, .queueFull].contains(error.reason) || error.kind == .certificateState:
      break
    case .failed(let error): violate(.requestFailed("\(error.reason.rawValue)"))
    case .updated: break
    }
  }

  /// Whether the upstream has answered about a certificate, as far as clocks can tell.
  private func isAnswered(_ key: RegistrationKey, since time: MonotonicTime) -> Bool {
    upstream.answeredAt[key].map { time.isBefore($0, by: .milliseconds(-5000)) } ?? false
  }

  private func check(_ registration: Registration) {
    if registration.certificateARN == nil { violate(.answerWithoutARN(Self.number(registration.key))) }
    let isOurs = upstream.certificates[registration.key]?.isOurs ?? false
    if registration.outcome == .created, !isOurs, !book.ambiguous.contains(registration.key) {
      violate(.createdAlthoughNotOurs)
    }
  }

  /// What holds at any time.
  func checkProcess(_ process: SimulatedFleetProcess) {
    let (host, member) = (process.host, process.machine.member)
    let waiting = member.work.keys(in: .asked).union(member.work.keys(in: .held))
    if !member.isJoined, member.reachedAt.isBefore(now, by: .seconds(2)),
      waiting.contains(where: { member.work[$0]?.jobs.isEmpty == false })
    {
      violate(.waitsForDatabase(host.name))
    }
    let settledAt = max(process.cutOffAt, lostContentAt, goneAt[host.name] ?? process.cutOffAt)
    guard process.isInFleet, settledAt.isBefore(now, by: .seconds(12)) else { return }
    for pending in (try? host.store.pendingRegistrations()) ?? []
    where pending.enqueuedAt < moment(of: host).wall + .seconds(-12) {
      let isThere = database.queue.values.contains { $0.member == host.name && $0.sequence == pending.sequence }
      if !isThere, process.registrar.isUnderWay(pending.id) { violate(.jobNotCopied(host.name, pending.sequence)) }
    }
  }

  func checkBegin(_ call: SimulatedFleetUpstream.Call, _ id: JobID, _ process: SimulatedFleetProcess) {
    let known = database.results[SimulatedFleetCoordinator.fleetKey(call.key)]?.result.content
    if book.isAsking, known?.certificateARN != nil, !book.undecided.contains(call.key) {
      violate(.callAtTheEnd(Self.number(call.key)))
    }
    guard call.isInFleet else { return }
    let claim = database.claims[SimulatedFleetCoordinator.fleetKey(call.key)]
    let wasGone = goneAt[call.member].map { now - $0 < .seconds(5) } ?? false
    if !wasGone, lostContentAt.isBefore(now, by: .seconds(3)), claim?.member != call.member || claim?.isCalled != true {
      violate(.callWithoutMark(by: call.member, Self.number(call.key)))
    }
    // A member that was removed while it is at work learns of it with its next full exchange.
    guard !database.isGone(call.member) else { return }
    for other in upstream.calls.values where other.registers && other.key == call.key && other.member != call.member {
      guard goneAt[other.member].map({ $0 < other.began }) ?? true, !database.isGone(other.member) else { continue }
      guard other.isInFleet else { continue }
      // A member that is back has made up its mind about the calls of its process that died.
      let present = hosts.first { $0.name == other.member }?.process
      guard present == nil || present === other.process else { continue }
      let isHeld = lostContentAt < other.began
      // A member that comes back says at once what it is at work on.
      let claimedAt = MonotonicTime(nanoseconds: ((claim?.claimedAt ?? 0) - Self.start.microsecondsSinceEpoch) * 1000)
      let isAsserted = other.process.isInFleet && other.process.cutOffAt.isBefore(claimedAt, by: .milliseconds(1200))
      if isHeld || isAsserted { violate(.twoCalls(by: other.member, and: call.member, Self.number(call.key))) }
    }
  }

  /// A claim passes on with the result, or behind it.
  func checkGrants(_ reply: FleetReply, _ before: [FleetKey: FleetModel.Claim], _ process: SimulatedFleetProcess) {
    for key in reply.granted.keys where reply.known[key]?.content == nil {
      guard let ending = book.lastEndings[key.own], ending.process !== process, ending.process.isInFleet,
        ending.process.cutOffAt < ending.at, lostContentAt < ending.at, before[key]?.member != process.host.name,
        // Until the other one has reached the database again, it cannot know that its claim is lost.
        lostContentAt < ending.process.machine.member.reachedAt,
        goneAt[ending.process.host.name].map({ $0 < ending.at }) ?? true, !book.everForgotten.contains(key.own)
      else { continue }
      violate(.releasedWithoutResult(by: ending.process.host.name, Self.number(key.own)))
    }
  }

  // MARK: At the end

  var isQuiet: Bool {
    upstream.calls.isEmpty
      && hosts.allSatisfy { host in
        guard host.isAlive else { return true }
        guard let process = host.process, process.machine.member.isJoined else { return false }
        return process.rest == nil
      } && database.claims.values.allSatisfy { database.isGone($0.member) } && database.queue.isEmpty
  }

  func checkRest() {
    for host in hosts where host.isAlive {
      guard let process = host.process, process.machine.member.isJoined else {
        violate(.neverQuiet(host.name))
        continue
      }
      if let rest = process.rest { violate(.tableNotEmpty("\(host.name): \(rest)")) }
    }
    for (key, claim) in database.claims where !database.isGone(claim.member) {
      violate(.claimLeft("\(claim) of \(key.certificateID.hex.prefix(16))"))
    }
    for (id, row) in database.queue { violate(.rowLeft("\(id) of \(row.member), \(row.sequence)")) }
  }

  func noteUndecided() {
    let claimed = database.claims.filter { $0.value.isCalled || $0.value.earlier }.keys
    let halfKnown = database.results.values.map(\.result).filter { result in
      result.content.map { $0.certificateARN == nil } ?? false
    }
    book.undecided = Set((claimed + halfKnown.map(\.key)).map(\.own)).union(doubtedWithoutResult())
  }

  /// What the only member that told it has lost, and the database, too, is told again by those that heard it, where
  /// their own file says that they had.
  private var maySurvivorsLack: Bool {
    reached[.restored] != nil && (reached[.goneForGood] != nil || reached[.stateLost] != nil)
  }

  func checkAgreement() {
    for promise in book.promises where !promise.isLost && upstream.certificates[promise.key] == nil {
      violate(.promiseLost(Self.number(promise.key)))
    }
    for number in 0..<Self.certificates {
      let key = Self.key(number)
      let known = database.results[SimulatedFleetCoordinator.fleetKey(key)]?.result.content
      for host in hosts where host.isAlive {
        guard let own = try? host.store.registration(for: key) else { continue }
        let words = (Self.words(own), known.map { Self.words($0) } ?? "none")
        if words.0 != words.1 {
          guard !maySurvivorsLack else {
            book.undecided.insert(key)
            continue
          }
          violate(.differentResults(Self.number(key), host: host.name + " " + words.0, database: words.1))
        }
      }
      checkTruth(key, known)
      if let forgotten = book.forgotten[key], forgotten > (book.endings[key] ?? .init(nanoseconds: 0)) + .seconds(3) {
        if known != nil, book.undated.isEmpty { violate(.notForgotten(Self.number(key))) }
      }
    }
  }

  private func checkTruth(_ key: RegistrationKey, _ known: SharedResult.Content?) {
    guard let known, let certificate = upstream.certificates[key] else { return }
    // A result that is dated too early, by a host that never asked the database for the time, was known before any call.
    let isExcused = [
      book.everForgotten, book.unproven, book.refreshed, book.updated, book.undecided, book.undated,
    ].contains { $0.contains(key) }
    if certificate.isOurs, known.outcome == .existing, !isExcused {
      violate(.existingAlthoughOurs(Self.number(key)))
    }
    if !certificate.isOurs, known.outcome == .created, !book.ambiguous.contains(key) {
      violate(.createdAlthoughNotOurs)
    }
  }

  static func words(_ known: SharedResult.Content) -> String {
    "\(known.certificateARN?.suffix(3) ?? "-") \(known.outcome) \(known.status.map { "\($0)" } ?? "-")"
  }

  private static func words(_ known: Registration) -> String { words(SharedResult.Content(telling: known)) }

  func checkSameAnswers() {
    let count = hosts.filter(\.isAlive).count
    // What nobody had asked for is registered then, and a host may have as many others to register as it takes.
    let isRefused = { (answer: Registrar.Answer) in
      if case .failed(let error) = answer { error.reason == .queueFull } else { false }
    }
    for (key, answers) in book.last where !book.undecided.contains(key) && !answers.contains(where: isRefused) {
      let words = answers.map { answer in
        if case .registered(let registration) = answer { Self.words(registration) } else { "\(answer)" }
      }
      if Set(words).count != 1 || words.count != count { violate(.differentAnswers(Self.number(key), words)) }
    }
  }
}

extension MonotonicTime {
  fileprivate func isBefore(_ other: MonotonicTime, by duration: Duration) -> Bool { self + duration < other }
}

extension SimulatedFleetProcess {
  /// What an idle member has in memory that it must not have; `nil`: nothing.
  var rest: String? {
    let member = machine.member
    let counts: [(String, Int)] = [
      ("jobs", registrar.pendingCount), ("work", member.work.keys.count), ("questions", member.questions.count),
      ("copies", member.copies.keys.count), ("endedCopies", member.endedCopies.count),
      ("endedRows", member.endedRows.count), ("releases", member.releases.count),
      ("leftClaims", member.leftClaims.count), ("dirty", member.dirty.count),
      ("news \(results.news.keys.map { FleetSimulation.number($0.own) })", results.news.count),
      ("adopting", results.adopting.count), ("unread", results.unread.count), ("deferred", results.deferred.count),
      ("again", results.again.count), ("unsettled", results.unsettled.count),
      ("failedAdoptions", results.failedAdoptions.count), ("answered", results.answered.count),
      ("endStamps", results.endStamps.count),
      ("takenRows", takenRows.count),
      ("unreadRows", member.unreadRows.count + member.postponedRows.count), ("answers", answers.count),
      ("completions", completions.count),
    ]
    let full = counts.filter { $0.1 > 0 }
    return full.isEmpty ? nil : "\(full)"
  }
}
