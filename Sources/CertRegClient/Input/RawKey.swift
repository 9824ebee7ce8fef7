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
  /// The modulus and exponent of each RSA key.
  private lazy var moduli = certificates.compactMap { $0.outline?.publicKey?.numbers }
  /// So many more numbers are compared with RSA keys, which takes milliseconds each. An object can have any number of
  /// certificates, and of numbers beside them.
  private var comparisonsLeft = 64

  /// The sizes of private keys on the curves of RFC 5480 section 2.1.1.1, and of RFC 8032.
  private static let scalarBytes = [28, 32, 48, 66]
  /// No number of such a key takes more characters, alone in digits.
  private static let maximumTextBytes = 256
  /// Longer numbers below the heading of a key are keys.
  private static let shortestKey = 24
  /// No encoding of a key is shorter.
  private static let shortestEncoding = 40

  /// Plain headings of private keys.
  private static let headings: Set<String> = [
    "privatekey", "privatekeyhex", "privatekeybase64", "privatekeypem", "privkey", "priv", "secretkey",
    "privatescalar", "deviceprivatekey", "clientprivatekey", "eckey", "ecprivatekey", "keyhex",
    "privaterschlüssel", "privaterschluessel", "geheimerschlüssel", "cléprivée", "clefprivée", "claveprivada",
    "chiaveprivata", "privésleutel", "私钥", "秘密鍵", "プライベートキー", "privateexponent",
  ]
  /// Plain headings that end so are those of private keys, too: the way in which the key is written can follow.
  private static let endsOfHeadings = ["privatekey", "privkey", "secretkey"].flatMap { end in
    ["", "pem", "hex", "base64", "b64", "base32", "der", "text", "value", "data", "bytes", "pkcs1", "pkcs8", "sec1"]
      .map { end + $0 }
  }
  /// Headings below which long numbers are keys, and other values are not.
  private static let vagueHeadings: Set<String> = ["private", "scalar"]
  /// Headings that other values have, too.
  private static let keyHeadings: Set<String> = [
    "key", "devicekey", "clientkey", "schlüssel", "schluessel", "clé", "clave", "chiave", "sleutel",
  ]

  init(_ certificates: some Sequence<InputCertificate>) {
    self.certificates = Array(certificates)
  }

  /// Whether a text is the private key of one of the certificates, or a secret number of it.
  func belongs(_ text: String) -> Bool {
    guard !certificates.isEmpty else { return false }
    return WrittenNumber.readings(DeviceFields.bare(text)).contains { number in
      belongs(scalar: number)
        || moduli.contains { belongs(number, modulus: $0.modulus, exponent: $0.exponent) }
    }
  }

  /// Where too many numbers are as long as a key's, all of them count as secret.
  private func belongs(_ number: [UInt8], modulus: [UInt8], exponent: [UInt8]) -> Bool {
    guard RSASecret.mayBelong(number, modulus: modulus) else { return false }
    guard comparisonsLeft > 0 else { return true }
    comparisonsLeft -= 1
    return RSASecret.belongs(number, modulus: modulus, exponent: exponent)
  }

  private func belongs(scalar number: [UInt8]) -> Bool {
    guard let number = RawKey.scalar(number), !digests.contains(number) else { return false }
    return publicKeys.contains { algorithm, keys in
      PrivateScalar.publicKey(of: number, algorithm: algorithm).map(keys.contains) ?? false
    }
  }

  /// Whether a text is the key of one of the certificates, or holds a key that is encoded.
  func isIn(_ text: String) -> Bool {
    belongs(text) || text.utf8.count > RawKey.shortestEncoding && EmbeddedKey.isEncoded(in: Array(text.utf8))
  }

  /// Whether a text without a heading looks like a private key, and is not the ID of one of the certificates.
  func canBeKey(_ text: String) -> Bool {
    guard let number = RawKey.scalar(text), !digests.contains(number) else { return false }
    let text = DeviceFields.bare(text)
    if RawKey.hexadecimal(text) != nil || text.last == "=" { return true }
    // Names have hyphens, and some are as long.
    return number.count == 32 && text.utf8.count { $0 != UInt8(ascii: "-") } > 40
      && text.utf8.count { (0x41...0x5A).contains($0) } > 3 && text.utf8.count { $0.isDecimalDigit } > 1
  }

  /// Whether a plain heading can be that of a private key.
  static func isHeading(_ plain: String) -> Bool {
    namesKey(plain) || vagueHeadings.contains(plain) || keyHeadings.contains(plain)
  }

  /// Whether a plain heading is that of a private key and of nothing else: what stands below it is never sent.
  static func namesKey(_ plain: String) -> Bool {
    headings.contains(plain) || endsOfHeadings.contains(where: plain.hasSuffix)
  }

  /// Whether a text is a private key by its heading.
  static func isKey(_ text: String, under plainHeading: String) -> Bool {
    if keyHeadings.contains(plainHeading) {
      return scalar(text) != nil || hexadecimal(text).map(EmbeddedKey.isIn) ?? false
    }
    guard namesKey(plainHeading) || vagueHeadings.contains(plainHeading) else { return false }
    return WrittenNumber.readings(DeviceFields.bare(text)).contains { $0.count >= shortestKey }
  }

  /// The number of a private key.
  private static func scalar(_ text: String) -> [UInt8]? {
    guard text.utf8.count <= maximumTextBytes else { return nil }
    let text = DeviceFields.bare(text)
    guard let bytes = hexadecimal(text) ?? Base64.decodeAnyForm(text.utf8),
      scalarBytes.contains(bytes.first == 0 ? bytes.count - 1 : bytes.count) || scalarBytes.contains(bytes.count)
    else { return nil }
    return scalar(bytes)
  }

  /// A number with all octets of the shortest private key that it can be. INTEGER has a sign, and numbers in digits lack
  /// leading zeros.
  private static func scalar(_ number: [UInt8]) -> [UInt8]? {
    let digits = number.drop { $0 == 0 }
    guard digits.count >= shortestKey, let count = scalarBytes.first(where: { $0 >= digits.count }) else { return nil }
    return [UInt8](repeating: 0, count: count - digits.count) + digits
  }

  /// The bytes of hexadecimal digits, also with `0x` in front of them, and with colons or blanks between them.
  static func hexadecimal(_ text: String) -> [UInt8]? { WrittenNumber.hexadecimal(text.utf8) }
}

extension Piece {
  /// A private key that is nothing but a number.
  static let rawKey = Piece(line: 1, content: .otherContent(.privateKey))
}
