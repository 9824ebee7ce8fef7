import CertRegCore

/// Looks records up on a connection of its own. With a write-ahead log a reader sees the last commit, and neither waits
/// for the writer nor makes it wait.
final class RecordReader {
  /// The outcome of a look-up.
  enum Found {
    case nothing
    case record(StoredRecord)
    /// The table has a row of the key whose checksum does not hold.
    case damaged(Table)
  }

  private let connection: Connection
  private let names: SharedNames
  private let result: PreparedStatement
  private let failure: PreparedStatement

  init(path: String, names: SharedNames) throws(DatabaseFault) {
    connection = try Connection(path: path, readOnly: true)
    self.names = names
    result = try connection.prepare("SELECT * FROM result WHERE certificate = ? AND target = ?")
    failure = try connection.prepare("SELECT * FROM failure WHERE certificate = ? AND target = ?")
  }

  /// Looks up the result of `key`, then the failure unless `failuresToo` is `false`.
  func record(for key: RegistrationKey, failuresToo: Bool = true) throws(DatabaseFault) -> Found {
    guard let target = names.number(key.target.rawValue) else { return .nothing }
    if let registered = try find(result, .result, key, target, { ResultRow.read($0, name: names.text) }) {
      return registered.map { .record(.registered($0)) } ?? .damaged(.result)
    }
    if failuresToo, let failed = try find(failure, .failure, key, target, { FailureRow.read($0, name: names.text) }) {
      return failed.map { .record(.failed($0)) } ?? .damaged(.failure)
    }
    return .nothing
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
