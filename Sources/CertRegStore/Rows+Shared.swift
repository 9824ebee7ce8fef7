import CertRegCore

/// A row of `shared`: certificate, target, stamp, forgotten, number, checksum. It is there for what a fleet was told,
/// or has to be told, of a certificate.
enum SharedRow {
  /// `nil` for a damaged row.
  static func read(_ row: some ColumnSource, name: (Int64) -> String?) -> (key: RegistrationKey, note: FleetNote)? {
    guard row.isIntact(as: .shared), let certificateID = row.digest(0), let target = row.integer(1).flatMap(name),
      let stamp = row.integer(2), let forgotten = row.integer(3), let number = row.integer(4)
    else { return nil }
    return (
      RegistrationKey(certificateID: certificateID, target: TargetName(target)),
      FleetNote(stamp: stamp, isForgotten: forgotten != 0, number: number)
    )
  }

  /// Binds a row of `shared` and runs the statement.
  static func write(
    _ note: FleetNote, of certificateID: CertificateID, target: Int64, to statement: PreparedStatement
  ) throws(DatabaseFault) {
    var row = RowWriter(statement, .shared)
    row.put(certificateID)
    row.put(target)
    row.put(note.stamp)
    row.put(note.isForgotten ? 1 : 0)
    row.put(note.number)
    try row.run()
  }
}
