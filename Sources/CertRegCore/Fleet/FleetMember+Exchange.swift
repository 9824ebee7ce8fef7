// The exchanges with the database.
extension FleetMember {
  /// Begins an exchange if there is a reason for one, and none is under way.
  package mutating func exchange(now: Moment) {
    guard link == .joined, inFlight == nil else { return }
    var batch = FleetBatch()
    let rested = tickedAt.map { now.monotonic - $0 } ?? tickPause
    guard rested >= tickPause || now.monotonic >= restUntil ?? now.monotonic else { return }
    fill(&batch, now: now.monotonic)
    guard rested >= tickPause || !batch.isEmpty else { return }
    // What goes shortly before a full one goes with it, unless a rate rises: the more often the members hear of each
    // other's rates, the faster.
    if rested >= (isRising ? tickPause : tickPause * 3 / 4) || endsWork(batch) && rested >= tickPause * 2 / 5 {
      fillFull(&batch, now: now.monotonic)
      batch.isFull = true
      batch.positions = positions
      batch.hearsRevocations = !work.keys.isEmpty
      batch.takesOver = members.contains { $0.isGone }
      batch.cleansUp = cleans(now: now.monotonic)
      noteTicked(now.monotonic)
    }
    if !batch.isOnlyMarks { addMissingCopies(to: &batch, now: now.monotonic) }
    batch.claims = Dictionary(batch.claims.map { ($0.key, $0.isCalled) }) { $0 || $1 }
      .map { FleetBatch.Claim(key: $0, isCalled: $1) }.sorted { $0.key < $1.key }
    batch.marks.sort()
    inFlight = (batch, now.monotonic)
    exchangedAt = now.monotonic
    actions.append(.exchange(batch))
  }

  /// Whether a batch tells the end of all work, while others wait for more of the rate.
  private func endsWork(_ batch: FleetBatch) -> Bool {
    work.keys.isEmpty && !batch.results.isEmpty
      && lanes.values.contains { $0.parts.contains { $0.member != name && $0.want > 0 } }
  }

  /// When the next exchange may begin; `nil`: now.
  var restUntil: MonotonicTime? {
    guard let exchangedAt, work.keys.count >= Self.busyWork else { return nil }
    return exchangedAt + Self.busyPause
  }

  private mutating func fill(_ batch: inout FleetBatch, now: MonotonicTime) {
    let told = dirty.prefix(Self.mostOfAKind)
    // Their content is filled in with the exchange.
    batch.results = told.map { SharedResult(key: $0.key, stamp: $0.value, content: nil) }.sorted { $0.key < $1.key }
    batch.firstNumber = max(sentNumber, leastNumber) + 1
    if !batch.results.isEmpty { sentNumber = batch.firstNumber + Int64(batch.results.count) - 1 }
    for result in batch.results { dirty[result.key] = nil }
    // What is told of a certificate goes before its release.
    batch.releases = releases.filter { dirty[$0] == nil }.sorted()
    releases.subtract(batch.releases)
    batch.leftClaims = leftClaims.filter { dirty[$0] == nil }.sorted()
    leftClaims.subtract(batch.leftClaims)
    for (token, question) in questions where !question.isSent {
      questions[token]?.isSent = true
      switch question.kind {
      case .claim(let claim, _): batch.claims.append(claim)
      case .find(let key): batch.finds.append(key)
      case .mark(let key, _): batch.marks.append(key)
      case .remove(let member): batch.removals.append(member)
      }
    }
    for key in work.keys(in: .unshared).prefix(Self.mostOfAKind) {
      batch.claims.append(FleetBatch.Claim(key: key, isCalled: true))
    }
    for key in work.keys(in: .asked).prefix(2 * Self.mostOfAKind) {
      batch.claims.append(FleetBatch.Claim(key: key, isCalled: false))
    }
    for sequence in copies.keys(in: .awaited) { add(sequence, to: &batch) }
    if copies.keys(in: .missing).count >= Self.mostOfAKind { addMissingCopies(to: &batch, now: now) }
    batch.endedCopies = endedCopies
    batch.endedRows = endedRows
    batch.leftRows = leftRows
    (endedCopies, endedRows, leftRows) = ([], [], [])
    addUnreadRows(to: &batch)
  }

  /// What goes with full exchanges only.
  private mutating func fillFull(_ batch: inout FleetBatch, now: MonotonicTime) {
    let held = heldAgain()
    batch.claims += held.map { FleetBatch.Claim(key: $0, isCalled: false) }
    // Again with each question: a new holder has not heard of it.
    batch.revocations = held.filter { work[$0]?.isRevocation == true }.sorted()
    takePostponed(now: now)
    addUnreadRows(to: &batch)
  }

