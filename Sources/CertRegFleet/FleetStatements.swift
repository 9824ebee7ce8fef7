import CertRegCore

/// The statements of the exchanges. Within a transaction they lock rows in the order of these functions, and within each
/// statement in the order of the keys: so no two members wait for each other.
enum FleetStatements {
  typealias Statement = DatabaseConnection.Statement

  /// Counts the time in which the fleet is at work. A gap counts a second: nobody could say that it lives.
  private static let tick = """
    UPDATE certregd.fleet SET active = active + LEAST(1000, GREATEST(0,
      (extract(epoch FROM clock_timestamp() - ticked) * 1000)::bigint)), ticked = clock_timestamp() RETURNING active
    """

  static let version = Statement("version", "SELECT version FROM certregd.fleet")

  private static let resultColumns = """
    certificate, target, stamp, forgotten, arn, outcome, status, request_id, finished_at, not_before, not_after, policies, \
    device, provisioned
    """

  private static func columns(of table: String) -> String {
    resultColumns.split(separator: ",").map { "\(table).\($0.drop { $0 == " " })" }.joined(separator: ", ")
  }

  // MARK: Joining

  static func join(_ member: FleetIdentity, sent: Int64) -> Statement {
    Statement(
      "join",
      """
      WITH f AS (\(tick))
      INSERT INTO certregd.member AS m (name, instance, takeover, heard, heard_at, joined_at, sent, queued, targets)
      -- A new state counts from the present time, so that its numbers are above all that others may have heard under the name.
      SELECT $1, $2, $3::bigint, f.active, clock_timestamp(), clock_timestamp(),
        GREATEST($4::bigint, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint), 0, '{}' FROM f
      ON CONFLICT (name) DO UPDATE SET instance = excluded.instance, takeover = excluded.takeover, heard = excluded.heard,
        heard_at = excluded.heard_at, joined_at = excluded.joined_at, removed = false,
        sent = CASE WHEN m.instance = excluded.instance THEN m.sent ELSE GREATEST(m.sent, excluded.sent) END
      WHERE m.instance = excluded.instance OR m.removed OR (SELECT active FROM certregd.fleet) - m.heard > m.takeover
      RETURNING sent, (SELECT id FROM certregd.fleet), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
        -- As the statement found it.
        EXISTS (SELECT FROM certregd.member b WHERE b.name = $1 AND b.instance = $2)
      """,
      [.text(member.name), .text(member.instance), .integer(member.takeover.milliseconds), .integer(sent)])
  }

  /// Where the member comes with another state than before, its claims become nobody's, since it no longer knows which calls it
  /// has made: whoever takes one over hears that the call may have been made. Before the join, which takes the name over.
  static func leaveClaims(_ member: FleetIdentity) -> Statement {
    Statement(
      "leaveClaims",
      """
      UPDATE certregd.claim c SET member = '' FROM certregd.member m, certregd.fleet f
      WHERE c.member = $1 AND m.name = $1 AND m.instance <> $2 AND \(FleetSchema.isGone)
      """, [.text(member.name), .text(member.instance)])
  }

  static func ownRows(_ name: String) -> Statement {
    Statement(
      "ownRows",
      "SELECT id, sequence, certificate, target, request FROM certregd.queue WHERE member = $1 ORDER BY id",
      [.text(name)])
  }

  static func ownClaims(_ name: String) -> Statement {
    Statement("ownClaims", "SELECT certificate, target FROM certregd.claim WHERE member = $1", [.text(name)])
  }

  // MARK: Telling

