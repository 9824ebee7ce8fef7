import CertRegCore
import Glibc

/// Damaged rows move from the database to a file beside it, as SQL literals, where a person can look at them.
extension RegistrationWriter {
  /// Moves the row of `key` in `result`, `failure`, `device` or `shared`, in a transaction of its own.
  ///
  /// - Returns: `false` where no damaged row is there any more: another look-up was first, or a change replaced it.
  func setAside(_ key: RegistrationKey, in table: Table, to file: String) throws(DatabaseFault) -> Bool {
    guard let target = targetNumber(key.target) else { return false }
    let row = try connection.prepare("SELECT * FROM \(table.sqlName) WHERE certificate = ?1 AND target = ?2")
    key.certificateID.withBytes { row.bind(1, copying: $0) }
    row.bind(2, target)
    guard try row.first({ isReadable($0, as: table) }) == false else { return false }
    try setAside([(table, key.certificateID.bytes, target)], to: file)
    return true
  }

  /// Moves rows of `queue` or `attempt`, in a transaction of its own.
  func setAside(sequences: [Int64], in table: Table, to file: String) throws(DatabaseFault) {
    guard !sequences.isEmpty else { return }
    try transaction { () throws(DatabaseFault) in
      for sequence in sequences {
        _ = try move(from: table, where: "sequence = ?1", to: file) { $0.bind(1, sequence) }
      }
      try RegistrationWriter.synchronize(file)
    }
  }

  /// Moves every row of `result` and `failure` whose checksum does not hold, and says how many there were.
  func setAsideDamagedResults(to file: String, _ progress: OpeningProgress) throws(DatabaseFault) -> Int {
    progress.begin("checking results")
    var damaged: [(table: Table, certificate: [UInt8], target: Int64)] = []
    for table in [Table.result, .failure, .device, .shared] {
      let rows = try connection.prepare("SELECT * FROM \(table.sqlName)")
      while try rows.step() {
        progress.advance()
        if !isReadable(rows, as: table) {
          damaged.append((table, rows.withBytes(0) { Array($0) }, rows.integer(1) ?? 0))
        }
      }
    }
    try setAside(damaged, to: file)
    return damaged.count
  }

  /// Whether a row of `result`, `failure`, `device` or `shared` is intact.
  private func isReadable(_ row: PreparedStatement, as table: Table) -> Bool {
    switch table {
    case .result: ResultRow.read(row, name: text) != nil
    case .device: DeviceRow.read(row, name: text) != nil
    case .shared: SharedRow.read(row, name: text) != nil
    default: FailureRow.read(row, name: text) != nil
    }
  }

  private func setAside(
    _ rows: [(table: Table, certificate: [UInt8], target: Int64)], to file: String
  ) throws(DatabaseFault) {
    guard !rows.isEmpty else { return }
    try transaction { () throws(DatabaseFault) in
      for row in rows {
        let count = try move(from: row.table, where: "certificate = ?1 AND target = ?2", to: file) { statement in
          row.certificate.withUnsafeBytes { statement.bind(1, copying: $0) }
          statement.bind(2, row.target)
        }
        // The row is in the tree and a search does not find it: its key is damaged, and with it the order of the tree.
        guard count > 0 else {
          throw DatabaseFault(damage: "a row of \(row.table.sqlName) is out of order", path: connection.path)
        }
        if row.table == .result { noteRemovedResults(count) }
      }
      try RegistrationWriter.synchronize(file)
    }
  }

  /// Moves the rows that `condition` selects and says how many there were.
  private func move(
    from table: Table, where condition: String, to file: String, _ bind: (PreparedStatement) -> Void
  ) throws(DatabaseFault) -> Int64 {
    let columns = try connection.columns(of: table).map { "quote(\($0))" }.joined(separator: " || ', ' || ")
    let select = try connection.prepare("SELECT \(columns) FROM \(table.sqlName) WHERE \(condition)")
    bind(select)
    while try select.step() {
      try RegistrationWriter.append("\(table.sqlName): \(select.text(0) ?? "unreadable")\n", to: file)
    }
    let delete = try connection.prepare("DELETE FROM \(table.sqlName) WHERE \(condition)")
    bind(delete)
    try delete.run()
    return connection.changedRows
  }

  /// Adds a line.
  ///
  /// - Throws: A fault with `isUncopied`, after which nothing may be deleted.
  private static func append(_ line: String, to file: String) throws(DatabaseFault) {
    do throws(StoreError) {
      let descriptor = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
      guard descriptor >= 0 else { throw StoreError(system: "cannot open \(file)") }
      defer { close(descriptor) }
      let bytes = Array(line.utf8)
      guard write(descriptor, bytes, bytes.count) == bytes.count else {
        throw StoreError(system: "cannot write \(file)")
      }
    } catch {
      throw DatabaseFault(uncopied: error)
    }
  }

  /// Makes the lines durable: their rows are deleted only then.
  private static func synchronize(_ file: String) throws(DatabaseFault) {
    do throws(StoreError) {
      // A row that is deleted already left no line, and so perhaps no file.
      if StateDirectory.exists(file) { try StateDirectory.synchronize(file) }
    } catch {
      throw DatabaseFault(uncopied: error)
    }
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
