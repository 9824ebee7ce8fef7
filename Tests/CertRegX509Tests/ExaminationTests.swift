import CertRegCodec
import CertRegCore
import CertRegCrypto
import Testing

@testable import CertRegX509

/// What `validate` tells people.
@Suite struct ExaminationTests {
  private func examine(
    _ der: [UInt8], _ policies: ValidationPolicies = ValidationPolicies()
  ) throws -> CertificateExamination {
    try CertificateValidator(policies: policies).examine(der: der, now: .testNow)
  }

  @Test func `describes a certificate`() throws {
    let der = Issuer.rsa2048.issue { $0.subject = "Thing, with comma" }
    let examination = try examine(der)
    let description = examination.description
    #expect(examination.certificateID == SHA256.digest(of: der))
    #expect(examination.findings.isEmpty)
    #expect(examination.refusal == nil)
    #expect(description.subject.attributes == [.init(type: "CN", value: "Thing, with comma")])
    #expect(description.issuer.attributes == [.init(type: "CN", value: "Authority")])
    #expect(description.serialNumber == "1267")
    #expect(description.notBefore?.rfc3339 == "2020-01-01T00:00:00.000Z")
    #expect(description.publicKey == PublicKeyDescription(algorithm: "RSA", bits: 2048))
    #expect(description.signatureAlgorithm == "SHA256WITHRSA")
    #expect(description.version == 3)
    #expect(!description.isCA)
    #expect(description.sizes.derBytes == der.count)
    #expect(description.sizes.pemCharacters == PEM.certificate(der: der).count)
  }

  @Test func `names curve and size of an EC key`() throws {
    let description = try examine(Issuer.p384.issue()).description
    #expect(description.publicKey == PublicKeyDescription(algorithm: "EC", bits: 384, curve: "P-384"))
    #expect(description.signatureAlgorithm == "ECDSA-WITH-SHA256")
  }

  @Test func `lists all findings with what each means for registering`() throws {
    let der = CertificateParts().with {
      $0.keyInfo = CertificateParts.rsaKeyInfo(modulus: CertificateParts.modulus(bits: 1024), exponent: [2])
      $0.signedAlgorithm = DERWriter.algorithm("1.2.840.113549.1.1.5", DERWriter.null)
      $0.notAfter = DERWriter.utcTime("210101000000Z")
    }.der
    let findings = try examine(der).findings
    func severity(_ reason: CertificateReason) -> CertificateFinding.Severity? {
      findings.first { $0.reason == reason }?.severity
    }
    #expect(severity(.weakRSAKey) == .error)
    #expect(severity(.sha1Signature) == .error)
    #expect(severity(.expired) == .error)
    #expect(severity(.unsupportedKey) == .warning)
    #expect(severity(.unusualExponent) == .warning)
    #expect(try examine(der).refusal?.reason.rawValue == "weak_rsa_key")
    #expect(findings.allSatisfy { !$0.source.isEmpty && !$0.message.isEmpty })
  }

  @Test func `remarks on what refuses nothing`() throws {
    func reasons(_ change: (inout CertificateParts) -> Void) throws -> [CertificateReason] {
      let der = CertificateParts().with(change).der
      #expect(CertificateValidatorTests.reason(der, .all(.allow)) == nil)
      return try examine(der, .all(.allow)).findings.map(\.reason)
    }
    #expect(try reasons { $0.serialNumber = [UInt8](repeating: 1, count: 20) } == [])
    #expect(try reasons { $0.notAfter = DERWriter.utcTime("190101000000Z") } == [.expired, .validityInverted])
  }

  @Test func `notes that a certificate is an authority's`() throws {
    let examination = try examine(Issuer.p256.issue { $0.isAuthority = true })
    #expect(examination.description.isCA)
    #expect(examination.findings.map(\.severity) == [.note])
  }

  @Test func `throws where the bytes are no certificate`() {
    #expect(throws: ServiceError.self) { try examine([0x30, 0x00]) }
  }

