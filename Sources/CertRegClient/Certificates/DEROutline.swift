/// The kind of a DER encoding, from its first bytes: enough to keep keys from being sent.
package enum DEROutline: Hashable, Sendable {
  /// A SEQUENCE that begins with a SEQUENCE, as a Certificate does (RFC 5280 section 4.1).
  case certificate
  /// PKCS#1, PKCS#8, SEC 1 or PKCS#12: a SEQUENCE that begins with the INTEGER of its version.
  case privateKey
  /// EncryptedPrivateKeyInfo (RFC 5958 section 3): its first member is an AlgorithmIdentifier.
  case encryptedPrivateKey
  /// ContentInfo (RFC 5652 section 3): a SEQUENCE that begins with an OBJECT IDENTIFIER.
  case pkcs7
  /// Not a SEQUENCE, or a truncated one.
  case other

  /// Looks at the first bytes of an encoding.
  package init(_ bytes: [UInt8]) {
    guard let content = DEROutline.sequenceContent(bytes[...]), let first = content.first else {
      self = .other
      return
    }
    switch first {
    case 0x30:
      let inner = DEROutline.sequenceContent(content)
      self = inner?.first == 0x06 ? .encryptedPrivateKey : .certificate
    case 0x02: self = .privateKey
    case 0x06: self = .pkcs7
    default: self = .other
    }
  }

  /// The bytes after the header of a SEQUENCE, without looking for its end.
  private static func sequenceContent(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard bytes.first == 0x30, bytes.count >= 2 else { return nil }
    let length = bytes[bytes.startIndex + 1]
    let header = length < 0x80 ? 2 : 2 + Int(length & 0x7F)
    guard length != 0xFF, bytes.count > header else { return nil }
    return bytes[(bytes.startIndex + header)...]
  }
}
