import CertRegCodec
import Foundation
import Testing

@testable import CertRegClient

/// Files as other programs and people write them.
@Suite struct EverydaySourceTests {
  private static let der = (UInt8(0)..<4).map { Sample.certificate($0) }
  private static let base64 = der.map { Base64.encode($0) }
  /// A certificate with names, that is long enough to be told from a word.
  private static let long: [UInt8] = {
    let names: [UInt8] = [0x30, 0x03, 0x13, 0x01, 0x01, 0x30, 0x00, 0x30, 0x03, 0x13, 0x01, 0x02]
    let body =
      [0x02, 0x01, 0x07, 0x30, 0x02, 0x05, 0x00] + names + [0x30, 0x64] + [UInt8](repeating: 0x55, count: 100)
    return [0x30, 0x81, UInt8(body.count + 2), 0x30, UInt8(body.count)] + body
  }()
  private static let hexadecimal = long.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }

  @Test func `passes over remarks, drawn lines and headings in another case`() throws {
    let rows = [
      "Serial,Cert", "---,:--:", "# a remark", "1,\(Self.base64[1])", "SERIAL,cert", "2,\(Self.base64[2])",
      "# the end,",
    ]
    let found = try fileEntries("a.csv", rows.joined(separator: "\n") + "\n")
    #expect(found.compactMap(fault) == [])
    #expect(found.filter { pem($0) != nil }.map(\.deviceID) == ["1", "2"])
    #expect(found.compactMap(otherContent) == [.text, .text, .headings, .text])
    // A device can have a hyphen in place of a certificate.
    let lacking = try fileEntries("a.csv", "Serial,Cert\n1,\(Self.base64[1])\n2,-\n#3,\n")
    #expect(lacking.compactMap(fault).count == 2)
  }

  @Test func `reads cells and members with digits of any kind and text around them`() throws {
    let pem = PEM.certificate(der: Self.long)
    let digits = Self.hexadecimal.joined()
    let base64 = Base64.encode(Self.long)
    for cell in ["0x\(digits)", "\\\\x\(digits)", "X'\(digits)'", "cert=\(base64)", "the certificate is \(base64)."] {
      #expect(try fileEntries("a.csv", "serial,cert\n1,\(cell)\n").map(CertRegClientTests.pem) == [pem], "\(cell)")
      let quoted = cell.replacing("\\", with: "\\\\")
      #expect(
        try fileEntries("a.json", "[{\"id\":\"1\",\"note\":\"\(quoted)\"}]").map(CertRegClientTests.pem) == [pem],
        "\(cell)")
    }
  }

  @Test func `reads the bytes of a certificate as numbers`() throws {
    let pem = PEM.certificate(der: Self.long)
    let numbers = Self.long.map { "\($0)" }.joined(separator: ",")
    let signed = Self.long.map { "\(Int8(bitPattern: $0))" }.joined(separator: ", ")
    for text in [numbers, signed] {
      for dressed in ["byte[] c = {\(text)};\n", "bytearray([\(text)])\n", "[{\"id\":\"1\",\"cert\":[\(text)]}]"] {
        #expect(try fileEntries("a", dressed).map(CertRegClientTests.pem) == [pem], "\(dressed)")
      }
    }
    let short = Self.long.map { "0x" + String($0, radix: 16) }.joined(separator: ", ")
    #expect(try fileEntries("a.go", "var c = []byte{\(short)}\n").map(CertRegClientTests.pem) == [pem])
    let buffer = "{\"id\":\"1\",\"cert\":{\"type\":\"Buffer\",\"data\":[\(numbers)]}}"
    #expect(try fileEntries("a.json", buffer).map(\.deviceID) == ["1"])
    let key = [0x30, 0x2E] + [UInt8](repeating: 0x02, count: 2) + [0x30] + [UInt8](repeating: 0x55, count: 43)
    let keys = try fileEntries("a.json", "{\"id\":\"1\",\"key\":[\(key.map { "\($0)" }.joined(separator: ","))]}")
    #expect(keys.compactMap(CertRegClientTests.pem).isEmpty)
  }

  @Test(arguments: ["|", ";", "~", "^", "#"]) func `reads a block with another sign in place of line ends`(sign: String)
    throws
  {
    let block = PEM.certificate(der: Self.long)
    let line = block.replacing("\n", with: sign)
    #expect(try fileEntries("a.pem", line + "\n").map(pem) == [block])
    // Any other sign stays the daemon's to judge.
    let damaged = block.replacing("VVVV\n", with: "VV!VV\n")
    #expect(damaged != block)
    #expect(try fileEntries("a.pem", damaged).compactMap(pem).allSatisfy { $0 != block })
  }

  @Test func `reads quoted-printable text`() throws {
    let block = PEM.certificate(der: Sample.certificate(1) + [])
    let padded = PEM.certificate(der: [0x30, 0x0B, 0x30, 0x09] + Sample.certificate(1).dropFirst(4) + [0x05])
    #expect(padded.contains("="))
    for text in [block, padded] {
      let mail = "Content-Transfer-Encoding: quoted-printable\n\n" + text.replacing("=", with: "=3D")
      #expect(try fileEntries("a.eml", mail).compactMap(der) == [text])
    }
    let lines = Sample.wrapped(Self.long, width: 75).split(separator: "\n").map { $0.replacing("=", with: "=3D") }
    let soft = "Content-Transfer-Encoding: quoted-printable\n\n" + lines.joined(separator: "=\n") + "\n"
    #expect(try fileEntries("a.eml", soft).compactMap(pem) == [PEM.certificate(der: Self.long)])
  }

  private func der(_ entry: InputEntry) -> String? {
    if case .certificate(let certificate) = entry.content {
      certificate.der.map { PEM.certificate(der: $0) }
    } else {
      nil
    }
  }

  @Test func `names what breaks off among others`() throws {
    let cut = Base64.encode([0x30, 0x82, 0x01, 0x00, 0x30, 0x82, 0x00, 0xB0] + [UInt8](repeating: 0x55, count: 90))
    let text = Sample.certificatePEM(1) + "cert: \(cut)\ncert: \(Base64.encode(Self.long))\n"
    let found = try fileEntries("a.txt", text)
    #expect(found.compactMap(pem).sorted() == [Sample.certificatePEM(1), PEM.certificate(der: Self.long)].sorted())
    #expect(found.compactMap(fault).count == 1 && found.first { fault($0) != nil }?.place.hasSuffix(":4") == true)
  }

  @Test func `signatures and public keys beside certificates are no keys`() throws {
    let signature =
      [0x30, 0x44, 0x02, 0x20] + [UInt8](repeating: 0x55, count: 32) + [0x02, 0x20]
      + [UInt8](repeating: 0x55, count: 32)
    let digits = signature.map { String($0, radix: 16) }
    let dump = stride(from: 0, to: 70, by: 18).map {
      "    " + digits[$0..<min($0 + 18, 70)].joined(separator: ":") + ":\n"
    }
    let text = "Signature:\n" + dump.joined() + "sig=\(Base64.encode(signature))\n" + Sample.certificatePEM(1)
    let found = try fileEntries("a.txt", text)
    #expect(found.map(pem) == [Sample.certificatePEM(1)])
  }
}
