import CertRegCore

/// A member, and which of its joins its exchanges belong to.
struct FleetSession {
  /// What a statement takes at most: after that the member has long given the exchange up.
  private static let statementMilliseconds = 5000

  /// The member.
  var identity: FleetIdentity
  /// That of its last join.
  var number: Int64

  /// `$1` to `$4` of the statements that begin an exchange.
  var parameters: [Parameter] {
    [
      .text(identity.name), .text(identity.instance), .integer(number), .text("\(Self.statementMilliseconds)"),
    ]
  }
}

/// One exchange: the statements of a batch, and what their rows say. What the database says is checked as what an
/// upstream says would be: rows of another form count as absent.
struct FleetExchange {
  private typealias Reader = (Rows, inout FleetReply) -> Void
  private typealias Query = (statement: FleetStatements.Statement, reader: Reader)

  private(set) var statements: [FleetStatements.Statement] = []
  private var readers: [Reader] = []
  /// What is read at the end, when everything is locked that this exchange waits for.
  private var queries: [Query] = []

  /// - Parameters:
  ///   - batch: What is told and asked.
  ///   - session: Of the member.
  init(_ batch: FleetBatch, _ session: FleetSession) {
    let name = session.identity.name
    if batch.isOnlyMarks {
      add(FleetStatements.beginAndMark(session, batch.marks), Self.readMarks)
      return
    }
    addBegin(batch, session)
    addChanges(batch, session)
    if !batch.claims.isEmpty {
      add(FleetStatements.claim(batch.claims, by: name)) { rows, reply in
        for (key, earlierCall) in rows.compactMap(FleetRow.flagged) { reply.granted[key] = earlierCall }
      }
    }
    if !batch.revocations.isEmpty { add(FleetStatements.revoke(batch.revocations, by: name)) }
    if batch.hearsRevocations {
      ask(FleetStatements.revoked(of: name)) { rows, reply in reply.revocations = rows.compactMap(FleetRow.key) }
    }
    if !batch.marks.isEmpty { add(FleetStatements.mark(batch.marks, by: name), Self.readMarks) }
    let asked = batch.claims.map(\.key) + batch.finds
    if !asked.isEmpty {
      ask(FleetStatements.known(asked)) { rows, reply in
        for result in rows.compactMap(FleetRow.result) { reply.known[result.key] = result }
      }
      ask(FleetStatements.holders(asked)) { rows, reply in
        for (key, member) in rows.compactMap(FleetRow.holder) { reply.holders[key] = member }
      }
    }
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
    if batch.isFull { addPartsOfFull(batch, name) }
    addQueries(isFull: batch.isFull)
  }

  private static func readMarks(_ rows: Rows, _ reply: inout FleetReply) {
    reply.marked.formUnion(rows.compactMap(FleetRow.key))
  }

  private mutating func addBegin(_ batch: FleetBatch, _ session: FleetSession) {
    if batch.isFull {
      add(FleetStatements.beginFull(session, batch)) { rows, reply in
        reply.time = rows.first.flatMap(FleetRow.time) ?? 0
      }
    } else if batch.results.isEmpty {
      add(FleetStatements.begin(session))
    }
    // Otherwise what is told begins it.
  }

  /// What is told, given up, and copied.
  private mutating func addChanges(_ batch: FleetBatch, _ session: FleetSession) {
    let name = session.identity.name
    let readCorrections: Reader = { rows, reply in
      guard !rows.isEmpty else { return }
      let told = Dictionary(batch.results.map { ($0.key, $0) }) { first, _ in first }
      reply.corrections = rows.compactMap(FleetRow.result).filter { result in
        guard let sent = told[result.key] else { return false }
        return result.stamp != sent.stamp || result.content?.outcome != sent.content?.outcome
          || result.content?.certificateARN != sent.content?.certificateARN
          || result.content?.status != sent.content?.status
      }
    }
    let tells = !batch.results.isEmpty
    // Each sees what was there before its statement, and claims that are left must not be given up.
    let areApart = !batch.leftClaims.isEmpty
    if tells, areApart { add(FleetStatements.tell(batch, session), readCorrections) }
    if areApart { add(FleetStatements.leaveCalled(batch.leftClaims, by: name)) }
    var changes: [FleetStatements.Statement] = []
    let givenUp = (batch.releases + batch.leftClaims).sorted()
    if !givenUp.isEmpty {
      changes.append(FleetStatements.release(givenUp, by: name, isWithTold: tells && !areApart))
    }
    if !batch.endedCopies.isEmpty { changes.append(FleetStatements.endCopies(batch.endedCopies, by: name)) }
    if !batch.copies.isEmpty { changes.append(FleetStatements.copy(batch.copies, by: name)) }
    if tells, !areApart {
      add(FleetStatements.tell(batch, session, with: changes), readCorrections)
    } else if changes.count > 1 {
      add(FleetStatements.Statement.joined(changes: changes))
    } else {
      for change in changes { add(change) }
    }
  }

  private mutating func addPartsOfFull(_ batch: FleetBatch, _ name: String) {
    if batch.takesOver {
      add(FleetStatements.takeOver(targets: batch.targetsOfKeys, by: name)) { rows, reply in
        reply.taken += rows.compactMap(FleetRow.queued)
      }
    }
    if batch.takesOrphans {
      add(FleetStatements.takeOrphans(targets: batch.targetsOfKeys, by: name)) { rows, reply in
        reply.taken += rows.compactMap(FleetRow.queued)
      }
    }
    if batch.cleansUp {
      for statement in FleetStatements.cleanUp() { add(statement) }
    }
    if !batch.positions.isEmpty {
      ask(FleetStatements.feed(batch.positions, to: name)) { rows, reply in
        reply.feed = rows.compactMap(FleetRow.news)
        reply.hasMoreFeed = rows.count >= 500
      }
    }
    ask(FleetStatements.members) { rows, reply in reply.members = rows.compactMap(FleetRow.member) }
    if batch.endsOtherShares { add(FleetStatements.endOtherShares(batch.lanes, by: name)) }
    if !batch.lanes.isEmpty {
      for statement in FleetStatements.tellLanes(batch.lanes, by: name) { add(statement) }
      ask(FleetStatements.lanes(batch.lanes)) { rows, reply in reply.lanes = FleetRow.lanes(rows) }
    }
  }

  private mutating func addQueries(isFull: Bool) {
    guard !queries.isEmpty else { return }
    let readers = queries.map(\.reader)
    // The row of the fleet is everybody's: it is locked last.
    let tick = isFull ? FleetStatements.tickIfDue : nil
    add(FleetStatements.Statement.joined(queries.map(\.statement), behindThem: tick)) { rows, reply in
      for (rows, reader) in zip(rows.divided(into: readers.count), readers) { reader(rows, &reply) }
    }
  }

  private mutating func add(_ statement: FleetStatements.Statement, _ reader: @escaping Reader = { _, _ in }) {
    statements.append(statement)
    readers.append(reader)
  }

  private mutating func ask(_ statement: FleetStatements.Statement, _ reader: @escaping Reader) {
    queries.append((statement, reader))
  }

  func read(_ rows: [Rows]) -> FleetReply {
    var reply = FleetReply()
    for (rows, reader) in zip(rows, readers) { reader(rows, &reply) }
    return reply
  }
}