  /// Copies of which nobody was told are no reason for an exchange, unless they are many.
  private mutating func addMissingCopies(to batch: inout FleetBatch, now: MonotonicTime) {
    for sequence in copies.keys(in: .missing) {
      if batch.copies.count >= Self.mostOfAKind { break }
      if let copy = copies[sequence], copy.due <= now { add(sequence, to: &batch) }
    }
  }

  private mutating func addUnreadRows(to batch: inout FleetBatch) {
    let rows = unreadRows.prefix(Self.mostRead - batch.fetchedRows.count)
    batch.fetchedRows += rows
    unreadRows.removeFirst(rows.count)
  }

  private mutating func takePostponed(now: MonotonicTime) {
    guard !postponedRows.isEmpty, now - postponedAt >= Self.pauseOfRows else { return }
    unreadRows += postponedRows
    postponedRows = []
  }

  /// Certificates that others work on, for which jobs of this member wait: some of them, each in turn.
  private mutating func heldAgain() -> [FleetKey] {
    if turns.isEmpty { turns = Array(work.keys(in: .held)) }
    let part = turns.suffix(Self.mostOfAKind)
    turns.removeLast(part.count)
    return part.filter { key in work[key].map { $0.file == .held && !$0.jobs.isEmpty } ?? false }
  }

  private mutating func add(_ sequence: Int64, to batch: inout FleetBatch) {
    guard let copy = copies[sequence], !copy.isSent, batch.copies.count < Self.mostOfAKind else { return }
    copies[sequence]?.isSent = true
    batch.copies.append(FleetBatch.Copy(sequence: sequence, key: copy.key))
  }

  /// The batch under way as it was sent.
  ///
  /// - Returns: Results that were left out, since this host has nothing to tell any more.
  @discardableResult
  package mutating func filled(_ batch: FleetBatch) -> [SharedResult] {
    let told = Set(batch.results.map(\.key))
    let left = inFlight?.batch.results.filter { !told.contains($0.key) } ?? []
    inFlight?.batch = batch
    return left
  }

  /// An exchange ended.
  package mutating func replied(_ reply: FleetReply, now: Moment) {
    guard let (batch, begin) = inFlight else { return }
    inFlight = nil
    reachedAt = now.monotonic
    guard reply.isMember else {
      takeBack(batch)
      leave(now: now)
      return timePassed(now: now)
    }
    if batch.isFull {
      offsetMicroseconds = learnTime(reply.time, now: now.wall) + (now.monotonic - begin).nanoseconds / 2000
    }
    let corrections = Dictionary(reply.corrections.map { ($0.key, $0) }) { first, _ in first }
    for (index, result) in batch.results.enumerated() {
      let number = batch.firstNumber + Int64(index)
      // A crash may come before the correction is on disk: then the result is told once more, and corrected again.
      let correction = corrections[result.key]
      actions.append(.sent(result.key, stamp: result.stamp, number: correction == nil ? number : 0))
      if let correction { actions.append(.adopt(correction, number: number)) }
    }
    for result in reply.corrections + reply.known.values + reply.feed.compactMap(\.result) {
      noteStamp(result.stamp, now: now.wall)
    }
    if batch.isFull {
      toldLanes = Set(batch.lanes.map(\.id))
      // Before the jobs that are granted: their calls go at the share.
      takeLanes(batch, reply)
    }
    take(batch.claims.map(\.key), reply)
    for key in reply.revocations where work[key]?.jobs.isEmpty == false { actions.append(.giveWay(key)) }
    answerQuestions(batch, reply, now: now)
    for copy in batch.copies {
      guard copies[copy.sequence] != nil else {
        // It ended meanwhile.
        endedCopies.append(copy.sequence)
        continue
      }
      let isAwaited = copies[copy.sequence]?.deadline != nil
      copies[copy.sequence]?.isThere = true
      copies[copy.sequence]?.deadline = nil
      if isAwaited { actions.append(.safe(copy.sequence)) }
    }
    takeRows(batch, reply)
    takeFeed(reply)
    if batch.isFull {
      // The database's clock may have been set back.
      if !reply.feed.isEmpty || reply.time < newsAt { newsAt = reply.time }
      members = reply.members
      membersAt = now.monotonic
      takePositions()
    }
    if reply.hasMoreFeed { tickedAt = now.monotonic + Self.feedPause + (.zero - tickPause) }
    exchange(now: now)
  }

  /// What the database knows that answers a request; `nil`: nothing.
  private func answer(_ reply: FleetReply, to key: FleetKey, since: Int64) -> SharedResult? {
    guard let result = reply.known[key], let content = result.content, content.certificateARN != nil,
      result.stamp > since
    else { return nil }
    // An earlier holder of the claim may have made the registration that another member has only found. Once more a 409
    // tells it from one of strangers.
    if content.outcome == .existing, reply.granted[key] == true { return nil }
    return result
  }

