import CertRegCore

/// The statements of the exchanges. Within a transaction they lock rows in the order in which `FleetExchange` adds
/// them, and within each statement in the order of the keys: so no two members wait for each other.
enum FleetStatements {
  typealias Statement = DatabaseConnection.Statement

  /// The time in which the fleet is at work, up to now. A gap counts a second: nobody could say that it lives.
  static let active = """
    active + LEAST(1000, GREATEST(0, (extract(epoch FROM clock_timestamp() - ticked) * 1000)::bigint))
    """

  private static let tick = """
    UPDATE certregd.fleet SET active = \(active), ticked = clock_timestamp() RETURNING active
    """

  /// Counts that time, unless another member has just done so or does so now: nobody waits for this row. The clock may
  /// have been set back.
  static let tickIfDue = Statement(
    "tick",
    """
    UPDATE certregd.fleet SET active = \(active), ticked = clock_timestamp()
    WHERE only_row = (SELECT only_row FROM certregd.fleet
      WHERE ticked NOT BETWEEN clock_timestamp() - interval '100 milliseconds' AND clock_timestamp()
      FOR UPDATE SKIP LOCKED)
    """)

  static let version = Statement("version", "SELECT version FROM certregd.fleet")

  static func role(_ name: String) -> Statement {
    Statement("role", "SELECT rolname FROM pg_roles WHERE rolname = $1", [.text(name)])
  }

  private static let resultColumns = """
    certificate, target, stamp, forgotten, arn, outcome, status, request_id, finished_at, not_before, not_after, policies, \
    device, provisioned
    """

  static let columnsOfR = columns(of: "r")
  static let columnsOfA = columns(of: "a")

  private static func columns(of table: String) -> String {
    resultColumns.split(separator: ",").map { "\(table).\($0.drop { $0 == " " })" }.joined(separator: ", ")
  }

  // MARK: Joining

  static func join(_ member: FleetIdentity, sent: Int64) -> Statement {
    Statement(
      "join",
      """
      WITH f AS (\(tick))
      INSERT INTO certregd.member AS m (name, instance, takeover, heard, heard_at, joined_at, session, sent, queued, targets)
      -- A new state counts from the present time, so that its numbers are above all that others may have heard under the name.
      -- Its first full exchange has yet to come.
      SELECT $1, $2, $3::bigint, f.active, 'epoch', clock_timestamp(), n.now, GREATEST($4::bigint, n.now), 0, '{}'
      FROM f, (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) n(now)
      ON CONFLICT (name) DO UPDATE SET instance = excluded.instance, takeover = excluded.takeover, heard = excluded.heard,
        heard_at = CASE WHEN m.instance = excluded.instance THEN m.heard_at ELSE 'epoch' END, removed = false,
        session = GREATEST(m.session + 1, excluded.session),
        joined_at = CASE WHEN m.instance = excluded.instance AND NOT \(wasGone) THEN m.joined_at ELSE excluded.joined_at END,
        sent = CASE WHEN m.instance = excluded.instance THEN m.sent ELSE GREATEST(m.sent, excluded.sent) END
      WHERE m.instance = excluded.instance OR \(wasGone)
      RETURNING sent, (SELECT id FROM certregd.fleet), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
        -- As the statement found it.
        EXISTS (SELECT FROM certregd.member b WHERE b.name = $1 AND b.instance = $2),
        (extract(epoch FROM heard_at) * 1000000)::bigint, session
      """,
      [.text(member.name), .text(member.instance), .integer(member.takeover.milliseconds), .integer(sent)])
  }

  private static let wasGone = "(m.removed OR (SELECT active FROM certregd.fleet) - m.heard > m.takeover)"

  /// Begins an exchange: fails with division_by_zero where the member has joined again since, or was removed, or where
  /// the schema has another version by now. What a connection that was given up has sent may arrive late; behind a
  /// later join it must change nothing.
  ///
  /// - Parameter session: The member, and its last join.
  static func begin(_ session: FleetSession) -> Statement {
    Statement(
      "begin",
      "SELECT \(isMember) FROM (SELECT FROM certregd.member m, certregd.fleet f WHERE \(isSame) FOR UPDATE OF m) m",
      session.parameters)
  }

  /// The same as the beginning of the statement that tells results, which waits for `b`. Says which number they go up to.
  private static func beginTelling(_ session: FleetSession, sent: Int64) -> Statement {
    Statement(
      "beginTelling",
      """
      m AS (UPDATE certregd.member m SET sent = GREATEST(m.sent, $5::bigint) FROM certregd.fleet f WHERE \(isSame)
        RETURNING m.name),
      b AS MATERIALIZED (SELECT \(isMember) FROM m)
      """, session.parameters + [.integer(sent)])
  }

