import CertRegCodec
import CertRegProtocol
import CertRegTesting
import Testing

@Suite struct JSONTextDecoderTests {
  /// Decodes the string in a line's `certificatePem` into memory of exactly the promised size.
  private func decoded(_ written: [UInt8]) -> [UInt8]? {
    let parsed = ParsedLine(Array("{\"certificatePem\":\"".utf8) + written + Array("\"}".utf8))
    guard let text = parsed.request?.certificatePem else { return nil }
    let target = GuardedMemory(count: text.range.count)
    let count = JSONTextDecoder.unescape(text, in: parsed.memory.readOnly, into: target.bytes)
    #expect(
      JSONTextDecoder.equals(
        text, in: parsed.memory.readOnly, UnsafeRawBufferPointer(rebasing: target.readOnly[..<count])))
    return Array(target.readOnly[..<count])
  }

  @Test(arguments: [
    ("", ""), ("a", "a"), ("-----BEGIN\\nAAAA\\n-----END\\n", "-----BEGIN\nAAAA\n-----END\n"),
    (#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
    (#"\u0000\u007f\u0080\u07ff\u0800\uffff"#, "\u{0}\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}"),
    (#"\ud800\udc00\uDBFF\uDFFF"#, "\u{10000}\u{10ffff}"),
    ("ü🔐\\n設備", "ü🔐\n設備"), (#"\\n"#, "\\n"), (#"\\\\\\"#, "\\\\\\"), (#"\\u0041"#, "\\u0041"),
  ])
  func `gives the text that was meant`(_ written: String, text: String) {
    #expect(decoded(Array(written.utf8)) == Array(text.utf8))
  }

  @Test func `agrees with a simple unescaping on random text`() throws {
    var random = RandomLine(generator: .announced("random strings"))
    var decodedCount = 0
    for _ in 0..<4000 {
      let written = Array(
        (0..<Int.random(in: 1...6, using: &random.generator)).map { _ in random.string().dropFirst().dropLast() }
          .joined().utf8)
      let line = Array("{\"a\":\"".utf8) + written + Array("\"}".utf8)
      let (members, _) = try #require(ReferenceReader.read(line))
      guard case .string(let units) = members[0].value, let expected = ReferenceRules.text(units) else { continue }
      #expect(decoded(written) == Array(expected.utf8))
      decodedCount += 1
    }
    #expect(decodedCount > 1000)
  }

  @Test func `decodes a line of 65,536 escaped characters`() {
    let written = Array(String(repeating: "\\u0041", count: 65_536).utf8)
    #expect(decoded(written) == [UInt8](repeating: 0x41, count: 65_536))
  }

  @Test func `compares text with and without escapes`() throws {
    for (written, other, same) in [
      ("default", "default", true), ("d\\u0065fault", "default", true), ("default", "defaulx", false),
      ("default", "defaul", false),
      ("d\\u0065fault", "defaulx", false), ("\\u0064", "default", false), ("", "", true), ("", "x", false),
      ("\\n", "", false),
    ] {
      let parsed = ParsedLine("{\"certificatePem\":\"\(written)\"}")
      let text = try #require(parsed.request?.certificatePem)
      let isSame = Array(other.utf8).withUnsafeBytes { JSONTextDecoder.equals(text, in: parsed.memory.readOnly, $0) }
      #expect(isSame == same, "\(written) \(other)")
    }
  }
}
