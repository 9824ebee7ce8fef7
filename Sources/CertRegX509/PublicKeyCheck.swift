import CertRegCore

/// The checks of the public key: AWS IoT takes RSA of at least 2048 bits and ECC on NIST P-256, P-384 and P-521 (API
/// reference, CreateCertificateFromCsr).
enum PublicKeyCheck {
  /// RSA sizes between which a key is taken under every policy.
  static let smallestRSA = 2048
  static let largestRSA = 4096
  private static let source = "AWS IoT API reference, CreateCertificateFromCsr"

  /// Checks the key, reports the findings, and describes the key.
  static func run(
    _ fields: CertificateFields, _ findings: inout FindingCollector
  ) throws(ServiceError) -> PublicKeyDescription {
    switch fields.keyAlgorithm.identifier {
    case .rsaEncryption: try rsa(fields, isPSS: false, &findings)
    case .rsassaPSS: try rsa(fields, isPSS: true, &findings)
    case .ecPublicKey: try ellipticCurve(fields, &findings)
    default: try other(fields, &findings)
    }
  }

  private static func other(
    _ fields: CertificateFields, _ findings: inout FindingCollector
  ) throws(ServiceError) -> PublicKeyDescription {
    let identifier = fields.keyAlgorithm.identifier
    let isX500 = identifier == .x500RSA
    try findings.report(
      .unsupportedKey, under: isX500 ? [.parserStrictness, .rsaPSSKey] : [],
      isX500
        ? "the key is RSA under the X.500 identifier 2.5.8.1.1; rsaEncryption (1.2.840.113549.1.1.1) is required"
        : "the public key is \(identifier.displayName); RSA of at least 2048 bits or EC on P-256, P-384 or P-521 is required",
      source: source)
    return PublicKeyDescription(algorithm: identifier.displayName)
  }

  private static func rsa(
    _ fields: CertificateFields, isPSS: Bool, _ findings: inout FindingCollector
  ) throws(ServiceError) -> PublicKeyDescription {
    let algorithm = isPSS ? "RSASSA-PSS" : "RSA"
    guard let key = try OpenSSLRSAKey(rsaPublicKey: fields.key), try isPSS ? hasDecodableParameters(fields) : true
    else {
      try findings.report(
        .unsupportedKey, under: [],
        "the \(algorithm) public key cannot be decoded; a modulus and an exponent as in RFC 8017 appendix A.1.1 are required",
        source: "RFC 3279 section 2.3.1")
      return PublicKeyDescription(algorithm: algorithm)
    }
    let bits = key.modulusBits
    if isPSS {
      try findings.report(
        .unsupportedKey, under: [.rsaPSSKey],
        "the key's own algorithm is id-RSASSA-PSS; rsaEncryption is required (signatures may still be RSASSA-PSS)",
        source: "RFC 4055 section 1.2")
    }
    if bits < smallestRSA {
      try findings.report(
        .weakRSAKey, under: [], "RSA key has \(bits) bits; at least \(smallestRSA) are required", source: source)
    }
    if bits > largestRSA {
      try findings.report(
        .unsupportedKey, under: [.rsaMaxSize], "RSA key has \(bits) bits; at most \(largestRSA) are allowed",
        source: "validation policy rsa_max_size")
    }
    try check(RSANumbers(fields.key) ?? RSANumbers(key), &findings)
    if !isPSS, fields.keyAlgorithm.parameters?.tag != DERTag.null {
      try findings.report(
        .keyEncoding, under: [.keyEncoding], "the RSA public key has other parameters than NULL, or none",
        source: "RFC 3279 section 2.3.1")
    }
    try checkUnusedBits(fields, &findings)
    try checkWeakness(of: key, &findings)
    return PublicKeyDescription(algorithm: algorithm, bits: bits)
  }

  private static func check(
    _ numbers: RSANumbers, _ findings: inout FindingCollector
  ) throws(ServiceError) {
    if let oddity = numbers.oddity {
      try findings.report(
        .unsupportedKey, under: [.rsaOddValues], "RSA key has \(oddity)", source: "RFC 8017 section 3.1")
    }
    if numbers.hasEvenModulus {
      try findings.report(
        .evenModulus, under: [.evenModulus],
        "RSA key has an even modulus, which no two odd primes have as their product; nobody can use such a key",
        source: "RFC 8017 section 3.1")
    }
    if let fault = numbers.encodingFault {
      try findings.report(
        .keyEncoding, under: [.keyEncoding], "the RSA public key \(fault)", source: "RFC 3279 section 2.3.1")
    }
  }