  /// The same, and says that the member lives. What the transaction reads behind it has everything that the database had
  /// by then.
  static func beginFull(_ session: FleetSession, _ batch: FleetBatch) -> Statement {
    Statement(
      "beginFull",
      """
      WITH m AS (UPDATE certregd.member m SET heard = \(active), heard_at = clock_timestamp(), queued = $6::integer,
        targets = $7::text[], sent = GREATEST(m.sent, $5::bigint) FROM certregd.fleet f WHERE \(isSame) RETURNING heard_at)
      SELECT max((extract(epoch FROM heard_at) * 1000000)::bigint), \(isMember) FROM m
      """, session.parameters + [.integer(batch.lastNumber), .integer(batch.queued), .texts(batch.targets)])
  }

  /// The same for an exchange of nothing but marks: many calls wait for them alone. It waits for no row of others.
  static func beginAndMark(_ session: FleetSession, _ keys: [FleetKey]) -> Statement {
    let begin = begin(session)
    return Statement(
      "beginAndMark",
      """
      WITH b AS MATERIALIZED (\(begin.text()))
      UPDATE certregd.claim c SET called = true FROM unnest($5::bytea[], $6::text[]) a(certificate, target), b
      WHERE c.certificate = a.certificate AND c.target = a.target AND c.member = $1 RETURNING c.certificate, c.target
      """, begin.parameters + Parameter.keys(keys))
  }

  /// The costs of tables without statistics look high, and the server would compile plans for seconds.
  private static let isMember = """
    1 / count(*), set_config('statement_timeout', $4, true), set_config('jit', 'off', true)
    """

  /// Whether a member `m` is still what it was when it joined, beside the row `f` of `fleet`.
  private static let isSame = """
    m.name = $1 AND m.instance = $2 AND m.session = $3::bigint AND NOT m.removed AND f.version = \(FleetSchema.version)
    """

  /// Where the member comes with another state than before, its claims become nobody's, since it no longer knows which
  /// calls it has made: whoever takes one over hears that the call may have been made. Before the join, which takes the
  /// name over.
  static func leaveClaims(_ member: FleetIdentity) -> Statement {
    Statement(
      "leaveClaims",
      """
      UPDATE certregd.claim c SET member = '' FROM certregd.member m, certregd.fleet f
      WHERE c.member = $1 AND m.name = $1 AND m.instance <> $2 AND \(FleetSchema.isGone)
      """, [.text(member.name), .text(member.instance)])
  }

  /// Rows of jobs that the member's state does not know get numbers that no job has: the state gives theirs to other jobs.
  /// These are all rows where the member comes with another state than before, and otherwise those from `sequence` on.
  static func leaveRows(_ member: FleetIdentity, from sequence: Int64) -> Statement {
    Statement(
      "leaveRows",
      """
      UPDATE certregd.queue q SET sequence = -q.id FROM certregd.member m, certregd.fleet f
      WHERE q.member = $1 AND q.sequence > 0 AND m.name = $1
        AND CASE m.instance WHEN $2 THEN q.sequence >= $3 ELSE \(FleetSchema.isGone) END
      """, [.text(member.name), .text(member.instance), .integer(sequence)])
  }

  /// What the member has in the queue, without the registrations: there may be many.
  static func ownRows(_ name: String) -> Statement {
    Statement(
      "ownRows",
      "SELECT id, sequence, certificate, target, ''::bytea FROM certregd.queue WHERE member = $1 ORDER BY id",
      [.text(name)])
  }

  static func ownClaims(_ name: String) -> Statement {
    Statement("ownClaims", "SELECT certificate, target FROM certregd.claim WHERE member = $1", [.text(name)])
  }

  // MARK: Telling

