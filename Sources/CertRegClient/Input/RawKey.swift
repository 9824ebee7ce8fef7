import CertRegCodec
import CertRegCore
import CertRegCrypto

/// Finds private keys that are nothing but a number in hexadecimal digits or base64. No form tells them from a digest:
/// they have the heading of a key, or belong to a certificate beside them.
final class RawKey {
  /// The certificates beside the texts.
  private let certificates: [InputCertificate]
  /// Their public keys, by the algorithm. Few texts are as long as keys: most rows have none to compare.
  private lazy var publicKeys = Dictionary(grouping: certificates.compactMap { $0.outline?.publicKey }, by: \.algorithm)
    .filter { PrivateScalar.isKnown($0.key) }.mapValues { Set($0.map(\.bytes)) }
  /// Their IDs, which are as long as keys.
  private lazy var digests = Set(certificates.map(\.id.bytes))

  /// The sizes of private keys on the curves of RFC 5480 section 2.1.1.1, and of RFC 8032.
  private static let scalarBytes: Set<Int> = [28, 32, 48, 66]
  /// No number of a key takes more characters.
  private static let maximumTextBytes = 256
  /// Longer numbers below the heading of a key are keys.
  private static let shortestKey = 24

  /// Plain headings of private keys.
  private static let headings: Set<String> = [
    "privatekey", "privatekeyhex", "privatekeybase64", "privatekeypem", "privkey", "priv", "private", "secretkey",
    "privatescalar", "scalar", "deviceprivatekey", "clientprivatekey", "eckey", "ecprivatekey", "keyhex",
    "privaterschlüssel", "privaterschluessel", "geheimerschlüssel", "cléprivée", "clefprivée", "claveprivada",
    "chiaveprivata", "privésleutel", "私钥", "秘密鍵", "プライベートキー",
  ]
  /// Headings that other values have, too.
  private static let keyHeadings: Set<String> = [
    "key", "devicekey", "clientkey", "schlüssel", "schluessel", "clé", "clave", "chiave", "sleutel",
  ]

  init(_ certificates: some Sequence<InputCertificate>) {
    self.certificates = Array(certificates)
  }

  /// Whether a text is the private key of one of the certificates.
  func belongs(_ text: String) -> Bool {
    guard !certificates.isEmpty, let number = RawKey.scalar(text), !digests.contains(number) else { return false }
    return publicKeys.contains { algorithm, keys in
      PrivateScalar.publicKey(of: number, algorithm: algorithm).map(keys.contains) ?? false
    }
  }

  /// Whether a text without a heading looks like a private key, and is not the ID of one of the certificates.
  func canBeKey(_ text: String) -> Bool {
    guard let number = RawKey.scalar(text), !digests.contains(number) else { return false }
    let text = DeviceFields.bare(text)
    if RawKey.hexadecimal(text) != nil || text.last == "=" { return true }
    // Names have hyphens, and some are as long.
    return number.count == 32 && text.utf8.count { $0 != UInt8(ascii: "-") } > 40
      && text.utf8.count { (0x41...0x5A).contains($0) } > 3 && text.utf8.count { (0x30...0x39).contains($0) } > 1
  }

  /// Whether a plain heading can be that of a private key.
  static func isHeading(_ plain: String) -> Bool { headings.contains(plain) || keyHeadings.contains(plain) }

  /// Whether a text is a private key by its heading.
  static func isKey(_ text: String, under plainHeading: String) -> Bool {
    if keyHeadings.contains(plainHeading) {
      return scalar(text) != nil || hexadecimal(text).map(EmbeddedKey.isIn) ?? false
    }
    guard headings.contains(plainHeading) else { return false }
    return scalar(text) != nil || hexadecimal(text).map { $0.count >= shortestKey } ?? false
  }

  /// The number of a private key.
  private static func scalar(_ text: String) -> [UInt8]? {
    guard text.utf8.count <= maximumTextBytes else { return nil }
    let text = DeviceFields.bare(text)
    guard let bytes = hexadecimal(text) ?? Base64.decodeAnyForm(text.utf8) else { return nil }
    if scalarBytes.contains(bytes.count) { return bytes }
    // INTEGER has a sign.
    return bytes.first == 0 && scalarBytes.contains(bytes.count - 1) ? Array(bytes.dropFirst()) : nil
  }

  /// The bytes of hexadecimal digits, also with `0x` in front of them, and with colons or blanks between them.
  static func hexadecimal(_ text: String) -> [UInt8]? {
    let body = text.hasPrefix("0x") || text.hasPrefix("0X") ? text.utf8.dropFirst(2) : text.utf8[...]
    var digits: [UInt8] = []
    digits.reserveCapacity(text.utf8.count)
    for byte in body where byte != UInt8(ascii: ":") && !Base64.isWhiteSpace(byte) {
      guard let digit = byte.hexDigitValue else { return nil }
      digits.append(digit)
    }
    guard !digits.isEmpty, digits.count % 2 == 0 else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}

extension Piece {
  /// A private key that is nothing but a number.
  static let rawKey = Piece(line: 1, content: .otherContent(.privateKey))
}
