/// Finds the encodings of private keys among bytes, also those that lack their beginning.
enum KeyEncoding {
  /// The object identifiers of algorithms that keys, but no signatures, are of: id-ecPublicKey, rsaEncryption and
  /// id-dsa.
  private static let keyAlgorithms: [[UInt8]] = [
    [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01],
    [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01],
    [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x38, 0x04, 0x01],
  ]
  /// The sizes of private keys on the curves of RFC 5480 section 2.1.1.1 and SEC 2.
  private static let scalarBytes: Set<UInt8> = [24, 28, 32, 48, 66]

  /// Whether a private key is at any position.
  static func isIn(_ bytes: [UInt8]) -> Bool {
    isIn(bytes) { hasVersion($0) || isEncrypted($0) }
  }

  /// Whether a private key has taken the place of a part of a certificate. Extensions have sequences that begin with a
  /// version, too, so that this alone tells nothing.
  static func isIn(certificate der: [UInt8]) -> Bool {
    isIn(der, isSequence: isEncrypted)
  }

  /// - Parameter isSequence: Tells whether the content of a SEQUENCE is that of a key.
  private static func isIn(_ bytes: [UInt8], isSequence: (ArraySlice<UInt8>) -> Bool) -> Bool {
    bytes.indices.contains { index in
      switch bytes[index] {
      case 0x30: content(bytes[index...]).map(isSequence) ?? false
      case 0x02: isHeadless(bytes[index...])
      case 0x04: isScalar(bytes[index...])
      case 0x06: isEdwards(bytes[index...])
      case 0xA0: isCurve(bytes[index...])
      case 0xA1: isPublicPart(bytes[index...])
      default: false
      }
    }
  }

  /// Whether the content of a SEQUENCE begins as that of a key: PKCS#1, PKCS#8 and SEC 1 have a small version first,
  /// then a number, an algorithm or the key (RFC 8017 appendix A.1.2, RFC 5958 section 2, RFC 5915 section 3).
  private static func hasVersion(_ content: ArraySlice<UInt8>) -> Bool {
    guard content.starts(with: [0x02, 0x01]), let version = content.dropFirst(2).first, version < 4 else {
      return false
    }
    let rest = content.dropFirst(3)
    return rest.first == 0x02 || rest.first == 0x04 || rest.first == 0x30 && !namesSomebody(rest)
  }

  /// Whether a Name is first, as in a certificate request (RFC 2986 section 4.1), or second, as in a revocation list
  /// (RFC 5280 section 5.1) and in a certificate of version 1. Keys have none.
  private static func namesSomebody(_ bytes: ArraySlice<UInt8>) -> Bool {
    if isName(bytes) || bytes.starts(with: [0x30, 0x00, 0x30]) { return true }
    return DERElements.declaredLength(bytes).map { isName(bytes.dropFirst($0)) } ?? false
  }

  /// Whether a SEQUENCE of SETs begins.
  private static func isName(_ bytes: ArraySlice<UInt8>) -> Bool {
    content(bytes)?.first == 0x31
  }

  /// Whether the content of a SEQUENCE begins as that of an encrypted key: with an algorithm of PKCS#5 or PKCS#12
  /// (RFC 5958 section 3).
  private static func isEncrypted(_ content: ArraySlice<UInt8>) -> Bool {
    let algorithm: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01]
    guard let inner = self.content(content) else { return false }
    let identifier = inner.starts(with: [0x06, 0x0A]) ? [0x06, 0x0A] + algorithm.dropFirst(2) : algorithm
    return inner.starts(with: identifier) && [0x05, 0x0C].contains(inner.dropFirst(identifier.count).first)
  }

  /// Whether an INTEGER is that of a key without its header: the version before a key's algorithm or before the
  /// modulus, or the exponent 65537 before a further number, which public keys do not have.
  private static func isHeadless(_ bytes: ArraySlice<UInt8>) -> Bool {
    if bytes.starts(with: [0x02, 0x03, 0x01, 0x00, 0x01, 0x02]) { return true }
    guard bytes.starts(with: [0x02, 0x01]), let version = bytes.dropFirst(2).first, version < 2 else { return false }
    let rest = bytes.dropFirst(3)
    if rest.starts(with: [0x02, 0x81]) || rest.starts(with: [0x02, 0x82]) { return version == 0 }
    guard rest.first == 0x30 else { return false }
    return keyAlgorithms.contains { rest.dropFirst(2).starts(with: $0) }
  }

  /// Whether an OCTET STRING is the private key of SEC 1: the curve or the public key follows (RFC 5915 section 3).
  private static func isScalar(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard let length = bytes.dropFirst().first, scalarBytes.contains(length) else { return false }
    let rest = bytes.dropFirst(2 + Int(length))
    return isTagged(rest, 0xA0, 0x06) || isTagged(rest, 0xA1, 0x03)
  }

  /// Whether an element of one tag begins that is filled by one of another tag. The lengths are compared, since random
  /// bytes can have any two tags.
  private static func isTagged(_ bytes: ArraySlice<UInt8>, _ outer: UInt8, _ inner: UInt8) -> Bool {
    let header = Array(bytes.prefix(6))
    guard header.count == 6, header[0] == outer else { return false }
    if header[1] < 0x80 { return header[2] == inner && header[3] &+ 2 == header[1] }
    // RFC 5480 has no point that takes more than 255 bytes. Its element takes two or three bytes more.
    guard header[1] == 0x81, header[3] == inner else { return false }
    return header[4] == 0x81 ? header[5] &+ 3 == header[2] : header[4] &+ 2 == header[2]
  }

  /// Whether a curve is followed by the public key, as the last members of a key of SEC 1 are.
  private static func isCurve(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard let length = bytes.dropFirst().first, length < 16, isTagged(bytes, 0xA0, 0x06) else { return false }
    return bytes.dropFirst(2 + Int(length)).first == 0xA1
  }

  /// Whether the public key of a key of SEC 1 begins (RFC 5915 section 3): a point that is not compressed. The number of
  /// the key is in front of it. Certificates have no such element.
  private static func isPublicPart(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard isTagged(bytes, 0xA1, 0x03) else { return false }
    let header = bytes.dropFirst().first == 0x81 ? 3 : 2
    let inner = bytes.dropFirst(header + 1).first == 0x81 ? 3 : 2
    return bytes.dropFirst(header + inner).starts(with: [0x00, 0x04])
  }

  /// Whether an algorithm of RFC 8410 is followed by an OCTET STRING, as in its section 7, and not by a BIT STRING.
  private static func isEdwards(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard bytes.starts(with: [0x06, 0x03, 0x2B, 0x65]), let algorithm = bytes.dropFirst(4).first else { return false }
    return (0x6E...0x71).contains(algorithm) && bytes.dropFirst(5).first == 0x04
  }

  /// What follows the header of a SEQUENCE with a definite length.
  private static func content(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard bytes.first == 0x30, let length = bytes.dropFirst().first, length != 0x80, length <= 0x84 else { return nil }
    return bytes.dropFirst(length < 0x80 ? 2 : 2 + Int(length & 0x7F))
  }
}
