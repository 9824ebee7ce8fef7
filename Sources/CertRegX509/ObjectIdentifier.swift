/// An OBJECT IDENTIFIER, kept as the value octets of its encoding (X.690 section 8.19).
struct ObjectIdentifier: Hashable, Sendable {
  let encoded: [UInt8]

  init(encoded: [UInt8]) {
    self.encoded = encoded
  }

  init(_ bytes: ArraySlice<UInt8>) {
    encoded = Array(bytes)
  }

  /// The identifier with these arcs; for constants.
  init(_ first: UInt64, _ second: UInt64, _ rest: UInt64...) {
    var encoded: [UInt8] = []
    for arc in [first * 40 + second] + rest {
      var septets = [UInt8(arc & 0x7f)]
      var left = arc >> 7
      while left > 0 {
        septets.append(UInt8(left & 0x7f) | 0x80)
        left >>= 7
      }
      encoded.append(contentsOf: septets.reversed())
    }
    self.encoded = encoded
  }

  /// Longest encoding and largest arc that are written out. Writing an arc of any size in decimal takes time that grows
  /// with its square (CVE-2023-2650 of OpenSSL).
  private static let longestShown = 64

  /// The arcs in decimal with dots between them (RFC 4512 section 1.4); a description where it would not be reasonable.
  var dotted: String {
    guard !encoded.isEmpty, encoded.count <= ObjectIdentifier.longestShown else {
      return "an object identifier of \(encoded.count) bytes"
    }
    var parts: [String] = []
    var arc: UInt64 = 0
    for octet in encoded {
      guard arc >> 57 == 0 else { return "an object identifier with an arc above 2^64" }
      arc = arc << 7 | UInt64(octet & 0x7f)
      guard octet & 0x80 == 0 else { continue }
      if parts.isEmpty {
        let first = min(arc / 40, 2)
        parts = [String(first), String(arc - first * 40)]
      } else {
        parts.append(String(arc))
      }
      arc = 0
    }
    return parts.joined(separator: ".")
  }
}

extension ObjectIdentifier {
  // Public keys: RFC 3279 section 2.3, RFC 4055 section 1.2, RFC 5480 section 2.1.1, RFC 8410 section 3.
  static let rsaEncryption = ObjectIdentifier(1, 2, 840, 113549, 1, 1, 1)
  static let x500RSA = ObjectIdentifier(2, 5, 8, 1, 1)
  static let rsassaPSS = ObjectIdentifier(1, 2, 840, 113549, 1, 1, 10)
  static let ecPublicKey = ObjectIdentifier(1, 2, 840, 10045, 2, 1)
  static let sm2 = ObjectIdentifier(1, 2, 156, 10197, 1, 301)
  static let dsa = ObjectIdentifier(1, 2, 840, 10040, 4, 1)
  static let dhPublicNumber = ObjectIdentifier(1, 2, 840, 10046, 2, 1)
  static let dhKeyAgreement = ObjectIdentifier(1, 2, 840, 113549, 1, 3, 1)
  static let x25519 = ObjectIdentifier(1, 3, 101, 110)
  static let x448 = ObjectIdentifier(1, 3, 101, 111)
  static let ed25519 = ObjectIdentifier(1, 3, 101, 112)
  static let ed448 = ObjectIdentifier(1, 3, 101, 113)

  // Curves: RFC 5480 section 2.1.1.1.
  static let primeField = ObjectIdentifier(1, 2, 840, 10045, 1, 1)
  static let binaryField = ObjectIdentifier(1, 2, 840, 10045, 1, 2)
  static let p256 = ObjectIdentifier(1, 2, 840, 10045, 3, 1, 7)
  static let p384 = ObjectIdentifier(1, 3, 132, 0, 34)
  static let p521 = ObjectIdentifier(1, 3, 132, 0, 35)

  // Digests and the mask generation function: RFC 4055 section 2.
  static let md5 = ObjectIdentifier(1, 2, 840, 113549, 2, 5)
  static let sha1 = ObjectIdentifier(1, 3, 14, 3, 2, 26)
  static let sha256 = ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, 1)
  static let sha384 = ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, 2)
  static let sha512 = ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, 3)
  static let mgf1 = ObjectIdentifier(1, 2, 840, 113549, 1, 1, 8)

  // Extensions: RFC 5280 section 4.2.1.
  static let keyUsage = ObjectIdentifier(2, 5, 29, 15)
  static let subjectAltName = ObjectIdentifier(2, 5, 29, 17)
  static let basicConstraints = ObjectIdentifier(2, 5, 29, 19)

  /// Names for messages: public-key algorithms, curves that are not supported, and the usual extensions.
  private static let names: [ObjectIdentifier: String] = [
    rsaEncryption: "RSA", x500RSA: "RSA (X.500 identifier)", rsassaPSS: "RSASSA-PSS", ecPublicKey: "EC", dsa: "DSA",
    dhPublicNumber: "DH", dhKeyAgreement: "DH (PKCS #3)", x25519: "X25519", x448: "X448", ed25519: "Ed25519",
    ed448: "Ed448", p256: "P-256", p384: "P-384", p521: "P-521",
    keyUsage: "keyUsage", subjectAltName: "subjectAltName", basicConstraints: "basicConstraints",
    ObjectIdentifier(1, 2, 840, 10045, 3, 1, 1): "P-192", ObjectIdentifier(1, 3, 132, 0, 33): "P-224",
    ObjectIdentifier(1, 3, 132, 0, 10): "secp256k1", sm2: "SM2",
    ObjectIdentifier(1, 3, 36, 3, 3, 2, 8, 1, 1, 7): "brainpoolP256r1",
    ObjectIdentifier(1, 3, 36, 3, 3, 2, 8, 1, 1, 11): "brainpoolP384r1",
    ObjectIdentifier(1, 3, 36, 3, 3, 2, 8, 1, 1, 13): "brainpoolP512r1",
    ObjectIdentifier(1, 2, 643, 2, 2, 19): "GOST R 34.10-2001",
    ObjectIdentifier(1, 2, 643, 7, 1, 1, 1, 1): "GOST R 34.10-2012 (256 bits)",
    ObjectIdentifier(1, 2, 643, 7, 1, 1, 1, 2): "GOST R 34.10-2012 (512 bits)",
    ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 3, 17): "ML-DSA-44",
    ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 3, 18): "ML-DSA-65",
    ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 3, 19): "ML-DSA-87",
    ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 4, 1): "ML-KEM-512",
    ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 4, 2): "ML-KEM-768",
    ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, 4, 3): "ML-KEM-1024",
  ]

  /// The usual name of a key algorithm, curve or extension, else the arcs.
  var displayName: String {
    ObjectIdentifier.names[self] ?? dotted
  }
}
