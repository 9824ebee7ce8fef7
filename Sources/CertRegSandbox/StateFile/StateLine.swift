import CertRegCodec
import CertRegCore
import CertRegCrypto

/// Why a line of a state file cannot be used.
struct StateLineError: Error {
  var reason: String
  /// Whether the line is well formed and belongs to another account, region or version.
  var isForeign: Bool

  init(_ reason: String, isForeign: Bool = false) {
    self.reason = reason
    self.isForeign = isForeign
  }
}

/// The lines of a state file: JSON objects with their members in alphabetical order, certificates in base64.
enum StateLine {
  private static let version = 1

  /// The first line, which says whose register the file keeps.
  static func header(_ account: SandboxAccount) -> [UInt8] {
    JSONValue.object(of: [
      "account": .string(account.id), "certregSandbox": .integer(version), "region": .string(account.region),
    ]).jsonBytes
  }

  /// Checks that the first line of a file belongs to `account`.
  static func checkHeader(_ line: ArraySlice<UInt8>, account: SandboxAccount) throws(StateLineError) {
    let header = try read(line)
    guard let writtenVersion = header["certregSandbox"]?.integer, let id = header["account"]?.string,
      let region = header["region"]?.string
    else { throw .notWrittenHere }
    guard writtenVersion == version else {
      throw StateLineError("it was written by another version of certreg-sandbox", isForeign: true)
    }
    guard id == account.id, region == account.region else {
      throw StateLineError(
        "it is the register of account \(quoted(id)) in region \(quoted(region)), "
          + "not of \(account.id) in \(account.region)",
        isForeign: true)
    }
  }

  /// The line of a change.
  static func line(_ change: RegisterChange) -> [UInt8] {
    let json: JSONValue =
      switch change {
      case .register(let certificate):
        .object(of: [
          "at": .time(certificate.createdAt), "certificateId": .string(certificate.id.hex),
          "change": .string("register"), "der": .string(Base64.encode(certificate.der)),
          "generationId": .string(certificate.generationID.description),
          "lastModified": .time(certificate.lastModifiedAt), "notAfter": .time(certificate.notAfter),
          "notBefore": .time(certificate.notBefore), "status": .string(certificate.status.rawValue),
        ])
      case .setStatus(let id, let status, let time):
        .object(of: [
          "at": .time(time), "certificateId": .string(id.hex), "change": .string("setStatus"),
          "status": .string(status.rawValue),
        ])
      case .delete(let id):
        .object(of: ["certificateId": .string(id.hex), "change": .string("delete")])
      default: registryLine(change)
      }
    return json.jsonBytes
  }

  /// Reads the line of a change.
  static func change(_ line: ArraySlice<UInt8>) throws(StateLineError) -> RegisterChange {
    let change = try read(line)
    guard let kind = change["change"]?.string else { throw .notWrittenHere }
    if let read = registryChanges[kind] {
      guard let change = read(change) else { throw .damagedMember }
      return change
    }
    guard let digits = change["certificateId"]?.string else { throw .notWrittenHere }
    guard let id = CertificateID(hex: digits.utf8) else { throw StateLineError("certificateId is not a SHA-256") }
    switch kind {
    case "delete":
      return .delete(id)
    case "setStatus":
      guard let status = change.status, let time = change.time("at") else { throw .damagedMember }
      return .setStatus(id, status, at: time)
    case "register":
      return .register(try certificate(id, change))
    default:
      throw .notWrittenHere
    }
  }

  private static func certificate(
    _ id: CertificateID, _ change: JSONValue
  ) throws(StateLineError) -> RegisteredCertificate {
    guard let der = change["der"]?.string.flatMap({ try? Base64.decode($0.utf8) }), let status = change.status,
      let createdAt = change.time("at"), let lastModifiedAt = change.time("lastModified"),
      let notBefore = change.time("notBefore"), let notAfter = change.time("notAfter"),
      let generationID = change["generationId"]?.string.flatMap({ UniqueID($0) })
    else { throw .damagedMember }
    guard SHA256.digest(of: der) == id else {
      throw StateLineError("certificateId is not the SHA-256 of the certificate")
    }
    return RegisteredCertificate(
      id: id, der: der, status: status, createdAt: createdAt, lastModifiedAt: lastModifiedAt, notBefore: notBefore,
      notAfter: notAfter, generationID: generationID)
  }

  private static func read(_ line: ArraySlice<UInt8>) throws(StateLineError) -> JSONValue {
    guard let json = try? JSONValue(parsing: line) else { throw .notWrittenHere }
    return json
  }

  /// Text of the file for a message: letters, digits and hyphens, at most 32.
  private static func quoted(_ text: String) -> String {
    "\u{22}\(text.unicodeScalars.prefix(32).map { isPlain($0) ? String($0) : "?" }.joined())\u{22}"
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII && (scalar.properties.isAlphabetic || scalar == "-" || (scalar >= "0" && scalar <= "9"))
  }
}

extension StateLineError {
  fileprivate static var notWrittenHere: StateLineError {
    StateLineError("it is not a line that certreg-sandbox writes")
  }

  fileprivate static var damagedMember: StateLineError { StateLineError("a member is missing or damaged") }
}

extension JSONValue {
  static func time(_ time: WallTime) -> JSONValue {
    .object(of: ["millisecondsSinceEpoch": .integer(time.millisecondsSinceEpoch)])
  }

  var time: WallTime? {
    self["millisecondsSinceEpoch"]?.integer.map { WallTime(millisecondsSinceEpoch: Int64($0)) }
  }

  func time(_ name: String) -> WallTime? { self[name]?.time }

  fileprivate var status: CertificateStatus? {
    self["status"]?.string.flatMap { CertificateStatus(rawValue: $0) }
  }
}
