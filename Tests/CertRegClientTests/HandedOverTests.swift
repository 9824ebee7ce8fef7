import CertRegCodec
import CertRegCore
import Testing

@testable import CertRegClient

/// What tools, terminals, spreadsheets and mail programs make of certificates.
@Suite struct HandedOverTests {
  /// A certificate as far as certregctl reads one, of a length that tools wrap.
  private static func certificate(_ number: UInt8 = 1) -> [UInt8] {
    let names: [UInt8] = [0x30, 0x03, 0x13, 0x01, number, 0x30, 0x00, 0x30, 0x03, 0x13, 0x01, 0x02]
    let key = (0..<400).map { UInt8(truncatingIfNeeded: $0 * 7 + 11) }
    let body = [0x02, 0x01, number, 0x30, 0x02, 0x05, 0x00] + names + [0x30, 0x82, 0x01, 0x90] + key
    let inner = [0x30, 0x82, UInt8(body.count >> 8), UInt8(body.count & 255)] + body
    return [0x30, 0x82, UInt8(inner.count >> 8), UInt8(inner.count & 255)] + inner
  }

  private static func block(_ number: UInt8 = 1) -> String { PEM.certificate(der: certificate(number)) }

  /// The numbers of bytes, so many on a line.
  private static func numbers(_ bytes: [UInt8], perLine count: Int, separator: String = ", ", signed: Bool = false)
    -> String
  {
    let words = bytes.map { signed ? "\(Int8(bitPattern: $0))" : "\($0)" }
    return stride(from: 0, to: words.count, by: count).map { start in
      words[start..<min(start + count, words.count)].joined(separator: separator)
    }.joined(separator: separator + "\n")
  }

  @Test(arguments: [1, 7, 16, 1000], [false, true])
  func `reads the bytes of certificates as numbers on any number of lines`(perLine: Int, signed: Bool) throws {
    let text = Self.numbers(Self.certificate(), perLine: perLine, signed: signed)
    let sources = [
      "const int8_t c[] = {\n\(text)\n};\nint n = 3;\n", "[\n\(text)\n]\n", "c = bytes([\n\(text),\n])\n",
      Self.numbers(Self.certificate(), perLine: perLine, separator: " ", signed: signed),
    ]
    for source in sources {
      for name in ["a.txt", "a.json"] where name == "a.txt" || source.first == "[" {
        #expect(try fileEntries(name, source).map(pem) == [Self.block()], "\(source)")
      }
    }
  }

  @Test func `takes each of several arrays of numbers, and no key`() throws {
    let first = Self.numbers(Self.certificate(1), perLine: 12)
    let second = Self.numbers(Self.certificate(2), perLine: 500)
    let key = [0x30, 0x2E, 0x02, 0x01, 0x01, 0x04] + [UInt8](repeating: 0x41, count: 42)
    let text = "a[] = {\n\(first)\n};\nb[] = {\(second)};\nk[] = {\n\(Self.numbers(key, perLine: 8))\n};\n"
    let entries = try fileEntries("a.c", text)
    #expect(entries.compactMap(pem) == [Self.block(1), Self.block(2)])
    #expect(entries.compactMap(otherContent) == [.privateKey])
    let nested = Self.numbers(Self.certificate(1), perLine: 1000)
    #expect(try fileEntries("a.json", "[[\(nested)],[\(second)]]").map(pem) == [Self.block(1), Self.block(2)])
  }

