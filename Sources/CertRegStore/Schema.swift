import CertRegCore

/// The form of the database. Migrations are only ever appended. Each is applied in one transaction together with the
/// `user_version` that names it.
enum Schema {
  /// `PRAGMA application_id`: "CRgD", by which file(1) and this program tell our databases from others.
  static let applicationID: Int32 = 0x4352_6744
  /// Fixed, so that pages can be found in a file that has lost its header.
  static let pageSizeBytes = 4096
  /// `user_version` of a database that has had all of `migrations`.
  static var version: Int32 { Int32(migrations.count) }

  /// One step from a form to the next.
  struct Migration {
    /// For the log.
    var name: String
    /// Statements; empty where rows alone changed.
    var sql: String
  }

  static let migrations = [
    Migration(
      name: "results, queue and names",
      sql: """
        -- Counters of the whole database: see StateRow and RebuildPosition.
        CREATE TABLE state (
          id INTEGER PRIMARY KEY, revision INTEGER NOT NULL, results INTEGER NOT NULL, checksum INTEGER NOT NULL);
        -- Names of targets and beginnings of ARNs, which millions of results share. Twice, on pages of their own: without
        -- them no result could be read.
        CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL, checksum INTEGER NOT NULL);
        CREATE TABLE name_copy (id INTEGER PRIMARY KEY, text TEXT NOT NULL, checksum INTEGER NOT NULL);
        -- What has not ended. A row is never changed: what happens to it goes to `attempt`, so that a certificate is
        -- written once. The target is spelt out, so that a row can be understood without any other.
        CREATE TABLE queue (
          sequence INTEGER PRIMARY KEY, certificate BLOB NOT NULL, target TEXT NOT NULL, status INTEGER,
          enqueued_at INTEGER NOT NULL, requester INTEGER NOT NULL, not_before INTEGER NOT NULL,
          not_after INTEGER NOT NULL, policies INTEGER NOT NULL, der BLOB NOT NULL, checksum INTEGER NOT NULL);
        CREATE TABLE attempt (
          sequence INTEGER PRIMARY KEY, call_started INTEGER NOT NULL, attempts INTEGER NOT NULL, last_error BLOB,
          checksum INTEGER NOT NULL);
        CREATE TABLE result (
          certificate BLOB NOT NULL, target INTEGER NOT NULL, arn_prefix INTEGER, arn TEXT, ending INTEGER NOT NULL,
          request BLOB, finished_at INTEGER NOT NULL, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,
          policies INTEGER NOT NULL, checksum INTEGER NOT NULL,
          PRIMARY KEY (certificate, target)) WITHOUT ROWID;
        CREATE TABLE failure (
          certificate BLOB NOT NULL, target INTEGER NOT NULL, attempts INTEGER NOT NULL, finished_at INTEGER NOT NULL,
          error BLOB NOT NULL, checksum INTEGER NOT NULL,
          PRIMARY KEY (certificate, target)) WITHOUT ROWID;
        """),
    // The columns `requester` and `request` hold more: a version that does not know this must not read them.
    Migration(name: "who asked", sql: ""),
    // The same holds for facts (see `QueueRow` and `AttemptRow`), which rows of earlier versions lack, and for the
    // second row of `state`.
    Migration(name: "facts of registrations under way", sql: ""),
    // A table of its own, so that a name can be given and changed whatever becomes of the registration, and rows
    // without one cost nothing.
    Migration(
      name: "names of devices",
      sql: """
        CREATE TABLE device (
          certificate BLOB NOT NULL, target INTEGER NOT NULL, name TEXT NOT NULL, checksum INTEGER NOT NULL,
          PRIMARY KEY (certificate, target)) WITHOUT ROWID;
        """),
    // Rows of the queue have a purpose, several of them may have one key, and results need no ARN: a version that does
    // not know this must not read them.
    Migration(name: "changes of statuses", sql: ""),
    // Rows of the queue and results have profiles: a version that does not know this must not read them.
    Migration(name: "provisioning profiles", sql: ""),
    // What other hosts of a fleet were told, also of results that are forgotten.
    Migration(
      name: "results told to a fleet",
      sql: """
        CREATE TABLE shared (
          certificate BLOB NOT NULL, target INTEGER NOT NULL, stamp INTEGER NOT NULL, forgotten INTEGER NOT NULL,
          number INTEGER NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (certificate, target)) WITHOUT ROWID;
        """),
  ]
}

extension Connection {
  /// Brings the database to the form after the last of `migrations`, each step in a transaction of its own. The caller
  /// has made sure that the database is not a newer one.
  ///
  /// - Returns: The names of the steps that were taken.
  func migrate(_ migrations: some Collection<Schema.Migration> = Schema.migrations) throws(DatabaseFault) -> [String] {
    // A flipped bit can make it negative.
    let version = max(0, Int(try integer("PRAGMA user_version") ?? 0))
    var applied: [String] = []
    for (number, migration) in migrations.enumerated().dropFirst(version) {
      try execute("BEGIN IMMEDIATE")
      do throws(DatabaseFault) {
        try execute(
          """
          \(migration.sql)
          PRAGMA application_id = \(Schema.applicationID);
          PRAGMA user_version = \(number + 1);
          COMMIT;
          """)
      } catch {
        try? execute("ROLLBACK")
        throw error
      }
      applied.append(migration.name)
    }
    return applied
  }

  /// Compares the tables with those that a database of this `user_version` has after as many of `migrations`. A bit
  /// that flips in the header's version or in the text of the schema is found so: SQLite would report it at every start
  /// as an error of the SQL that uses it.
  ///
  /// - Throws: A fault that is damage where they differ.
  func checkSchema(_ migrations: [Schema.Migration] = Schema.migrations) throws(DatabaseFault) {
    let version = try integer("PRAGMA user_version") ?? 0
    guard version > 0, version <= migrations.count else {
      throw DatabaseFault(damage: "its version is \(version)", path: path)
    }
    let model = try Connection(path: ":memory:")
    _ = try model.migrate(migrations.prefix(Int(version)))
    guard try model.schemaText() == schemaText() else {
      throw DatabaseFault(damage: "its schema is not the one it was made with", path: path)
    }
  }

  private func schemaText() throws(DatabaseFault) -> String? {
    try text("SELECT group_concat(type || name || tbl_name || ifnull(sql, ''), char(10)) FROM sqlite_master")
  }
}
