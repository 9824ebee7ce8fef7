/// The strict reading of an AlgorithmIdentifier: parameters have to be those that the algorithm is defined with.
struct StrictAlgorithm {
  private typealias Departure = StrictDER.Departure

  /// What the parameters have to be.
  private enum Form {
    /// NULL or nothing.
    case optionalNull
    case absent
    /// A value with this tag, not looked into.
    case one(UInt8)
    /// EcpkParameters of RFC 3279 section 2.3.5.
    case curve
    /// RSASSA-PSS-params of RFC 4055 section 3.1, or nothing.
    case optionalPSS
    /// A SEQUENCE of so many INTEGERs of at least zero, and what may follow them.
    case numbers(Int, then: Tail)
  }

  /// What may follow the numbers of a key's parameters.
  private enum Tail {
    case nothing
    /// One more number, below 2^32.
    case length
    /// One more number, and a SEQUENCE.
    case numberAndSequence
  }

  /// PSS parameters hold AlgorithmIdentifiers, which could hold PSS parameters again.
  private static let deepest = 8

  private let der: [UInt8]
  private let depth: Int

  init(_ der: [UInt8], depth: Int = 0) {
    self.der = der
    self.depth = depth
  }

  private static let forms: [ObjectIdentifier: Form] = {
    var forms: [ObjectIdentifier: Form] = [
      .ecPublicKey: .curve, .rsaEncryption: .optionalNull, .rsassaPSS: .optionalPSS,
      .dsa: .numbers(3, then: .nothing),
      .dhPublicNumber: .numbers(3, then: .numberAndSequence),
      .dhKeyAgreement: .numbers(2, then: .length),
      .sha1: .optionalNull, ObjectIdentifier(1, 3, 14, 3, 2, 29): .optionalNull,
    ]
    func nist(_ arc: UInt64, _ last: UInt64) -> ObjectIdentifier {
      ObjectIdentifier(2, 16, 840, 1, 101, 3, 4, arc, last)
    }
    /// Under 1.2.840.113549, with arcs below 128.
    func rsadsi(_ arcs: UInt64...) -> ObjectIdentifier {
      ObjectIdentifier(encoded: ObjectIdentifier(1, 2, 840, 113549).encoded + arcs.map(UInt8.init))
    }
    // RFC 8410 section 3.
    for identifier in [ObjectIdentifier.x25519, .x448, .ed25519, .ed448] { forms[identifier] = .absent }
    // RSA with SHA-1 and SHA-2: RFC 4055 section 5.
    for last in [UInt64(5), 11, 12, 13, 14] { forms[rsadsi(1, 1, last)] = .optionalNull }
    // HMAC: RFC 8018 appendix B.1.
    for last in UInt64(7)...11 { forms[rsadsi(2, last)] = .optionalNull }
    // SHA-2 and SHA-3 digests: RFC 5754 section 2.
    for last in [UInt64(1), 2, 3, 4, 7, 8, 9, 10] { forms[nist(2, last)] = .optionalNull }
    // ECDSA with SHA-2: RFC 5758 section 3.2.
    for last in UInt64(1)...4 { forms[ObjectIdentifier(1, 2, 840, 10045, 4, 3, last)] = .absent }
    // DSA with SHA-2, ECDSA with SHA-3, ML-DSA, ML-KEM; RSA with SHA-3.
    for last in [UInt64(1), 2, 3, 4, 9, 10, 11, 12, 17, 18, 19] { forms[nist(3, last)] = .absent }
    for last in UInt64(2)...3 { forms[nist(4, last)] = .absent }
    for last in UInt64(13)...16 { forms[nist(3, last)] = .optionalNull }
    // Ciphers and derivations by password, which have no business in a certificate.
    for last in [UInt64(2), 22, 42] { forms[nist(1, last)] = .one(DERTag.octetString) }
    forms[rsadsi(3, 7)] = .one(DERTag.octetString)
    for last in [UInt64(3), 12, 13] { forms[rsadsi(1, 5, last)] = .one(DERTag.sequence) }
    for last in [UInt64(1), 3, 6] { forms[rsadsi(1, 12, 1, last)] = .one(DERTag.sequence) }
    forms[rsadsi(3, 2)] = .one(DERTag.sequence)
    return forms
  }()

  /// Reads one AlgorithmIdentifier.
  func check(_ reader: inout DERReader, _ what: String) throws(StrictDER.Departure) {
    var inside = reader.inside(try StrictDER.element(&reader, DERTag.sequence, what))
    let identifier = try StrictDER.objectIdentifier(&inside, what)
    switch StrictAlgorithm.forms[identifier] {
    case .none: if !inside.isAtEnd { _ = try StrictDER.any(&inside, what) }
    case .absent: break
    case .optionalNull:
      if inside.nextTag == DERTag.null { try null(&inside, what) }
    case .one(let tag): _ = try StrictDER.element(&inside, tag, what)
    case .curve: try curve(&inside, what)
    case .optionalPSS:
      if inside.nextTag == DERTag.sequence { try pss(&inside, what) }
    case .numbers(let count, let tail): try numbers(count, then: tail, &inside, what)
    }
    try StrictDER.end(inside, what)
  }

  private func null(_ reader: inout DERReader, _ what: String) throws(StrictDER.Departure) {
    guard try StrictDER.element(&reader, DERTag.null, what).content.isEmpty else {
      throw Departure(description: "\(what): NULL is not empty")
    }
  }

