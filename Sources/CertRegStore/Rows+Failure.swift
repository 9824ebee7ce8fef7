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

  /// The sequence number of the job; `nil` for a damaged row and for one of an earlier version.
  static func sequence(_ row: some ColumnSource) -> Int64? {
    row.isIntact(as: .failure) ? row.blob(4).flatMap(ErrorJSON.sequence) : nil
  }

  /// Whether the job left a result, too. Earlier versions left failures of changes of the status beside results: those
  /// say nothing about the result.
  static func isBesideResult(_ row: some ColumnSource) -> Bool {
    row.blob(4).map(ErrorJSON.isBesideResult) ?? false
  }

  /// Binds a row of `failure` and runs the statement. `sequence`: that of the job.
  static func write(
    _ failure: FailedRegistration, sequence: Int64, target: Int64, isBesideResult: Bool = false,
    to statement: PreparedStatement
  ) throws(DatabaseFault) {
    var row = RowWriter(statement, .failure)
    row.put(failure.key.certificateID)
    row.put(target)
    row.put(Int64(failure.attempts))
    row.put(failure.finishedAt.millisecondsSinceEpoch)
    row.put(
      copying: ErrorJSON.encode(
        failure.error, requester: failure.requester, sequence: sequence, isBesideResult: isBesideResult))
    try row.run()
  }
}