  /// The database lets this member work on a certificate; `nil`: it does not.
  private func grant(_ reply: FleetReply, of key: FleetKey) -> Coordination.Answer? {
    reply.granted[key].map { .granted(earlierCall: $0, status: statusBehindCall(reply, key)) }
  }

  /// The status of a certificate that another member may have called for, as far as the database knows it.
  private func statusBehindCall(_ reply: FleetReply, _ key: FleetKey) -> CertificateStatus? {
    reply.granted[key] == true ? reply.known[key]?.content?.status : nil
  }

  /// What the database says of certificates that jobs wait for, or that were begun without it.
  private mutating func take(_ keys: [FleetKey], _ reply: FleetReply) {
    for key in keys {
      guard let known = work[key] else { continue }
      let ended = known.jobs.filter { !known.ownWork.contains($0) }
      let result = ended.isEmpty ? nil : answer(reply, to: key, since: known.since)
      switch known.standing {
      case .asked, .held:
        if let result {
          guard let grant = grant(reply, of: key) else {
            work[key]?.standing = .held(by: reply.holders[key] ?? "")
            for job in ended where !known.goingOn.contains(job) { actions.append(.coordinated(job, nil, result)) }
            break
          }
          work[key]?.standing = .granted(isShared: true)
          for job in ended { actions.append(.coordinated(job, nil, result)) }
          for job in known.ownWork.sorted(by: { $0.sequence < $1.sequence }) {
            actions.append(.coordinated(job, grant, nil))
          }
        } else if let grant = grant(reply, of: key) {
          work[key]?.standing = .granted(isShared: true)
          for job in known.jobs { actions.append(.coordinated(job, grant, nil)) }
        } else {
          work[key]?.standing = .held(by: reply.holders[key] ?? "")
        }
      case .granted(isShared: false):
        if let result {
          for job in ended { actions.append(.coordinated(job, nil, result)) }
        }
        if reply.granted[key] == true, let grant = grant(reply, of: key) {
          for job in known.jobs { actions.append(.coordinated(job, grant, nil)) }
        }
        // What is under way here goes on, also where another member is at work on it.
        work[key]?.standing = .granted(isShared: true)
      case .granted(isShared: true): break
      }
    }
  }

  private mutating func answerQuestions(_ batch: FleetBatch, _ reply: FleetReply, now: Moment) {
    for (token, question) in questions where question.isSent {
      switch question.kind {
      case .claim(let claim, let since):
        let key = claim.key
        if let result = self.answer(reply, to: key, since: since) {
          if reply.granted[key] != nil, work[key]?.jobs.isEmpty ?? true {
            work[key] = nil
            releases.insert(key)
          }
          actions.append(.answer(token, .known(result)))
        } else if let earlierCall = reply.granted[key] {
          // An earlier job of this member may have ended meanwhile.
          releases.remove(key)
          leftClaims.remove(key)
          if work[key] == nil {
            work[key] = Work(
              standing: .granted(isShared: true), isCalled: claim.isCalled, earlierCall: earlierCall,
              statusBehindCall: statusBehindCall(reply, key), since: since)
          }
          actions.append(.answer(token, .granted(earlierCall: earlierCall)))
        } else {
          if work[key] == nil {
            work[key] = Work(standing: .held(by: reply.holders[key] ?? ""), since: since)
          }
          actions.append(.answer(token, .held))
        }
      case .find(let key):
        let result = reply.known[key].flatMap { $0.content != nil ? $0 : nil }
        actions.append(.answer(token, .found(result, holder: reply.holders[key])))
      case .mark(let key, let job):
        if reply.marked.contains(key) || work[key] == nil {
          work[key]?.markedAt = now.monotonic
          actions.append(.marked(job, true))
        } else {
          // Others took it over, while this member was silent.
          work[key]?.standing = .asked
          actions.append(.marked(job, false))
        }
      case .remove(let member): actions.append(.answer(token, reply.removed.contains(member) ? .removed : .notFound))
      }
      questions[token] = nil
    }
  }

  /// Follows the members that there are.
  private mutating func takePositions() {
    let sent = Dictionary(members.map { ($0.name, $0.sent) }) { first, _ in first }
    // What is told again gets higher numbers.
    positions = positions.reduce(into: [:]) { kept, position in
      if let sent = sent[position.key] { kept[position.key] = min(position.value, sent) }
    }
    for name in sent.keys where positions[name] == nil && name != self.name { positions[name] = 0 }
  }

  private mutating func takeFeed(_ reply: FleetReply) {
    for news in reply.feed {
      positions[news.member] = max(positions[news.member] ?? 0, news.number)
      if let result = news.result { actions.append(.adopt(result, number: FleetNote.ofOthers)) }
    }
  }
}
