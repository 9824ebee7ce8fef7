// The way to the database, and what becomes of what was on it.
extension FleetMember {
  /// The member entered the fleet.
  package mutating func joined(_ welcome: FleetWelcome, now: Moment) {
    offsetMicroseconds = learnTime(welcome.time, now: now.wall)
    let isOther = welcome.fleetID != fleetID
    // A database that was restored may not know the member at all. And where what was told has left no trace on this
    // host's disk, the database's corrections have not either.
    let isUnknown = welcome.heard == 0 || welcome.sent > sentNumber + Int64(Self.mostUnnoted)
    if isOther { (positions, newsAt) = ([:], 0) }
    if isOther || isUnknown || welcome.sent < sentNumber || welcome.heard < newsAt {
      // The database lacks what it once had: it was emptied, restored, or replaced by one that lagged behind.
      actions.append(.tellAgain(after: isOther || isUnknown ? 0 : welcome.sent))
    }
    fleetID = welcome.fleetID
    sentNumber = max(sentNumber, welcome.sent)
    // Numbers that the others heard before must not come again, and some may be neither in the database nor on a disk.
    leastNumber = max(leastNumber, min(welcome.time, Self.highestTime))
    link = .joined
    problem = nil
    failures = 0
    tickedAt = nil
    toldLanes = nil
    since = now.wall
    reachedAt = now.monotonic
    let claims = Set(welcome.claims)
    for key in work.keys {
      work[key]?.markedAt = nil
      switch work[key]?.standing {
      // Where the grant has not been heard, only another one says whether another member has called.
      case .granted(let isShared): work[key]?.standing = .granted(isShared: isShared && claims.contains(key))
      case .held, .asked: work[key]?.standing = .asked
      case nil: break
      }
    }
    // A claim that was granted, though its answer was lost, is asked for again: only that one says whether another
    // member has called.
    let asked = Set(
      questions.values.compactMap { question -> FleetKey? in
        if case .claim(let claim, _) = question.kind { claim.key } else { nil }
      })
    for key in claims where work[key] == nil && !asked.contains(key) { giveUpUnanswered(key) }
    if isOther { (endedRows, leftRows, rowsUnderWay) = ([], [], []) }
    reconcile(welcome)
    for token in questions.keys { questions[token]?.isSent = false }
    actions.append(.stateChanged)
    exchange(now: now)
  }

  /// Compares the copies that the database has with the registrations of this member.
  private mutating func reconcile(_ welcome: FleetWelcome) {
    (unreadRows, postponedRows) = ([], [])
    // A database that was restored gives the numbers of rows that it lost to other rows.
    let present = Set(welcome.rows.map(\.id))
    endedRows.removeAll { !present.contains($0) }
    leftRows.removeAll { !present.contains($0) }
    rowsUnderWay.formIntersection(present)
    let there = Dictionary(welcome.rows.map { ($0.sequence, $0.key) }) { first, _ in first }
    for sequence in copies.keys {
      guard let copy = copies[sequence] else { continue }
      copies[sequence]?.isThere = there[sequence] == copy.key
      copies[sequence]?.isSent = false
      if there[sequence] == copy.key, copy.deadline != nil {
        copies[sequence]?.deadline = nil
        actions.append(.safe(sequence))
      }
    }
    let ended = rowsUnderWay.union(endedRows)
    for row in welcome.rows where copies[row.sequence]?.key != row.key && !ended.contains(row.id) {
      if welcome.isSameState, row.sequence > 0 {
        // The job ended while the database was away, or a crash came between its end and the row's.
        endedRows.append(row.id)
      } else {
        // Taken over from another member, or lost with this one's state.
        unreadRows.append(row.id)
      }
    }
    // What this process adds from now on is its own.
    ownSequences = .max
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
      rest()
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
    for copy in batch.copies { copies[copy.sequence]?.isSent = false }
    for result in batch.results where dirty[result.key] ?? .min < result.stamp { dirty[result.key] = result.stamp }
    releases.formUnion(batch.releases.filter { work[$0] == nil })
    for key in batch.leftClaims where work[key] == nil { giveUpUnanswered(key) }
    endedCopies += batch.endedCopies
    endedRows += batch.endedRows
    leftRows += batch.leftRows
    unreadRows = batch.fetchedRows + unreadRows
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
    rest()
    actions.append(.stateChanged)
  }

  /// The state for `status`.
  package var present: (since: WallTime, problem: FleetProblem?, members: [FleetReply.Member], at: MonotonicTime) {
    (since, problem, members, membersAt)
  }
}
