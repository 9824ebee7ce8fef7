import CertRegCodec
import CertRegCore
import CertRegTesting
import Testing

@testable import CertRegClient

/// Certificates in dumps of memory and in files for programmers of memory.
@Suite struct DumpTests {
  private static let forms: [@Sendable ([UInt8]) -> String] = [
    { Dump.gdb($0) }, { Dump.gdb($0, isLittleEndian: false) },
    { bytes in
      "const uint32_t c[] = {\n"
        + Dump.lines(Dump.words(bytes, isLittleEndian: false)) { _, words in
          "  " + words.map { "0x\($0)," }.joined(separator: " ")
        } + "};\n"
    },
    { bytes in
      Dump.lines(Dump.words(bytes, isLittleEndian: true)) { number, words in
        "\(hexadecimal(UInt32(16 * number), digits: 8)): " + words.joined(separator: " ") + "    0..V0..."
      }
    },
    { bytes in
      Dump.lines(Dump.words(bytes, isLittleEndian: true)) { number, words in
        "000\(String(1000 + 2 * number, radix: 8)) " + words.joined(separator: " ")
      }
    },
    Dump.motorola, Dump.wireshark, Dump.registry,
    { Dump.parts(Dump.identity($0), of: 16).map { Dump.digits($0, separator: " ") + "\n" }.joined() },
  ]

  @Test(arguments: forms.indices) func `reads certificates of any length, and names keys`(form: Int) throws {
    for length in 1...8 {
      let certificates = [1, 2].map { Sample.wholeCertificate($0, name: String(repeating: "d", count: length)) }
      let text = certificates.map { "memory:\n" + Self.forms[form]($0) + "\n" }.joined()
      let entries = try fileEntries("a.txt", text)
      #expect(entries.compactMap(pem) == certificates.map { PEM.certificate(der: $0) }, "\(length): \(entries)")
      #expect(entries.compactMap(fault) == [])
    }
    let cut = Self.forms[form](Sample.wholeCertificate()).split(separator: "\n").dropLast(4).joined(separator: "\n")
    let entries = try fileEntries("a.txt", cut + "\nthe end\n")
    #expect(entries.count(where: \.isCertificateOrFailure) == 1 && entries.compactMap(pem) == [])
  }

  @Test func `takes no other words for those of an encoding`() throws {
    let text = "crc 0x30820156 0x00000000 0x12345678 0x9abcdef0\n" + Sample.certificatePEM(1)
    let entries = try fileEntries("a.txt", text)
    #expect(entries.compactMap(pem) == [Sample.certificatePEM(1)] && entries.count == 1)
  }

  @Test func `takes no line of base64 for a record`() throws {
    #expect(HexRecord.motorola(Array("S1BCDEFABCDEFABC".utf8)[...]) == nil)
    #expect(HexRecord.motorola(Array("S1".utf8)[...]) == nil)
    let record = Dump.motorola(Sample.wholeCertificate()).split(separator: "\n")[1]
    #expect(HexRecord.motorola(Array(record.utf8)[...])?.starts(with: "3082".utf8) == true)
    #expect(HexRecord.motorola(Array(record.replacing("3082", with: "3083").utf8)[...]) == nil)
  }

  @Test func `reads the identity of a chip in each form`() throws {
    let certificate = Sample.wholeCertificate()
    let identity = Dump.identity(certificate)
    let folder = try TemporaryFolder()
    let expected = [PEM.certificate(der: certificate)]
    #expect(try allEntries(folder.write("a.bin", identity)).compactMap(pem) == expected)
    #expect(try fileEntries("a.txt", Base64.encode(identity) + "\n").compactMap(pem) == expected)
    #expect(try fileEntries("a.csv", "id,cert\n7,\(Dump.digits(identity))\n").compactMap(pem) == expected)
    let two = Dump.identity(certificate + [0, 0, 0] + Sample.wholeCertificate(2))
    #expect(try allEntries(folder.write("b.bin", two)).compactMap(pem).count == 2)
    let cut = try allEntries(folder.write("c.bin", Array(identity.dropLast(9))))
    #expect(cut.count == 1 && cut.compactMap(pem) != expected)
  }

  @Test func `says that a value of the registry has no certificate`() throws {
    let text = Dump.registry(Sample.wholeCertificate()).replacing(",20,00,00,00,01", with: ",21,00,00,00,01")
    #expect(
      try fileEntries("a.reg", text).compactMap(fault)
        == ["a value of the registry that breaks off, or has no certificate"])
  }
}
