import CertRegCore

/// A row of `failure`: certificate, target, attempts, finished_at, error, checksum.
enum FailureRow {
  static func read(_ row: some ColumnSource, name: (Int64) -> String?) -> FailedRegistration? {
    guard row.isIntact(as: .failure), let certificateID = row.digest(0), let target = row.integer(1).flatMap(name),
      let attempts = row.integer(2), let finished = row.integer(3), let json = row.blob(4),
      let error = ErrorJSON.decode(json)
    else { return nil }
    return FailedRegistration(
      key: RegistrationKey(certificateID: certificateID, target: TargetName(target)), error: error,
      attempts: Int(attempts), finishedAt: WallTime(millisecondsSinceEpoch: finished),
      requester: ErrorJSON.requester(in: json))
  }

  static func write(
    _ failure: FailedRegistration, target: Int64, to statement: PreparedStatement
  ) throws(DatabaseFault) {
    var row = RowWriter(statement, .failure)
    row.put(failure.key.certificateID)
    row.put(target)
    row.put(Int64(failure.attempts))
    row.put(failure.finishedAt.millisecondsSinceEpoch)
    row.put(copying: ErrorJSON.encode(failure.error, requester: failure.requester))
    try row.run()
  }
}

/// A row of `name` or `name_copy`: id, text, checksum.
enum NameRow {
  static func read(_ row: some ColumnSource) -> (number: Int64, text: String)? {
    guard row.isIntact(as: .name), let number = row.integer(0), let text = row.text(1) else { return nil }
    return (number, text)
  }

  static func write(_ text: String, number: Int64, to statement: PreparedStatement) throws(DatabaseFault) {
    var row = RowWriter(statement, .name)
    row.put(number)
    row.put(text)
    try row.run()
  }
}

/// The rows of `state`: id, revision, results, checksum. Row 2 has the highest sequence number in place of a revision;
/// version 2 of the form had no such row.
struct StateRow: Equatable {
  /// How many changes were ever committed.
  var revision: Int64
  /// How many rows `result` has.
  var results: Int64
  /// The highest sequence number that the queue ever had. Numbers never restart: a row left over in a page no longer in
  /// use can then not be mistaken for a later one.
  var highestSequence: Int64 = 0

  static func read(_ row: some ColumnSource) -> StateRow? {
    guard row.isIntact(as: .state), row.integer(0) == 1, let revision = row.integer(1), let results = row.integer(2)
    else { return nil }
    return StateRow(revision: revision, results: results)
  }

  func write(to statement: PreparedStatement) throws(DatabaseFault) {
    var row = RowWriter(statement, .state)
    row.put(1)
    row.put(revision)
    row.put(results)
    try row.run()
  }

  /// The highest sequence number, from the row that has it; `nil` for any other row.
  static func readHighestSequence(_ row: some ColumnSource) -> Int64? {
    row.isIntact(as: .state) && row.integer(0) == 2 ? row.integer(1) : nil
  }

  func writeHighestSequence(to statement: PreparedStatement) throws(DatabaseFault) {
    var row = RowWriter(statement, .state)
    row.put(2)
    row.put(highestSequence)
    row.put(0)
    try row.run()
  }
}