  static func tell(_ batch: FleetBatch, by name: String) -> Statement {
    let results = batch.results
    let contents = results.map(\.content)
    return Statement(
      "tell",
      """
      WITH a AS MATERIALIZED (
        SELECT * FROM unnest($3::bytea[], $4::text[], $5::bigint[], $6::boolean[], $7::text[], $8::text[], $9::text[],
          $10::text[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::text[], $16::text[])
          WITH ORDINALITY a(\(resultColumns), place)),
      told AS (INSERT INTO certregd.result AS r (\(resultColumns), member, number)
      SELECT \(columns(of: "a")), $1, $2::bigint + a.place - 1 FROM a ORDER BY a.place
      ON CONFLICT (certificate, target) DO UPDATE SET
        stamp = GREATEST(r.stamp, excluded.stamp),
        forgotten = \(later("forgotten")),
        arn = CASE WHEN r.forgotten OR excluded.forgotten THEN \(later("arn")) WHEN excluded.stamp > r.stamp
          THEN coalesce(excluded.arn, r.arn) ELSE coalesce(r.arn, excluded.arn) END,
        outcome = CASE WHEN \(makesCreated) OR (NOT r.forgotten AND NOT excluded.forgotten AND r.outcome = 'created')
          THEN 'created' ELSE \(later("outcome")) END,
        status = \(later("status")), request_id = \(later("request_id")), finished_at = \(later("finished_at")),
        not_before = \(later("not_before")), not_after = \(later("not_after")), policies = \(later("policies")),
        device = \(later("device")), provisioned = \(later("provisioned")),
        member = CASE WHEN \(isNews) THEN excluded.member ELSE r.member END,
        number = CASE WHEN \(isNews) THEN excluded.number ELSE r.number END
      RETURNING r.*)
      -- What holds in place of what was told.
      SELECT \(columns(of: "r")) FROM told r JOIN a ON a.certificate = r.certificate AND a.target = r.target
      WHERE r.stamp <> a.stamp OR r.forgotten <> a.forgotten OR r.outcome IS DISTINCT FROM a.outcome
        OR r.arn IS DISTINCT FROM a.arn OR r.status IS DISTINCT FROM a.status
      """,
      [.text(name), .integer(batch.firstNumber)] + Parameter.keys(results.map(\.key)) + [
        .integers(results.map(\.stamp)), .bools(contents.map { $0 == nil }),
        .texts(contents.map { $0?.certificateARN }), .texts(contents.map { $0?.outcome.rawValue }),
        .texts(contents.map { $0?.status?.rawValue }), .texts(contents.map { $0?.requestID }),
        .integers(contents.map { $0?.finishedAt.millisecondsSinceEpoch ?? 0 }),
        .integers(contents.map { $0?.basis.notBefore.millisecondsSinceEpoch ?? 0 }),
        .integers(contents.map { $0?.basis.notAfter.millisecondsSinceEpoch ?? 0 }),
        .integers(contents.map { $0?.basis.policyFingerprint ?? 0 }), .texts(contents.map { $0?.deviceID?.text }),
        .texts(contents.map { $0?.provisioned }),
      ])
  }

  private static func later(_ column: String) -> String {
    "CASE WHEN excluded.stamp > r.stamp THEN excluded.\(column) ELSE r.\(column) END"
  }

  /// A call of this member made the registration that the other one found.
  private static let makesCreated =
    "(NOT r.forgotten AND NOT excluded.forgotten AND excluded.outcome = 'created' AND r.outcome <> 'created')"

  /// The others have to hear of it. A member that has only set the status does not know the ARN.
  private static let isNews = """
    (excluded.stamp > r.stamp OR \(makesCreated)
      OR NOT r.forgotten AND NOT excluded.forgotten AND r.arn IS NULL AND excluded.arn IS NOT NULL)
    """

  static func release(_ keys: [FleetKey], by name: String) -> Statement {
    Statement(
      "release",
      """
      DELETE FROM certregd.claim c USING unnest($2::bytea[], $3::text[]) a(certificate, target)
      WHERE c.certificate = a.certificate AND c.target = a.target AND c.member = $1
      """, [.text(name)] + Parameter.keys(keys))
  }

  // MARK: Claims

