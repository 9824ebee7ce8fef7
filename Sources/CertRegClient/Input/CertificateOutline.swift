/// The names and the role of a certificate (RFC 5280 section 4.1): enough to tell a device's certificate from its
/// issuers'.
struct CertificateOutline: Hashable, Sendable {
  /// A public key as its certificate has it.
  struct PublicKey: Hashable, Sendable {
    /// The object identifier of its curve, or of its algorithm where that tells the curve.
    let algorithm: [UInt8]
    /// The content of the BIT STRING.
    let bytes: [UInt8]

    /// The modulus and the exponent of an RSAPublicKey (RFC 8017 appendix A.1.1); `nil` for a key of another algorithm.
    var numbers: (modulus: [UInt8], exponent: [UInt8])? {
      guard algorithm == PublicKey.rsaEncryption else { return nil }
      var outer = DERElements(bytes[...])
      guard let sequence = outer.next(), sequence.tag == 0x30 else { return nil }
      var members = DERElements(sequence.content)
      guard let modulus = members.next(), let exponent = members.next(), modulus.tag == 0x02, exponent.tag == 0x02
      else { return nil }
      return (Array(modulus.content), Array(exponent.content))
    }

    private static let rsaEncryption: [UInt8] = [
      0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01,
    ]

    /// - Parameter info: The content of SubjectPublicKeyInfo.
    init?(_ info: ArraySlice<UInt8>) {
      var fields = DERElements(info)
      guard let algorithm = fields.next(), let key = fields.next(), key.tag == 0x03 else { return nil }
      let identifiers = DERElements(algorithm.content).prefix(2).filter { $0.tag == 0x06 }
      guard let last = identifiers.last else { return nil }
      self.algorithm = Array(last.encoding)
      bytes = Array(key.content.dropFirst())
    }
  }

  /// The octets of the serial number.
  let serial: [UInt8]
  /// The public key; `nil` where it could not be read.
  let publicKey: PublicKey?
  /// The encodings of the names.
  let issuer: [UInt8]
  let subject: [UInt8]
  /// The key identifiers (RFC 5280 sections 4.2.1.1 and 4.2.1.2); `nil` without the extension.
  private(set) var authorityKey: [UInt8]?
  private(set) var subjectKey: [UInt8]?
  /// Whether basic constraints say that it is an authority (RFC 5280 section 4.2.1.9).
  private(set) var isAuthority = false
  /// The last common name of the subject.
  let commonName: String?

  /// - Returns: `nil` where the fields cannot be found.
  init?(_ der: [UInt8]) {
    var outer = DERElements(der[...])
    guard let certificate = outer.next(), certificate.tag == 0x30 else { return nil }
    var parts = DERElements(certificate.content)
    guard let body = parts.next(), body.tag == 0x30 else { return nil }
    var fields = DERElements(body.content)
    var field = fields.next()
    if field?.tag == 0xA0 { field = fields.next() }
    guard let serial = field, serial.tag == 0x02, fields.next()?.tag == 0x30, let issuer = fields.next(),
      issuer.tag == 0x30,
      fields.next()?.tag == 0x30, let subject = fields.next(), subject.tag == 0x30, let key = fields.next(),
      key.tag == 0x30
    else { return nil }
    self.serial = Array(serial.content)
    publicKey = PublicKey(key.content)
    self.issuer = Array(issuer.content)
    self.subject = Array(subject.content)
    commonName = CertificateOutline.commonName(subject.content)
    while let extra = fields.next() {
      if extra.tag == 0xA3 { readExtensions(extra.content) }
    }
  }

  /// Whether this certificate's subject issued `other`. A self-issued certificate names nobody else as its issuer.
  func issued(_ other: CertificateOutline) -> Bool {
    guard subject == other.issuer, other.issuer != other.subject, !subject.isEmpty else { return false }
    guard let key = subjectKey, let named = other.authorityKey else { return true }
    return key == named
  }

  private mutating func readExtensions(_ content: ArraySlice<UInt8>) {
    var explicit = DERElements(content)
    guard let list = explicit.next(), list.tag == 0x30 else { return }
    for entry in DERElements(list.content) where entry.tag == 0x30 {
      var fields = DERElements(entry.content)
      guard let type = fields.next(), type.content.starts(with: [0x55, 0x1D]), type.content.count == 3 else { continue }
      var value = fields.next()
      if value?.tag == 0x01 { value = fields.next() }
      guard let value, value.tag == 0x04 else { continue }
      var inside = DERElements(value.content)
      guard let element = inside.next() else { continue }
      switch type.content.last {
      case 0x13: isAuthority = CertificateOutline.isTrue(element.content)
      case 0x0E: subjectKey = Array(element.content)
      case 0x23: authorityKey = DERElements(element.content).first { $0.tag == 0x80 }.map { Array($0.content) }
      default: continue
      }
    }
  }

  private static func isTrue(_ constraints: ArraySlice<UInt8>) -> Bool {
    var fields = DERElements(constraints)
    guard let flag = fields.next(), flag.tag == 0x01 else { return false }
    return flag.content.contains { $0 != 0 }
  }

  private static func commonName(_ name: ArraySlice<UInt8>) -> String? {
    var found: String?
    for set in DERElements(name) {
      for pair in DERElements(set.content) {
        var fields = DERElements(pair.content)
        guard let type = fields.next(), type.content.elementsEqual([0x55, 0x04, 0x03]), let value = fields.next() else {
          continue
        }
        found = value.tag == 0x1E ? utf16(value.content) : TextEncoding.string(value.content)
      }
    }
    return found
  }

  /// A BMPString (ITU-T X.680 section 41).
  private static func utf16(_ octets: ArraySlice<UInt8>) -> String {
    let units = stride(from: octets.startIndex, to: octets.endIndex - 1, by: 2).map {
      UInt16(octets[$0]) << 8 | UInt16(octets[$0 + 1])
    }
    return String(decoding: units, as: UTF16.self)
  }
}
