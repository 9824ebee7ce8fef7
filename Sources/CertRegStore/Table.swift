/// The tables whose rows carry a checksum in their last column. The raw value goes into the checksum and must never change.
enum Table: UInt8, CaseIterable {
  case state = 1
  case name = 2
  case queue = 3
  case attempt = 4
  case result = 5
  case failure = 6

  /// The name in SQL.
  var sqlName: String {
    switch self {
    case .state: "state"
    case .name: "name"
    case .queue: "queue"
    case .attempt: "attempt"
    case .result: "result"
    case .failure: "failure"
    }
  }

  /// How many columns a row has, the checksum included.
  var columnCount: Int {
    switch self {
    case .state: 4
    case .name: 3
    case .queue: 11
    case .attempt: 5
    case .result: 11
    case .failure: 6
    }
  }

  /// Whether the first column is the row's number, which SQLite keeps beside the record instead of in it.
  var isKeyedByRowNumber: Bool { self != .result && self != .failure }
}

/// The form of the database. Migrations are only ever appended, and each is applied in one transaction together with the
/// `user_version` that says so.
enum Schema {
  /// `PRAGMA application_id`: "CRgD", so that file(1) and we can tell our databases from others.
  static let applicationID: Int32 = 0x4352_6744
  /// Fixed, so that pages can be found in a file whose header is gone.
  static let pageSizeBytes = 4096
  /// `user_version` of a database that has had all of `migrations`.
  static var version: Int32 { Int32(migrations.count) }

  struct Migration {
    var name: String
    var sql: String
  }

  static let migrations = [
    Migration(
      name: "results, queue and names",
      sql: """
        -- One row: how many changes were ever committed, and how many rows `result` has.
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
    // What the columns `requester` and `request` hold says more: a version that does not know it must not read them.
    Migration(name: "who asked", sql: ""),
    // The same goes for facts (see `QueueRow` and `AttemptRow`), which rows of earlier versions have not, and for the
    // second row of `state`.
    Migration(name: "facts of registrations under way", sql: ""),
  ]
}
