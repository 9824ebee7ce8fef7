import CertRegCodec
import CertRegTesting
import Testing

@testable import CertRegClient

/// Certificates and keys as terminals, logs, pages and dumps have them.
@Suite struct RecordedSourceTests {
  /// Names, and as many bytes more as real ones have.
  private static func certificate(_ number: UInt8) -> [UInt8] {
    let names: [[UInt8]] = [0, number].map { [0x30, 0x03, 0x13, 0x01, $0] }
    let key = [0x30, 0x82, 0x01, 0x00] + [UInt8](repeating: 0x55, count: 256)
    let body = [0x02, 0x01, number, 0x30, 0x02, 0x05, 0x00] + names[0] + [0x30, 0x00] + names[1] + key
    return [0x30, 0x82, 0x01, UInt8(body.count + 4 - 256), 0x30, 0x82, 0x01, UInt8(body.count - 256)] + body
  }

  private static func pem(_ number: UInt8) -> String { PEM.certificate(der: certificate(number)) }

  private static let keyDER: [UInt8] = {
    let algorithm: [UInt8] = [0x30, 0x0B, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]
    let body = [0x02, 0x01, 0x00] + algorithm + [0x04, 0x81, 0xB0] + [UInt8](repeating: 0x55, count: 176)
    return [0x30, 0x81, UInt8(body.count)] + body
  }()
  private static let key =
    "-----BEGIN PRIVATE KEY-----\n\(Sample.wrapped(keyDER))-----END PRIVATE KEY-----\n"

  private static func lines(_ text: String) -> [String] {
    text.split(separator: "\n").map(String.init)
  }

  private static func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

  /// Reads a certificate, a key and a certificate, written by `write`, and compares what comes of them.
  private static func expectUnits(_ name: String, _ write: (String) -> String) throws {
    let found = try fileEntries(name, write(pem(1) + key + pem(2)))
    #expect(found.compactMap(CertRegClientTests.pem) == [pem(1), pem(2)], "\(name): \(write(pem(1)).prefix(400))")
    #expect(found.compactMap(otherContent).filter { $0 != .text } == [.privateKey])
    #expect(found.compactMap(fault) == [])
  }

  @Test(arguments: ["-----BEGIN", "-----END", "MI", "nothing"])
  func `reads what grep prints around the lines that match`(match: String) throws {
    let labels: [@Sendable (Int, String) -> String] = [
      { "\($0)\($1)" }, { "certs/d-1.pem\($1)\($0)\($1)" }, { _, sign in "d1.pem\(sign)" },
    ]
    for label in labels {
      try Self.expectUnits("a.txt") { text in
        Self.lines(text).enumerated().map { label($0 + 1, $1.hasPrefix(match) ? ":" : "-") + $1 + "\n" }.joined()
      }
    }
  }

  @Test func `reads base64 in front of a block on its line`() throws {
    let block = Self.pem(2).replacing("\n", with: "\\n")
    for line in [
      "x \(Base64.encode(Self.certificate(1))) y \(block)",
      "[{\"v\":\"\(Base64.encode(Self.certificate(1)))\"},{\"v\":\"\(block)\"}]);",
      "<td>\(Self.certificate(1).map(Self.hexadecimal).joined())</td><td>\(Self.pem(2).replacing("\n", with: "&#10;"))</td>",
    ] {
      let found = try fileEntries("a.txt", "rows(" + line + "\n")
      #expect(found.compactMap(CertRegClientTests.pem) == [Self.pem(1), Self.pem(2)], "\(line)")
    }
  }

  @Test func `reads base64 behind a quoted block on its line`() throws {
    let block = Self.pem(1).replacing("\n", with: "\\n")
    let rows = "rows([{\"v\":\"\(block)\"},{\"n\":\"d2\",\"v\":\"\(Base64.encode(Self.certificate(2)))\"}]);\n"
    #expect(try fileEntries("a.txt", rows).compactMap(CertRegClientTests.pem) == [Self.pem(1), Self.pem(2)])
  }

  // MARK: What nobody sees