  @Test func `escapes what could act on a terminal or mislead`() throws {
    let text = "\u{1b}[31m\u{0}a\\b\u{202e}c\u{85}\n"
    let der = CertificateParts().with { $0.subject = DERWriter.name([("2.5.4.3", 0x0c, Array(text.utf8))]) }.der
    let name = try examine(der).description.subject
    #expect(name.attributes.map(\.value) == ["\\1b[31m\\00a\\\\b\\e2\\80\\aec\\c2\\85\\0a"])
  }

  private static let strings: [(UInt8, [UInt8], String?)] = [
    (0x1e, [0x00, 0x41, 0x20, 0xac], "A€"), (0x1c, [0, 0, 0, 0x41], "A"), (0x14, [0xe9], "é"), (0x13, [0x41], "A"),
    (0x16, [0xe9], nil), (0x0c, [0xff], nil), (0x1e, [0xd8, 0x00], nil), (0x1e, [0x41], nil),
    (0x1c, [0, 0x11, 0, 0], nil), (0x1c, [0x41], nil), (0x04, [0x01], nil),
  ]

  @Test(arguments: strings)
  func `reads the string types, and no other values`(_ tag: UInt8, _ value: [UInt8], _ expected: String?) throws {
    let der = DERWriter.tlv(tag, value)
    var reader = DERReader(der)
    #expect(AttributeValue.text(try reader.next(), in: der) == expected)
  }

  @Test func `shows values that are no text in hexadecimal`() throws {
    let der = CertificateParts().with { $0.subject = DERWriter.name([("2.5.4.3", 0x16, [0xe9])]) }.der
    let name = try examine(der).description.subject
    #expect(name.attributes.map(\.value) == ["#1601e9"])
  }

  @Test func `shows attributes in the order of the encoding`() throws {
    let der = CertificateParts().with {
      let organization = DERWriter.sequence(DERWriter.identifier("2.5.4.10"), DERWriter.tlv(0x0c, Array(" a+b ".utf8)))
      let unit = DERWriter.sequence(DERWriter.identifier("2.5.4.11"), DERWriter.tlv(0x0c, Array("#1".utf8)))
      let other = DERWriter.sequence(DERWriter.identifier("1.2.3.4"), DERWriter.tlv(0x0c, Array("x".utf8)))
      $0.subject = DERWriter.sequence(DERWriter.set(organization, unit), DERWriter.set(other))
    }.der
    let name = try examine(der).description.subject
    #expect(name.attributes.map(\.type) == ["O", "OU", "1.2.3.4"])
    #expect(name.attributes.map(\.value) == [" a+b ", "#1", "x"])
  }

  @Test func `shows negative and long serial numbers`() {
    #expect(SerialNumber([0xff]).hex == "-01")
    #expect(SerialNumber([0x80, 0x00]).hex == "-8000")
    #expect(SerialNumber([0x00, 0xff]).hex == "ff")
    #expect(SerialNumber([0x00]).hex == "00")
  }

  @Test func `recognises the fingerprint of ROCA`() {
    let modulus = ROCA.modulus(bytes: 128)
    #expect(ROCAFingerprint.matches(modulus: modulus))
    #expect(!ROCAFingerprint.matches(modulus: ROCA.add(modulus, 1)))
    #expect(!ROCAFingerprint.matches(modulus: Array(modulus.suffix(8))))
  }

  @Test(
    arguments: [
      ("1.2.840.113549.1.1.1", "1.2.840.113549.1.1.1"), ("2.999.1", "2.999.1"), ("0.0", "0.0"), ("1.39", "1.39"),
    ])
  func `writes identifiers with their arcs`(_ dotted: String, _ expected: String) {
    #expect(ObjectIdentifier(encoded: Array(DERWriter.identifier(dotted).dropFirst(2))).dotted == expected)
  }

  @Test func `does not write out identifiers of any length`() {
    #expect(ObjectIdentifier(encoded: [UInt8](repeating: 0xff, count: 20_000) + [0x7f]).dotted.count < 60)
    #expect(ObjectIdentifier(encoded: [0x2a] + [UInt8](repeating: 0xff, count: 20) + [0x7f]).dotted.count < 60)
  }
}
