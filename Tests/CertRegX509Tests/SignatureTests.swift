import CertRegCore
import Testing

@testable import CertRegX509

/// The verdict on signature algorithms and on the signature itself.
@Suite struct SignatureTests {
  private func reason(_ der: [UInt8], _ policies: ValidationPolicies = ValidationPolicies()) -> String? {
    CertificateValidatorTests.reason(der, policies)
  }

  @Test(
    arguments: [
      ("1.2.840.113549.1.1.11", nil), ("1.2.840.113549.1.1.12", nil), ("1.2.840.113549.1.1.13", nil),
      ("1.2.840.10045.4.3.2", nil), ("1.2.840.10045.4.3.3", nil), ("1.2.840.10045.4.3.4", nil),
      ("2.16.840.1.101.3.4.3.2", nil),
      ("1.2.840.113549.1.1.5", "sha1_signature"), ("1.3.14.3.2.29", "sha1_signature"),
      ("1.2.840.10045.4.1", "sha1_signature"), ("1.2.840.10040.4.3", "sha1_signature"),
      ("1.2.840.113549.1.1.4", "md5_signature"),
      ("1.2.840.113549.1.1.2", "unsupported_signature"), ("1.2.840.113549.1.1.14", "unsupported_signature"),
      ("1.2.840.10045.4.3.1", "unsupported_signature"), ("1.3.101.112", "unsupported_signature"),
      ("1.2.156.10197.1.501", "unsupported_signature"), ("1.2.3.4", "unsupported_signature"),
    ] as [(String, String?)])
  func `takes the algorithms of the list and no other`(_ algorithm: String, _ expected: String?) {
    let der = CertificateParts().with { $0.signedAlgorithm = DERWriter.algorithm(algorithm) }.der
    #expect(reason(der) == expected)
    #expect(reason(der, .all(.allow)) == expected)
  }

  @Test func `dsa_sha256_signature governs DSA with SHA-256`() {
    let der = CertificateParts().with { $0.signedAlgorithm = DERWriter.algorithm("2.16.840.1.101.3.4.3.2") }.der
    #expect(reason(der) == nil)
    #expect(reason(der, .with(.dsaSHA256Signature, .reject)) == "unsupported_signature")
  }

  @Test(
    arguments: [
      (.sha256, 32, nil, nil), (.sha384, 48, nil, nil), (.sha512, 64, nil, nil),
      (.sha256, 17, nil, "unsupported_signature"), (.sha1, 20, "sha1_signature", "sha1_signature"),
      (.sha224, 28, "unsupported_signature", "unsupported_signature"),
    ] as [(Issuer.Digest, Int32, String?, String?)])
  func `judges RSASSA-PSS by digest and salt`(
    _ digest: Issuer.Digest, _ salt: Int32, _ byDefault: String?, _ whereRejected: String?
  ) {
    let der = Issuer.rsa2048.issue {
      $0.digest = digest
      $0.pssSaltLength = salt
    }
    #expect(reason(der) == byDefault)
    #expect(reason(der, .with(.pssParams, .reject)) == whereRejected)
  }

  @Test func `pss_params governs a mask of another digest, and bad parameters are no signature at all`() {
    let sha256 = DERWriter.algorithm("2.16.840.1.101.3.4.2.1", DERWriter.null)
    let sha1 = DERWriter.algorithm("1.3.14.3.2.26", DERWriter.null)
    let mask = DERWriter.explicit(1, DERWriter.algorithm("1.2.840.113549.1.1.8", sha1))
    let parameters = DERWriter.sequence(
      DERWriter.explicit(0, sha256), mask, DERWriter.explicit(2, DERWriter.integer([32])))
    let der = CertificateParts().with {
      $0.signedAlgorithm = DERWriter.algorithm("1.2.840.113549.1.1.10", parameters)
    }.der
    #expect(reason(der) == nil)
    #expect(reason(der, .with(.pssParams, .reject)) == "unsupported_signature")
    for bad in [
      [], DERWriter.null, DERWriter.sequence(sha256), DERWriter.sequence(DERWriter.explicit(2, [2, 1, 0x80])),
    ] {
      let der = CertificateParts().with { $0.signedAlgorithm = DERWriter.algorithm("1.2.840.113549.1.1.10", bad) }.der
      #expect(reason(der, .all(.allow)) == "unsupported_signature")
    }
  }

  @Test(
    arguments: [
      DERWriter.algorithm("1.2.840.10045.4.3.3"), DERWriter.algorithm("1.2.840.10045.4.3.2", DERWriter.null),
    ])
  func `sigalg_mismatch governs two algorithms that differ`(_ outside: [UInt8]) {
    let der = CertificateParts().with { $0.signatureAlgorithm = outside }.der
    #expect(reason(der) == "unsupported_signature")
    #expect(reason(der, .with(.sigalgMismatch, .allow)) == nil)
  }

  @Test(arguments: [Issuer.p256, .rsa2048])
  func `self_signature governs self-issued certificates that do not verify themselves`(_ issuer: Issuer) {
    let good = issuer.issue { $0.issuer = nil }
    #expect(reason(good, .all(.reject)) == nil)
    var bad = good
    bad[bad.count - 1] ^= 1
    #expect(reason(bad) == nil)
    #expect(reason(bad, .with(.selfSignature, .reject)) == "unsupported_signature")
    // Another issuer's certificate cannot be checked, so nothing is said about it.
    var other = issuer.issue()
    other[other.count - 1] ^= 1
    #expect(reason(other, .all(.reject)) == nil)
  }

  /// Keys that OpenSSL's decoder is not asked about: nothing is said of their signature.
  @Test func `a key whose identifier or curve is not bounded is not verified`() throws {
    let longest = DERWriter.tlv(0x06, [0x2a] + [UInt8](repeating: 0xff, count: 40_000) + [0x01])
    let parameters = DERWriter.sequence(DERWriter.integer([1]), DERWriter.sequence())
    let algorithms = [DERWriter.sequence(longest), DERWriter.algorithm("1.2.156.10197.1.301", parameters)]
    for algorithm in algorithms {
      let der = CertificateParts().with {
        $0.keyInfo = DERWriter.sequence(algorithm, DERWriter.bitString([4] + [UInt8](repeating: 1, count: 64)))
        $0.subject = $0.issuer
      }.der
      let found = try CertificateValidator(policies: .with(.selfSignature, .reject)).examine(der: der, now: .testNow)
      #expect(found.findings.contains { $0.reason == .unsupportedKey })
      #expect(!found.findings.contains { $0.reason == .unsupportedSignature })
    }
  }

  @Test func `a key that is too large to compute with verifies nothing`() {
    let der = CertificateParts().with {
      $0.keyInfo = CertificateParts.rsaKeyInfo(modulus: CertificateParts.modulus(bits: 131_072))
      $0.subject = $0.issuer
      $0.signedAlgorithm = CertificateParts.sha256WithRSA
    }.der
    #expect(reason(der, .with(.selfSignature, .reject)) == "unsupported_signature")
  }
}
