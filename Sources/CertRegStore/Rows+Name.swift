import CertRegCore

/// A row of `name` or `name_copy`: id, text, checksum.
enum NameRow {
  /// `nil` for a damaged row.
  static func read(_ row: some ColumnSource) -> (number: Int64, text: String)? {
    guard row.isIntact(as: .name), let number = row.integer(0), let text = row.text(1) else { return nil }
    return (number, text)
  }

  /// Binds a row and runs the statement.
  static func write(_ text: String, number: Int64, to statement: PreparedStatement) throws(DatabaseFault) {
    var row = RowWriter(statement, .name)
    row.put(number)
    row.put(text)
    try row.run()
  }
}
