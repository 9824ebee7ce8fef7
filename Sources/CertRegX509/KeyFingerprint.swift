import CertRegCore
import CertRegCrypto

/// What makes two public keys the same, however they are written: an RSA modulus, or the curve point's first
/// coordinate.
struct KeyFingerprint: Hashable, Sendable {
  private let words: (UInt64, UInt64)

  init(_ fields: CertificateFields) {
    let digest = SHA256.digest(of: KeyFingerprint.content(of: fields))
    words = (digest.words.0, digest.words.1)
  }

  private static func content(of fields: CertificateFields) -> [UInt8] {
    if let numbers = RSANumbers(fields.key) { return Array(numbers.modulus.drop { $0 == 0 }) }
    // SEC 1 section 2.3.3: a compressed point is the first coordinate alone.
    switch fields.key.first {
    case 2, 3: return Array(fields.key.dropFirst())
    case 4, 6, 7: return Array(fields.key.dropFirst().prefix(fields.key.count / 2))
    default: return fields.key
    }
  }

  static func == (left: KeyFingerprint, right: KeyFingerprint) -> Bool {
    left.words == right.words
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
  }
}