  static func claim(_ claims: [FleetBatch.Claim], by name: String) -> Statement {
    Statement(
      "claim",
      """
      INSERT INTO certregd.claim AS c (certificate, target, member, called, earlier, claimed_at)
      SELECT a.certificate, a.target, $1, a.called, false, clock_timestamp()
      FROM unnest($2::bytea[], $3::text[], $4::boolean[]) a(certificate, target, called)
      ON CONFLICT (certificate, target) DO UPDATE SET member = $1,
        claimed_at = CASE WHEN c.member = $1 THEN c.claimed_at ELSE excluded.claimed_at END,
        called = excluded.called OR (c.called AND c.member = $1),
        -- A call for a certificate that was known before has not made the registration.
        earlier = c.earlier OR (c.called AND c.member <> $1 AND NOT EXISTS (
          SELECT FROM certregd.result r WHERE r.certificate = c.certificate AND r.target = c.target AND NOT r.forgotten
            AND r.stamp < extract(epoch FROM c.claimed_at) * 1000000))
      WHERE c.member = $1 OR NOT EXISTS (
        SELECT FROM certregd.member m, certregd.fleet f WHERE m.name = c.member AND NOT \(FleetSchema.isGone))
      RETURNING certificate, target, earlier
      """, [.text(name)] + Parameter.keys(claims.map(\.key)) + [.bools(claims.map(\.isCalled))])
  }

  /// After the claims: a result that was told, and its claim given up, while this transaction waited for it is seen.
  static func known(_ keys: [FleetKey]) -> Statement {
    Statement(
      "known",
      """
      SELECT \(columns(of: "r")) FROM unnest($1::bytea[], $2::text[]) a(certificate, target)
      JOIN certregd.result r ON r.certificate = a.certificate AND r.target = a.target
      """, Parameter.keys(keys))
  }

  static func holders(_ keys: [FleetKey]) -> Statement {
    Statement(
      "holders",
      """
      SELECT a.certificate, a.target, coalesce(c.member, q.member) FROM unnest($1::bytea[], $2::text[]) a(certificate, target)
      LEFT JOIN certregd.claim c ON c.certificate = a.certificate AND c.target = a.target
      LEFT JOIN LATERAL (SELECT member FROM certregd.queue q WHERE q.certificate = a.certificate AND q.target = a.target
        ORDER BY id LIMIT 1) q ON true
      WHERE c.member IS NOT NULL OR q.member IS NOT NULL
      """, Parameter.keys(keys))
  }

  static func mark(_ keys: [FleetKey], by name: String) -> Statement {
    Statement(
      "mark",
      """
      UPDATE certregd.claim c SET called = true FROM unnest($2::bytea[], $3::text[]) a(certificate, target)
      WHERE c.certificate = a.certificate AND c.target = a.target AND c.member = $1 RETURNING c.certificate, c.target
      """, [.text(name)] + Parameter.keys(keys))
  }

  // MARK: The queue

  static func copy(_ copies: [FleetBatch.Copy], by name: String) -> Statement {
    Statement(
      "copy",
      """
      INSERT INTO certregd.queue (member, sequence, certificate, target, request)
      SELECT $1, a.* FROM unnest($2::bigint[], $3::bytea[], $4::text[], $5::bytea[]) a(sequence, certificate, target, request)
      -- As another row: the one before may have to be ended yet.
      ON CONFLICT (member, sequence) DO UPDATE SET id = DEFAULT, certificate = excluded.certificate,
        target = excluded.target, request = excluded.request
      """,
      [.text(name), .integers(copies.map(\.sequence))] + Parameter.keys(copies.map(\.key)) + [
        .bytes(copies.map(\.request))
      ])
  }

  static func endCopies(_ sequences: [Int64], by name: String) -> Statement {
    Statement(
      "endCopies",
      "DELETE FROM certregd.queue WHERE member = $1 AND sequence = ANY ($2::bigint[])",
      [.text(name), .integers(sequences)])
  }

