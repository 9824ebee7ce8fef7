import CertRegCore

extension Connection {
  /// Brings the database to `Schema.version`, each step in a transaction of its own, and says how many steps there were.
  /// The caller has made sure that the database is not a newer one.
  func migrate() throws(DatabaseFault) -> [String] {
    let version = Int(try integer("PRAGMA user_version") ?? 0)
    var applied: [String] = []
    for (number, migration) in Schema.migrations.enumerated().dropFirst(version) {
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
}
