// Certificates that this member has to do with, from the first question to the release.
extension FleetMember {
  /// Asks whether a registration may begin here, before there is a job. `answer` comes as ``Action/answer(_:_:)``.
  ///
  /// - Parameters:
  ///   - key: The certificate.
  ///   - isCalled: Whether a call would begin at once.
  ///   - since: Only a result with a later stamp answers the request.
  ///   - now: The time of the event.
  /// - Returns: The question; `nil`: it need not wait for an answer, and may begin.
  package mutating func claim(_ key: FleetKey, isCalled: Bool, since: Int64, now: Moment) -> Token? {
    if let known = work[key] {
      // A job of this host is at work on it, or waits for others.
      if !known.jobs.isEmpty { return nil }
      if case .granted = known.standing { return nil }
    }
    guard isReachable(now.monotonic) else {
      if work[key] == nil { work[key] = Work(standing: .granted(isShared: false), since: since) }
      return nil
    }
    let claim = FleetBatch.Claim(key: key, isCalled: isCalled)
    let token = ask(.claim(claim, since: since), now: now.monotonic)
    exchange(now: now)
    return token
  }

  /// Asks what the fleet knows of a certificate; `nil`: it cannot be asked.
  package mutating func find(_ key: FleetKey, now: Moment) -> Token? {
    guard isReachable(now.monotonic) else { return nil }
    let token = ask(.find(key), now: now.monotonic)
    exchange(now: now)
    return token
  }

  /// Takes another member for gone; `nil`: the database cannot be asked.
  package mutating func remove(_ member: String, now: Moment) -> Token? {
    guard isReachable(now.monotonic) else { return nil }
    let token = ask(.remove(member), now: now.monotonic)
    exchange(now: now)
    return token
  }

  /// A job begins. Its certificate was asked about before, or is now. Only a result with a later stamp than `since`
  /// ends it; `nil`: none does. `goesOn`: further calls follow a result, and need the claim.
  package mutating func begin(
    _ id: JobID, _ key: FleetKey, since: Int64?, goesOn: Bool = false, now: Moment
  ) -> Coordination.Leave {
    let key = firstKey(of: id) ?? key
    releases.remove(key)
    leftClaims.remove(key)
    // Others finish it if this host is gone, whether or not a caller was told that it is safe.
    if copies[id.sequence] == nil {
      let pause = work[key]?.isCalled == true ? Self.copyPause : .zero
      copies[id.sequence] = Copied(key: key, due: now.monotonic + pause)
    }
    if let known = work[key] {
      work[key]?.jobs.append(id)
      if goesOn { work[key]?.goingOn.insert(id) }
      if let since {
        // Also where the claim was granted to a request that old results would have answered.
        work[key]?.since = max(known.since, since)
      } else {
        work[key]?.ownWork.insert(id)
      }
      guard case .granted = known.standing else { return .later }
      // A call that begins at once is not announced any more: the claim has to have done that.
      let isAnnounced = known.isCalled || known.standing == .granted(isShared: false)
      guard known.earlierCall || !isAnnounced else { return .granted }
      let answer = Coordination.Answer.granted(earlierCall: known.earlierCall, status: known.statusBehindCall)
      actions.append(.coordinated(id, answer, nil))
      return .later
    }
    work[key] = Work(
      standing: .asked, jobs: [id], ownWork: since == nil ? [id] : [], goingOn: goesOn ? [id] : [],
      since: since ?? .min)
    // It goes with the next exchange: a start with a long queue asks about all of it together.
    return .later
  }

  /// A job is to revoke its certificate: another member that works on it has to give way.
  package mutating func revokes(_ id: JobID, _ key: FleetKey) {
    work[firstKey(of: id) ?? key]?.isRevocation = true
  }

  /// A job is over. `isAnswered` tells whether its end says what became of all calls for the certificate: see
  /// ``Ending/answersEarlierCalls``.
  package mutating func end(_ id: JobID, _ key: FleetKey, isAnswered: Bool = true) {
    let key = firstKey(of: id) ?? key
    work[key]?.jobs.removeAll { $0 == id }
    work[key]?.goingOn.remove(id)
    let isOwnWork = work[key]?.ownWork.remove(id) != nil
    // A job that began without the database has not heard of earlier calls.
    if isAnswered, !isOwnWork, work[key]?.standing == .granted(isShared: true) { work[key]?.isAnswered = true }
    if let copy = copies[id.sequence], copy.isThere || copy.isSent {
      endedCopies.append(id.sequence)
    }
    copies[id.sequence] = nil
    giveUp(key)
  }

  /// A caller asks for what the upstream says now: what was known before ends no job of the certificate any more.
  package mutating func refresh(_ key: FleetKey, now: WallTime) {
    guard let known = work[key] else { return }
    let since = max(known.since, since(now))
    work[key]?.since = since
  }

  /// A result cannot be what it says: it does not count.
  package mutating func reject(_ result: SharedResult) {
    guard let known = work[result.key] else { return }
    work[result.key]?.since = max(known.since, result.stamp)
    // Also where the claim is this member's already: its jobs have not heard of that.
    work[result.key]?.standing = .asked
  }

