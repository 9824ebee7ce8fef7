import CertRegCore

/// The tables that the members share, in a schema of their own. Migrations are only ever appended.
package enum FleetSchema {
  /// The form that this version reads and writes.
  package static var version: Int { migrations.count }

  /// Whether a member `m` is gone, beside the row `f` of `fleet`: by the time in which the fleet was at work since it
  /// was heard of, so that time without the database counts towards nobody.
  static let isGone = "(m.removed OR f.active - m.heard > m.takeover)"

  private static let migrations = [
    """
    CREATE SCHEMA certregd;
    -- One row. `active`: milliseconds in which the fleet was at work; `ticked`: when that was counted last. `id` tells this
    -- content from that of any other database.
    CREATE TABLE certregd.fleet (
      only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), version integer NOT NULL,
      id text NOT NULL DEFAULT gen_random_uuid()::text, active bigint NOT NULL DEFAULT 0,
      ticked timestamptz NOT NULL DEFAULT clock_timestamp());
    -- `instance` tells state directories apart; `heard` is in the fleet's milliseconds; `sent` is the number of the last result.
    CREATE TABLE certregd.member (
      name text PRIMARY KEY, instance text NOT NULL, takeover bigint NOT NULL, heard bigint NOT NULL,
      heard_at timestamptz NOT NULL, joined_at timestamptz NOT NULL, sent bigint NOT NULL, queued integer NOT NULL,
      targets text[] NOT NULL, removed boolean NOT NULL DEFAULT false);
    -- Who works on a certificate. `called`: the holder may have made the call; `earlier`: one before it may have.
    CREATE TABLE certregd.claim (
      certificate bytea NOT NULL, target text NOT NULL, member text NOT NULL, called boolean NOT NULL,
      earlier boolean NOT NULL, claimed_at timestamptz NOT NULL, PRIMARY KEY (certificate, target));
    CREATE INDEX claim_member ON certregd.claim (member);
    -- Copies of registrations that callers were told are safe.
    CREATE TABLE certregd.queue (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, member text NOT NULL, sequence bigint NOT NULL,
      certificate bytea NOT NULL, target text NOT NULL, request bytea NOT NULL, UNIQUE (member, sequence));
    CREATE INDEX queue_certificate ON certregd.queue (certificate, target);
    -- What is known. Members follow each other by `number`, which each counts for itself.
    CREATE TABLE certregd.result (
      certificate bytea NOT NULL, target text NOT NULL, stamp bigint NOT NULL, forgotten boolean NOT NULL, arn text,
      outcome text, status text, request_id text, finished_at bigint, not_before bigint, not_after bigint, policies bigint,
      device text, provisioned text, member text NOT NULL, number bigint NOT NULL, PRIMARY KEY (certificate, target));
    CREATE INDEX result_number ON certregd.result (member, number);
    -- What the members have learnt of an account's rates, and their parts of them.
    CREATE TABLE certregd.pace (
      target text NOT NULL, operation text NOT NULL, rate double precision, climbing_from double precision,
      returning_to double precision,
      version bigint NOT NULL, PRIMARY KEY (target, operation));
    CREATE TABLE certregd.share (
      target text NOT NULL, operation text NOT NULL, member text NOT NULL, want double precision NOT NULL,
      share double precision NOT NULL, throttles bigint NOT NULL, PRIMARY KEY (target, operation, member));
    -- These are rewritten several times a second.
    ALTER TABLE certregd.fleet SET (fillfactor = 50);
    ALTER TABLE certregd.member SET (fillfactor = 50);
    ALTER TABLE certregd.pace SET (fillfactor = 50);
    ALTER TABLE certregd.share SET (fillfactor = 50);
    INSERT INTO certregd.fleet (version) VALUES (0);
    """,
    """
    -- Tells what a member sends from what it sent before it joined the last time.
    ALTER TABLE certregd.member ADD COLUMN session bigint NOT NULL DEFAULT 0;
    """,
    """
    -- Another member waits to revoke the certificate.
    ALTER TABLE certregd.claim ADD COLUMN revoked boolean NOT NULL DEFAULT false;
    CREATE INDEX claim_revoked ON certregd.claim (member) WHERE revoked;
    """,
  ]

  /// The tables that members write to.
  private static let tables = ["member", "claim", "queue", "result", "pace", "share"]

  /// What a role needs to be a member, and nothing else.
  private static func rights(of role: String) -> String {
    let quoted = "\"\(role.replacing("\"", with: "\"\""))\""
    let names = tables.map { "certregd.\($0)" }.joined(separator: ", ")
    return """
      GRANT USAGE ON SCHEMA certregd TO \(quoted);
      GRANT SELECT, UPDATE ON certregd.fleet TO \(quoted);
      GRANT SELECT, INSERT, UPDATE, DELETE ON \(names) TO \(quoted);
      """
  }

  /// The whole schema and the rights of the members' role, for a person to read or to run.
  package static func script(role: String) -> String {
    """
    -- The tables of a fleet of certregd, version \(version), for PostgreSQL 13 and later, and the rights of the role that its
    -- members log in as. Run it as the owner of the database. The role \(role) has to exist.
    BEGIN;
    \(migrations.joined(separator: "\n"))
    UPDATE certregd.fleet SET version = \(version);
    \(rights(of: role))
    COMMIT;

    """
  }

  /// Creates the schema or brings it up to date, in one transaction, and grants the rights where the role exists.
  /// Changes nothing where that was done before.
  ///
  /// - Parameter present: The version that is there; `nil`: none.
  static func upgrade(from present: Int?, role: String) -> String {
    let literal = "'\(role.replacing("'", with: "''"))'"
    return """
      BEGIN;
      \(migrations.dropFirst(present ?? 0).joined(separator: "\n"))
      UPDATE certregd.fleet SET version = \(version) WHERE version < \(version);
      DO $grant$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = \(literal)) THEN
      \(rights(of: role))
      END IF; END $grant$;
      COMMIT;
      """
  }
}
