import CertRegCore

/// A row of `queue`: sequence, certificate, target, status, enqueued_at, requester, not_before, not_after, policies,
/// der, checksum.
enum QueueRow {
  /// The entry without what `attempt` has to add.
  static func read(_ row: some ColumnSource) -> PendingRegistration? {
    guard row.isIntact(as: .queue), let sequence = row.integer(0), let certificateID = row.digest(1),
      let target = row.text(2), let enqueued = row.integer(4), let requester = requester(row, 5),
      let notBefore = row.integer(6), let notAfter = row.integer(7), let policies = row.integer(8),
      let der = row.blob(9)
    else { return nil }
    return PendingRegistration(
      key: RegistrationKey(certificateID: certificateID, target: TargetName(target)), sequence: sequence, der: der,
      status: row.integer(3).flatMap { CertificateStatus(code: $0) },
      enqueuedAt: WallTime(millisecondsSinceEpoch: enqueued), callStarted: false, attempts: 0, lastError: nil,
      requester: requester,
      basis: VerdictBasis(
        notBefore: WallTime(millisecondsSinceEpoch: notBefore), notAfter: WallTime(millisecondsSinceEpoch: notAfter),
        policyFingerprint: policies))
  }

  /// The first version kept the user alone, as a number.
  private static func requester(_ row: some ColumnSource, _ column: Int) -> Requester? {
    if let uid = row.integer(column) { return Requester(uid: UInt32(truncatingIfNeeded: uid)) }
    guard let bytes = row.blob(column) else { return nil }
    var rest = bytes[...]
    return RequesterBytes.take(from: &rest)
  }

  static func write(_ entry: PendingRegistration, to statement: PreparedStatement) throws(DatabaseFault) {
    var row = RowWriter(statement, .queue)
    row.put(entry.sequence)
    row.put(entry.key.certificateID)
    row.put(entry.key.target.rawValue)
    row.put(entry.status.map { Int64($0.code) })
    row.put(entry.enqueuedAt.millisecondsSinceEpoch)
    var requester: [UInt8] = []
    RequesterBytes.append(entry.requester, to: &requester)
    row.put(copying: requester)
    row.put(entry.basis.notBefore.millisecondsSinceEpoch)
    row.put(entry.basis.notAfter.millisecondsSinceEpoch)
    row.put(entry.basis.policyFingerprint)
    let bound = row
    let outcome: Result<Void, DatabaseFault> = entry.der.withUnsafeBytes { der in
      do throws(DatabaseFault) { return .success(try bound.run(last: der)) } catch { return .failure(error) }
    }
    try outcome.get()
  }
}

/// A row of `attempt`: sequence, call_started, attempts, last_error, checksum.
struct AttemptRow {
  var sequence: Int64
  var callStarted: Bool
  var attempts: Int
  /// JSON of a `ServiceError`.
  var lastError: [UInt8]?

  static func read(_ row: some ColumnSource) -> AttemptRow? {
    guard row.isIntact(as: .attempt), let sequence = row.integer(0), let started = row.integer(1),
      let attempts = row.integer(2)
    else { return nil }
    return AttemptRow(sequence: sequence, callStarted: started != 0, attempts: Int(attempts), lastError: row.blob(3))
  }

  func write(to statement: PreparedStatement) throws(DatabaseFault) {
    var row = RowWriter(statement, .attempt)
    row.put(sequence)
    row.put(callStarted ? 1 : 0)
    row.put(Int64(attempts))
    if let lastError {
      row.put(copying: lastError)
    } else {
      row.put(Int64?.none)
    }
    try row.run()
  }

  /// Adds to `entry` what this row knows of it.
  func complete(_ entry: inout PendingRegistration) {
    entry.callStarted = entry.callStarted || callStarted
    entry.attempts = attempts
    entry.lastError = lastError.flatMap { ErrorJSON.decode($0) }
  }
}