  private static func checkUnusedBits(
    _ fields: CertificateFields, _ findings: inout FindingCollector
  ) throws(ServiceError) {
    guard fields.unusedKeyBits != 0 else { return }
    try findings.report(
      .keyEncoding, under: [.keyEncoding],
      "the BIT STRING of the public key has \(fields.unusedKeyBits) unused bits; whole bytes are required",
      source: "RFC 5280 section 4.1.2.7")
  }

  /// RSASSA-PSS-params of a key limit how it may be used; OpenSSL does not decode a key whose parameters it does not
  /// understand.
  private static func hasDecodableParameters(_ fields: CertificateFields) throws(ServiceError) -> Bool {
    guard fields.key.count <= 4096 else { return false }
    return try OpenSSLPublicKey(subjectPublicKeyInfo: fields.der[fields.subjectPublicKeyInfo.whole]) != nil
  }

  /// Reports what makes an RSA key weak although it is long enough.
  private static func checkWeakness(
    of key: borrowing OpenSSLRSAKey, _ findings: inout FindingCollector
  ) throws(ServiceError) {
    if findings.needs(.rocaKey), ROCAFingerprint.matches(modulus: key.modulus) {
      try findings.report(
        .rocaKey, under: [.rocaKey],
        "the RSA modulus has the form of keys that Infineon's library made and that can be factored (ROCA)",
        source: "CVE-2017-15361")
    }
    guard findings.needs(.unusualExponent) else { return }
    let exponent = key.exponent
    if exponent.count <= 2 || exponent.count > 32 {
      let shown =
        exponent.count <= 2 ? String(exponent.reduce(0) { $0 << 8 | Int($1) }) : "\(exponent.count) bytes long"
      try findings.report(
        .unusualExponent, under: [.unusualExponent],
        "the RSA public exponent is \(shown); 65537 is usual, and 2^16 < e < 2^256 is recommended",
        source: "NIST FIPS 186-5 section 5.1")
    }
  }

  private static func ellipticCurve(
    _ fields: CertificateFields, _ findings: inout FindingCollector
  ) throws(ServiceError) -> PublicKeyDescription {
    let required = "P-256, P-384 or P-521 is required"
    guard let parameters = fields.keyAlgorithm.parameters else {
      try findings.report(
        .unsupportedCurve, under: [], "the EC key names no curve; \(required)", source: "RFC 5480 section 2.1.1")
      return PublicKeyDescription(algorithm: "EC")
    }
    switch parameters.tag {
    case DERTag.objectIdentifier:
      let identifier = ObjectIdentifier(fields.der[parameters.content])
      guard let curve = EllipticCurve.supported.first(where: { $0.identifier == identifier }) else {
        let name = identifier.displayName
        try findings.report(.unsupportedCurve, under: [], "the EC key is on \(name); \(required)", source: source)
        return PublicKeyDescription(algorithm: "EC", curve: name)
      }
      try checkPoint(fields, on: curve, &findings)
      return PublicKeyDescription(algorithm: "EC", bits: curve.bits, curve: curve.name)
    case DERTag.sequence:
      guard let curve = ExplicitCurve.recognize(parameters, in: fields.der) else {
        try findings.report(
          .unsupportedCurve, under: [], "the EC key spells out the parameters of another curve; \(required), by name",
          source: source)
        return PublicKeyDescription(algorithm: "EC", curve: "explicit parameters")
      }
      try findings.report(
        .unsupportedCurve, under: [.ecExplicitParams],
        "the EC key spells out the parameters of \(curve.name); the curve's name (\(curve.identifier.dotted)) is required",
        source: "RFC 5480 section 2.1.1")
      try checkPoint(fields, on: curve, &findings)
      return PublicKeyDescription(algorithm: "EC", bits: curve.bits, curve: curve.name)
    default:
      try findings.report(
        .unsupportedCurve, under: [], "the EC key inherits its curve; \(required), by name",
        source: "RFC 5480 section 2.1.1")
      return PublicKeyDescription(algorithm: "EC")
    }
  }

  private static func checkPoint(
    _ fields: CertificateFields, on curve: EllipticCurve, _ findings: inout FindingCollector
  ) throws(ServiceError) {
    if try !curve.canDecode(point: fields.key) {
      try findings.report(
        .unsupportedKey, under: [], "the EC public key is no point of \(curve.name)", source: "SEC 1 section 2.3.4")
    } else if let form = fields.key.first, form == 6 || form == 7 {
      try findings.report(
        .keyEncoding, under: [.keyEncoding],
        "the EC public key is a point in hybrid form; the compressed or uncompressed form is required",
        source: "RFC 5480 section 2.2")
    }
    try checkUnusedBits(fields, &findings)
  }
}