  @Test func `numbers beside certificates cost none of them, and broken ones fail`() throws {
    let line = Base64.encode(Self.certificate(2))
    let text = "room 48\n48\n\(Self.block(1))48, 12\nx \(line) 48\n"
    #expect(try fileEntries("a.txt", text).map(pem) == [Self.block(1), Self.block(2)])
    // Numbers of pages and rows are no part of the encodings behind them.
    let array = Self.numbers(Self.certificate(2), perLine: 12)
    #expect(try fileEntries("a.txt", "48\n\(array)\n").map(pem) == [Self.block(2)])
    #expect(try fileEntries("a.txt", "48\n\n\(Self.block(1))\(array)\n").map(pem) == [Self.block(1), Self.block(2)])
    let rows = (46...50).map { "\($0) " + Self.numbers(Self.certificate(UInt8($0)), perLine: 1000, separator: " ") }
    #expect(
      try fileEntries("a.txt", rows.joined(separator: "\n")).map(pem) == (46...50).map { Self.block(UInt8($0)) })
    // Base64 of any text has no length that would end it.
    let token = Base64.encode(Array("{\"alg\":\"ES256\",\"typ\":\"JWT\"}".utf8))
    #expect(try fileEntries("a.txt", "x\n\(token)\n\(array)\n").compactMap(pem) == [Self.block(2)])
    let broken = Self.numbers(Array(Self.certificate(7).dropLast(40)), perLine: 10)
    let entries = try fileEntries("a.c", "c[] = {\n\(broken)\n};\n")
    #expect(entries.map(fault) == ["decimal numbers of a certificate that break off"])
  }

  @Test func `reads bytes behind the words of Java, assemblers and YAML, and with a gap in the middle of 16`() throws {
    let bytes = Self.certificate()
    let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    let rows = stride(from: 0, to: digits.count, by: 16).map { Array(digits[$0..<min($0 + 16, digits.count)]) }
    let dump = rows.enumerated().map { index, row in
      let offset = String(0x10000 + index * 16, radix: 16).dropFirst()
      let halves = [row.prefix(8), row.dropFirst(8)].map { $0.joined(separator: " ") }
      return "    \(offset)  \(halves[0])  \(halves[1])   0..x....\r\n"
    }
    let casts = rows.map { row in row.map { "(byte)0x\($0)" }.joined(separator: ", ") }.joined(separator: ",\n")
    let decimalCasts = bytes.map { "(byte) \($0)" }.joined(separator: ",\n")
    let directives = rows.map { row in "    .byte " + row.map { "0x\($0)" }.joined(separator: ", ") + "\n" }.joined()
    let list = bytes.map { "  - \($0)\n" }.joined()
    let sources = [
      "byte[] c = {\n\(casts)};\n", "byte[] c = {\n\(decimalCasts)};\n", directives, "cert:\n\(list)", dump.joined(),
    ]
    for source in sources { #expect(try fileEntries("a.txt", source).map(pem) == [Self.block()], "\(source)") }
  }

  @Test func `reads blocks whose lines have numbers, times and borders in front of them`() throws {
    let lines = Self.block().split(separator: "\n")
    let labels: [(Int) -> String] = [
      { "  \($0)\t" }, { "\($0):" }, { "Jan 05 12:00:\($0 + 10) host prov[812]: " }, { "I (\($0 * 13)) cert: " },
      { "Jan 05 12:00:\($0 / 2 + 10) host prov[812]: " }, { $0 == 0 ? " 0155 | " : "      | " },
    ]
    for label in labels {
      let text = lines.enumerated().map { label($0) + $1 + "\n" }.joined()
      #expect(try fileEntries("a.log", text).map(pem) == [Self.block()], "\(text)")
    }
    let psql = lines.enumerated().map { ($0 == 0 ? "cert | " : "     | ") + $1 + " +\n" }.joined()
    #expect(try fileEntries("a.log", psql).map(pem) == [Self.block()])
    // Another certificate is never made of lines that are too few.
    let cut = lines.enumerated().filter { $0.offset != 3 }.map { "  \($0)\t\($1)\n" }.joined()
    let entries = try fileEntries("a.log", cut)
    #expect(entries.count == 1 && entries.compactMap(pem) != [Self.block()])
  }

  @Test func `sends a block with empty lines as OpenSSL reads it`() throws {
    let text = Self.block().replacing("\n", with: "\n\n")
    #expect(try fileEntries("a.pem", text).map(pem) == [Self.block()])
  }

  @Test func `reads base64 of a text with other lines in front of the block`() throws {
    for head in ["Bag Attributes\n  friendlyName: dev\nsubject=CN = d\n", "\u{FEFF}"] {
      let text = Base64.encode(Array((head + Self.block()).utf8))
      #expect(try fileEntries("a.yaml", "data:\n  tls.crt: \(text)\n").map(pem) == [Self.block()], "\(head)")
    }
  }

  @Test func `an archive in base64 fails among certificates`() throws {
    let archive = Base64.encode([0x50, 0x4B, 3, 4] + [UInt8](repeating: 7, count: 60))
    let message = "an archive in base64, which is not read"
    #expect(try fileEntries("a.eml", "\(Self.block())\nContent: zip\n\n\(archive)\n").map(fault) == [nil, message])
    #expect(try fileEntries("a.yaml", "data:\n  a.zip: \(archive)\n").map(fault) == [message])
  }

  @Test func `a description of a certificate and an array are no tables`() throws {
    let text = "Certificate:\n    Data:\n        Version: 3 (0x2)\n    Signature Algorithm: ecdsa-with-SHA256\n"
    #expect(try fileEntries("a.txt", text).map(fault) == ["text, not a certificate"])
    let array = "/* device certificate, 3 bytes */\nx[] = {\n\(Self.numbers(Self.certificate(), perLine: 9))\n};\n"
    #expect(try fileEntries("a.c", array).map(pem) == [Self.block()])
  }

  @Test func `passes over what clients of databases count below a table`() throws {
    let cell = Base64.encode(Self.certificate())
    for count in ["(1 row)", "1 row in set (0.00 sec)", "(1 rows affected)"] {
      let entries = try fileEntries("a.txt", " device_id | cert\n-----+----\n d1 | \(cell)\n\(count)\n")
      #expect(entries.compactMap(fault).isEmpty && entries.compactMap(pem).count == 1, "\(count)")
      #expect(entries.compactMap(\.deviceID) == ["d1"])
    }
  }

  @Test func `takes no comment and no title for the headings of a table without`() throws {
    let cells = [1, 2].map { Base64.encode(Self.certificate($0)) }
    for title in ["# generated", "Exported by tool"] {
      let entries = try fileEntries("a.csv", "\(title)\nd1,\(cells[0])\nd2,\(cells[1])\n")
      #expect(entries.compactMap(\.deviceID) == ["d1", "d2"])
      #expect(entries.compactMap(otherContent) == [.text])
    }
  }

  @Test(arguments: ["Geräte-ID;Zertifikat", "Gera\u{308}tename;Zertifikat", "Numéro de série;Certificat", "序列号;证书"])
  func `knows headings of other languages`(headings: String) throws {
    let cell = Base64.encode(Self.certificate())
    let entries = try fileEntries("a.csv", "\(headings)\nd1;\(cell)\n")
    #expect(entries.map(\.deviceID) == ["d1"] && entries.map(pem) == [Self.block()])
  }

  @Test func `reads the line ends of spreadsheets in XML, and names without apostrophes around them`() throws {
    let cell = Self.block().replacing("\n", with: "_x000D_\n")
    let entries = try fileEntries("a.csv", "device_id,cert\n'd1',\"\(cell)\"\n")
    #expect(entries.map(\.deviceID) == ["d1"] && entries.map(pem) == [Self.block()])
  }

  @Test func `says that a column has the names of files`() throws {
    let entries = try fileEntries("a.csv", "device_id,cert\nd1,certs/d1.pem\nd2,none\n")
    #expect(
      entries.map(fault) == [
        "the certificate's column holds the name of a file", "the certificate's column holds something else",
      ])
  }

  @Test func `reads JSON texts in sequence`() throws {
    let texts = ["d1", "d2"].map { "\u{1E}{\"deviceId\":\"\($0)\",\"cert\":\"\(Sample.certificatePEM())\"}\n" }
    #expect(try fileEntries("a.json", texts.joined()).map(\.deviceID) == ["d1", "d2"])
  }

  @Test func `DER ends before what fills a file or the memory of a device`() throws {
    let folder = try TemporaryFolder()
    for fill in [[0x0D, 0x0A], [UInt8](repeating: 0xFF, count: 100), [UInt8](repeating: 0, count: 100)] {
      let path = try folder.write("a.bin", Self.certificate() + fill)
      #expect(try allEntries(path).map(pem) == [Self.block()], "\(fill)")
    }
    let key = try folder.write("k.bin", Self.certificate() + [UInt8](repeating: 0xFF, count: 100) + Sample.privateKey)
    #expect(try allEntries(key).compactMap(pem).isEmpty)
  }

  @Test(arguments: [
    ("<!-- saved -->\n<!DOCTYPE html><html>", OtherContent.html),
    ("HTTP/1.1 404 Not Found\r\n\r\n<html>no</html>", .html),
    ("$ANSIBLE_VAULT;1.1;AES256\n6162\n", .encrypted), ("<RSAKeyValue><D>AA==</D></RSAKeyValue>", .privateKey),
  ])
  func `names texts by what they are`(text: String, expected: OtherContent) throws {
    let entries = try fileEntries("a.pem", text)
    #expect(entries.map(fault) == [InputError(expected).message])
  }

  @Test(arguments: [
    (Array("age-encryption.org/v1\n".utf8) + [0, 1], OtherContent.encrypted),
    ([0x1E, 0xF1, 0xB5, 0xB0, 0, 0], .privateKey),
    ([0x5D, 0, 0, 0x80, 0], .otherArchive), ([0x85, 1, 0x0C, 3], .openPGPMessage),
  ])
  func `names binary data by what it is`(bytes: [UInt8], expected: OtherContent) {
    #expect(ContentKind.binary(bytes[...]) == expected)
  }
}