  private static let dressings: [@Sendable (String) -> String] = [
    { "\u{1b}[0;32mI (300) AT: \($0)\u{1b}[0m\r\n" }, { "\($0)\u{1b}[0m\n" }, { "\($0)\u{1b}[K\n" },
    { "\u{1b}[0m[00:00:00.000,000] \u{1b}[0m<inf> prov: \($0)\u{1b}[0m\n" },
    { "\u{1b}[38;5;246m   1\u{1b}[0m \u{1b}[38;5;231m\($0)\u{1b}[0m\n" },
    { "\u{1b}]8;;https://example.com/a\u{1b}\\\($0)\u{1b}]8;;\u{7}\u{1b}(B\n" },
    { "\($0.prefix(20))\u{1b}[1m\($0.dropFirst(20))\u{1b}[m\n" },
    { "\($0)\u{200b}\n" }, { "\u{a0}\($0.replacing(" ", with: "\u{a0}"))\u{2060}\n" }, { "\($0)\u{2028}" },
  ]

  @Test(arguments: dressings.indices) func `takes no notice of what nobody sees in the lines of a block`(index: Int)
    throws
  {
    try Self.expectUnits("a.log") { Self.lines($0).map(Self.dressings[index]).joined() }
  }

  @Test func `reads text in UTF-32, with a byte-order mark or without`() throws {
    let folder = try TemporaryFolder()
    let scalars = (Self.pem(1) + Self.key).unicodeScalars.map { UInt8($0.value) }
    let littleEndian: [UInt8] = scalars.flatMap { byte -> [UInt8] in [byte, 0, 0, 0] }
    let bigEndian: [UInt8] = scalars.flatMap { byte -> [UInt8] in [0, 0, 0, byte] }
    let files: [[UInt8]] = [[0xFF, 0xFE, 0, 0] + littleEndian, [0, 0, 0xFE, 0xFF] + bigEndian, littleEndian]
    for (index, file) in files.enumerated() {
      let found = try allEntries(folder.write("\(index).pem", file))
      #expect(found.compactMap(CertRegClientTests.pem) == [Self.pem(1)], "\(index)")
      #expect(found.compactMap(otherContent) == [.privateKey])
    }
  }

  @Test func `reads base64 with the marks at the end of files and strings`() throws {
    let folder = try TemporaryFolder()
    let base64 = [UInt8(1), 2].map { Array(Base64.encode(Self.certificate($0)).utf8) }
    let files: [[UInt8]] = [
      base64[0] + [0x0D, 0x0A] + base64[1] + [0x0D, 0x0A, 0x1A], base64[0] + [0x1A, 0x0A] + base64[1] + [0x1A],
      base64[0] + [0] + base64[1] + [0],
    ]
    for (index, file) in files.enumerated() {
      let found = try allEntries(folder.write("\(index).txt", file))
      #expect(found.map(CertRegClientTests.pem) == [Self.pem(1), Self.pem(2)], "\(index)")
    }
    // A zero anywhere else does not count.
    let zeros = Self.pem(1).replacing("CERT", with: "CE\0RT")
    #expect(try fileEntries("a.pem", zeros).map(CertRegClientTests.pem) == [Self.pem(1)])
  }

  // MARK: Pages

  private static let pages: [@Sendable ([String]) -> String] = [
    { $0.map { "<p>\($0)</p>\n" }.joined() },
    { $0.map { "<div id=\"LC1\" class=\"file--line\"><span>\($0)</span></div>" }.joined() },
    { $0.map { "<text:p>\($0)</text:p>" }.joined() }, { $0.map { "<w:p><w:r><w:t>\($0)</w:t></w:r></w:p>" }.joined() },
    { $0.map { "<tr><td data-line=\"1\"></td><td class=\"code\">\($0)</td></tr>\n" }.joined() },
    { lines in lines.indices.map { "<tr><td>\($0)</td><td>\(lines[$0])</td></tr>\n" }.joined() },
    { lines in
      lines.map { "<p class=MsoNormal><span\nstyle='font-family:\"Courier New\"'>\($0)<o:p></o:p></span></p>\n\n" }
        .joined()
    },
    { lines in lines.map { $0.replacing(" ", with: "&nbsp;") + "\n" }.joined() },
    { "<pre>" + $0.map { $0.replacing(" ", with: "&nbsp;") + "&#8203;\n" }.joined() + "</pre>" },
    { $0.map { "<div>\($0.replacing("+", with: "&plus;").replacing("=", with: "&equals;"))</div>" }.joined() },
    { "<input\n value=\"" + $0.joined(separator: "&#10;") + "\">\n" },
    { "<device\n  pem=\"" + $0.joined(separator: "\n") + "\"/>\n" },
  ]

  @Test(arguments: pages.indices) func `reads a page with an element for each line of a block`(index: Int) throws {
    try Self.expectUnits("a.html") { "<html>\(Self.pages[index](Self.lines($0)))</html>\n" }
  }