  static func endRows(_ rows: [Int64], by name: String) -> Statement {
    Statement(
      "endRows",
      "DELETE FROM certregd.queue WHERE member = $1 AND id = ANY ($2::bigint[])", [.text(name), .integers(rows)])
  }

  /// Takes a part of what members left behind that are gone. The rows get numbers that no job has.
  static func takeOver(targets: [String], by name: String) -> Statement {
    Statement(
      "takeOver",
      """
      WITH picked AS (
        SELECT q.id FROM certregd.queue q WHERE q.member <> $1 AND q.target = ANY ($2::text[]) AND NOT EXISTS (
          SELECT FROM certregd.member m, certregd.fleet f WHERE m.name = q.member AND NOT \(FleetSchema.isGone))
        ORDER BY q.id LIMIT 20 FOR UPDATE SKIP LOCKED)
      UPDATE certregd.queue q SET member = $1, sequence = -q.id FROM picked WHERE q.id = picked.id
      RETURNING q.id, q.sequence, q.certificate, q.target, q.request
      """, [.text(name), .texts(targets)])
  }

  // MARK: Others

  static func remove(_ members: [String]) -> Statement {
    Statement(
      "remove",
      "UPDATE certregd.member SET removed = true WHERE name = ANY ($1::text[]) RETURNING name", [.texts(members)])
  }

  static func feed(_ positions: [String: Int64], to name: String) -> Statement {
    let sorted = positions.sorted { $0.key < $1.key }
    return Statement(
      "feed",
      """
      SELECT r.member, r.number, \(columns(of: "r")) FROM unnest($2::text[], $3::bigint[]) p(member, number)
      JOIN certregd.member m ON m.name = p.member AND m.sent > p.number AND m.name <> $1
      JOIN certregd.result r ON r.member = p.member AND r.number > p.number
      ORDER BY r.number LIMIT 500
      """, [.text(name), .texts(sorted.map(\.key)), .integers(sorted.map(\.value))])
  }

  static let members = Statement(
    "members",
    """
    SELECT m.name, m.sent, m.queued, extract(epoch FROM clock_timestamp() - m.heard_at)::float8, \(FleetSchema.isGone),
      array_to_string(m.targets, E'\\n'), (extract(epoch FROM m.joined_at) * 1000000)::bigint
    FROM certregd.member m, certregd.fleet f ORDER BY m.name
    """)

  static func cleanUp() -> [Statement] {
    [
      Statement(
        "cleanUpMembers",
        """
        DELETE FROM certregd.member m USING certregd.fleet f WHERE \(FleetSchema.isGone)
          AND m.heard_at < clock_timestamp() - interval '1 day'
          AND NOT EXISTS (SELECT FROM certregd.queue q WHERE q.member = m.name)
        """),
      Statement(
        "cleanUpClaims",
        """
        DELETE FROM certregd.claim c WHERE c.claimed_at < clock_timestamp() - interval '30 days'
          AND NOT EXISTS (SELECT FROM certregd.member m WHERE m.name = c.member)
        """),
      Statement(
        "cleanUpShares",
        "DELETE FROM certregd.share s WHERE NOT EXISTS (SELECT FROM certregd.member m WHERE m.name = s.member)"),
    ]
  }

  // MARK: Pace

