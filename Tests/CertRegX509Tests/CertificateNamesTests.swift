import Testing

@testable import CertRegX509

@Suite struct CertificateNamesTests {
  private func names(_ change: (inout CertificateParts) -> Void) throws -> CertificateNames {
    try #require(CertificateNames(der: CertificateParts().with(change).der))
  }

  private func name(_ attributes: [(type: String, text: String)]) -> [UInt8] {
    DERWriter.name(attributes.map { ($0.type, 0x0c, Array($0.text.utf8)) })
  }

  @Test func `the last common name counts, with control characters escaped`() throws {
    let subject = name([("2.5.4.3", "first"), ("2.5.4.10", "o"), ("2.5.4.3", "a\nb")])
    #expect(try names { $0.subject = subject }.commonName == "a\\0ab")
    #expect(try names { $0.subject = name([("2.5.4.10", "o")]) }.commonName == nil)
  }

  @Test func `the serial number is hexadecimal with two digits for each byte`() throws {
    #expect(try names { $0.serialNumber = [0x0a, 0xff] }.serialNumber == "0aff")
    #expect(try names { $0.serialNumber = [0x00, 0x80] }.serialNumber == "80")
  }

  @Test func `what is no certificate has no names`() {
    #expect(CertificateNames(der: [0x30, 0x00]) == nil)
  }
}
