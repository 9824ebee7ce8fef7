import CertRegCodec
import CertRegCore

/// A row of `result`: certificate, target, arn_prefix, arn, ending, request, finished_at, not_before, not_after,
/// policies, checksum. Where only the status is known, arn_prefix and arn are null.
///
/// `ending` has the outcome in its lowest 4 bits, the status in the next 4, and above them the sequence number of the
/// job, which results of earlier versions lack.
///
/// `request` describes the request in a blob: the upstream's request ID (16 bytes of a UUID, or 16 zeros), the
/// requester, a request ID that is no UUID, and behind the last NUL what is said of the device (``DeviceRecord``), as
/// JSON. The first version kept the ID alone, as 16 bytes or text, and so do results with neither a requester nor a
/// device.
enum ResultRow {
  /// The registration; `nil` for a damaged row.
  static func read(_ row: some ColumnSource, name: (Int64) -> String?) -> Registration? {
    guard row.isIntact(as: .result), let certificateID = row.digest(0), let target = row.integer(1).flatMap(name),
      let arn = arn(row, certificateID, name: name), let ending = row.integer(4),
      let outcome = outcome(code: ending & 15), let finished = row.integer(6), let notBefore = row.integer(7),
      let notAfter = row.integer(8), let policies = row.integer(9)
    else { return nil }
    let request = request(row)
    return Registration(
      key: RegistrationKey(certificateID: certificateID, target: TargetName(target)), certificateARN: arn,
      outcome: outcome,
      status: status(code: ending >> 4 & 15, outcome), requestID: request.id,
      finishedAt: WallTime(millisecondsSinceEpoch: finished),
      basis: VerdictBasis(
        notBefore: WallTime(millisecondsSinceEpoch: notBefore), notAfter: WallTime(millisecondsSinceEpoch: notAfter),
        policyFingerprint: policies), requester: request.requester,
      provisioned: request.device.provisioned, asked: request.device.asked)
  }

  /// The sequence number of the job; `nil` for a damaged row and for one of an earlier version.
  static func sequence(_ row: some ColumnSource) -> Int64? {
    guard row.isIntact(as: .result), let ending = row.integer(4), ending >> 8 > 0 else { return nil }
    return ending >> 8
  }

  /// Binds everything behind the target. `prefix`: number of the ARN's beginning, where the rest is the certificate's
  /// ID. `sequence`: that of the job, or 0.
  static func write(
    _ registration: Registration, sequence: Int64, target: Int64, prefix: Int64?, to statement: PreparedStatement
  ) throws(DatabaseFault) {
    var row = RowWriter(statement, .result)
    row.put(registration.key.certificateID)
    row.put(target)
    row.put(prefix)
    row.put(prefix == nil ? registration.certificateARN : nil)
    row.put(code(registration.outcome) | Int64(registration.status?.code ?? unknownStatus) << 4 | sequence << 8)
    putRequest(of: registration, to: &row)
    row.put(registration.finishedAt.millisecondsSinceEpoch)
    row.put(registration.basis.notBefore.millisecondsSinceEpoch)
    row.put(registration.basis.notAfter.millisecondsSinceEpoch)
    row.put(registration.basis.policyFingerprint)
    try row.run()
  }

  /// The part of `arn` before the certificate's ID in hex, which is how AWS IoT forms the ARN of a certificate; `nil`
  /// for any other form.
  static func prefix(ofARN arn: String, _ certificateID: CertificateID) -> String? {
    let hex = certificateID.hex
    return arn.utf8.count > 64 && arn.hasSuffix(hex) ? String(arn.dropLast(64)) : nil
  }

  /// `.some(nil)`: the ARN is not known.
  private static func arn(_ row: some ColumnSource, _ id: CertificateID, name: (Int64) -> String?) -> String?? {
    guard let number = row.integer(2) else { return .some(row.text(3)) }
    return name(number).map { $0 + id.hex }
  }

  /// Stands for a status that is not known. 0 stands for none, too: earlier versions wrote it where none was sent,
  /// which AWS IoT takes for INACTIVE.
  private static let unknownStatus = 15

  private static func status(code: Int64, _ outcome: RegistrationOutcome) -> CertificateStatus? {
    if code == 0 { return outcome == .created ? .ofUnnamed : nil }
    return CertificateStatus(code: code)
  }

  private static let noUUID = [UInt8](repeating: 0, count: 16)

  private static func putRequest(of registration: Registration, to row: inout RowWriter) {
    let uuid = registration.requestID.flatMap(UUIDText.bytes)
    let device = DeviceRecord(registration)?.json.jsonBytes
    guard registration.requester != nil || device != nil else {
      if let uuid { row.put(copying: uuid) } else { row.put(registration.requestID) }
      return
    }
    var bytes = uuid ?? noUUID
    if let requester = registration.requester {
      RequesterBytes.append(requester, to: &bytes)
    } else {
      bytes += RequesterBytes.none
    }
    let text = uuid == nil ? Array((registration.requestID ?? "").utf8) : []
    bytes += text
    // A NUL of the ID must not be taken for the one before a device. JSON text has none.
    if device != nil || text.contains(0) { bytes += [0] + (device ?? []) }
    row.put(copying: bytes)
  }

  private typealias Request = (id: String?, requester: Requester?, device: DeviceRecord)

  private static func request(_ row: some ColumnSource) -> Request {
    guard let bytes = row.blob(5), bytes.count >= 16 else { return (row.text(5), nil, DeviceRecord()) }
    let uuid = bytes.prefix(16)
    var rest = bytes.dropFirst(16)
    let isBare = rest.isEmpty
    let requester = isBare ? nil : RequesterBytes.take(from: &rest)
    var device = DeviceRecord()
    if let end = rest.lastIndex(of: 0) {
      device = (try? JSONValue(parsing: Array(rest[(end + 1)...]))).map(DeviceRecord.init) ?? device
      rest = rest[..<end]
    }
    if !rest.isEmpty { return (String(decoding: rest, as: UTF8.self), requester, device) }
    let isNone = !isBare && uuid.elementsEqual(noUUID)
    return (isNone ? nil : uuid.withUnsafeBytes { UUIDText.text($0) }, requester, device)
  }

  private static func outcome(code: Int64) -> RegistrationOutcome? {
    switch code {
    case 1: .created
    case 2: .existing
    default: nil
    }
  }

  private static func code(_ outcome: RegistrationOutcome) -> Int64 {
    switch outcome {
    case .created: 1
    case .existing: 2
    }
  }
}

extension CertificateStatus {
  /// The number that stands for the status in the database; 0 stands for none. Never to be changed.
  var code: Int {
    switch self {
    case .active: 1
    case .inactive: 2
    case .revoked: 3
    case .pendingTransfer: 4
    case .registerInactive: 5
    case .pendingActivation: 6
    }
  }

  /// `nil` for a number that stands for no status.
  init?(code: Int64) {
    guard let status = CertificateStatus.allCases.first(where: { $0.code == code }) else { return nil }
    self = status
  }
}
