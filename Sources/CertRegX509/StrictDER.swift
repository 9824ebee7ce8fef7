/// A second, strict reading of a certificate: what pyca/cryptography refuses and OpenSSL takes.
///
/// Two parsers that differ about the same bytes are a risk of their own, so the policy `parser_strictness` can ask that
/// both would take a certificate. This one holds to DER (X.690 sections 10 and 11) and to the types of RFC 5280 as far
/// as a certificate is decoded when it is loaded: extension values and keys stay closed.
struct StrictDER {
  /// The first place where the encoding departs.
  struct Departure: Error, Equatable {
    /// What is wrong and where, in words.
    let description: String
  }

  private let der: [UInt8]

  private init(_ der: [UInt8]) {
    self.der = der
  }

  /// The first departure; `nil` if there is none.
  static func firstDeparture(in der: [UInt8]) -> Departure? {
    do throws(Departure) {
      try StrictDER(der).certificate()
      return nil
    } catch { return error }
  }

  // MARK: The certificate's parts

  private func certificate() throws(Departure) {
    var outer = DERReader(der)
    var certificate = try open(&outer, DERTag.sequence, "Certificate")
    try end(outer, "Certificate")
    try toBeSigned(&certificate)
    try StrictAlgorithm(der).check(&certificate, "signatureAlgorithm")
    try StrictDER.bitString(try element(&certificate, DERTag.bitString, "signature"), in: der, "signature")
    try end(certificate, "Certificate")
  }

  private func toBeSigned(_ certificate: inout DERReader) throws(Departure) {
    var fields = try open(&certificate, DERTag.sequence, "tbsCertificate")
    try version(&fields)
    try integer(try element(&fields, DERTag.integer, "serialNumber"), "serialNumber")
    try StrictAlgorithm(der).check(&fields, "signature")
    try name(&fields, "issuer")
    var validity = try open(&fields, DERTag.sequence, "validity")
    try time(&validity, "notBefore")
    try time(&validity, "notAfter")
    try end(validity, "validity")
    try name(&fields, "subject")
    var keyInfo = try open(&fields, DERTag.sequence, "subjectPublicKeyInfo")
    try StrictAlgorithm(der).check(&keyInfo, "subjectPublicKeyInfo.algorithm")
    try StrictDER.bitString(try element(&keyInfo, DERTag.bitString, "subjectPublicKey"), in: der, "subjectPublicKey")
    try end(keyInfo, "subjectPublicKeyInfo")
    for (number, what) in [(UInt8(1), "issuerUniqueID"), (2, "subjectUniqueID")]
    where fields.nextTag == DERTag.context(number) {
      try StrictDER.bitString(try element(&fields, DERTag.context(number), what), in: der, what)
    }
    if fields.nextTag == DERTag.constructedContext(3) { try extensions(&fields) }
    try end(fields, "tbsCertificate")
  }

  private func version(_ fields: inout DERReader) throws(Departure) {
    guard fields.nextTag == DERTag.constructedContext(0) else { return }
    var explicit = try open(&fields, DERTag.constructedContext(0), "version")
    let value = try element(&explicit, DERTag.integer, "version")
    try end(explicit, "version")
    try integer(value, "version")
    let octets = der[value.content]
    if octets.elementsEqual([0]) { throw Departure(description: "version: the default, v1, is written out") }
    if !octets.elementsEqual([2]) { throw Departure(description: "version: neither v1 nor v3") }
  }

  private func name(_ fields: inout DERReader, _ what: String) throws(Departure) {
    var names = try open(&fields, DERTag.sequence, what)
    while !names.isAtEnd {
      var set = try open(&names, DERTag.set, what)
      var previous: Range<Int>?
      while !set.isAtEnd {
        let attribute = try element(&set, DERTag.sequence, what)
        if let previous, der[attribute.whole].lexicographicallyPrecedes(der[previous]) {
          throw Departure(description: "\(what): the attributes of a SET are not in ascending order")
        }
        previous = attribute.whole
        var inside = set.inside(attribute)
        try StrictDER.objectIdentifier(&inside, what)
        try string(try any(&inside, what), what)
        try end(inside, what)
      }
    }
  }

  /// The string types whose contents are looked at when a certificate is loaded.
  private func string(_ value: DERReader.Element, _ what: String) throws(Departure) {
    let octets = der[value.content]
    switch value.tag {
    case DERTag.printableString where !octets.allSatisfy(StrictDER.isPrintable):
      throw Departure(description: "\(what): a PrintableString has a character outside its alphabet")
    case DERTag.bmpString where utf16Text(octets) == nil:
      throw Departure(description: "\(what): a BMPString is not UTF-16")
    case DERTag.universalString where utf32Text(octets) == nil:
      throw Departure(description: "\(what): a UniversalString is not UTF-32")
    default: break
    }
  }

  /// X.680 section 41.4.
  static func isPrintable(_ octet: UInt8) -> Bool {
    switch octet {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: " '()+,-./:=?".utf8.contains(octet)
    }
  }

