import CertRegCore

/// A certificate put together field by field. Its signature is no one's, which nothing but the self-signature check
/// notices.
struct CertificateParts {
  static let sha256WithRSA = DERWriter.algorithm("1.2.840.113549.1.1.11", DERWriter.null)
  static let ecdsaWithSHA256 = DERWriter.algorithm("1.2.840.10045.4.3.2")

  var version: [UInt8] = DERWriter.explicit(0, DERWriter.integer([2]))
  var serialNumber: [UInt8] = [0x5a]
  var signedAlgorithm = ecdsaWithSHA256
  var signatureAlgorithm: [UInt8]?
  var issuer = DERWriter.name([("2.5.4.3", 0x0c, Array("Issuer".utf8))])
  var notBefore = DERWriter.utcTime("200101000000Z")
  var notAfter = DERWriter.utcTime("400101000000Z")
  var subject = DERWriter.name([("2.5.4.3", 0x0c, Array("Device".utf8))])
  var keyInfo = Issuer.p256.subjectPublicKeyInfo
  var afterKey: [UInt8] = []
  var signature = DERWriter.bitString([UInt8](repeating: 0x5a, count: 70))

  var toBeSigned: [UInt8] {
    DERWriter.sequence(
      version, DERWriter.integer(serialNumber), signedAlgorithm, issuer, DERWriter.sequence(notBefore, notAfter),
      subject,
      keyInfo, afterKey)
  }

  var der: [UInt8] {
    DERWriter.sequence(toBeSigned, signatureAlgorithm ?? signedAlgorithm, signature)
  }

  /// Changes some of the fields.
  func with(_ change: (inout CertificateParts) -> Void) -> CertificateParts {
    var parts = self
    change(&parts)
    return parts
  }

  /// The extensions field.
  static func extensions(_ list: [UInt8]...) -> [UInt8] {
    DERWriter.explicit(3, DERWriter.tlv(0x30, list.flatMap { $0 }))
  }

  /// SubjectPublicKeyInfo of an RSA key with these numbers; the octets are taken as they are.
  static func rsaKeyInfo(
    modulus: [UInt8], exponent: [UInt8] = [1, 0, 1],
    algorithm: [UInt8] = DERWriter.algorithm("1.2.840.113549.1.1.1", DERWriter.null)
  ) -> [UInt8] {
    DERWriter.sequence(
      algorithm,
      DERWriter.bitString(DERWriter.sequence(DERWriter.integer(modulus), DERWriter.integer(exponent))))
  }

  /// An odd modulus of `bits` bits, with a zero octet before it where its sign needs one.
  static func modulus(bits: Int) -> [UInt8] {
    let count = (bits + 7) / 8
    var octets = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 | 1) }
    octets[0] = UInt8(1) << UInt8((bits - 1) % 8)
    return (octets[0] >= 0x80 ? [0] : []) + octets
  }

  /// SubjectPublicKeyInfo of an EC key.
  static func ecKeyInfo(parameters: [UInt8], point: [UInt8]) -> [UInt8] {
    DERWriter.sequence(DERWriter.algorithm("1.2.840.10045.2.1", parameters), DERWriter.bitString(point))
  }
}

extension WallTime {
  /// The time at which the tests judge, unless they say otherwise.
  static let testNow = CivilTime.wallTime(year: 2030, month: 6, day: 1)
}

extension ValidationPolicies {
  /// Every policy set to `choice`.
  static func all(_ choice: PolicyChoice) -> ValidationPolicies {
    var policies = ValidationPolicies()
    for policy in ValidationPolicy.allCases { policies[policy] = choice }
    return policies
  }

  /// The defaults but for one.
  static func with(_ policy: ValidationPolicy, _ choice: PolicyChoice) -> ValidationPolicies {
    var policies = ValidationPolicies()
    policies[policy] = choice
    return policies
  }
}
