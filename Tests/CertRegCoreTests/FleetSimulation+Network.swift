import CertRegTesting

@testable import CertRegCore

// The way to the database.
extension FleetSimulation {
  /// What `FleetDatabase` waits at most for an answer.
  private static let timeout = Duration.milliseconds(2500)

  private func reaches(_ process: SimulatedFleetProcess, _ connection: Int) -> Bool {
    process.isRunning && !process.host.isCutOff && !isDatabaseDown && connection == self.connection
  }

  private func latency() -> Duration {
    if isDatabaseSlow { return .milliseconds(some(1...1600)) }
    return .microseconds(oneIn(20) ? some(1000...80_000) : some(300...4000))
  }

  func join(_ process: SimulatedFleetProcess, sent: Int64, ownSequences: Int64) {
    let connection = connection
    let fail = { (delay: Duration, reason: FleetProblem.Reason) in
      process.after(delay) { $0.joined(nil, reason) }
    }
    let there = latency() + latency()
    after(there) { [self] in
      guard reaches(process, connection), isWell || !oneIn(30) else {
        return fail(oneIn(2) ? .milliseconds(some(1...3000)) : .zero, .unreachable)
      }
      noteGone(process.host.name)
      let welcome = database.join(
        process.host.identity, sent: sent, ownSequences: ownSequences, now: databaseTime)
      guard let welcome else {
        reach(.nameTaken)
        return fail(latency(), .nameTaken)
      }
      let session = database.members[process.host.name]?.session ?? 0
      let back = latency()
      guard isWell || !oneIn(30), there + back < Self.timeout else { return fail(Self.timeout, .unreachable) }
      after(back) { [self] in
        guard reaches(process, connection) else { return fail(.zero, .unreachable) }
        process.connection = connection
        process.session = session
        reach(welcome.isSameState ? .join : .joinWithNewState)
        trace(process.host.name, "joined \(welcome.fleetID), had sent \(sent), database has \(welcome.sent)")
        process.after(.zero) { $0.joined(welcome, .unreachable) }
      }
    }
  }

  func exchange(_ batch: FleetBatch, of process: SimulatedFleetProcess) {
    guard let connection = process.connection else {
      return process.after(.milliseconds(1)) { $0.exchanged(batch, nil) }
    }
    let (begin, session) = (now, process.session)
    let (there, back) = (latency(), latency())
    let fail = { [self] in
      let rest = oneIn(3) ? Duration.zero : Self.timeout - (now - begin)
      process.after(max(.zero, rest)) { $0.exchanged(batch, nil) }
    }
    after(min(there, Self.timeout)) { [self] in
      guard reaches(process, connection), isWell || !oneIn(200) else {
        // What is under way when the process dies or gives the connection up may arrive, also behind what it sends
        // later.
        if oneIn(2) { after(.milliseconds(some(0...2500))) { [self] in arriveLate(batch, of: process, session) } }
        return fail()
      }
      noteGone(process.host.name)
      noteSuccessions(batch, process.host.name)
      let before = database.claims
      let reply = database.exchange(batch, process.host.identity, session: session, now: databaseTime)
      checkGrants(reply, before, process)
      noteRevocations(batch)
      reach(.exchange)
      traceExchange(batch, reply, process)
      let isLost = !isWell && oneIn(200)
      if isLost { reach(.lostReply) }
      guard !isLost, there + back < Self.timeout else { return fail() }
      after(back) { [self] in
        guard reaches(process, connection) else { return fail() }
        process.after(.zero) { $0.exchanged(batch, reply) }
      }
    }
  }

  private func arriveLate(_ batch: FleetBatch, of process: SimulatedFleetProcess, _ session: Int64) {
    guard !isDatabaseDown, !isWell else { return }
    noteGone(process.host.name)
    noteSuccessions(batch, process.host.name)
    let reply = database.exchange(batch, process.host.identity, session: session, now: databaseTime)
    trace(process.host.name, "arrives late")
    traceExchange(batch, reply, process)
  }

  private func traceExchange(_ batch: FleetBatch, _ reply: FleetReply, _ process: SimulatedFleetProcess) {
    trace(
      process.host.name,
      {
        var words = "exchange" + (batch.isFull ? " full" : "")
        if !reply.isMember { words += " NO MEMBER" }
        for result in batch.results {
          words +=
            ", tells \(Self.number(result.key.own)) \(result.content.map { Self.words($0) } ?? "forgotten") \(result.stamp % 1_000_000_000)"
        }
        for result in reply.corrections {
          words +=
            ", corrected \(Self.number(result.key.own)) \(result.content.map { Self.words($0) } ?? "forgotten") \(result.stamp % 1_000_000_000)"
        }
        for key in batch.releases { words += ", releases \(Self.number(key.own))" }
        for claim in batch.claims {
          let key = claim.key
          words +=
            ", claims \(Self.number(key.own)) -> \(reply.granted[key].map { "granted \($0)" } ?? reply.holders[key] ?? "?")"
          words +=
            reply.known[key].map {
              " knows \($0.content.map { Self.words($0) } ?? "forgotten") \($0.stamp % 1_000_000_000)"
            } ?? ""
        }
        for key in batch.marks { words += ", marks \(Self.number(key.own)) \(reply.marked.contains(key))" }
        for copy in batch.copies { words += ", copies \(copy.sequence) of \(Self.number(copy.key.own))" }
        if !batch.endedCopies.isEmpty { words += ", ended \(batch.endedCopies)" }
        if !batch.endedRows.isEmpty { words += ", ended rows \(batch.endedRows)" }
        for row in reply.taken { words += ", takes row \(row.id) of \(Self.number(row.key.own))" }
        for news in reply.feed {
          words += ", hears \(news.result.map { Self.number($0.key.own) } ?? "?") of \(news.member) \(news.number)"
        }
        return words
      }())
  }

  private func noteGone(_ name: String) {
    if database.members[name] != nil, database.isGone(name) { goneAt[name] = now }
  }

  /// A 409 of the member that takes a claim over counts as `created`, whoever made the call.
  private func noteSuccessions(_ batch: FleetBatch, _ name: String) {
    for key in batch.claims.map(\.key) {
      guard let claim = database.claims[key], claim.isCalled || claim.earlier,
        claim.member != name || claim.earlier, database.isGone(claim.member) || claim.member == name
      else { continue }
      book.ambiguous.insert(key.own)
      reach(.succession)
    }
  }
}
