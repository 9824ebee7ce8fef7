import CertRegCore
import CertRegCrypto
import Testing

@testable import CertRegX509

/// The verdict on keys, signatures, versions and validity.
@Suite struct CertificateValidatorTests {
  /// The reason with which `der` is refused; `nil` where it is accepted.
  static func reason(
    _ der: [UInt8], _ policies: ValidationPolicies = ValidationPolicies(), now: WallTime = .testNow
  ) -> String? {
    do throws(ServiceError) {
      _ = try CertificateValidator(policies: policies).validate(der: der, now: now)
      return nil
    } catch { return error.reason.rawValue }
  }

  static func message(_ der: [UInt8], _ policies: ValidationPolicies = ValidationPolicies()) -> String {
    do throws(ServiceError) {
      _ = try CertificateValidator(policies: policies).validate(der: der, now: .testNow)
      return ""
    } catch { return error.message }
  }

  @Test(arguments: [Issuer.p256, .p384, .p521, .rsa2048])
  func `accepts certificates on the supported keys under every policy`(_ issuer: Issuer) throws {
    let der = issuer.issue()
    let basis = try CertificateValidator(policies: ValidationPolicies()).validate(der: der, now: .testNow)
    #expect(basis.notBefore == WallTime(secondsSinceEpoch: 1_577_836_800))
    #expect(basis.notAfter == WallTime(secondsSinceEpoch: 2_208_988_800))
    #expect(basis.policyFingerprint == ValidationPolicies().fingerprint)
    #expect(Self.reason(der, .all(.reject)) == nil)
    #expect(Self.reason(der, .all(.allow)) == nil)
  }

  @Test func `names the bits of a weak RSA key`() {
    let der = Issuer.rsa2048.issue { $0.holder = .rsa1024 }
    #expect(Self.reason(der, .all(.allow)) == "weak_rsa_key")
    #expect(Self.message(der) == "RSA key has 1024 bits; at least 2048 are required")
  }

  @Test(
    arguments: [
      (2047, "weak_rsa_key", true), (2048, nil, true), (4096, nil, true), (4097, "unsupported_key", false),
      (16384, "unsupported_key", false),
    ] as [(Int, String?, Bool)])
  func `judges RSA sizes`(_ bits: Int, _ expected: String?, _ isSameUnderAllow: Bool) {
    let der = CertificateParts().with {
      $0.keyInfo = CertificateParts.rsaKeyInfo(modulus: CertificateParts.modulus(bits: bits))
    }.der
    #expect(Self.reason(der, .with(.rsaMaxSize, .reject)) == expected)
    #expect(Self.reason(der) == (isSameUnderAllow ? expected : nil))
  }

  @Test(
    arguments: [[1], [0], [2], [4], [0xff, 1], [0x80]] as [[UInt8]])
  func `rsa_odd_values governs exponents that RFC 8017 does not allow`(_ exponent: [UInt8]) {
    let der = CertificateParts().with {
      $0.keyInfo = CertificateParts.rsaKeyInfo(modulus: CertificateParts.modulus(bits: 2048), exponent: exponent)
    }.der
    #expect(Self.reason(der) == nil)
    #expect(Self.reason(der, .with(.rsaOddValues, .reject)) == "unsupported_key")
  }

  @Test func `rsa_odd_values governs a negative modulus, whose size is read without its sign`() {
    let der = CertificateParts().with {
      $0.keyInfo = CertificateParts.rsaKeyInfo(modulus: Array(CertificateParts.modulus(bits: 2048).dropFirst()))
    }.der
    #expect(Self.reason(der) == nil)
    #expect(Self.reason(der, .with(.rsaOddValues, .reject)) == "unsupported_key")
  }

  @Test(arguments: ["1.3.101.112", "1.2.840.10040.4.1", "1.2.840.113549.1.3.1", "1.3.101.110", "1.2.3.4.5"])
  func `refuses other kinds of key`(_ algorithm: String) {
    let der = CertificateParts().with {
      $0.keyInfo = DERWriter.sequence(DERWriter.algorithm(algorithm), DERWriter.bitString([1, 2, 3]))
    }.der
    #expect(Self.reason(der) == "unsupported_key")
    #expect(Self.reason(der, .all(.allow)) == "unsupported_key")
  }

