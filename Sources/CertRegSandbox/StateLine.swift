import CertRegCore
import CertRegCrypto
import FoundationEssentials

/// Why a line of a state file cannot be used.
struct StateLineError: Error {
  var reason: String
  /// Whether the line is right and belongs to somebody else.
  var isForeign: Bool

  init(_ reason: String, isForeign: Bool = false) {
    self.reason = reason
    self.isForeign = isForeign
  }
}

/// The lines of a state file.
enum StateLine {
  private static let version = 1

  private struct Header: Codable {
    var certregSandbox: Int
    var account: String
    var region: String
  }

  private struct Change: Codable {
    enum Kind: String, Codable {
      case register
      case setStatus
      case delete
    }

    var change: Kind
    var certificateId: String
    var der: Data?
    var status: CertificateStatus?
    /// Milliseconds since the epoch, as all times here.
    var at: WallTime?
    var lastModified: WallTime?
    var notBefore: WallTime?
    var notAfter: WallTime?
    var generationId: String?
  }

  static func header(_ account: SandboxAccount) -> [UInt8] {
    encode(Header(certregSandbox: version, account: account.id, region: account.region))
  }

  static func checkHeader(_ line: ArraySlice<UInt8>, account: SandboxAccount) throws(StateLineError) {
    let header = try decode(Header.self, line)
    guard header.certregSandbox == version else {
      throw StateLineError("it was written by another version of certreg-sandbox", isForeign: true)
    }
    guard header.account == account.id, header.region == account.region else {
      throw StateLineError(
        "it is the register of account \(quoted(header.account)) in region \(quoted(header.region)), "
          + "not of \(account.id) in \(account.region)",
        isForeign: true)
    }
  }

  static func line(_ change: RegisterChange) -> [UInt8] {
    switch change {
    case .register(let certificate):
      encode(
        Change(
          change: .register, certificateId: certificate.id.hex, der: Data(certificate.der), status: certificate.status,
          at: certificate.createdAt, lastModified: certificate.lastModifiedAt, notBefore: certificate.notBefore,
          notAfter: certificate.notAfter, generationId: certificate.generationID.description))
    case .setStatus(let id, let status, let time):
      encode(Change(change: .setStatus, certificateId: id.hex, status: status, at: time))
    case .delete(let id):
      encode(Change(change: .delete, certificateId: id.hex))
    }
  }

  static func change(_ line: ArraySlice<UInt8>) throws(StateLineError) -> RegisterChange {
    let change = try decode(Change.self, line)
    guard let id = CertificateID(hex: change.certificateId.utf8) else {
      throw StateLineError("certificateId is not a SHA-256")
    }
    switch change.change {
    case .delete:
      return .delete(id)
    case .setStatus:
      guard let status = change.status, let time = change.at else { throw StateLineError("a member is missing") }
      return .setStatus(id, status, at: time)
    case .register:
      guard let der = change.der, let status = change.status, let createdAt = change.at,
        let lastModifiedAt = change.lastModified, let notBefore = change.notBefore, let notAfter = change.notAfter,
        let generationID = change.generationId.flatMap(UniqueID.init)
      else { throw StateLineError("a member is missing") }
      guard SHA256.digest(of: Array(der)) == id else {
        throw StateLineError("certificateId is not the SHA-256 of the certificate")
      }
      return .register(
        RegisteredCertificate(
          id: id, der: Array(der), status: status, createdAt: createdAt, lastModifiedAt: lastModifiedAt,
          notBefore: notBefore, notAfter: notAfter, generationID: generationID))
    }
  }

  // MARK: JSON

  private static func encode(_ value: any Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return Array(try encoder.encode(value))
    } catch {
      preconditionFailure("Strings, integers and Base64 can always be written as JSON")
    }
  }

  private static func decode<Value: Decodable>(
    _ type: Value.Type, _ line: ArraySlice<UInt8>
  ) throws(StateLineError) -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(line))
    } catch {
      throw StateLineError("it is not a line that certreg-sandbox writes")
    }
  }

  /// Text of the file for a message: letters, digits and hyphens, at most 32.
  private static func quoted(_ text: String) -> String {
    "\u{22}\(text.unicodeScalars.prefix(32).map { isPlain($0) ? String($0) : "?" }.joined())\u{22}"
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII && (scalar.properties.isAlphabetic || scalar == "-" || (scalar >= "0" && scalar <= "9"))
  }
}
