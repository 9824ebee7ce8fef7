// The way to the database, and what becomes of what was on it.
extension FleetMember {
  /// The member entered the fleet.
  package mutating func joined(_ welcome: FleetWelcome, now: Moment) {
    offsetMicroseconds = learnTime(welcome.time, now: now.wall)
    let isNew = welcome.fleetID != fleetID
    if isNew || welcome.sent < sentNumber {
      // The database lacks what it once had: it was emptied, restored, or replaced by one that lagged behind.
      actions.append(.tellAgain(after: isNew ? 0 : welcome.sent, fleetID: welcome.fleetID))
    }
    if isNew { positions = [:] }
    fleetID = welcome.fleetID
    sentNumber = max(sentNumber, welcome.sent)
    link = .joined
    problem = nil
    failures = 0
    tickedAt = nil
    since = now.wall
    reachedAt = now.monotonic
    let claims = Set(welcome.claims)
    for (key, work) in work {
      switch work.standing {
      case .granted where !claims.contains(key): self.work[key]?.standing = .granted(isShared: false)
      case .granted: self.work[key]?.standing = .granted(isShared: true)
      case .held, .asked: self.work[key]?.standing = .asked
      }
    }
    for key in claims where work[key] == nil { releases.insert(key) }
    reconcile(welcome.rows)
    for token in questions.keys { questions[token]?.isSent = false }
    actions.append(.stateChanged)
    exchange(now: now)
  }

  /// Compares the copies that the database has with the registrations of this member.
  private mutating func reconcile(_ rows: [FleetReply.Row]) {
    let there = Dictionary(rows.map { ($0.sequence, $0) }) { first, _ in first }
    for (sequence, copy) in copies {
      copies[sequence]?.isThere = there[sequence]?.key == copy.key
      copies[sequence]?.isSent = false
    }
    for row in rows where copies[row.sequence]?.key != row.key {
      // A crash came between the end and its removal, or the member has lost its state.
      actions.append(.takeOver(row))
    }
  }

  /// The database cannot be used.
  package mutating func failed(_ problem: FleetProblem, now: Moment) {
    let wasJoined = link == .joined
    let wasOld = self.problem?.reason == problem.reason
    self.problem = problem
    failures += 1
    if wasJoined {
      since = now.wall
      failures = 1
      rest(now: now)
    }
    if let inFlight { takeBack(inFlight.batch) }
    inFlight = nil
    let spread = Duration.milliseconds(Int64(random.next() % 100))
    let pause =
      failures <= 1 ? Duration.milliseconds(5) : min(.milliseconds(100 * Int64(failures)), .seconds(1)) + spread
    link = .down(retryAt: now.monotonic + pause)
    if wasJoined || !wasOld { actions.append(.stateChanged) }
    timePassed(now: now)
  }

  /// What was on its way goes with the next exchange.
  mutating func takeBack(_ batch: FleetBatch) {
    for token in questions.keys { questions[token]?.isSent = false }
    for sequence in copies.keys { copies[sequence]?.isSent = false }
    for result in batch.results where dirty[result.key] ?? .min < result.stamp { dirty[result.key] = result.stamp }
    releases.formUnion(batch.releases.filter { work[$0] == nil })
    endedCopies += batch.endedCopies
    endedRows += batch.endedRows
  }

  mutating func noteTicked(_ now: MonotonicTime) { tickedAt = now }

  /// Whether old rows have to be looked for: once an hour.
  mutating func cleans(now: MonotonicTime) -> Bool {
    if let cleanedAt, now - cleanedAt < .seconds(3600) { return false }
    cleanedAt = now
    return true
  }

  mutating func ask(_ kind: Question.Kind, now: MonotonicTime) -> Token {
    let token = nextToken
    nextToken += 1
    questions[token] = Question(kind: kind, deadline: now + Self.patience)
    return token
  }

  /// Notes that the database lost this member, which has to join again.
  mutating func leave(now: Moment) {
    link = .down(retryAt: now.monotonic)
    actions.append(.stateChanged)
  }

  /// The state for `status`.
  package var present: (since: WallTime, problem: FleetProblem?, members: [FleetReply.Member], at: MonotonicTime) {
    (since, problem, members, membersAt)
  }
}
