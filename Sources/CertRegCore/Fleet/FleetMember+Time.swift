// What comes with time: deadlines, and stamps.
extension FleetMember {
  /// A stamp for something that happens now, above all that were given before and all that were read.
  package mutating func stamp(_ now: WallTime) -> Int64 {
    lastStamp = max(lastStamp &+ 1, now.microsecondsSinceEpoch &+ offsetMicroseconds)
    return lastStamp
  }

  /// What was known when a job was asked for does not answer it where its stamp is this one or an earlier one.
  package func since(_ askedAt: WallTime) -> Int64 {
    max(lastStamp, askedAt.microsecondsSinceEpoch &+ offsetMicroseconds)
  }

  /// Stamps from now on are above one that was read: its member's clock may have been ahead. A stamp that no clock
  /// gives is left aside.
  mutating func noteStamp(_ stamp: Int64, now: WallTime) {
    guard isCredible(stamp, now: now) else { return }
    lastStamp = max(lastStamp, stamp)
  }

  /// Whether a clock can have given a stamp. A result with a later one would be newer than all that comes.
  package func isCredible(_ stamp: Int64, now: WallTime) -> Bool {
    stamp < now.microsecondsSinceEpoch &+ offsetMicroseconds &+ Self.mostAhead
  }

  func learnTime(_ time: Int64, now: WallTime) -> Int64 {
    time &- now.microsecondsSinceEpoch
  }

  /// Whether a question may wait for the database.
  func isReachable(_ now: MonotonicTime) -> Bool {
    if let inFlight, now - inFlight.at > Self.patience { return false }
    if case .joined = link { return true }
    return now - reachedAt < Self.patience
  }

  /// Whether the database has been silent for longer than jobs wait for other members.
  private func isSilent(_ now: MonotonicTime) -> Bool {
    if let inFlight { return now - inFlight.at >= Self.patienceOfJobs }
    return link != .joined && now - reachedAt >= Self.patienceOfJobs
  }

  /// Whether this member is one of the fleet at present.
  package var isJoined: Bool { link == .joined }

  /// The time of the next call of ``timePassed(now:)``.
  package func nextDeadline(now: MonotonicTime) -> MonotonicTime {
    var next = now + .seconds(1)
    switch link {
    case .down(let retryAt): next = min(next, retryAt)
    case .joined where inFlight == nil:
      next = min(next, (tickedAt ?? now) + tickPause)
      // What was held back goes then.
      if let restUntil, restUntil > now { next = min(next, restUntil) }
    case .joined, .joining: break
    }
    for question in questions.values { next = min(next, question.deadline) }
    if !questions.isEmpty, isReachable(now) {
      if let inFlight { next = min(next, inFlight.at + Self.patience) }
      if link != .joined { next = min(next, reachedAt + Self.patience) }
    }
    for sequence in copies.keys(in: .awaited) {
      if let deadline = copies[sequence]?.deadline { next = min(next, deadline) }
    }
    if link != .joined || inFlight != nil, !work.keys(in: .asked).isEmpty || !work.keys(in: .held).isEmpty {
      next = min(next, max(now + .milliseconds(10), (inFlight?.at ?? reachedAt) + Self.patienceOfJobs))
    }
    return next
  }

  /// Large fleets exchange less often, so that the database's work does not grow with the square of their size.
  var tickPause: Duration {
    let count = members.count
    // While a rate climbs, the others have to hear of the first throttle soon.
    if count <= 20, isRising { return Self.tick * 2 / 5 }
    return count <= 10 ? Self.tick : min(.milliseconds(900), .milliseconds(25 * Int64(count)))
  }

  /// Whether the members try a higher rate.
  var isRising: Bool { lanes.values.contains { $0.rate.climbingFrom != nil } }

  /// The time of ``nextDeadline(now:)`` has come. Calls at other times do no harm.
  package mutating func timePassed(now: Moment) {
    let time = now.monotonic
    // One question that waited in vain ends the waiting of all others: the database is silent.
    let isReachable = isReachable(time)
    var marked: [Action] = []
    let overdue = questions.filter { $0.value.deadline <= time || !isReachable }
    for (token, question) in overdue.sorted(by: { $0.key < $1.key }) {
      questions[token] = nil
      switch question.kind {
      case .mark(_, let job): marked.append(.marked(job, true))
      case .claim(let claim, let since):
        grantAlone(claim.key, since: since)
        actions.append(.answer(token, .alone))
      case .find, .remove: actions.append(.answer(token, .alone))
      }
    }
    // Their permits are too old by now. Each goes to the front of the queue again, so the oldest comes last.
    actions += marked.reversed()
    for sequence in copies.keys(in: .awaited) {
      guard let deadline = copies[sequence]?.deadline, deadline <= time || !isReachable else { continue }
      copies[sequence]?.deadline = nil
      actions.append(.safe(sequence))
    }
    if isSilent(time) {
      for key in work.keys(in: .asked).union(work.keys(in: .held)) { goOnAlone(key) }
    }
    if case .down(let retryAt) = link, retryAt <= time, inFlight == nil {
      link = .joining
      actions.append(.join(sent: sentNumber, ownSequences: ownSequences))
    }
    exchange(now: now)
  }

  /// A waiting job begins although another member may be at work on its certificate.
  private mutating func goOnAlone(_ key: FleetKey) {
    guard let waiting = work[key], [.asked, .held].contains(waiting.file), !waiting.jobs.isEmpty else { return }
    work[key]?.standing = .granted(isShared: false)
    for job in waiting.jobs { actions.append(.coordinated(job, .granted(earlierCall: false), nil)) }
  }

  private mutating func grantAlone(_ key: FleetKey, since: Int64) {
    if work[key] == nil { work[key] = Work(standing: .granted(isShared: false), since: since) }
    goOnAlone(key)
  }
}