  @Test func `takes RSA under the X.500 identifier only where both policies allow it`() {
    let der = CertificateParts().with {
      $0.keyInfo = CertificateParts.rsaKeyInfo(
        modulus: CertificateParts.modulus(bits: 2048), algorithm: DERWriter.algorithm("2.5.8.1.1", DERWriter.null))
    }.der
    #expect(Self.reason(der) == "unsupported_key")
    #expect(Self.reason(der, .with(.rsaPSSKey, .allow)) == nil)
    #expect(Self.reason(der, .all(.reject)) == "unsupported_key")
  }

  @Test func `rsa_pss_key governs keys that are for RSASSA-PSS alone`() {
    let der = CertificateParts().with {
      $0.keyInfo = CertificateParts.rsaKeyInfo(
        modulus: CertificateParts.modulus(bits: 2048), algorithm: DERWriter.algorithm("1.2.840.113549.1.1.10"))
    }.der
    #expect(Self.reason(der) == "unsupported_key")
    #expect(Self.reason(der, .with(.rsaPSSKey, .allow)) == nil)
    let unreadable = CertificateParts().with {
      $0.keyInfo = CertificateParts.rsaKeyInfo(
        modulus: CertificateParts.modulus(bits: 2048),
        algorithm: DERWriter.algorithm("1.2.840.113549.1.1.10", DERWriter.null))
    }.der
    #expect(Self.reason(unreadable, .all(.allow)) == "unsupported_key")
  }

  @Test(arguments: [[], [0x30, 0x00], [0x02, 0x01, 0x05], [0x30, 0x03, 0x02, 0x01, 0x05]] as [[UInt8]])
  func `refuses RSA keys that cannot be decoded`(_ key: [UInt8]) {
    let der = CertificateParts().with {
      $0.keyInfo = DERWriter.sequence(
        DERWriter.algorithm("1.2.840.113549.1.1.1", DERWriter.null), DERWriter.bitString(key))
    }.der
    #expect(Self.reason(der, .all(.allow)) == "unsupported_key")
  }

  @Test(
    arguments: [
      "1.2.840.10045.3.1.1", "1.3.132.0.33", "1.3.132.0.10", "1.3.36.3.3.2.8.1.1.7", "1.2.156.10197.1.301", "1.2.3",
    ])
  func `refuses other curves whatever the point is`(_ curve: String) {
    let der = CertificateParts().with {
      $0.keyInfo = CertificateParts.ecKeyInfo(parameters: DERWriter.identifier(curve), point: [4, 1, 2])
    }.der
    #expect(Self.reason(der, .all(.allow)) == "unsupported_curve")
  }

  @Test func `refuses EC keys whose parameters name no curve`() {
    for parameters in [[], DERWriter.null, DERWriter.integer([1])] {
      let der = CertificateParts().with {
        $0.keyInfo = CertificateParts.ecKeyInfo(parameters: parameters, point: [4, 1, 2])
      }.der
      #expect(Self.reason(der, .all(.allow)) == "unsupported_curve")
    }
  }

  @Test(arguments: [
    [], [0], [4], [9, 1], [4] + [UInt8](repeating: 7, count: 64), [2] + [UInt8](repeating: 255, count: 32),
  ])
  func `refuses points that are not on their curve`(_ point: [UInt8]) {
    let der = CertificateParts().with {
      $0.keyInfo = CertificateParts.ecKeyInfo(parameters: DERWriter.identifier("1.2.840.10045.3.1.7"), point: point)
    }.der
    #expect(Self.reason(der, .all(.allow)) == "unsupported_key")
  }

