import CertRegCore

/// A row of `queue`: sequence, certificate, target, status, enqueued_at, requester, not_before, not_after, policies,
/// der, checksum. The column `requester` has a `RequestRecord` behind the requester's own bytes.
enum QueueRow {
  /// The entry, without its row of `attempt`; `nil` for a damaged row.
  static func read(_ row: some ColumnSource) -> PendingRegistration? {
    guard row.isIntact(as: .queue), let sequence = row.integer(0), let certificateID = row.digest(1),
      let target = row.text(2), let enqueued = row.integer(4), let origin = origin(row, 5),
      let notBefore = row.integer(6), let notAfter = row.integer(7), let policies = row.integer(8),
      let der = row.blob(9)
    else { return nil }
    return PendingRegistration(
      key: RegistrationKey(certificateID: certificateID, target: TargetName(target)), sequence: sequence,
      purpose: origin.record.purpose, der: der,
      status: row.integer(3).flatMap { CertificateStatus(code: $0) },
      enqueuedAt: WallTime(millisecondsSinceEpoch: enqueued), callStarted: false, attempts: 0, lastError: nil,
      requester: origin.requester,
      basis: VerdictBasis(
        notBefore: WallTime(millisecondsSinceEpoch: notBefore), notAfter: WallTime(millisecondsSinceEpoch: notAfter),
        policyFingerprint: policies), provisioning: origin.record.provisioning,
      namedStatus: origin.record.namedStatus, overridesStatus: origin.record.overridesStatus,
      facts: origin.record.facts)
  }

  private typealias Origin = (requester: Requester, record: RequestRecord.Content)

  /// The requester and the record behind it. Version 1 stored the user alone, as a number; version 2 had no facts,
  /// version 4 no purpose.
  private static func origin(_ row: some ColumnSource, _ column: Int) -> Origin? {
    if let uid = row.integer(column) {
      return (Requester(uid: UInt32(truncatingIfNeeded: uid)), RequestRecord.Content())
    }
    guard let bytes = row.blob(column) else { return nil }
    var rest = bytes[...]
    guard let requester = RequesterBytes.take(from: &rest), let record = RequestRecord.read(rest) else { return nil }
    return (requester, record)
  }

  /// Binds a row of `entry` and runs the statement.
  static func write(_ entry: PendingRegistration, to statement: PreparedStatement) throws(DatabaseFault) {
    var row = RowWriter(statement, .queue)
    row.put(entry.sequence)
    row.put(entry.key.certificateID)
    row.put(entry.key.target.rawValue)
    row.put(entry.status.map { Int64($0.code) })
    row.put(entry.enqueuedAt.millisecondsSinceEpoch)
    var origin: [UInt8] = []
    RequesterBytes.append(entry.requester, to: &origin)
    origin += RequestRecord.bytes(entry)
    row.put(copying: origin)
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

/// A row of `attempt`: sequence, call_started, attempts, last_error, checksum. The column `last_error` has the facts of
/// later steps beside the error's members.
struct AttemptRow {
  var sequence: Int64
  var callStarted: Bool
  var attempts: Int
  var lastError: ServiceError?
  /// `nil`: the facts of the queue's row hold.
  var facts: JobFacts?

  /// `nil` for a damaged row.
  static func read(_ row: some ColumnSource) -> AttemptRow? {
    guard row.isIntact(as: .attempt), let sequence = row.integer(0), let started = row.integer(1),
      let attempts = row.integer(2)
    else { return nil }
    let json = row.blob(3)
    return AttemptRow(
      sequence: sequence, callStarted: started != 0, attempts: Int(attempts), lastError: json.flatMap(ErrorJSON.decode),
      facts: json.flatMap(ErrorJSON.facts(in:)))
  }

  /// Binds the row and runs the statement.
  func write(to statement: PreparedStatement) throws(DatabaseFault) {
    var row = RowWriter(statement, .attempt)
    row.put(sequence)
    row.put(callStarted ? 1 : 0)
    row.put(Int64(attempts))
    if lastError != nil || facts != nil {
      row.put(copying: ErrorJSON.encode(lastError, facts: facts))
    } else {
      row.put(Int64?.none)
    }
    try row.run()
  }

  /// Whether this row was written after `other`, of two for the same registration: a job begins anew once at most,
  /// steps are only ever completed, and attempts only ever counted up.
  func isLater(than other: AttemptRow) -> Bool { order >= other.order }

  private var order: (Int, Int, Int) {
    (facts?.isBegunAnew == true ? 1 : 0, facts?.completedSteps ?? 0, attempts)
  }

  /// Adds the content of this row to its entry.
  func complete(_ entry: inout PendingRegistration) {
    entry.callStarted = entry.callStarted || callStarted
    entry.attempts = attempts
    entry.lastError = lastError
    if let facts { entry.facts = facts }
  }
}