  private func time(_ validity: inout DERReader, _ what: String) throws(Departure) {
    let time = try any(&validity, what)
    guard time.tag == DERTag.utcTime || time.tag == DERTag.generalizedTime else {
      throw Departure(description: "\(what): neither UTCTime nor GeneralizedTime")
    }
    guard CertificateTime.parse(time, in: der) != nil else {
      throw Departure(description: "\(what): not of the form YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ")
    }
  }

  private func extensions(_ fields: inout DERReader) throws(Departure) {
    var explicit = try open(&fields, DERTag.constructedContext(3), "extensions")
    var list = try open(&explicit, DERTag.sequence, "extensions")
    try end(explicit, "extensions")
    while !list.isAtEnd {
      var entry = try open(&list, DERTag.sequence, "extensions")
      try StrictDER.objectIdentifier(&entry, "extensions")
      if entry.nextTag == DERTag.boolean {
        let critical = der[try element(&entry, DERTag.boolean, "critical").content]
        if critical.elementsEqual([0]) { throw Departure(description: "critical: the default, FALSE, is written out") }
        guard critical.elementsEqual([0xff]) else { throw Departure(description: "critical: TRUE is not FF") }
      }
      _ = try element(&entry, DERTag.octetString, "extensions")
      try end(entry, "extensions")
    }
  }

  // MARK: Values

  /// Two's complement with no more octets than needed (X.690 section 8.3.2).
  private func integer(_ value: DERReader.Element, _ what: String) throws(Departure) {
    try StrictDER.integer(value, in: der, what)
  }

  static func integer(_ value: DERReader.Element, in der: [UInt8], _ what: String) throws(Departure) {
    let octets = der[value.content]
    guard let first = octets.first else { throw Departure(description: "\(what): an INTEGER without octets") }
    guard let second = octets.dropFirst().first else { return }
    if first == 0 && second < 0x80 || first == 0xff && second >= 0x80 {
      throw Departure(description: "\(what): an INTEGER with more octets than needed")
    }
  }

  /// X.690 sections 8.6.2 and 11.2.
  static func bitString(_ value: DERReader.Element, in der: [UInt8], _ what: String) throws(Departure) {
    let octets = der[value.content]
    guard let unused = octets.first, unused <= 7, unused == 0 || octets.count > 1 else {
      throw Departure(description: "\(what): a BIT STRING with a wrong count of unused bits")
    }
    guard let last = octets.last, unused == 0 || last & (1 << unused - 1) == 0 else {
      throw Departure(description: "\(what): a BIT STRING whose unused bits are not zero")
    }
  }

  /// Reads an identifier of at most 63 octets with arcs below 2^128, which is what pyca/cryptography keeps.
  @discardableResult
  static func objectIdentifier(_ reader: inout DERReader, _ what: String) throws(Departure) -> ObjectIdentifier {
    let octets = reader.bytes[try element(&reader, DERTag.objectIdentifier, what).content]
    guard !octets.isEmpty, octets.count <= 63 else {
      throw Departure(description: "\(what): an object identifier is empty or longer than 63 octets")
    }
    var arc = UInt128(0)
    var isWithinArc = false
    for octet in octets {
      if !isWithinArc && octet == 0x80 { throw Departure(description: "\(what): an arc with leading zeros") }
      guard arc >> 121 == 0 else { throw Departure(description: "\(what): an arc of an identifier is too large") }
      arc = arc << 7 | UInt128(octet & 0x7f)
      isWithinArc = octet & 0x80 != 0
      if !isWithinArc { arc = 0 }
    }
    guard !isWithinArc else { throw Departure(description: "\(what): an object identifier is cut") }
    return ObjectIdentifier(octets)
  }

  // MARK: Reading

  private func open(_ reader: inout DERReader, _ tag: UInt8, _ what: String) throws(Departure) -> DERReader {
    reader.inside(try element(&reader, tag, what))
  }

  private func element(
    _ reader: inout DERReader, _ tag: UInt8, _ what: String
  ) throws(Departure) -> DERReader.Element {
    try StrictDER.element(&reader, tag, what)
  }

  private func any(_ reader: inout DERReader, _ what: String) throws(Departure) -> DERReader.Element {
    try StrictDER.any(&reader, what)
  }

  private func end(_ reader: DERReader, _ what: String) throws(Departure) {
    try StrictDER.end(reader, what)
  }

  static func element(
    _ reader: inout DERReader, _ tag: UInt8, _ what: String
  ) throws(Departure) -> DERReader.Element {
    let element = try any(&reader, what)
    guard element.tag == tag else { throw Departure(description: "\(what): a value of an unexpected type") }
    return element
  }

  static func any(_ reader: inout DERReader, _ what: String) throws(Departure) -> DERReader.Element {
    do throws(DERReader.Fault) {
      let element = try reader.next()
      if !element.isMinimal { throw .header }
      return element
    } catch {
      throw Departure(
        description: error == .indefiniteLength
          ? "\(what): an indefinite length" : "\(what): a tag or length that DER does not allow")
    }
  }

  static func end(_ reader: DERReader, _ what: String) throws(Departure) {
    guard reader.isAtEnd else { throw Departure(description: "\(what): something follows where it should end") }
  }
}