  @Test func `reads both parts of a mail that has a certificate as text and as a page`() throws {
    let page = Self.lines(Self.pem(1)).map { "<div>\($0.replacing("=", with: "=3D"))</div>" }.joined(separator: "=\n")
    let mail = """
      From: a@example.com
      MIME-Version: 1.0
      Content-Type: multipart/alternative; boundary="x"

      --x
      Content-Type: text/plain

      \(Self.pem(1))
      --x
      Content-Type: text/html
      Content-Transfer-Encoding: quoted-printable

      <html><body>\(page)</body></html>
      --x--

      """
    #expect(try fileEntries("a.eml", mail).map(CertRegClientTests.pem) == [Self.pem(1), Self.pem(1)])
  }

  // MARK: Dumps

  private static func rows(_ text: String, _ count: Int) -> [(offset: String, bytes: [UInt8], characters: String)] {
    let bytes = Array(text.utf8)
    return stride(from: 0, to: bytes.count, by: count).map { start in
      let row = Array(bytes[start..<min(start + count, bytes.count)])
      let offset = String(start, radix: 16)
      return (
        String(repeating: "0", count: 8 - offset.count) + offset, row,
        String(decoding: row.map { $0 < 0x20 ? UInt8(ascii: ".") : $0 }, as: UTF8.self)
      )
    }
  }

  private static let dumps: [@Sendable (String) -> String] = [
    { $0.utf8.map(hexadecimal).joined() + "\n" }, { $0.utf8.map { hexadecimal($0).uppercased() }.joined() + "\n" },
    { text in rows(text, 30).map { $0.bytes.map(hexadecimal).joined() + "\n" }.joined() },
    { text in
      rows(text, 16).map { row in
        let pairs = row.bytes.enumerated().map { ($0 % 2 == 0 ? " " : "") + hexadecimal($1) }.joined()
        return "\(row.offset):\(pairs)  \(row.characters)\n"
      }.joined()
    },
    { text in
      rows(text, 16).map { row in
        let bytes = row.bytes.enumerated().map { ($0 == 8 ? "  " : " ") + hexadecimal($1) }.joined()
        return "\(row.offset) \(bytes)  |\(row.characters)|\n"
      }.joined() + "00000fff\n"
    },
    { text in
      let bytes = rows(text + "\0", 12).map { "  " + $0.bytes.map { "0x" + hexadecimal($0) }.joined(separator: ", ") }
      return "unsigned char pem[] = {\n\(bytes.joined(separator: ",\n"))\n};\nextern unsigned int pem_len;\n"
    },
    { text in
      rows(text, 16).map { "[\($0.offset)] RX: " + $0.bytes.map(hexadecimal).joined(separator: " ") + "\n" }.joined()
    },
  ]

  @Test(arguments: dumps.indices) func `reads the hexadecimal digits of a text with blocks`(index: Int) throws {
    try Self.expectUnits("a.txt", Self.dumps[index])
    let broken = Self.dumps[index](String(Self.pem(1).prefix(200)))
    #expect(try fileEntries("a.txt", broken).compactMap(fault).count == 1)
  }

  @Test func `reads cells and buffers of the bytes of a text`() throws {
    for pem in [Self.pem(1), Self.key] {
      let expected = pem == Self.key ? [] : [pem]
      let digits = pem.utf8.map(Self.hexadecimal).joined()
      for cell in [digits, "\\x\(digits)", "0x\(digits)", pem.utf8.map(Self.hexadecimal).joined(separator: " ")] {
        let found = try fileEntries("a.csv", "MAC,cert\n1,\(cell)\n")
        #expect(found.compactMap(CertRegClientTests.pem) == expected)
        #expect(found.contains { $0.content.isPrivateKey } == expected.isEmpty)
      }
      let buffer = pem.utf8.map(String.init).joined(separator: ", ")
      let found = try fileEntries("a.json", "[{\"id\":\"1\",\"cert\":{\"type\":\"Buffer\",\"data\":[\(buffer)]}}]")
      #expect(found.compactMap(CertRegClientTests.pem) == expected)
      #expect(expected.isEmpty || found.map(\.deviceID) == ["1"])
      #expect(!expected.isEmpty || found.map { $0.content.isPrivateKey } == [true])
    }
  }

