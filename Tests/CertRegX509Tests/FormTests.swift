import CertRegCore
import Testing

@testable import CertRegX509

/// Certificates that OpenSSL's decoder takes although RFC 5280 forbids their form: allowed unless a policy rejects
/// them, and found by `validate` in any case.
@Suite struct FormTests {
  typealias Case = PolicyTests.Case

  static let extensions = DERWriter.sequence(
    DERWriter.identifier("2.5.29.14"), DERWriter.octetString(DERWriter.octetString([1])))

  private static func version(_ octets: [UInt8]) -> [UInt8] { DERWriter.explicit(0, DERWriter.integer(octets)) }

  private static let versions: [Case] = [
    Case(.x509Version, .unknownVersion, "version is 4;") { $0.version = version([3]) },
    Case(.x509Version, .unknownVersion, "version is 0;") { $0.version = version([0xff]) },
    Case(.x509Version, .unknownVersion, "version is of more than four bytes;") {
      $0.version = version([1, 0, 0, 0, 0])
    },
    Case(.x509Version, .versionMismatch, "version 1 and has extensions") {
      $0.version = []
      $0.afterKey = CertificateParts.extensions(extensions)
    },
    Case(.x509Version, .versionMismatch, "version 2 and has extensions") {
      $0.version = version([1])
      $0.afterKey = DERWriter.tlv(0x81, [0, 1]) + CertificateParts.extensions(extensions)
    },
    Case(.x509Version, .versionMismatch, "version 1 and has unique identifiers") {
      $0.version = []
      $0.afterKey = DERWriter.tlv(0x82, [0, 1])
    },
  ]

  /// An RSA key whose BIT STRING holds `bits`, with `unused` bits of the last octet unused.
  private static func rsa(unused: UInt8 = 0, _ bits: [UInt8]) -> @Sendable (inout CertificateParts) -> Void {
    {
      $0.keyInfo = DERWriter.sequence(
        DERWriter.algorithm("1.2.840.113549.1.1.1", DERWriter.null), DERWriter.tlv(0x03, [unused], bits))
    }
  }

  private static let modulus = CertificateParts.modulus(bits: 2048)
  private static let exponent = DERWriter.integer([1, 0, 1])
  private static let numbers = DERWriter.integer(modulus) + exponent
  private static let p256 = EllipticCurve.supported.first { $0.identifier == .p256 }

  private static func point(_ form: UInt8) -> @Sendable (inout CertificateParts) -> Void {
    let point = [form] + (p256?.generatorX ?? []) + (p256?.generatorY ?? [])
    return {
      $0.keyInfo = CertificateParts.ecKeyInfo(parameters: DERWriter.identifier("1.2.840.10045.3.1.7"), point: point)
    }
  }

  private static let keys: [Case] = [
    Case(
      .evenModulus, .evenModulus, "even modulus",
      rsa(
        DERWriter.sequence(
          DERWriter.integer(modulus.dropLast() + [0xfe]), exponent))),
    Case(.keyEncoding, .keyEncoding, "followed by 2 bytes", rsa(DERWriter.sequence(numbers) + [5, 0])),
    Case(.keyEncoding, .keyEncoding, "more bytes than it needs", rsa(DERWriter.longTLV(0x30, numbers))),
    Case(
      .keyEncoding, .keyEncoding, "more bytes than it needs",
      rsa(
        DERWriter.sequence(
          DERWriter.longTLV(0x02, modulus), exponent))),
    Case(
      .keyEncoding, .keyEncoding, "more bytes than it needs",
      rsa(
        DERWriter.sequence(
          DERWriter.integer(modulus), DERWriter.longTLV(0x02, [1, 0, 1])))),
    Case(
      .keyEncoding, .keyEncoding, "more bytes than it needs",
      rsa(
        DERWriter.sequence(
          DERWriter.integer([0] + modulus), exponent))),
    Case(
      .keyEncoding, .keyEncoding, "more bytes than it needs",
      rsa(
        DERWriter.sequence(
          DERWriter.integer(modulus), DERWriter.integer([0, 1, 0, 1])))),
    Case(.keyEncoding, .keyEncoding, "encoded in BER", rsa(DERWriter.indefiniteTLV(0x30, numbers))),
    Case(.keyEncoding, .keyEncoding, "other parameters than NULL, or none") {
      $0.keyInfo = CertificateParts.rsaKeyInfo(modulus: modulus, algorithm: DERWriter.algorithm("1.2.840.113549.1.1.1"))
    },
    Case(.keyEncoding, .keyEncoding, "other parameters than NULL, or none") {
      $0.keyInfo = CertificateParts.rsaKeyInfo(
        modulus: modulus, algorithm: DERWriter.algorithm("1.2.840.113549.1.1.1", DERWriter.octetString([1])))
    },
    // No encoding hides what is wrong with the numbers.
    Case(
      .evenModulus, .evenModulus, "even modulus",
      rsa(DERWriter.indefiniteTLV(0x30, DERWriter.integer(modulus.dropLast() + [0xfe]) + exponent))),
    Case(
      .rsaOddValues, .unsupportedKey, "even public exponent",
      rsa(DERWriter.indefiniteTLV(0x30, DERWriter.integer(modulus) + DERWriter.integer([1, 0, 0])))),
    // The lowest octet of the exponent is even, so that no bit is lost.
    Case(
      .keyEncoding, .keyEncoding, "has 1 unused bits",
      rsa(
        unused: 1,
        DERWriter.sequence(
          DERWriter.integer(modulus), DERWriter.integer([1, 0, 2])))),
    Case(.keyEncoding, .keyEncoding, "hybrid form", point(6 | ((p256?.generatorY.last ?? 0) & 1))),
  ]

  private static let signatures: [Case] = [
    Case(.signatureValue, .signatureValue, "signature is empty") { $0.signature = DERWriter.bitString([]) },
    Case(.signatureValue, .signatureValue, "has 3 unused bits") { $0.signature = DERWriter.tlv(0x03, [3, 0xf8]) },
  ]

  @Test(arguments: versions + keys + signatures)
  func `refuses where the policy rejects, and finds it in any case`(_ example: Case) throws {
    try PolicyTests.check(example)
  }

  private static let usual: [@Sendable (inout CertificateParts) -> Void] = [
    rsa(DERWriter.sequence(numbers)), point(4), { $0.afterKey = CertificateParts.extensions(extensions) },
    {
      $0.keyInfo = CertificateParts.ecKeyInfo(
        parameters: DERWriter.identifier("1.2.840.10045.3.1.7"),
        point: [2 | (p256?.generatorY.last ?? 0) & 1] + (p256?.generatorX ?? []))
    },
    // RFC 5280 section 4.1.2.8: version 3 may have unique identifiers.
    { $0.afterKey = DERWriter.tlv(0x81, [0, 1]) + CertificateParts.extensions(extensions) },
  ]

  @Test(arguments: usual.indices)
  func `finds nothing in forms that RFC 5280 allows`(_ index: Int) throws {
    #expect(try PolicyTests.findings(CertificateParts().with(Self.usual[index]).der, ValidationPolicies()) == [])
  }

  @Test func `fields of a later version are allowed in certificates of versions that have them`() throws {
    let der = CertificateParts().with {
      $0.version = Self.version([1])
      $0.afterKey = DERWriter.tlv(0x81, [0, 1])
    }.der
    #expect(try PolicyTests.findings(der, ValidationPolicies()).map(\.reason) == [.malformedDER, .malformedDER])
  }
}
