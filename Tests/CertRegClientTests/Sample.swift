import CertRegClient
import CertRegCodec
import Foundation

/// Encodings that begin as real ones do. Nothing on this side of the socket reads further.
enum Sample {
  /// The beginning of a certificate: a SEQUENCE in a SEQUENCE, `number` making it different from others.
  static func certificate(_ number: UInt8 = 0) -> [UInt8] {
    [0x30, 0x0A, 0x30, 0x08, 0xA0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, number]
  }

  /// A certificate as far as certregctl reads one, with bytes of all values.
  static func wholeCertificate(_ number: UInt8 = 1, name: String = "d1", extensions: [UInt8] = []) -> [UInt8] {
    let value = [0x0C, UInt8(name.utf8.count)] + Array(name.utf8)
    let attribute = sequence([0x06, 0x03, 0x55, 0x04, 0x03] + value)
    let subject = sequence([0x31, UInt8(attribute.count)] + attribute)
    let key = (0..<400).map { UInt8(truncatingIfNeeded: $0 * 7 + 11) }
    let body = [0x02, 0x01, number, 0x30, 0x02, 0x05, 0x00, 0x30, 0x03, 0x13, 0x01, 0x02, 0x30, 0x00] + subject
    return sequence(sequence(body + sequence(key) + extensions))
  }

  static func sequence(_ content: [UInt8]) -> [UInt8] {
    content.count < 0x80
      ? [0x30, UInt8(content.count)] + content
      : [0x30, 0x82, UInt8(content.count >> 8), UInt8(content.count & 255)] + content
  }

  /// The beginning of a PKCS#8 private key.
  static let privateKey: [UInt8] = [0x30, 0x05, 0x02, 0x01, 0x00, 0x30, 0x00]

  static func pem(_ label: String, _ der: [UInt8]) -> String {
    "-----BEGIN \(label)-----\n\(Data(der).base64EncodedString())\n-----END \(label)-----\n"
  }

  static func certificatePEM(_ number: UInt8 = 0) -> String {
    pem("CERTIFICATE", certificate(number))
  }

  /// Base64 in lines of `width` characters.
  static func wrapped(_ bytes: [UInt8], width: Int = 64) -> String {
    let text = Array(Base64.encode(bytes))
    return stride(from: 0, to: text.count, by: width).map { start in
      String(text[start..<min(start + width, text.count)]) + "\n"
    }.joined()
  }

  static let id = String(repeating: "7d", count: 32)
  static let arn = "arn:aws:iot:eu-central-1:123456789012:cert/" + id
}

extension JSON {
  /// An answer to `request` with these members.
  static func answer(to request: JSON, _ members: [(String, JSON)]) -> JSON {
    .object([JSON.Member("id", request["id"] ?? .null)] + members.map { JSON.Member($0.0, $0.1) })
  }

  static func created(_ request: JSON, cached: Bool = false, outcome: String = "created") -> JSON {
    answer(
      to: request,
      [
        ("certificateArn", .string(Sample.arn)), ("certificateId", .string(Sample.id)), ("outcome", .string(outcome)),
        ("status", .string("ACTIVE")), ("cached", .bool(cached)), ("target", .string("default")),
      ])
  }

  static func failure(
    _ request: JSON, type: String = "CertificateValidationException", reason: String = "weak_rsa_key",
    message: String = "RSA key has 1024 bits; at least 2048 are required", retryable: Bool = false
  ) -> JSON {
    answer(
      to: request,
      [
        (
          "error",
          .object([
            JSON.Member("type", .string(type)), JSON.Member("httpStatus", .integer(400)),
            JSON.Member("reason", .string(reason)), JSON.Member("message", .string(message)),
            JSON.Member("retryable", .bool(retryable)), JSON.Member("origin", .string("daemon")),
          ])
        )
      ])
  }
}