  static func lanes(_ lanes: [FleetLane.Report], by name: String) -> [Statement] {
    let lanes = lanes.sorted { $0.id < $1.id }
    let ids: [Parameter] = [.texts(lanes.map(\.id.target)), .texts(lanes.map(\.id.operation))]
    var statements: [Statement] = []
    if lanes.contains(where: { $0.version == 0 }) {
      statements.append(
        Statement(
          "beginLanes",
          """
          INSERT INTO certregd.pace (target, operation, rate, version)
          SELECT a.target, a.operation, a.rate, 1 FROM unnest($1::text[], $2::text[], $3::float8[])
            a(target, operation, rate) ON CONFLICT DO NOTHING
          """, ids + [.doubles(lanes.map(\.first.callsPerSecond))]))
    }
    statements.append(
      Statement(
        "lockLanes",
        """
        SELECT FROM certregd.pace p JOIN unnest($1::text[], $2::text[]) a(target, operation) USING (target, operation)
        ORDER BY target, operation FOR UPDATE OF p
        """, ids))
    let learnt = lanes.filter { $0.learnt != nil }
    if !learnt.isEmpty {
      statements.append(
        Statement(
          "learnLanes",
          """
          UPDATE certregd.pace p SET rate = a.rate, climbing_from = a.climbing_from, returning_to = a.returning_to,
            version = p.version + 1
          FROM unnest($1::text[], $2::text[], $3::float8[], $4::float8[], $5::float8[], $6::bigint[])
            a(target, operation, rate, climbing_from, returning_to, version)
          WHERE p.target = a.target AND p.operation = a.operation AND p.version = a.version
          """,
          [
            .texts(learnt.map(\.id.target)), .texts(learnt.map(\.id.operation)),
            .doubles(learnt.map { $0.learnt?.callsPerSecond }), .doubles(learnt.map { $0.learnt?.climbingFrom }),
            .doubles(learnt.map { $0.learnt?.returningTo }),
            .integers(learnt.map(\.version)),
          ]))
    }
    statements.append(
      Statement(
        "tellShares",
        """
        INSERT INTO certregd.share AS s (member, target, operation, want, share, throttles)
        SELECT $1, a.target, a.operation, a.want, LEAST(a.share, GREATEST(0, 1 - coalesce((
          SELECT sum(o.share) FROM certregd.share o JOIN certregd.member m ON m.name = o.member, certregd.fleet f
          WHERE o.target = a.target AND o.operation = a.operation AND o.member <> $1 AND NOT \(FleetSchema.isGone)), 0))),
          a.throttles
        FROM unnest($2::text[], $3::text[], $4::float8[], $5::float8[], $6::bigint[])
          a(target, operation, want, share, throttles)
        ON CONFLICT (target, operation, member) DO UPDATE SET want = excluded.want, share = excluded.share,
          throttles = excluded.throttles
        """,
        [.text(name)] + ids + [
          .doubles(lanes.map(\.want)), .doubles(lanes.map(\.share)), .integers(lanes.map { Int64($0.throttles) }),
        ]))
    statements.append(
      Statement(
        "lanes",
        """
        SELECT p.target, p.operation, p.rate, p.climbing_from, p.returning_to, p.version, s.member, s.want, s.share, s.throttles
        FROM certregd.pace p JOIN unnest($1::text[], $2::text[]) a(target, operation) USING (target, operation)
        JOIN certregd.share s USING (target, operation) JOIN certregd.member m ON m.name = s.member, certregd.fleet f
        WHERE NOT \(FleetSchema.isGone) ORDER BY p.target, p.operation, s.member
        """, ids))
    return statements
  }

  /// Last of all: every member writes the row of `fleet`.
  static func heartbeat(_ batch: FleetBatch, sent: Int64, of member: FleetIdentity) -> Statement {
    Statement(
      "heartbeat",
      """
      WITH f AS (\(tick))
      UPDATE certregd.member m SET heard = f.active, heard_at = clock_timestamp(), queued = $3::integer,
        targets = $4::text[], sent = GREATEST(m.sent, $5::bigint)
      FROM f WHERE m.name = $1 AND m.instance = $2 AND NOT m.removed
      RETURNING (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
      """,
      [
        .text(member.name), .text(member.instance), .integer(batch.queued), .texts(batch.targets), .integer(sent),
      ])
  }

  /// Says which number the results go up to, where there is no heartbeat.
  static func sent(_ number: Int64, by name: String) -> Statement {
    Statement(
      "sent",
      "UPDATE certregd.member SET sent = GREATEST(sent, $2::bigint) WHERE name = $1", [.text(name), .integer(number)])
  }
}
