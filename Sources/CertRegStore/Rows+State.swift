import CertRegCore

/// The first two rows of `state`: id, revision, results, checksum. Row 2 has the highest sequence number in place of a
/// revision. Version 2 of the form had no such row.
struct StateRow: Equatable {
  /// How many changes were ever committed.
  var revision: Int64
  /// How many rows `result` has.
  var results: Int64
  /// The highest sequence number that the queue ever had. Numbers never restart: a row left over in a page no longer in
  /// use can then not be mistaken for a later one.
  var highestSequence: Int64 = 0

  /// Row 1; `nil` for any other row and for a damaged one.
  static func read(_ row: some ColumnSource) -> StateRow? {
    guard row.isIntact(as: .state), row.integer(0) == 1, let revision = row.integer(1), let results = row.integer(2)
    else { return nil }
    return StateRow(revision: revision, results: results)
  }

  /// Writes row 1.
  func write(to statement: PreparedStatement) throws(DatabaseFault) {
    var row = RowWriter(statement, .state)
    row.put(1)
    row.put(revision)
    row.put(results)
    try row.run()
  }

  /// The highest sequence number, from row 2; `nil` for any other row and for a damaged one.
  static func readHighestSequence(_ row: some ColumnSource) -> Int64? {
    row.isIntact(as: .state) && row.integer(0) == 2 ? row.integer(1) : nil
  }

  /// Writes row 2.
  func writeHighestSequence(to statement: PreparedStatement) throws(DatabaseFault) {
    var row = RowWriter(statement, .state)
    row.put(2)
    row.put(highestSequence)
    row.put(0)
    try row.run()
  }
}

extension StateRow {
  /// Reads both rows; `nil` where there is none yet.
  ///
  /// - Throws: A fault that is damage where a row cannot be trusted.
  init?(_ connection: Connection) throws(DatabaseFault) {
    guard let found = try connection.prepare("SELECT * FROM state WHERE id = 1").first(StateRow.read) else {
      return nil
    }
    let highest = try connection.prepare("SELECT * FROM state WHERE id = 2").first(StateRow.readHighestSequence)
    guard var row = found, highest != .some(nil) else {
      throw DatabaseFault(damage: "the checksum of a row of state does not hold", path: connection.path)
    }
    // Earlier versions kept no such number. Each entry of the queue was a change, and changes were counted.
    row.highestSequence = (highest ?? nil) ?? row.revision
    self = row
  }
}

/// Row 3 of `state`, in a database that is being rebuilt: how far the rebuild has come. The columns `revision` and
/// `results` hold the two numbers.
struct RebuildPosition: Equatable {
  /// Results of all pages before this one are in the database.
  var page: Int64
  /// Tells the damaged files from others.
  var source: Int64

  static func read(_ row: some ColumnSource) -> RebuildPosition? {
    guard row.isIntact(as: .state), row.integer(0) == 3, let page = row.integer(1), let source = row.integer(2) else {
      return nil
    }
    return RebuildPosition(page: page, source: source)
  }

  func write(to statement: PreparedStatement) throws(DatabaseFault) {
    var row = RowWriter(statement, .state)
    row.put(3)
    row.put(page)
    row.put(source)
    try row.run()
  }
}
