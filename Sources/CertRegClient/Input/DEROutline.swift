/// The kind of a DER encoding, from its first elements. Whatever could be a private key counts as one.
package enum DEROutline: Hashable, Sendable {
  /// A Certificate (RFC 5280 section 4.1), or something that begins like one.
  case certificate
  /// ContentInfo with SignedData (RFC 5652 section 3).
  case pkcs7
  /// Something else.
  case otherContent(OtherContent)
  /// Not a SEQUENCE, or one that says nothing about its content.
  case unknown

  /// Looks at an encoding, which can be truncated.
  package init(_ bytes: some Collection<UInt8>) {
    let bytes = Array(bytes.prefix(DEROutline.examinedBytes))[...]
    guard let content = DEROutline.content(bytes), let first = content.first else {
      self = bytes.first == 0x06 && bytes.count <= 16 ? .otherContent(.parameters) : .unknown
      return
    }
    switch first {
    case 0x30: self = DEROutline.structured(content)
    case 0x02: self = .otherContent(DEROutline.numbered(content))
    // The OBJECT IDENTIFIER 1.2.840.113549.1.7 of PKCS#7.
    case 0x06: self = .pkcs7
    default: self = .unknown
    }
  }

  /// The kinds differ in their first elements; names in between are short.
  private static let examinedBytes = 4096

  /// A SEQUENCE whose first member is a SEQUENCE.
  private static func structured(_ content: ArraySlice<UInt8>) -> DEROutline {
    guard let inner = DEROutline.content(content), let first = inner.first else { return .certificate }
    switch first {
    case 0x06:
      // AlgorithmIdentifier: SubjectPublicKeyInfo has a BIT STRING after it, EncryptedPrivateKeyInfo (RFC 5958) does
      // not.
      var members = DERElements(content)
      _ = members.next()
      return .otherContent(members.rest.first == 0x03 ? .publicKey : .privateKey)
    case 0x02:
      var fields = DERElements(inner)
      _ = fields.next()
      guard let second = fields.next(), fields.next() != nil else { return .certificate }
      // CertificationRequestInfo has the subject second, whose members are SETs (RFC 2986 section 4.1).
      if second.tag == 0x30, second.content.isEmpty || second.content.first == 0x31 {
        return .otherContent(.certificateRequest)
      }
      let fourth = fields.rest.first
      return fourth == 0x17 || fourth == 0x18 ? .otherContent(.revocationList) : .certificate
    // TBSCertList of version 1 begins with its algorithm (RFC 5280 section 5.1).
    case 0x30: return .otherContent(.revocationList)
    default: return .certificate
    }
  }

  /// A SEQUENCE whose first member is an INTEGER: PKCS#1, PKCS#8, SEC 1 or PKCS#12.
  private static func numbered(_ content: ArraySlice<UInt8>) -> OtherContent {
    var members = DERElements(content)
    guard let version = members.next() else { return .privateKey }
    if version.content.elementsEqual([3]), members.rest.first == 0x30 { return .keyContainer }
    // RSAPublicKey has its modulus first and nothing after its exponent (RFC 8017 appendix A.1.1).
    if version.content.count > 16, let exponent = members.next(), exponent.tag == 0x02, members.rest.isEmpty {
      return .publicKey
    }
    return .privateKey
  }

  /// The bytes after the header of a SEQUENCE, up to its end or the end of a truncated one.
  private static func content(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard bytes.first == 0x30, bytes.count >= 2 else { return nil }
    let length = bytes[bytes.startIndex + 1]
    let header = length < 0x80 ? 2 : 2 + Int(length & 0x7F)
    guard length != 0xFF, bytes.count > header else { return nil }
    let start = bytes.startIndex + header
    guard length != 0x80, let whole = DERElements.declaredLength(bytes) else { return bytes[start...] }
    return bytes[start..<min(bytes.endIndex, bytes.startIndex + whole)]
  }
}
