import CertRegCore
import Testing

@testable import CertRegX509

/// The verdict on the encoding: what is no certificate, what is BER, what only a strict parser refuses.
@Suite struct EncodingTests {
  private func reason(_ der: [UInt8], _ policies: ValidationPolicies = ValidationPolicies()) -> String? {
    CertificateValidatorTests.reason(der, policies)
  }

  @Test(
    arguments: [
      [], [0x30], [0x30, 0x00], [0x05, 0x00], [0x30, 0x82], [0x31] + CertificateParts().der.dropFirst(),
      [0x30, 0x80], [0x30, 0xff, 0x01], CertificateParts().der.dropLast(7), CertificateParts().der.dropLast(200),
      [0x1f, 0x80, 0x01], [UInt8](repeating: 0, count: 900), [UInt8](repeating: 0x30, count: 900),
    ].map(Array.init) as [[UInt8]])
  func `refuses bytes that are no certificate under every policy`(_ bytes: [UInt8]) {
    for policies in [ValidationPolicies(), .all(.allow), .all(.reject)] {
      #expect(reason(bytes, policies) == "malformed_der")
    }
  }

  @Test(arguments: [1, 500])
  func `refuses what follows the certificate`(_ count: Int) {
    let bytes = CertificateParts().der + [UInt8](repeating: 0, count: count)
    for policies in [ValidationPolicies(), .all(.allow), .all(.reject)] {
      #expect(reason(bytes, policies) == "trailing_data")
    }
    #expect(CertificateValidatorTests.message(bytes).hasPrefix("\(count) bytes"))
  }

  @Test func `non_canonical_der governs the outer layer`() {
    let parts = CertificateParts()
    let content = parts.toBeSigned + parts.signedAlgorithm + parts.signature
    for bytes in [DERWriter.longTLV(0x30, content), DERWriter.indefiniteTLV(0x30, content)] {
      #expect(reason(bytes) == "malformed_der")
      #expect(reason(bytes, .with(.nonCanonicalDER, .allow)) == nil)
      #expect(reason(bytes, .all(.allow)) == nil)
    }
  }

  @Test func `takes BER inside only where both policies allow it`() {
    let der = CertificateParts().with { $0.subject = DERWriter.indefiniteTLV(0x30, Array($0.subject.dropFirst(2))) }.der
    #expect(reason(der) == "malformed_der")
    #expect(reason(der, .with(.parserStrictness, .reject)) == "malformed_der")
    #expect(reason(der, .all(.allow)) == nil)
  }

  static let strict: [(String, CertificateParts)] = [
    ("the default version written out", CertificateParts().with { $0.version = DERWriter.explicit(0, [2, 1, 0]) }),
    ("version 4", CertificateParts().with { $0.version = DERWriter.explicit(0, [2, 1, 3]) }),
    (
      "attributes of a SET out of order",
      CertificateParts().with {
        let name = DERWriter.sequence(DERWriter.identifier("2.5.4.3"), DERWriter.tlv(0x0c, [0x41]))
        let other = DERWriter.sequence(DERWriter.identifier("2.5.4.10"), DERWriter.tlv(0x0c, [0x41]))
        $0.subject = DERWriter.sequence(DERWriter.set(other, name))
      }
    ),
    (
      "a PrintableString with an at sign",
      CertificateParts().with { $0.subject = DERWriter.name([("2.5.4.3", 0x13, [0x40])]) }
    ),
    (
      "an ECDSA algorithm with NULL",
      CertificateParts().with { $0.signedAlgorithm = DERWriter.algorithm("1.2.840.10045.4.3.2", DERWriter.null) }
    ),
    (
      "a criticality of FALSE written out",
      CertificateParts().with {
        $0.afterKey = CertificateParts.extensions(
          DERWriter.sequence(DERWriter.identifier("2.5.29.14"), [1, 1, 0], DERWriter.octetString([4, 1, 1])))
      }
    ),
    (
      "a criticality of 1",
      CertificateParts().with {
        $0.afterKey = CertificateParts.extensions(
          DERWriter.sequence(DERWriter.identifier("2.5.29.14"), [1, 1, 1], DERWriter.octetString([4, 1, 1])))
      }
    ),
    (
      "RSA parameters that are not NULL",
      CertificateParts().with {
        $0.keyInfo = CertificateParts.rsaKeyInfo(
          modulus: CertificateParts.modulus(bits: 2048),
          algorithm: DERWriter.algorithm("1.2.840.113549.1.1.1", DERWriter.octetString([1])))
      }
    ),
    (
      "an attribute type of 64 octets",
      CertificateParts().with {
        let type = DERWriter.tlv(6, [UInt8](repeating: 1, count: 64))
        $0.subject = DERWriter.sequence(DERWriter.set(DERWriter.sequence(type, DERWriter.tlv(0x0c, [0x41]))))
      }
    ),
    (
      "a length with more octets than needed",
      CertificateParts().with {
        $0.subject = DERWriter.sequence(
          DERWriter.set(DERWriter.sequence(DERWriter.identifier("2.5.4.3"), DERWriter.longTLV(0x0c, [0x41]))))
      }
    ),
  ]

  @Test(arguments: strict)
  func `parser_strictness governs what only a strict parser refuses`(_ name: String, _ parts: CertificateParts) {
    #expect(reason(parts.der) == nil, "\(name)")
    #expect(reason(parts.der, .with(.parserStrictness, .reject)) == "malformed_der", "\(name)")
  }

  @Test(arguments: [Issuer.p256, .p384, .p521, .rsa2048, .rsa1024, .ed25519, .secp256k1])
  func `the strict reading takes what OpenSSL writes`(_ issuer: Issuer) {
    let der = issuer.issue {
      $0.isAuthority = true
      if issuer === Issuer.ed25519 { $0.digest = .none }
    }
    #expect(StrictDER.firstDeparture(in: der) == nil)
  }

  @Test func `does not follow parameters that are nested without end`() {
    var algorithm = DERWriter.algorithm("1.2.840.113549.1.1.10")
    for _ in 0..<1000 {
      algorithm = DERWriter.algorithm("1.2.840.113549.1.1.10", DERWriter.sequence(DERWriter.explicit(0, algorithm)))
    }
    let der = CertificateParts().with { $0.signedAlgorithm = algorithm }.der
    #expect(reason(der, .all(.reject)) == "malformed_der")
    #expect(reason(der, .all(.allow)) == "unsupported_signature")
  }

  @Test func `refuses more bytes than PEM of the largest length can hold`() {
    let bytes = DERWriter.tlv(0x30, [UInt8](repeating: 0, count: 70_000))
    #expect(reason(bytes) == "too_large")
  }
}
