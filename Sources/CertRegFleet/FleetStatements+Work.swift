import CertRegCore

// Who works on which certificate, and what is to be done.
extension FleetStatements {
  // MARK: Claims

  static func claim(_ claims: [FleetBatch.Claim], by name: String) -> Statement {
    Statement(
      "claim",
      """
      INSERT INTO certregd.claim AS c (certificate, target, member, called, earlier, claimed_at)
      SELECT a.certificate, a.target, $1, a.called, false, clock_timestamp()
      FROM unnest($2::bytea[], $3::text[], $4::boolean[]) a(certificate, target, called)
      -- A conflict locks the row, also where it changes nothing: two members that each ask for what the other gives up would wait
      -- for each other.
      WHERE NOT EXISTS (SELECT FROM certregd.claim c JOIN certregd.member m ON m.name = c.member, certregd.fleet f
        WHERE c.certificate = a.certificate AND c.target = a.target AND c.member <> $1 AND NOT \(FleetSchema.isGone))
      ORDER BY a.certificate, a.target
      ON CONFLICT (certificate, target) DO UPDATE SET member = $1,
        claimed_at = CASE WHEN c.member = $1 THEN c.claimed_at ELSE excluded.claimed_at END,
        called = excluded.called OR (c.called AND c.member = $1), revoked = c.revoked AND c.member = $1,
        -- A call for a certificate that was known before has not made the registration.
        earlier = c.earlier OR (c.called AND c.member <> $1 AND NOT EXISTS (
          SELECT FROM certregd.result r WHERE r.certificate = c.certificate AND r.target = c.target AND NOT r.forgotten
            AND r.stamp < extract(epoch FROM c.claimed_at) * 1000000))
      WHERE c.member = $1 OR NOT EXISTS (
        SELECT FROM certregd.member m, certregd.fleet f WHERE m.name = c.member AND NOT \(FleetSchema.isGone))
      RETURNING certificate, target, earlier
      """, [.text(name)] + Parameter.keys(claims.map(\.key)) + [.bools(claims.map(\.isCalled))])
  }

  /// Tells members that work on certificates to give way to a revocation. Their rows are not waited for: this is told
  /// again with the next question.
  static func revoke(_ keys: [FleetKey], by name: String) -> Statement {
    Statement(
      "revoke",
      """
      UPDATE certregd.claim c SET revoked = true FROM (
        SELECT c.certificate, c.target FROM certregd.claim c JOIN unnest($2::bytea[], $3::text[]) a(certificate, target)
          USING (certificate, target)
        WHERE c.member <> $1 AND NOT c.revoked FOR UPDATE OF c SKIP LOCKED) h
      WHERE c.certificate = h.certificate AND c.target = h.target
      """, [.text(name)] + Parameter.keys(keys))
  }

  static func revoked(of name: String) -> Statement {
    Statement(
      "revoked", "SELECT certificate, target FROM certregd.claim WHERE member = $1 AND revoked LIMIT 500", [.text(name)]
    )
  }

  /// After the claims: a result that was told, and its claim given up, while this transaction waited for it is seen.
  static func known(_ keys: [FleetKey]) -> Statement {
    Statement(
      "known",
      """
      SELECT \(columnsOfR) FROM unnest($1::bytea[], $2::text[]) a(certificate, target)
      JOIN certregd.result r ON r.certificate = a.certificate AND r.target = a.target
      """, Parameter.keys(keys))
  }

  static func holders(_ keys: [FleetKey]) -> Statement {
    Statement(
      "holders",
      """
      SELECT a.certificate, a.target, coalesce(c.member, q.member) FROM unnest($1::bytea[], $2::text[]) a(certificate, target)
      -- A claim that is left, or that of a member that is gone, is nobody's work.
      LEFT JOIN LATERAL (SELECT c.member FROM certregd.claim c JOIN certregd.member m ON m.name = c.member, certregd.fleet f
        WHERE c.certificate = a.certificate AND c.target = a.target AND NOT \(FleetSchema.isGone)) c ON true
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

  static func rows(_ ids: [Int64], of name: String) -> Statement {
    Statement(
      "rows",
      """
      SELECT id, sequence, certificate, target, request FROM certregd.queue WHERE member = $1 AND id = ANY ($2::bigint[])
      ORDER BY id
      """, [.text(name), .integers(ids)])
  }

  /// Leaves rows to members that can make something of them, behind all others: nobody reads the same ones for ever.
  static func leave(_ ids: [Int64], by name: String) -> Statement {
    Statement(
      "leave",
      "UPDATE certregd.queue SET id = DEFAULT, member = '', sequence = -id WHERE member = $1 AND id = ANY ($2::bigint[])",
      [.text(name), .integers(ids)])
  }

  /// Takes a part of what members left behind that are gone. The rows get numbers that no job has.
  static func takeOver(targets: [String], by name: String) -> Statement {
    // Along the index of each of them: the rows of members that live may be many.
    take(
      """
      SELECT q.id FROM certregd.member m CROSS JOIN certregd.fleet f CROSS JOIN LATERAL (
        SELECT q.id FROM certregd.queue q WHERE q.member = m.name AND q.target = ANY ($2::text[])
        ORDER BY q.sequence LIMIT \(FleetBatch.mostTakenOver) FOR UPDATE SKIP LOCKED) q
      WHERE m.name <> $1 AND \(FleetSchema.isGone) LIMIT \(FleetBatch.mostTakenOver)
      """, "takeOver", targets, name)
  }

  /// Takes what no member has any more. It reads the whole queue.
  static func takeOrphans(targets: [String], by name: String) -> Statement {
    take(
      """
      SELECT q.id FROM certregd.queue q WHERE q.member <> $1 AND q.target = ANY ($2::text[])
        AND NOT EXISTS (SELECT FROM certregd.member m WHERE m.name = q.member)
      ORDER BY q.id LIMIT \(FleetBatch.mostOrphans) FOR UPDATE SKIP LOCKED
      """, "takeOrphans", targets, name)
  }

  private static func take(_ picked: String, _ statement: String, _ targets: [String], _ name: String) -> Statement {
    Statement(
      statement,
      """
      WITH picked AS MATERIALIZED (\(picked))
      UPDATE certregd.queue q SET member = $1, sequence = -q.id FROM picked WHERE q.id = picked.id
      RETURNING q.id, q.sequence, q.certificate, q.target, q.request
      """, [.text(name), .texts(targets)])
  }
}
