import CertRegCore
import CertRegCrypto
import Testing

@testable import CertRegX509

/// The warning of a public key that two certificates share.
@Suite struct SeenKeysTests {
  private static func certificate(
    _ serialNumber: UInt8, _ keyInfo: [UInt8] = Issuer.p256.subjectPublicKeyInfo
  ) -> [UInt8] {
    CertificateParts().with {
      $0.serialNumber = [serialNumber]
      $0.keyInfo = keyInfo
    }.der
  }

  /// Whether `validator` says of `der` that its key is shared, and with which certificate.
  private static func shared(_ der: [UInt8], _ validator: CertificateValidator) throws -> String? {
    let findings = try validator.examine(der: der, now: .testNow).findings
    let found = findings.filter { $0.reason == .sharedKey }
    #expect(found.allSatisfy { $0.severity == .warning && !$0.source.isEmpty })
    return found.first?.message
  }

  @Test func `warns of the other certificate with the same key, and refuses nothing`() throws {
    let validator = CertificateValidator(policies: .all(.allow), seenKeys: SeenKeys())
    let (first, second) = (Self.certificate(1), Self.certificate(2))
    _ = try validator.validate(der: first, now: .testNow)
    #expect(try Self.shared(first, validator) == nil)
    #expect(try Self.shared(second, validator)?.contains(SHA256.digest(of: first).hex) == true)
    #expect(try Self.shared(first, validator)?.contains(SHA256.digest(of: second).hex) == true)
    _ = try validator.validate(der: second, now: .testNow)
    #expect(try Self.shared(Self.certificate(3, Issuer.p384.subjectPublicKeyInfo), validator) == nil)
  }

  @Test func `a modulus counts whatever the exponent and the algorithm are`() throws {
    let validator = CertificateValidator(policies: .all(.allow), seenKeys: SeenKeys())
    let modulus = CertificateParts.modulus(bits: 2048)
    _ = try validator.validate(der: Self.certificate(1, CertificateParts.rsaKeyInfo(modulus: modulus)), now: .testNow)
    let other = CertificateParts.rsaKeyInfo(
      modulus: modulus, exponent: [3], algorithm: DERWriter.algorithm("1.2.840.113549.1.1.10"))
    #expect(try Self.shared(Self.certificate(2, other), validator) != nil)
    let longer = CertificateParts.rsaKeyInfo(modulus: CertificateParts.modulus(bits: 2056))
    #expect(try Self.shared(Self.certificate(3, longer), validator) == nil)
  }

  @Test func `a point counts whichever form it has`() throws {
    let validator = CertificateValidator(policies: .all(.allow), seenKeys: SeenKeys())
    let curve = try #require(EllipticCurve.supported.first)
    let parameters = DERWriter.identifier(curve.identifier.dotted)
    func certificate(_ point: [UInt8]) -> [UInt8] {
      Self.certificate(1, CertificateParts.ecKeyInfo(parameters: parameters, point: point))
    }
    let parity = (curve.generatorY.last ?? 0) & 1
    _ = try validator.validate(der: certificate([4] + curve.generatorX + curve.generatorY), now: .testNow)
    #expect(try Self.shared(certificate([2 + parity] + curve.generatorX), validator) != nil)
    #expect(try Self.shared(certificate([6 + parity] + curve.generatorX + curve.generatorY), validator) != nil)
  }

  @Test func `remembers only so many keys, the ones noted last`() throws {
    let keys = SeenKeys(capacity: 2)
    let validator = CertificateValidator(policies: .all(.allow), seenKeys: keys)
    let infos = [2048, 2056, 2064].map { CertificateParts.rsaKeyInfo(modulus: CertificateParts.modulus(bits: $0)) }
    for info in infos { _ = try validator.validate(der: Self.certificate(1, info), now: .testNow) }
    #expect(try Self.shared(Self.certificate(2, infos[2]), validator) != nil)
    #expect(try Self.shared(Self.certificate(2, infos[1]), validator) != nil)
    #expect(try Self.shared(Self.certificate(2, infos[0]), validator) == nil)
  }

  @Test func `notes nothing of a certificate that register refuses`() throws {
    let validator = CertificateValidator(policies: ValidationPolicies(), seenKeys: SeenKeys())
    let expired = CertificateParts().with { $0.notAfter = DERWriter.utcTime("210101000000Z") }.der
    #expect(throws: ServiceError.self) { try validator.validate(der: expired, now: .testNow) }
    #expect(try Self.shared(CertificateParts().der, validator) == nil)
  }
}
