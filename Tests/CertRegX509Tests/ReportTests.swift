import CertRegCodec
import CertRegCore
import Testing

@testable import CertRegX509

/// The answer of `validate` as a whole: the text's findings and the certificate's.
@Suite struct ReportTests {
  private static func report(
    _ text: String, _ policies: ValidationPolicies = ValidationPolicies()
  ) -> CertificateReport {
    Array(text.utf8).withUnsafeBytes { CertificateValidator(policies: policies).report(on: $0, now: .testNow) }
  }

  /// The error of `register`; `nil` where it takes the text.
  private static func refusal(_ text: String, _ policies: ValidationPolicies) -> ServiceError? {
    do throws(ServiceError) {
      let der = try CertificatePEM.decode(text, policies: policies)
      _ = try CertificateValidator(policies: policies).validate(der: der, now: .testNow)
      return nil
    } catch { return error }
  }

  private static let weak = PEM.certificate(
    der: CertificateParts().with {
      $0.keyInfo = CertificateParts.rsaKeyInfo(modulus: CertificateParts.modulus(bits: 1024), exponent: [3])
      $0.signedAlgorithm = DERWriter.algorithm("1.2.840.113549.1.1.4", DERWriter.null)
      $0.notAfter = DERWriter.utcTime("210101000000Z")
      $0.serialNumber = [0]
    }.der)

  @Test func `gives all findings of a refused certificate at once, and what it says`() {
    let text = "Bag Attributes\n" + Self.weak + CertificatePEMTests.keyBlock
    let report = Self.report(text)
    #expect(
      report.findings.map(\.reason) == [
        .extraPEMBlock, .notPEM, .weakRSAKey, .unusualExponent, .md5Signature, .expired, .serialNumber,
      ])
    #expect(
      report.findings.map(\.severity) == [.error, .warning, .error, .warning, .error, .error, .warning])
    #expect(report.refusal?.reason.rawValue == "extra_pem_block")
    #expect(report.examination?.description.publicKey.bits == 1024)
    #expect(report.findings.allSatisfy { !$0.source.isEmpty && !$0.message.contains("secret") })
  }

  private static let texts: [String] = [
    CertificatePEMTests.pem, weak, "", "x", CertificatePEMTests.keyBlock, CertificatePEMTests.pem + weak,
    weak.replacing("CERTIFICATE", with: "X509 CERTIFICATE"), "\u{feff}" + CertificatePEMTests.pem,
    CertificatePEMTests.pem + CertificatePEMTests.keyBlock, " " + CertificatePEMTests.pem,
    CertificatePEMTests.rewrapped(5000), String(CertificatePEMTests.pem.prefix(100)),
    PEM.certificate(der: CertificateParts().der + [0]), PEM.certificate(der: [0x30, 0x00]),
    String(repeating: "😀", count: 40_000) + "\n" + CertificatePEMTests.pem,
  ]

  @Test(arguments: texts)
  func `refuses with what register refuses with`(_ text: String) {
    for policies in [ValidationPolicies(), .all(.allow), .all(.reject)] {
      let report = Self.report(text, policies)
      #expect(report.refusal == Self.refusal(text, policies))
      #expect(report.examination != nil || report.findings.last?.severity == .error)
    }
  }

  @Test func `finds in a text that is taken what stricter policies would refuse`() {
    let text = "\u{feff}" + CertificatePEMTests.rewrapped(5000)
    let report = Self.report(text, .all(.allow))
    #expect(report.refusal == nil)
    #expect(report.findings.map(\.reason) == [.notPEM, .truncatedBase64])
    #expect(report.findings.allSatisfy { $0.severity == .warning })
  }

  @Test func `says why a text cannot be examined, with the source of the rule`() {
    let report = Self.report(CertificatePEMTests.pem + CertificatePEMTests.pem)
    #expect(report.examination == nil)
    #expect(report.findings.map(\.reason) == [.multipleCertificates])
    #expect(report.findings.first?.source == "AWS IoT API reference, RegisterCertificateWithoutCA")
  }
}
