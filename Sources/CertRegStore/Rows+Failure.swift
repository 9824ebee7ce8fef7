import CertRegCore

/// A row of `failure`: certificate, target, attempts, finished_at, error, checksum.
enum FailureRow {
  /// `nil` for a damaged row.
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

  /// Binds a row of `failure` and runs the statement.
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