  @Test func `sends no key that stands in hexadecimal digits of its text in a damaged block`() throws {
    let digits = Self.key.utf8.map(Self.hexadecimal).joined()
    let text = "-----BEGIN CERTIFICATE-----\n\(digits)\n-----END CERTIFICATE-----\n"
    #expect(try fileEntries("a.pem", text).map { $0.content.isPrivateKey } == [true])
  }

  // MARK: Logs

  @Test func `reads the bytes of a certificate that a log has in lines with a label`() throws {
    let lines = { (number: UInt8) in
      let bytes = Self.certificate(number)
      return stride(from: 0, to: bytes.count, by: 16).map { start in
        "[\(start)] RX: "
          + bytes[start..<min(start + 16, bytes.count)].map { Self.hexadecimal($0) }.joined(separator: " ") + "\n"
      }.joined()
    }
    let found = try fileEntries("a.log", "boot 12\n" + lines(1) + "[9] TX: 06\n" + lines(2))
    #expect(found.map(CertRegClientTests.pem) == [Self.pem(1), Self.pem(2)])
  }

  @Test(arguments: ["log", "MESSAGE", "msg"])
  func `reads blocks whose lines are members of the lines of a log`(member: String) throws {
    try Self.expectUnits("a.log") { text in
      (["start"] + Self.lines(text)).map { "{\"\(member)\":\"\($0)\\n\",\"stream\":\"stdout\"}\n" }.joined()
    }
    // A line with a whole block names its device.
    let block = Self.pem(1).replacing("\n", with: "\\n")
    let named = try fileEntries("a.log", "{\"\(member)\":\"\(block)\",\"deviceId\":\"d1\"}\n")
    #expect(named.map(\.deviceID) == ["d1"])
  }

  @Test func `takes the commands to a modem for no table`() throws {
    let block = Self.pem(1).dropLast()
    for log in [
      "AT+USECMNG=0,1,\"cert\",\"\(block)\"\nOK\n", "AT+SETCERT=0,\"client\",\"\(block)\"\r\nOK\r\n",
      "+CMNG: 16842753,1,\"00\",\"\(block)\"\nOK\n", "AT\nOK\nAT%CMNG=0,16842753,1,\"\(block)\"\nOK\n",
    ] {
      let found = try fileEntries("a.log", log + "+URC: 1,2\n" + Self.pem(2) + "OK\n")
      #expect(found.compactMap(CertRegClientTests.pem) == [Self.pem(1), Self.pem(2)], "\(log)")
      #expect(found.map(\.deviceID).allSatisfy { $0 == nil })
      #expect(found.compactMap(fault) == [])
    }
    // Names of devices can look like nearly anything else.
    let table = "AT-1,\"\(block)\"\nAT-2,\"\(Self.pem(2).dropLast())\"\n"
    #expect(try fileEntries("a.txt", table).map(\.deviceID) == ["AT-1", "AT-2"])
  }

  // MARK: Blocks

  @Test(arguments: ["PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY", "CERTIFICATE REQUEST", "X509 CRL"])
  func `fails a certificate with the END line of another block, and sends nothing of it`(label: String) throws {
    let damaged = Self.pem(1).replacing("END CERTIFICATE", with: "END \(label)")
    let found = try fileEntries("a.pem", damaged + Self.pem(2))
    #expect(found.compactMap(fault).count == 1)
    #expect(found.compactMap(CertRegClientTests.pem) == [Self.pem(2)])
    #expect(found.compactMap(otherContent) == [])
    // The lines between a certificate and a key are lost.
    let boundaries = "-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n"
    let joined = try fileEntries("a.pem", (Self.pem(1) + Self.key).replacing(boundaries, with: "") + Self.pem(2))
    #expect(joined.compactMap(fault).count == 1)
    #expect(joined.compactMap(CertRegClientTests.pem) == [Self.pem(2)])
    #expect(joined.compactMap(otherContent) == [.privateKey])
  }

  @Test func `fails a certificate without its END line, before anything is sent`() throws {
    let found = try fileEntries("a.pem", Self.pem(1).replacing("-----END CERTIFICATE-----\n", with: "") + Self.pem(2))
    #expect(found.compactMap(fault) == ["the END line is missing: it has to read -----END CERTIFICATE-----"])
    #expect(found.compactMap(CertRegClientTests.pem) == [Self.pem(2)])
  }
}

extension InputEntry.Content {
  /// Whether this is a key, passed over or the only thing in the file.
  fileprivate var isPrivateKey: Bool {
    switch self {
    case .passedOver(let other): other == .privateKey
    case .failure(let error): error.otherContent == .privateKey
    case .certificate: false
    }
  }
}
