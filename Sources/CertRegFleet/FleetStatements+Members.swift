import CertRegCore

// The members, what they hear of each other, and their pace.
extension FleetStatements {
  // MARK: Members

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
      SELECT r.* FROM unnest($2::text[], $3::bigint[]) p(member, number)
      JOIN certregd.member m ON m.name = p.member AND m.sent > p.number AND m.name <> $1
      -- As many of each member, in the order of the index: the work does not grow with what there is to hear.
      CROSS JOIN LATERAL (SELECT r.member, r.number, \(columnsOfR) FROM certregd.result r
        WHERE r.member = p.member AND r.number > p.number ORDER BY r.number LIMIT 500) r
      ORDER BY r.number LIMIT 500
      """, [.text(name), .texts(sorted.map(\.key)), .integers(sorted.map(\.value))])
  }

  /// `heard_at` is that of full exchanges: see ``FleetWelcome/heard``.
  private static let lastHeard = "GREATEST(m.heard_at, m.joined_at)"

  /// A member that is gone does not say what is left of its queue. More rows than these are not counted: every exchange
  /// asks.
  private static let leftOfQueue = """
    (SELECT CASE WHEN count(*) < 1000 THEN count(*) ELSE GREATEST(count(*), m.queued) END FROM (
      SELECT FROM certregd.queue q WHERE q.member = m.name LIMIT 1000) q)::integer
    """

  static let members = Statement(
    "members",
    """
    SELECT m.name, m.sent, CASE WHEN \(FleetSchema.isGone) THEN \(leftOfQueue) ELSE m.queued END,
      extract(epoch FROM clock_timestamp() - \(lastHeard))::float8, \(FleetSchema.isGone),
      array_to_string(m.targets, E'\\n'), (extract(epoch FROM m.joined_at) * 1000000)::bigint
    FROM certregd.member m, certregd.fleet f ORDER BY m.name
    """)

  static func cleanUp() -> [Statement] {
    [
      Statement(
        "cleanUpMembers",
        """
        WITH gone AS (DELETE FROM certregd.member m USING certregd.fleet f WHERE \(FleetSchema.isGone)
          AND \(lastHeard) < clock_timestamp() - interval '1 day'
          AND NOT EXISTS (SELECT FROM certregd.queue q WHERE q.member = m.name) RETURNING m.name)
        -- A new state of that name must not take the calls of the claims for none.
        UPDATE certregd.claim c SET member = '' FROM gone WHERE c.member = gone.name
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

  /// Gives up this member's parts of other lanes: the rest of the fleet would leave them to it.
  static func endOtherShares(_ lanes: [FleetLane.Report], by name: String) -> Statement {
    Statement(
      "endOtherShares",
      """
      DELETE FROM certregd.share s WHERE s.member = $1 AND NOT EXISTS (
        SELECT FROM unnest($2::text[], $3::text[]) a(target, operation)
        WHERE a.target = s.target AND a.operation = s.operation)
      """, [.text(name), .texts(lanes.map(\.id.target)), .texts(lanes.map(\.id.operation))])
  }

  /// What this member has to say of lanes, before it reads them.
  static func tellLanes(_ lanes: [FleetLane.Report], by name: String) -> [Statement] {
    let lanes = lanes.filter(\.isNews).sorted { $0.id < $1.id }
    guard !lanes.isEmpty else { return [] }
    let ids = Self.ids(lanes)
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
    let changes = (learnt.isEmpty ? [] : [learnLanes(learnt)]) + [tellShares(lanes, by: name)]
    return statements + [changes.count > 1 ? Statement.joined(changes: changes) : changes[0]]
  }

  private static func learnLanes(_ learnt: [FleetLane.Report]) -> Statement {
    Statement(
      "learnLanes",
      """
      UPDATE certregd.pace p SET rate = a.rate, climbing_from = a.climbing_from, returning_to = a.returning_to,
        version = p.version + 1
      FROM unnest($1::text[], $2::text[], $3::float8[], $4::float8[], $5::float8[], $6::bigint[])
        a(target, operation, rate, climbing_from, returning_to, version)
      WHERE p.target = a.target AND p.operation = a.operation AND p.version = a.version
      """,
      ids(learnt) + [
        .doubles(learnt.map { $0.learnt?.callsPerSecond }), .doubles(learnt.map { $0.learnt?.climbingFrom }),
        .doubles(learnt.map { $0.learnt?.returningTo }), .integers(learnt.map(\.version)),
      ])
  }

  private static func tellShares(_ lanes: [FleetLane.Report], by name: String) -> Statement {
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
      [.text(name)] + ids(lanes) + [
        .doubles(lanes.map(\.want)), .doubles(lanes.map(\.share)), .integers(lanes.map { Int64($0.throttles) }),
      ])
  }

  static func lanes(_ lanes: [FleetLane.Report]) -> Statement {
    Statement(
      "lanes",
      """
      SELECT p.target, p.operation, p.rate, p.climbing_from, p.returning_to, p.version, s.member, s.want, s.share, s.throttles
      FROM certregd.pace p JOIN unnest($1::text[], $2::text[]) a(target, operation) USING (target, operation)
      JOIN certregd.share s USING (target, operation) JOIN certregd.member m ON m.name = s.member, certregd.fleet f
      WHERE NOT \(FleetSchema.isGone) ORDER BY p.target, p.operation, s.member
      """, ids(lanes))
  }

  private static func ids(_ lanes: [FleetLane.Report]) -> [Parameter] {
    [.texts(lanes.map(\.id.target)), .texts(lanes.map(\.id.operation))]
  }
}
