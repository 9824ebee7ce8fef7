import CertRegCore

/// Reads rows of the statements; `nil` for one of another form.
enum FleetRow {
  typealias Row = Rows.Row

  private static func read<Value>(
    _ row: Row, _ body: (inout RowReader) throws(RowReader.Malformed) -> Value
  ) -> Value? {
    var reader = RowReader(row)
    return try? body(&reader)
  }

  static func welcome(_ row: Row) -> FleetWelcome? {
    read(row) { (reader) throws(RowReader.Malformed) in
      let sent = try reader.time()
      let id = try reader.text()
      let time = try reader.time()
      let isSameState = try reader.bool()
      return FleetWelcome(
        fleetID: id, isSameState: isSameState, sent: sent, rows: [], claims: [], heard: try reader.time(), time: time)
    }
  }

  /// The session, which follows what ``welcome(_:)`` reads.
  static func session(_ row: Row) -> Int64? {
    read(row) { (reader) throws(RowReader.Malformed) in
      _ = (try reader.integer(), try reader.text(), try reader.integer(), try reader.bool(), try reader.integer())
      return try reader.integer()
    }
  }

  static func time(_ row: Row) -> Int64? {
    read(row) { (reader) throws(RowReader.Malformed) in try reader.time() }
  }

  static func integer(_ row: Row) -> Int64? {
    read(row) { (reader) throws(RowReader.Malformed) in try reader.integer() }
  }

  static func name(_ row: Row) -> String? {
    read(row) { (reader) throws(RowReader.Malformed) in try reader.text() }
  }

  static func key(_ row: Row) -> FleetKey? {
    read(row) { (reader) throws(RowReader.Malformed) in try reader.key() }
  }

  static func flagged(_ row: Row) -> (FleetKey, Bool)? {
    read(row) { (reader) throws(RowReader.Malformed) in (try reader.key(), try reader.bool()) }
  }

  static func holder(_ row: Row) -> (FleetKey, String)? {
    read(row) { (reader) throws(RowReader.Malformed) in (try reader.key(), try reader.text()) }
  }

  static func queued(_ row: Row) -> FleetReply.Row? {
    read(row) { (reader) throws(RowReader.Malformed) in
      FleetReply.Row(
        id: try reader.integer(), sequence: try reader.integer(), key: try reader.key(), request: try reader.bytes())
    }
  }

  /// News of a member. A result that cannot be one takes up its number: otherwise it would be read again and again, and
  /// stand in the way of what follows.
  static func news(_ row: Row) -> (member: String, number: Int64, result: SharedResult?)? {
    read(row) { (reader) throws(RowReader.Malformed) in
      (try reader.text(), try reader.time(), try? result(&reader))
    }
  }

  static func result(_ row: Row) -> SharedResult? { read(row, result) }

  /// Far more than 10 policies, 10 groups and a thing need.
  private static let mostProvisionedBytes = 65_536

  private static func result(_ reader: inout RowReader) throws(RowReader.Malformed) -> SharedResult {
    let key = try reader.key()
    let stamp = try reader.integer()
    if try reader.bool() { return SharedResult(key: key, stamp: stamp, content: nil) }
    let arn = try reader.optionalText()
    guard let outcome = RegistrationOutcome(rawValue: try reader.text()) else { throw RowReader.Malformed() }
    let status = try reader.optionalText()
    // What an upstream's answer may not say, a member's may not, either: answers, memory and disk take it as it is.
    if let arn {
      guard case .certificate(let id) = ResourceARN(arn)?.kind, id == key.certificateID.hex else {
        throw RowReader.Malformed()
      }
    }
    let content = SharedResult.Content(
      certificateARN: arn, outcome: outcome, status: status.flatMap(CertificateStatus.init),
      // As with an upstream's answer, the result holds without it.
      requestID: try reader.optionalText().flatMap { $0.isIdentifier ? $0 : nil },
      finishedAt: WallTime(millisecondsSinceEpoch: try reader.integer()),
      basis: VerdictBasis(
        notBefore: WallTime(millisecondsSinceEpoch: try reader.integer()),
        notAfter: WallTime(millisecondsSinceEpoch: try reader.integer()), policyFingerprint: try reader.integer()),
      deviceID: try reader.optionalText().flatMap { DeviceID($0) },
      provisioned: try reader.optionalText(atMost: mostProvisionedBytes))
    return SharedResult(key: key, stamp: stamp, content: content)
  }

  static func member(_ row: Row) -> FleetReply.Member? {
    read(row) { (reader) throws(RowReader.Malformed) in
      FleetReply.Member(
        name: try reader.text(), sent: try reader.time(), queued: Int(try reader.integer()),
        heardOfSecondsAgo: try reader.double(in: 0...1e12), isGone: try reader.bool(),
        targets: (try reader.optionalText() ?? "").split(separator: "\n").map { String($0) },
        joined: try reader.integer())
    }
  }

  /// Calls a second that a member can have learnt, from the lowest rate that can be configured.
  private static let rates = 0.001...1e6

  static func lanes(_ rows: Rows) -> [FleetLane.State] {
    var lanes: [FleetLane.State] = []
    let found = rows.compactMap { row in
      read(row) { (reader) throws(RowReader.Malformed) in
        (
          FleetLane.ID(target: try reader.text(), operation: try reader.text()),
          FleetLane.Rate(
            callsPerSecond: try reader.optionalDouble(in: rates), climbingFrom: try reader.optionalDouble(in: rates),
            returningTo: try reader.optionalDouble(in: rates)),
          try reader.integer(),
          FleetLane.Part(
            member: try reader.text(), want: try reader.double(in: 0...1e12), share: try reader.double(in: 0...1),
            throttles: Int(try reader.integer()))
        )
      }
    }
    for (id, rate, version, part) in found {
      if lanes.last?.id != id { lanes.append(FleetLane.State(id: id, rate: rate, version: version, parts: [])) }
      lanes[lanes.count - 1].parts.append(part)
    }
    return lanes
  }
}
