import CertRegCore

/// One exchange: the statements of a batch, and what their rows say. What the database says is checked as what an
/// upstream says would be: rows of another form count as absent.
struct FleetExchange {
  private typealias Reader = (Rows, inout FleetReply) -> Void

  /// What a statement takes at most: after that the member has long given the exchange up.
  private static let statementMilliseconds = 5000

  private(set) var statements: [FleetStatements.Statement] = []
  private var readers: [Reader] = []

  /// - Parameters:
  ///   - batch: What is told and asked.
  ///   - identity: The member.
  ///   - session: That of its last join.
  init(_ batch: FleetBatch, _ identity: FleetIdentity, session: Int64) {
    let name = identity.name
    add(FleetStatements.begin(identity, session: session, milliseconds: Self.statementMilliseconds))
    if !batch.results.isEmpty {
      add(FleetStatements.tell(batch, by: name)) { rows, reply in
        guard !rows.isEmpty else { return }
        let told = Dictionary(batch.results.map { ($0.key, $0) }) { first, _ in first }
        reply.corrections = rows.compactMap(FleetRow.result).filter { result in
          guard let sent = told[result.key] else { return false }
          return result.stamp != sent.stamp || result.content?.outcome != sent.content?.outcome
            || result.content?.certificateARN != sent.content?.certificateARN
            || result.content?.status != sent.content?.status
        }
      }
    }
    if !batch.leftClaims.isEmpty { add(FleetStatements.leaveCalled(batch.leftClaims, by: name)) }
    let givenUp = (batch.releases + batch.leftClaims).sorted()
    if !givenUp.isEmpty { add(FleetStatements.release(givenUp, by: name)) }
    if !batch.claims.isEmpty {
      add(FleetStatements.claim(batch.claims, by: name)) { rows, reply in
        for (key, earlierCall) in rows.compactMap(FleetRow.flagged) { reply.granted[key] = earlierCall }
      }
    }
    if !batch.revocations.isEmpty { add(FleetStatements.revoke(batch.revocations, by: name)) }
    if batch.hearsRevocations {
      add(FleetStatements.revoked(of: name)) { rows, reply in reply.revocations = rows.compactMap(FleetRow.key) }
    }
    if !batch.marks.isEmpty {
      add(FleetStatements.mark(batch.marks, by: name)) { rows, reply in
        reply.marked.formUnion(rows.compactMap(FleetRow.key))
      }
    }
    let asked = batch.claims.map(\.key) + batch.finds
    if !asked.isEmpty {
      add(FleetStatements.known(asked)) { rows, reply in
        for result in rows.compactMap(FleetRow.result) { reply.known[result.key] = result }
      }
      add(FleetStatements.holders(asked)) { rows, reply in
        for (key, member) in rows.compactMap(FleetRow.holder) { reply.holders[key] = member }
      }
    }
    if !batch.copies.isEmpty { add(FleetStatements.copy(batch.copies, by: name)) }
    if !batch.endedCopies.isEmpty { add(FleetStatements.endCopies(batch.endedCopies, by: name)) }
    if !batch.endedRows.isEmpty { add(FleetStatements.endRows(batch.endedRows, by: name)) }
    if !batch.leftRows.isEmpty { add(FleetStatements.leave(batch.leftRows, by: name)) }
    if !batch.fetchedRows.isEmpty {
      add(FleetStatements.rows(batch.fetchedRows, of: name)) { rows, reply in
        reply.taken += rows.compactMap(FleetRow.queued)
      }
    }
    if !batch.removals.isEmpty {
      add(FleetStatements.remove(batch.removals)) { rows, reply in
        reply.removed = Set(rows.compactMap(FleetRow.name))
      }
    }
    addTick(batch, identity)
  }

  private mutating func addTick(_ batch: FleetBatch, _ identity: FleetIdentity) {
    let name = identity.name
    let sent = batch.results.isEmpty ? 0 : batch.firstNumber + Int64(batch.results.count) - 1
    guard batch.isFull else {
      if sent > 0 { add(FleetStatements.sent(sent, by: name)) }
      return
    }
    if batch.takesOver {
      add(FleetStatements.takeOver(targets: batch.targetsOfKeys, by: name)) { rows, reply in
        reply.taken += rows.compactMap(FleetRow.queued)
      }
    }
    if batch.cleansUp {
      add(FleetStatements.takeOrphans(targets: batch.targetsOfKeys, by: name)) { rows, reply in
        reply.taken += rows.compactMap(FleetRow.queued)
      }
      for statement in FleetStatements.cleanUp() { add(statement) }
    }
    if !batch.positions.isEmpty {
      add(FleetStatements.feed(batch.positions, to: name)) { rows, reply in
        reply.feed = rows.compactMap(FleetRow.news)
        reply.hasMoreFeed = rows.count >= 500
      }
    }
    add(FleetStatements.members) { rows, reply in reply.members = rows.compactMap(FleetRow.member) }
    if batch.endsOtherShares { add(FleetStatements.endOtherShares(batch.lanes, by: name)) }
    if !batch.lanes.isEmpty {
      let statements = FleetStatements.lanes(batch.lanes, by: name)
      for statement in statements.dropLast() { add(statement) }
      add(statements[statements.count - 1]) { rows, reply in reply.lanes = FleetRow.lanes(rows) }
    }
    add(FleetStatements.heartbeat(batch, sent: sent, of: identity)) { rows, reply in
      reply.time = rows.first.flatMap(FleetRow.time) ?? 0
    }
  }

  private mutating func add(_ statement: FleetStatements.Statement, _ reader: @escaping Reader = { _, _ in }) {
    statements.append(statement)
    readers.append(reader)
  }

  func read(_ rows: [Rows]) -> FleetReply {
    var reply = FleetReply()
    for (rows, reader) in zip(rows, readers) { reader(rows, &reply) }
    return reply
  }
}
