import CertRegCore
import GRDBSQLite

/// Damaged rows go to `damaged_row`, as text, out of the way of the work.
extension RegistrationWriter {
  /// Keeps a bound: the table is for a person to look at.
  private static let limit = 1000

  /// Moves the row of a result or failure, in a transaction of its own.
  func setAside(_ key: RegistrationKey, in table: Table) throws(DatabaseFault) {
    guard let target = targetNumber(key.target) else { return }
    try transaction { () throws(DatabaseFault) in
      let condition = "certificate = ?1 AND target = ?2"
      let bindKey = { (statement: PreparedStatement) in
        key.certificateID.withBytes { statement.bind(1, copying: $0) }
        statement.bind(2, target)
      }
      let count = try setAside(from: table, where: condition, bindKey)
      if table == .result { noteRemovedResults(count) }
    }
  }

  /// Moves rows of `queue` or `attempt`, in a transaction of its own.
  func setAside(sequences: [Int64], in table: Table) throws(DatabaseFault) {
    guard !sequences.isEmpty else { return }
    try transaction { () throws(DatabaseFault) in
      for sequence in sequences {
        _ = try setAside(from: table, where: "sequence = ?1") { $0.bind(1, sequence) }
      }
    }
  }

  /// Moves every row of `result` and `failure` whose checksum does not hold, and says how many there were.
  func setAsideDamagedResults() throws(DatabaseFault) -> Int {
    var damaged: [(table: Table, certificate: [UInt8], target: Int64)] = []
    for table in [Table.result, .failure] {
      let rows = try connection.prepare("SELECT * FROM \(table.sqlName)")
      while try rows.step() {
        let isReadable =
          table == .result
          ? ResultRow.read(rows, name: text) != nil : FailureRow.read(rows, name: text) != nil
        if !isReadable { damaged.append((table, rows.withBytes(0) { Array($0) }, rows.integer(1) ?? 0)) }
      }
    }
    guard !damaged.isEmpty else { return 0 }
    try transaction { () throws(DatabaseFault) in
      for row in damaged {
        let count = try setAside(from: row.table, where: "certificate = ?1 AND target = ?2") { statement in
          row.certificate.withUnsafeBytes { statement.bind(1, copying: $0) }
          statement.bind(2, row.target)
        }
        // The row is in the tree and cannot be found in it: its key is what is damaged, and with it the order.
        guard count > 0 else {
          throw DatabaseFault(
            extendedCode: SQLITE_CORRUPT, message: "\(connection.path): a row of \(row.table.sqlName) is out of order")
        }
        if row.table == .result { noteRemovedResults(count) }
      }
    }
    return damaged.count
  }

  /// Moves the rows that `condition` selects and says how many there were.
  private func setAside(
    from table: Table, where condition: String, _ bind: (PreparedStatement) -> Void
  ) throws(DatabaseFault) -> Int64 {
    let columns = try connection.columns(of: table).map { "quote(\($0))" }.joined(separator: " || ', ' || ")
    let copy = try connection.prepare(
      """
      INSERT INTO damaged_row (found_at, source, content)
      SELECT unixepoch() * 1000, '\(table.sqlName)', \(columns) FROM \(table.sqlName)
      WHERE \(condition) AND (SELECT count(*) FROM damaged_row) < \(RegistrationWriter.limit)
      """)
    bind(copy)
    try copy.run()
    let delete = try connection.prepare("DELETE FROM \(table.sqlName) WHERE \(condition)")
    bind(delete)
    try delete.run()
    return Int64(sqlite3_changes(connection.handle))
  }
}

extension Connection {
  fileprivate func columns(of table: Table) throws(DatabaseFault) -> [String] {
    let statement = try prepare("SELECT name FROM pragma_table_info('\(table.sqlName)') ORDER BY cid")
    var columns: [String] = []
    while try statement.step() { columns.append(statement.text(0) ?? "NULL") }
    return columns
  }
}
