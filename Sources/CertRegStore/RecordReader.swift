import CertRegCore

/// Looks records up on a connection of its own. With a write-ahead log a reader sees the last commit, and neither waits
/// for the writer nor makes it wait.
final class RecordReader {
  /// The outcome of a look-up.
  enum Found {
    case nothing
    /// `hasDamagedName`: `device` has a row of the key whose checksum does not hold.
    case record(StoredRecord, hasDamagedName: Bool)
    /// The table has a row of the key whose checksum does not hold.
    case damaged(Table)
  }

  let connection: Connection
  let names: SharedNames
  private let result: PreparedStatement
  private let failure: PreparedStatement
  private let device: PreparedStatement

  init(path: String, names: SharedNames) throws(DatabaseFault) {
    connection = try Connection(path: path, readOnly: true)
    self.names = names
    result = try connection.prepare("SELECT * FROM result WHERE certificate = ? AND target = ?")
    failure = try connection.prepare("SELECT * FROM failure WHERE certificate = ? AND target = ?")
    device = try connection.prepare("SELECT * FROM device WHERE certificate = ? AND target = ?")
  }

  /// Looks up the result of `key`. Unless `failuresToo` is `false`, then the failure of the job that left the result,
  /// or of one that left none.
  func record(for key: RegistrationKey, failuresToo: Bool = true) throws(DatabaseFault) -> Found {
    guard let target = names.number(key.target.rawValue) else { return .nothing }
    if let registered = try find(result, .result, key, target, { ResultRow.read($0, name: names.text) }) {
      guard var registration = registered else { return .damaged(.result) }
      let name = try deviceID(of: key, target)
      registration.deviceID = name ?? nil
      registration.deviceTag = registration.deviceID?.tag ?? .none
      let hasDamagedName = name == .some(nil)
      if failuresToo, var failure = try failureBeside(key, target) {
        failure.deviceID = registration.deviceID
        failure.registered = registration
        return .record(.failed(failure), hasDamagedName: hasDamagedName)
      }
      return .record(.registered(registration), hasDamagedName: hasDamagedName)
    }
    if failuresToo, let failed = try find(failure, .failure, key, target, { FailureRow.read($0, name: names.text) }) {
      guard var failure = failed else { return .damaged(.failure) }
      let name = try deviceID(of: key, target)
      failure.deviceID = name ?? nil
      return .record(.failed(failure), hasDamagedName: name == .some(nil))
    }
    return .nothing
  }

  /// The failure of the job that left the result; `nil`: it ended well, or its row is damaged.
  private func failureBeside(_ key: RegistrationKey, _ target: Int64) throws(DatabaseFault) -> FailedRegistration? {
    let found = try find(failure, .failure, key, target) { row in
      FailureRow.isBesideResult(row) ? FailureRow.read(row, name: names.text) : nil
    }
    return found ?? nil
  }

  /// The name of a queued registration's device; `nil` if it has none or the row is damaged.
  func deviceID(of key: RegistrationKey) throws(DatabaseFault) -> DeviceID? {
    guard let target = names.number(key.target.rawValue) else { return nil }
    return try deviceID(of: key, target) ?? nil
  }

  private func deviceID(of key: RegistrationKey, _ target: Int64) throws(DatabaseFault) -> DeviceID?? {
    guard names.mayHaveDevices else { return nil }
    return try find(device, .device, key, target) { DeviceRow.read($0, name: names.text)?.deviceID }
  }

  /// `nil`: no row. `.some(nil)`: a damaged row.
  private func find<Record>(
    _ statement: PreparedStatement, _ table: Table, _ key: RegistrationKey, _ target: Int64,
    _ read: (PreparedStatement) -> Record?
  ) throws(DatabaseFault) -> Record?? {
    key.certificateID.withBytes { statement.bind(1, copying: $0) }
    statement.bind(2, target)
    return try statement.first(read)
  }
}
