import CertRegCore

// What the host has noted of its fleet. These look-ups are rare: their statements are prepared each time.
extension RecordReader {
  func fleetNote(of key: RegistrationKey) throws(DatabaseFault) -> FleetNote? {
    guard let target = names.number(key.target.rawValue) else { return nil }
    let statement = try connection.prepare("SELECT * FROM shared WHERE certificate = ? AND target = ?")
    bind(statement, key, target)
    return try statement.first { SharedRow.read($0, name: names.text)?.note } ?? nil
  }

  /// Damaged rows are left out: what they noted is told again once it is told at all.
  func fleetNotes(
    after key: RegistrationKey?, limit: Int
  ) throws(DatabaseFault) -> [(key: RegistrationKey, note: FleetNote)] {
    let statement = try page("SELECT * FROM shared", "certificate", "target", after: key, limit: limit)
    var notes: [(key: RegistrationKey, note: FleetNote)] = []
    while try statement.step() {
      if let row = SharedRow.read(statement, name: names.text) { notes.append(row) }
    }
    return notes
  }

  /// Damaged rows count, too: numbers that are left out do no harm.
  func highestFleetNote() throws(DatabaseFault) -> (number: Int64, stamp: Int64) {
    let statement = try connection.prepare("SELECT max(number), max(stamp) FROM shared")
    return try statement.first { ($0.integer(0) ?? 0, $0.integer(1) ?? 0) } ?? (0, 0)
  }

  func unsharedKeys(after key: RegistrationKey?, limit: Int) throws(DatabaseFault) -> [RegistrationKey] {
    let statement = try page(
      """
      SELECT r.certificate, r.target FROM result r LEFT JOIN shared s ON s.certificate = r.certificate AND s.target = r.target
      """, "r.certificate", "r.target", after: key, limit: limit, where: "s.certificate IS NULL")
    var keys: [RegistrationKey] = []
    while try statement.step() {
      guard let id = statement.digest(0), let target = statement.integer(1).flatMap(names.text) else { continue }
      keys.append(RegistrationKey(certificateID: id, target: TargetName(target)))
    }
    return keys
  }

  private func page(
    _ sql: String, _ certificate: String, _ target: String, after key: RegistrationKey?, limit: Int,
    where condition: String = "true"
  ) throws(DatabaseFault) -> PreparedStatement {
    let begin = key == nil ? "" : " AND (\(certificate), \(target)) > (?, ?)"
    let statement = try connection.prepare(
      "\(sql) WHERE \(condition)\(begin) ORDER BY \(certificate), \(target) LIMIT \(limit)")
    if let key { bind(statement, key, names.number(key.target.rawValue) ?? 0) }
    return statement
  }

  private func bind(_ statement: PreparedStatement, _ key: RegistrationKey, _ target: Int64) {
    key.certificateID.withBytes { statement.bind(1, copying: $0) }
    statement.bind(2, target)
  }
}
