import CertRegCodec
import CertRegCore
import Testing

@testable import CertRegClient

/// Texts that look like something else than they are, or have something else beside certificates.
@Suite struct ForeignTextTests {
  private static let block = PEM.certificate(der: Sample.wholeCertificate())

  @Test(arguments: [
    "{\"level\":\"info\",\"msg\":\"start\"}\n", "{% raw %}\n", "{{- if .Values.tls }}\n", "{# a device's #}\n",
    "{\"a\":1}\n\nit follows:\n", "[1, 2]\n", "{\"a\":\"b\",\n \"c\":[{}]}\n",
  ])
  func `reads a block behind what looks like JSON`(head: String) throws {
    for tail in ["", "{\"level\":\"info\",\"msg\":\"end\"}\n", "{% endraw %}\n"] {
      let entries = try fileEntries("a.txt", head + Self.block + tail)
      #expect(entries.map(pem) == [Self.block], "\(head)\(tail): \(entries.map(\.content))")
    }
  }

  @Test func `certificates in JSON in front of a block keep their names`() throws {
    let line = "{\"deviceId\":\"d7\",\"cert\":\"\(Base64.encode(Sample.wholeCertificate(7)))\"}\n"
    let entries = try fileEntries("a.txt", line + Self.block)
    #expect(entries.first?.deviceID == "d7" && entries.contains { fault($0) != nil })
    // Line ends within a string are no lines of their own.
    let pasted = "{\"deviceId\":\"d1\",\"cert\":\"\n\(Self.block)\"}\n"
    #expect(try fileEntries("a.json", pasted).map(\.deviceID) == ["d1"])
  }

  @Test func `reads the digits of bytes as PostgreSQL writes them`() throws {
    let certificates = (1...3).map { Sample.wholeCertificate($0) }
    let digits = certificates.map { "\\x" + $0.map { hexadecimal(UInt32($0), digits: 2) }.joined() }
    let blocks = certificates.map { PEM.certificate(der: $0) }
    #expect(try fileEntries("a.txt", digits.joined(separator: "\n") + "\n").map(pem) == blocks)
    #expect(try fileEntries("a.txt", "\(digits[0])\n\n" + blocks[1]).map(pem) == [blocks[0], blocks[1]])
    #expect(try fileEntries("a.txt", "cert = \(digits[0])\nkey = none\n").map(pem) == [blocks[0]])
  }

  @Test func `names a file in uuencode beside a block`() throws {
    let text = "Hello,\n\nbegin 644 d1.pem\nM+2TM+2U\"14=)3B!#15)4249)0T%412TM\n`\nend\n"
    let entries = try fileEntries("a.eml", text + Self.block)
    #expect(entries.compactMap(otherContent) == [.uuencoded] && entries.compactMap(pem) == [Self.block])
    let alone = try fileEntries("a.txt", text)
    #expect(alone.map { fault($0) } == ["a file in uuencode, not a certificate"])
  }
}