  private func curve(_ reader: inout DERReader, _ what: String) throws(StrictDER.Departure) {
    switch reader.nextTag {
    case DERTag.objectIdentifier: try StrictDER.objectIdentifier(&reader, what)
    case DERTag.null: try null(&reader, what)
    default: try domain(&reader, what)
    }
  }

  /// SpecifiedECDomain (SEC 1 section C.2), with the parameters of a binary field left closed.
  private func domain(_ reader: inout DERReader, _ what: String) throws(StrictDER.Departure) {
    var domain = reader.inside(try StrictDER.element(&reader, DERTag.sequence, what))
    try octet(&domain, what)
    var field = domain.inside(try StrictDER.element(&domain, DERTag.sequence, what))
    switch try StrictDER.objectIdentifier(&field, what) {
    case .primeField: _ = try number(&field, what)
    case .binaryField: _ = try StrictDER.element(&field, DERTag.sequence, what)
    default: throw Departure(description: "\(what): a curve over an unknown kind of field")
    }
    try StrictDER.end(field, what)
    var coefficients = domain.inside(try StrictDER.element(&domain, DERTag.sequence, what))
    _ = try StrictDER.element(&coefficients, DERTag.octetString, what)
    _ = try StrictDER.element(&coefficients, DERTag.octetString, what)
    if coefficients.nextTag == DERTag.bitString {
      try StrictDER.bitString(try StrictDER.element(&coefficients, DERTag.bitString, what), in: der, what)
    }
    try StrictDER.end(coefficients, what)
    _ = try StrictDER.element(&domain, DERTag.octetString, what)
    _ = try number(&domain, what)
    if domain.nextTag == DERTag.integer { try octet(&domain, what) }
    try StrictDER.end(domain, what)
  }

  /// A number of 0 to 255.
  private func octet(_ reader: inout DERReader, _ what: String) throws(StrictDER.Departure) {
    guard try number(&reader, what).drop(while: { $0 == 0 }).count <= 1 else {
      throw Departure(description: "\(what): a number above 255")
    }
  }

  private func number(_ reader: inout DERReader, _ what: String) throws(StrictDER.Departure) -> ArraySlice<UInt8> {
    let value = try StrictDER.element(&reader, DERTag.integer, what)
    try StrictDER.integer(value, in: der, what)
    let octets = der[value.content]
    guard octets.first.map({ $0 < 0x80 }) ?? false else {
      throw Departure(description: "\(what): a negative number")
    }
    return octets
  }

  private func numbers(
    _ count: Int, then tail: Tail, _ reader: inout DERReader, _ what: String
  ) throws(StrictDER.Departure) {
    var numbers = reader.inside(try StrictDER.element(&reader, DERTag.sequence, what))
    for _ in 0..<count { _ = try number(&numbers, what) }
    if tail != .nothing, numbers.nextTag == DERTag.integer {
      let last = try number(&numbers, what).drop { $0 == 0 }
      if tail == .length, last.count > 4 { throw Departure(description: "\(what): a length above 2^32") }
    }
    if tail == .numberAndSequence, numbers.nextTag == DERTag.sequence {
      _ = try StrictDER.element(&numbers, DERTag.sequence, what)
    }
    try StrictDER.end(numbers, what)
  }

  private func pss(_ reader: inout DERReader, _ what: String) throws(StrictDER.Departure) {
    guard depth < StrictAlgorithm.deepest else { throw Departure(description: "\(what): nested too deeply") }
    let inner = StrictAlgorithm(der, depth: depth + 1)
    var fields = reader.inside(try StrictDER.element(&reader, DERTag.sequence, what))
    if var digest = try explicit(0, &fields, what) {
      let start = digest.position
      try inner.check(&digest, what)
      if der[start..<digest.position].elementsEqual(StrictAlgorithm.sha1WithNull) { throw written("SHA-1", what) }
      try StrictDER.end(digest, what)
    }
    if var mask = try explicit(1, &fields, what) {
      var function = mask.inside(try StrictDER.element(&mask, DERTag.sequence, what))
      let identifier = try StrictDER.objectIdentifier(&function, what)
      let start = function.position
      try inner.check(&function, what)
      if identifier == .mgf1, der[start..<function.position].elementsEqual(StrictAlgorithm.sha1WithNull) {
        throw written("MGF1 with SHA-1", what)
      }
      try StrictDER.end(function, what)
      try StrictDER.end(mask, what)
    }
    if var salt = try explicit(2, &fields, what) {
      let length = try number(&salt, what).drop { $0 == 0 }
      guard length.count <= 2 else { throw Departure(description: "\(what): the salt is too long") }
      if length.elementsEqual([20]) { throw written("a salt of 20", what) }
      try StrictDER.end(salt, what)
    }
    if var trailer = try explicit(3, &fields, what) {
      try octet(&trailer, what)
      try StrictDER.end(trailer, what)
    }
    try StrictDER.end(fields, what)
  }

  private static let sha1WithNull: [UInt8] =
    [0x30, 0x09, 0x06, 0x05] + ObjectIdentifier.sha1.encoded + [0x05, 0x00]

  private func written(_ value: String, _ what: String) -> StrictDER.Departure {
    Departure(description: "\(what): the default, \(value), is written out")
  }

  private func explicit(
    _ number: UInt8, _ reader: inout DERReader, _ what: String
  ) throws(StrictDER.Departure) -> DERReader? {
    guard reader.nextTag == DERTag.constructedContext(number) else { return nil }
    return reader.inside(try StrictDER.element(&reader, DERTag.constructedContext(number), what))
  }
}
