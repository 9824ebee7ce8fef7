/// What a DER encoding seems to be, from its first bytes. Enough to keep keys from being sent; the daemon judges certificates.
package enum DEROutline: Hashable, Sendable {
  /// A SEQUENCE that begins with a SEQUENCE, as a Certificate does (RFC 5280 section 4.1).
  case certificate
  /// PKCS#1, PKCS#8, SEC 1 or PKCS#12: a SEQUENCE that begins with the INTEGER of its version.
  case privateKey
  /// EncryptedPrivateKeyInfo (RFC 5958 section 3): its first member is an AlgorithmIdentifier.
  case encryptedPrivateKey
  /// ContentInfo (RFC 5652 section 3): a SEQUENCE that begins with an OBJECT IDENTIFIER.
  case pkcs7
  /// No SEQUENCE, or one that is cut.
  case other

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

  /// What follows the header of a SEQUENCE; its end is not looked for.
  private static func sequenceContent(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard bytes.first == 0x30, bytes.count >= 2 else { return nil }
    let length = bytes[bytes.startIndex + 1]
    let header = length < 0x80 ? 2 : 2 + Int(length & 0x7F)
    guard length != 0xFF, bytes.count > header else { return nil }
    return bytes[(bytes.startIndex + header)...]
  }
}
