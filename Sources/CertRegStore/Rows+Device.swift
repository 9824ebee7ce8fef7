import CertRegCore

/// A row of `device`: certificate, target, name, checksum. It is there for a registration that somebody gave a name,
/// queued or finished.
enum DeviceRow {
  /// `nil` for a damaged row.
  static func read(_ row: some ColumnSource, name: (Int64) -> String?) -> (key: RegistrationKey, deviceID: DeviceID)? {
    guard row.isIntact(as: .device), let certificateID = row.digest(0), let target = row.integer(1).flatMap(name),
      let deviceID = row.text(2).flatMap({ DeviceID($0) })
    else { return nil }
    return (RegistrationKey(certificateID: certificateID, target: TargetName(target)), deviceID)
  }

  /// Binds a row of `device` and runs the statement.
  static func write(
    _ deviceID: DeviceID, of certificateID: CertificateID, target: Int64, to statement: PreparedStatement
  ) throws(DatabaseFault) {
    var row = RowWriter(statement, .device)
    row.put(certificateID)
    row.put(target)
    row.put(deviceID.text)
    try row.run()
  }
}