  @Test(arguments: EllipticCurve.supported)
  func `ec_explicit_params governs a supported curve that is spelled out`(_ curve: EllipticCurve) {
    let generator = [4] + curve.generatorX + curve.generatorY
    func parameters(b: [UInt8], base: [UInt8], cofactor: [UInt8], seed: [UInt8] = []) -> [UInt8] {
      DERWriter.sequence(
        DERWriter.integer([1]),
        DERWriter.sequence(DERWriter.identifier("1.2.840.10045.1.1"), DERWriter.integer([0] + curve.prime)),
        DERWriter.sequence(DERWriter.octetString(curve.a), DERWriter.octetString(b), seed),
        DERWriter.octetString(base), DERWriter.integer([0] + curve.order), cofactor)
    }
    func reason(_ parameters: [UInt8], _ policies: ValidationPolicies) -> String? {
      let keyInfo = CertificateParts.ecKeyInfo(parameters: parameters, point: generator)
      return Self.reason(CertificateParts().with { $0.keyInfo = keyInfo }.der, policies)
    }
    let compressed = [2 + (curve.generatorY.last ?? 0) % 2] + curve.generatorX
    for base in [generator, compressed] {
      let spelledOut = parameters(b: curve.b, base: base, cofactor: DERWriter.integer([1]))
      #expect(reason(spelledOut, ValidationPolicies()) == "unsupported_curve")
      #expect(reason(spelledOut, .with(.ecExplicitParams, .allow)) == nil)
    }
    let seeded = parameters(b: curve.b, base: generator, cofactor: [], seed: DERWriter.bitString(curve.seed))
    #expect(reason(seeded, .with(.ecExplicitParams, .allow)) == nil)
    let otherSeed = parameters(b: curve.b, base: generator, cofactor: [], seed: DERWriter.bitString([1, 2]))
    #expect(reason(otherSeed, .all(.allow)) == "unsupported_curve")
    let another = parameters(b: curve.a, base: generator, cofactor: DERWriter.integer([1]))
    #expect(reason(another, .all(.allow)) == "unsupported_curve")
    let cofactor = parameters(b: curve.b, base: generator, cofactor: DERWriter.integer([2]))
    #expect(reason(cofactor, .all(.allow)) == "unsupported_curve")
  }

  @Test(
    arguments: [
      (1, 2019, 12, 31, "not_yet_valid"), (2, 2020, 1, 1, nil), (3, 2040, 1, 1, nil), (4, 2040, 1, 2, "expired"),
    ] as [(Int, Int, Int, Int, String?)])
  func `checks the validity against the clock`(_ index: Int, _ year: Int, _ month: Int, _ day: Int, _ expected: String?)
  {
    let now = CivilTime.wallTime(year: year, month: month, day: day)
    let der = CertificateParts().der
    #expect(Self.reason(der, now: now) == expected)
    #expect(Self.reason(der, .all(.allow), now: now) == nil)
  }

  @Test(
    arguments: [
      (DERWriter.utcTime("2001010000Z"), false), (DERWriter.utcTime("200101000000+0000"), false),
      (DERWriter.utcTime("200230000000Z"), false), (DERWriter.utcTime("201301000000Z"), false),
      (DERWriter.utcTime("200100000000Z"), false), (DERWriter.utcTime("200101240000Z"), false),
      (DERWriter.utcTime("2001010000000"), false), (DERWriter.utcTime("20010100 000Z"), false),
      (DERWriter.generalizedTime("20200101000000.5Z"), false), (DERWriter.generalizedTime("202001010000Z"), false),
      (DERWriter.generalizedTime("20210229000000Z"), false),
      (DERWriter.utcTime("200229235959Z"), true), (DERWriter.generalizedTime("20200229000000Z"), true),
      (DERWriter.utcTime("500101000000Z"), true), (DERWriter.generalizedTime("00000101000000Z"), true),
    ])
  func `time_format governs times that RFC 5280 does not allow`(_ time: [UInt8], _ isAllowed: Bool) {
    let der = CertificateParts().with { $0.notBefore = time }.der
    #expect(Self.reason(der) == (isAllowed ? nil : "malformed_der"))
    #expect(Self.reason(der, .with(.timeFormat, .allow)) == nil)
  }

  @Test func `checks the one time that can be read`() {
    let der = CertificateParts().with {
      $0.notBefore = DERWriter.utcTime("2001010000Z")
      $0.notAfter = DERWriter.utcTime("210101000000Z")
    }.der
    #expect(Self.reason(der, .with(.timeFormat, .allow)) == "expired")
  }

  @Test(
    arguments: [
      ([], "malformed_der"), (DERWriter.explicit(0, DERWriter.integer([1])), "malformed_der"),
      (DERWriter.explicit(0, DERWriter.integer([2])), nil), (DERWriter.explicit(0, DERWriter.integer([3])), nil),
    ] as [([UInt8], String?)])
  func `x509_v1 governs versions below 3`(_ version: [UInt8], _ expected: String?) {
    let der = CertificateParts().with { $0.version = version }.der
    #expect(Self.reason(der) == nil)
    #expect(Self.reason(der, .with(.x509v1, .reject)) == expected)
  }
}