  /// Gives a claim up that no job needs.
  package mutating func giveUp(_ key: FleetKey) {
    guard let known = work[key], known.jobs.isEmpty else { return }
    work[key] = nil
    guard known.standing != .granted(isShared: false) || isJoined else { return }
    if known.isAnswered { releases.insert(key) } else { giveUpUnanswered(key) }
  }

  /// Gives a claim up without the answer to an earlier call, of which this member need not have heard yet.
  mutating func giveUpUnanswered(_ key: FleetKey) {
    if !releases.contains(key) { leftClaims.insert(key) }
  }

  /// A call is about to begin. The answer is ``Action/marked(_:_:)`` where it does not come at once.
  ///
  /// - Returns: Whether it may begin at once.
  package mutating func mark(_ id: JobID, _ key: FleetKey, now: Moment) -> Bool {
    let key = firstKey(of: id) ?? key
    // A claim that is asked for once more is not to be relied on.
    guard let known = work[key], known.standing != .granted(isShared: false), isReachable(now.monotonic) else {
      return true
    }
    if let markedAt = known.markedAt, now.monotonic - markedAt < Self.timeOfMark { return true }
    _ = ask(.mark(key, id), now: now.monotonic)
    exchange(now: now)
    return false
  }

  /// A caller waits to hear that a job is safe.
  ///
  /// - Returns: Whether it can be told at once: the database has it, or cannot be had.
  package mutating func secure(_ id: JobID, _ key: FleetKey, now: Moment) -> Bool {
    if let copy = copies[id.sequence] {
      if copy.isThere { return true }
      guard isReachable(now.monotonic) else { return true }
      copies[id.sequence]?.deadline = copy.deadline ?? now.monotonic + Self.patience
      return false
    }
    let isReachable = isReachable(now.monotonic)
    copies[id.sequence] = Copied(
      key: key, due: now.monotonic, deadline: isReachable ? now.monotonic + Self.patience : nil)
    exchange(now: now)
    return !isReachable
  }

  /// A job whose caller was told that it is safe, in an earlier process.
  package mutating func resume(_ id: JobID, _ key: FleetKey, now: Moment) {
    guard copies[id.sequence] == nil else { return }
    copies[id.sequence] = Copied(key: key, due: now.monotonic)
  }

  /// Takes the rows that were asked for, each once. The database of this program gives no others, and another one could
  /// fill the memory with them. A row of this member that is left out stays in the database: the next join finds it.
  mutating func takeRows(_ batch: FleetBatch, _ reply: FleetReply) {
    let fetched = Set(batch.fetchedRows)
    var ofOthers = 0
    for row in reply.taken where !rowsUnderWay.contains(row.id) {
      if !fetched.contains(row.id) {
        guard ofOthers < batch.mostRowsOfOthers else { continue }
        ofOthers += 1
      }
      rowsUnderWay.insert(row.id)
      actions.append(.takeOver(row))
    }
  }

  /// A row of the database has become a job on this member's disk, or is not needed any more.
  package mutating func took(_ row: Int64) {
    if rowsUnderWay.remove(row) != nil { endedRows.append(row) }
  }

  /// A row of the database cannot become a job of this member: others may make something of it.
  package mutating func leave(_ row: Int64) {
    if rowsUnderWay.remove(row) != nil { leftRows.append(row) }
  }

  /// This member's disk did not take a row of the database, or its queue had no room. It is tried again later.
  package mutating func postpone(_ row: Int64, now: MonotonicTime) {
    guard rowsUnderWay.remove(row) != nil else { return }
    postponedRows.append(row)
    postponedAt = now
  }

  /// Whether what the fleet knows still answers the jobs of its certificate.
  package func counts(_ result: SharedResult) -> Bool { work[result.key].map { $0.since < result.stamp } ?? true }

  /// Hears what others told once more, from there on.
  package mutating func rewind(to earlier: [String: Int64]) {
    for (name, position) in positions { positions[name] = min(position, earlier[name] ?? 0) }
  }

  /// Something is known of a certificate that the others have to be told.
  package mutating func tell(_ key: FleetKey, stamp: Int64) {
    dirty[key] = max(dirty[key] ?? .min, stamp)
  }

  /// Who makes the call for a certificate that this member has to do with, and whether the database has a copy of the
  /// job.
  package func standing(of id: JobID, _ key: FleetKey) -> (member: String, isShared: Bool) {
    let isShared = copies[id.sequence]?.isThere ?? false
    if case .held(let member)? = work[firstKey(of: id) ?? key]?.standing { return (member, isShared) }
    return (name, isShared)
  }

  /// The key that a job began with. A target may point elsewhere since: its claim is that of the first key.
  private func firstKey(of id: JobID) -> FleetKey? { copies[id.sequence]?.key }
}

extension Ending {
  /// Whether it says what became of all calls for the certificate. A failure does so only where the upstream has said
  /// whether the certificate is registered: the call of an earlier member may have made it.
  package var answersEarlierCalls: Bool {
    switch self {
    case .registered, .updated: true
    case .failed(let failure): failure.registered != nil || failure.isGone
    }
  }
}
