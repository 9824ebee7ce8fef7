/// The fields of a certificate (RFC 5280 section 4.1), as ranges of its encoding.
struct CertificateFields {
  /// An AlgorithmIdentifier (RFC 5280 section 4.1.1.2).
  struct Algorithm {
    let identifier: ObjectIdentifier
    let parameters: DERReader.Element?
  }

  let der: [UInt8]
  /// The version as people count it: 1 to 3, or another number of the encoding; `nil` for an absurdly large one.
  let version: Int?
  let serialNumber: Range<Int>
  /// `tbsCertificate.signature`.
  let signedAlgorithm: Algorithm
  let issuer: DERReader.Element
  let notBefore: DERReader.Element
  let notAfter: DERReader.Element
  let subject: DERReader.Element
  let subjectPublicKeyInfo: DERReader.Element
  let keyAlgorithm: Algorithm
  /// `subjectPublicKey` without the octet that counts its unused bits, and with those bits cleared, as OpenSSL has
  /// them.
  let key: [UInt8]
  /// How many bits of the last octet of `subjectPublicKey` are unused, as the first octet of its value says.
  let unusedKeyBits: UInt8
  /// Whether there is an `issuerUniqueID` or `subjectUniqueID`.
  let hasUniqueIdentifiers: Bool
  let extensions: DERReader.Element?
  /// `signatureAlgorithm`.
  let signatureAlgorithm: Algorithm
  /// The value of the signature's BIT STRING, with the octet that counts its unused bits.
  let signature: Range<Int>

  /// Finds the fields in a certificate that OpenSSL's decoder has accepted.
  ///
  /// - Throws: If a field that has to be read is encoded in BER.
  init(der: [UInt8]) throws(DERReader.Fault) {
    self.der = der
    var outer = DERReader(der)
    var certificate = outer.inside(try outer.next(DERTag.sequence))
    var fields = certificate.inside(try certificate.next(DERTag.sequence))

    if let explicit = try fields.nextIfPresent(DERTag.constructedContext(0)) {
      var inside = fields.inside(explicit)
      version = CertificateFields.version(der[try inside.next(DERTag.integer).content])
    } else {
      version = 1
    }
    serialNumber = try fields.next(DERTag.integer).content
    signedAlgorithm = try CertificateFields.algorithm(&fields)
    issuer = try fields.next(DERTag.sequence)
    var validity = fields.inside(try fields.next(DERTag.sequence))
    notBefore = try validity.next()
    notAfter = try validity.next()
    subject = try fields.next(DERTag.sequence)

    subjectPublicKeyInfo = try fields.next(DERTag.sequence)
    var keyInfo = fields.inside(subjectPublicKeyInfo)
    keyAlgorithm = try CertificateFields.algorithm(&keyInfo)
    let keyBits = der[try keyInfo.next(DERTag.bitString).content]
    key = CertificateFields.octets(ofBitString: keyBits)
    unusedKeyBits = keyBits.first ?? 0

    var extensions: DERReader.Element?
    var hasUniqueIdentifiers = false
    while !fields.isAtEnd {
      let field = try fields.next()
      if field.tag == DERTag.constructedContext(3) {
        var inside = fields.inside(field)
        extensions = try inside.next(DERTag.sequence)
      } else {
        hasUniqueIdentifiers = true
      }
    }
    self.extensions = extensions
    self.hasUniqueIdentifiers = hasUniqueIdentifiers
    signatureAlgorithm = try CertificateFields.algorithm(&certificate)
    signature = try certificate.next(DERTag.bitString).content
  }

  /// Whether issuer and subject are the same name, octet for octet (RFC 5280 section 3.2: self-issued).
  var isSelfIssued: Bool {
    der[issuer.content] == der[subject.content]
  }

  /// Whether two algorithm identifiers have the same identifier and the same parameters.
  func areEqual(_ left: Algorithm, _ right: Algorithm) -> Bool {
    left.identifier == right.identifier
      && left.parameters.map { der[$0.whole] } == right.parameters.map { der[$0.whole] }
  }

  private static func algorithm(_ reader: inout DERReader) throws(DERReader.Fault) -> Algorithm {
    var inside = reader.inside(try reader.next(DERTag.sequence))
    let identifier = ObjectIdentifier(reader.bytes[try inside.next(DERTag.objectIdentifier).content])
    return Algorithm(identifier: identifier, parameters: inside.isAtEnd ? nil : try inside.next())
  }

  private static func octets(ofBitString content: ArraySlice<UInt8>) -> [UInt8] {
    var octets = Array(content.dropFirst())
    if let unused = content.first, unused > 0, unused < 8, !octets.isEmpty {
      octets[octets.count - 1] &= 0xff << unused
    }
    return octets
  }

  private static func version(_ integer: ArraySlice<UInt8>) -> Int? {
    guard let first = integer.first, integer.count <= 4 else { return nil }
    return integer.reduce(first >= 0x80 ? -1 : 0) { $0 << 8 | Int($1) } + 1
  }
}
