import CertRegCore
import CertRegHost
import Testing

@Suite struct LogTextTests {
  @Test(arguments: [
    ("plain text, 100%", "plain text, 100%"),
    ("Grüße 你好 🙂", "Grüße 你好 🙂"),
    ("a\nb\r\tc", "a\\nb\\r\\tc"),
    ("C:\\x", "C:\\\\x"),
    ("\u{1B}[31mred\u{7}", "\\u{1B}[31mred\\u{7}"),
    ("\u{0}\u{7F}\u{9B}", "\\u{0}\\u{7F}\\u{9B}"),
    ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
    ("\u{202E}gpj.exe", "\\u{202E}gpj.exe"),
    ("zero\u{200B}width\u{FEFF}", "zero\\u{200B}width\\u{FEFF}"),
    ("\u{E000}\u{E0041}", "\\u{E000}\\u{E0041}"),
    ("", ""),
  ])
  func `text that could deceive a reader is escaped`(text: String, expected: String) {
    #expect(LogText.escaped(text) == expected)
  }

  @Test(arguments: [
    ("abcdef", 6, "abcdef"), ("abcdefg", 6, "abc…"), ("ääää", 8, "ääää"), ("äääää", 8, "ää…"), ("ab\n\n\n", 6, "ab…"),
    ("abc", 3, "abc"), ("abcd", 3, "…"),
  ])
  func `long text is cut between characters`(text: String, limit: Int, expected: String) {
    #expect(LogText.escaped(text, limitBytes: limit) == expected)
  }

  @Test(arguments: 0..<16)
  func `any text comes out bounded and harmless`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for _ in 0..<200 {
      var text = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0...80, using: &random) {
        let range: ClosedRange<UInt32> = Bool.random(using: &random) ? 0...0xFF : 0...0x10FFFF
        if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) { text.append(scalar) }
      }
      let limit = Int.random(in: 3...200, using: &random)
      let result = LogText.escaped(String(text), limitBytes: limit)
      #expect(result.utf8.count <= limit, "seed \(seed)")
      #expect(
        result.unicodeScalars.allSatisfy { scalar in
          ![.control, .format, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
        }, "seed \(seed)")
    }
  }
}