  /// - Parameters:
  ///   - batch: What is told.
  ///   - session: Of the member.
  ///   - changes: Go with it as one statement, and may wait for `told`.
  static func tell(_ batch: FleetBatch, _ session: FleetSession, with changes: [Statement] = []) -> Statement {
    let results = batch.results
    let contents = results.map(\.content)
    let begin = batch.isFull ? nil : beginTelling(session, sent: batch.lastNumber)
    let tell = Statement(
      "tell",
      """
      a AS MATERIALIZED (
        SELECT * FROM unnest($3::bytea[], $4::text[], $5::bigint[], $6::boolean[], $7::text[], $8::text[], $9::text[],
          $10::text[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::text[], $16::text[])
          WITH ORDINALITY a(\(resultColumns), place)),
      told AS (INSERT INTO certregd.result AS r (\(resultColumns), member, number)
      SELECT \(columnsOfA), $1, $2::bigint + a.place - 1 FROM a\(begin == nil ? "" : ", b") ORDER BY a.place
      ON CONFLICT (certificate, target) DO UPDATE SET
        stamp = GREATEST(r.stamp, excluded.stamp),
        forgotten = \(later("forgotten")),
        arn = CASE WHEN r.forgotten OR excluded.forgotten THEN \(later("arn")) WHEN excluded.stamp > r.stamp
          THEN coalesce(excluded.arn, r.arn) ELSE coalesce(r.arn, excluded.arn) END,
        outcome = CASE WHEN \(makesCreated) OR (NOT r.forgotten AND NOT excluded.forgotten AND r.outcome = 'created')
          THEN 'created' ELSE \(later("outcome")) END,
        status = \(later("status")), finished_at = \(later("finished_at")), request_id = \(known("request_id")),
        not_before = \(known("not_before")), not_after = \(known("not_after")), policies = \(known("policies")),
        device = \(known("device")), provisioned = \(known("provisioned")),
        member = CASE WHEN \(isNews) THEN excluded.member ELSE r.member END,
        number = CASE WHEN \(isNews) THEN excluded.number ELSE r.number END
      RETURNING r.*)
      """,
      [.text(session.identity.name), .integer(batch.firstNumber)] + Parameter.keys(results.map(\.key)) + [
        .integers(results.map(\.stamp)), .bools(contents.map { $0 == nil }),
        .texts(contents.map { $0?.certificateARN }), .texts(contents.map { $0?.outcome.rawValue }),
        .texts(contents.map { $0?.status?.rawValue }), .texts(contents.map { $0?.requestID }),
        .integers(contents.map { $0?.finishedAt.millisecondsSinceEpoch ?? 0 }),
        .integers(contents.map { $0?.basis.notBefore.millisecondsSinceEpoch ?? 0 }),
        .integers(contents.map { $0?.basis.notAfter.millisecondsSinceEpoch ?? 0 }),
        .integers(contents.map { $0?.basis.policyFingerprint ?? 0 }), .texts(contents.map { $0?.deviceID?.text }),
        .texts(contents.map { $0?.provisioned }),
      ])
    // What holds in place of what was told.
    return Statement.joined(
      (begin.map { [$0] } ?? []) + [tell], changes: changes,
      returning: """
        SELECT \(columnsOfR) FROM told r JOIN a ON a.certificate = r.certificate AND a.target = r.target
        WHERE r.stamp <> a.stamp OR r.forgotten <> a.forgotten OR r.outcome IS DISTINCT FROM a.outcome
          OR r.arn IS DISTINCT FROM a.arn OR r.status IS DISTINCT FROM a.status
        """)
  }

  private static func later(_ column: String) -> String {
    "CASE WHEN excluded.stamp > r.stamp THEN excluded.\(column) ELSE r.\(column) END"
  }

  /// What only a registration tells: a member that has set the status and knows nothing else does not know the ARN.
  private static func known(_ column: String) -> String {
    """
    CASE WHEN NOT r.forgotten AND NOT excluded.forgotten AND (r.arn IS NULL) <> (excluded.arn IS NULL)
      THEN CASE WHEN r.arn IS NULL THEN excluded.\(column) ELSE r.\(column) END ELSE \(later(column)) END
    """
  }

  /// A call of this member made the registration that the other one found.
  private static let makesCreated =
    "(NOT r.forgotten AND NOT excluded.forgotten AND excluded.outcome = 'created' AND r.outcome <> 'created')"

  /// The others have to hear of it. A member that has only set the status does not know the ARN.
  private static let isNews = """
    (excluded.stamp > r.stamp OR \(makesCreated)
      OR NOT r.forgotten AND NOT excluded.forgotten AND r.arn IS NULL AND excluded.arn IS NOT NULL)
    """

  /// - Parameter isWithTold: Whether it is one statement with what is told, which has to lock its rows first.
  static func release(_ keys: [FleetKey], by name: String, isWithTold: Bool) -> Statement {
    Statement(
      isWithTold ? "releaseTold" : "release",
      """
      DELETE FROM certregd.claim c USING unnest($2::bytea[], $3::text[]) a(certificate, target)
      WHERE c.certificate = a.certificate AND c.target = a.target AND c.member = $1
      \(isWithTold ? "AND (SELECT count(*) FROM told) > 0" : "")
      """, [.text(name)] + Parameter.keys(keys))
  }

  /// Leaves claims that say of earlier calls to whoever asks next. The others are to be given up behind it.
  static func leaveCalled(_ keys: [FleetKey], by name: String) -> Statement {
    Statement(
      "leaveCalled",
      """
      UPDATE certregd.claim c SET member = '' FROM unnest($2::bytea[], $3::text[]) a(certificate, target)
      WHERE c.certificate = a.certificate AND c.target = a.target AND c.member = $1 AND c.earlier
      """, [.text(name)] + Parameter.keys(keys))
  }
}

extension FleetBatch {
  /// The number of the last of `results`; 0: there is none.
  fileprivate var lastNumber: Int64 { results.isEmpty ? 0 : firstNumber + Int64(results.count) - 1 }
}
