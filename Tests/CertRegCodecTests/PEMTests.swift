import CertRegCodec
import Foundation
import Testing

@Suite struct PEMTests {
  @Test(arguments: [0, 1, 2, 3, 47, 48, 49, 95, 96, 97, 1000])
  func `writes lines of 64 characters`(length: Int) {
    let der = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let base64 = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
    let expected = "-----BEGIN CERTIFICATE-----\n\(base64)\(length > 0 ? "\n" : "")-----END CERTIFICATE-----\n"
    #expect(PEM.certificate(der: der) == expected)
    var escaped: [UInt8] = []
    PEM.appendCertificate(der: der, lineEnd: "\\n", to: &escaped)
    #expect(String(decoding: escaped, as: UTF8.self) == expected.replacing("\n", with: "\\n"))
  }

  @Test func `finds lines by each kind of end, and the labels of boundaries`() {
    let text = Array("-----BEGIN A B-----\n x \r\n\r-----END A B-----\r-----BEGIN A--B-----\n----- BEGIN-----".utf8)
    let lines = text.withUnsafeBytes { bytes in
      PEMLines(bytes, from: 0).map { line in
        let label = PEMLines.beginLabel(line.content, in: bytes) ?? PEMLines.endLabel(line.content, in: bytes)
        return [line.whole, line.content, label ?? 0..<0].map { String(decoding: bytes[$0], as: UTF8.self) }
          + [line.endsWithLoneCR ? "CR" : ""]
      }
    }
    #expect(
      lines == [
        ["-----BEGIN A B-----", "-----BEGIN A B-----", "A B", ""], [" x ", "x", "", ""], ["", "", "", "CR"],
        ["-----END A B-----", "-----END A B-----", "A B", "CR"],
        ["-----BEGIN A--B-----", "-----BEGIN A--B-----", "", ""], ["----- BEGIN-----", "----- BEGIN-----", "", ""],
      ])
  }
}
