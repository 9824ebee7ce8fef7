import CertRegCodec
import CertRegCore
import CertRegProtocol
import CertRegTesting
import Testing

/// RFC 8259, through the daemon's only parser of lines. `V` marks the place of a value of any kind. It becomes the
/// value of an unknown member: a valid value gives `unknown_member`, an invalid one gives a reason of the grammar.
@Suite struct GrammarTests {
  private func reason(ofValue value: String) -> String? {
    ParsedLine("{\"zzz\":\(value)}").reason
  }

  @Test(arguments: [
    "0", "-0", "7", "10", "-1", "1.5", "-0.0", "1e5", "1E5", "1e+5", "1e-5", "0e0", "0.00e-00",
    "123456789012345678901234567890",
    "true", "false", "null", "\"\"", "\"a\"", "\"\u{7f}\"", "\"ü\"", "\"\u{2028}\"", "\"\u{ffff}\"", "\"\u{10ffff}\"",
    #""\"\\\/\b\f\n\r\t""#, #""\u0000""#, #""\u00fC""#, #""\ud83d\udd10""#, #""\uD83D\uDD10""#,
    "[]", "{}", "[ ]", "{ }", "[1,2]", "[ 1 , 2 ]", "[[],{}]", "{\"a\":1}", "{ \"a\" : [ { } ] }", "{\"\":\"\"}",
    "[true,false,null]", "\t1\t", "\r1 ",
  ])
  func `accepts a value within the grammar`(_ value: String) {
    #expect(reason(ofValue: value) == "unknown_member")
  }

  @Test(arguments: [
    "", "01", "-", "-a", "+1", ".5", "1.", "1.e1", "1e", "1e+", "1e1.5", "0x10", "1_000", "NaN", "Infinity",
    "-Infinity", "00",
    "-01", "1a", "True", "TRUE", "tru", "truee", "nul", "nulll", "fals", "undefined", "'a'", "a", "\"a", "\"a\\\"",
    "\"\\x41\"", "\"\\u\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\U0041\"", "\"\\'\"", "\"\\0\"", "\"\\\n\"",
    "\"\u{0}\"", "\"\u{1f}\"", "\"\t\"", "\"\n\"", "[", "]", "[1", "[1,", "[1,]", "[,]", "[,1]", "[1 2]", "[1;2]",
    "[1}", "{\"a\":1]",
    "{", "{\"a\"", "{\"a\":", "{\"a\":}", "{\"a\":1", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "{1:1}", "{'a':1}", "{,}",
    "{\"a\":1,,\"b\":1}", "{\"a\":1 \"b\":1}", "{null:1}", "1 1", "/* c */1", "1//c", "#1", "\u{a0}1", "\u{feff}1",
    "\u{2003}1", "1\u{0b}",
    "1\u{0c}", "\u{0}", "1\u{0}", "\\u0031",
  ])
  func `refuses a value outside of the grammar`(_ value: String) {
    #expect(reason(ofValue: value) == "invalid_json" || reason(ofValue: value) == "trailing_data")
  }

  /// Bytes inside a string, and whether they are UTF-8 by RFC 3629 section 4.
  @Test(
    arguments: [
      ([0xc2, 0x80], true), ([0xdf, 0xbf], true), ([0xe0, 0xa0, 0x80], true), ([0xec, 0xbf, 0xbf], true),
      ([0xed, 0x9f, 0xbf], true), ([0xee, 0x80, 0x80], true), ([0xef, 0xbf, 0xbf], true),
      ([0xf0, 0x90, 0x80, 0x80], true),
      ([0xf4, 0x8f, 0xbf, 0xbf], true), ([0xef, 0xbb, 0xbf], true),
      ([0x80], false), ([0xbf], false), ([0xc0, 0x80], false), ([0xc1, 0xbf], false), ([0xc2], false),
      ([0xc2, 0x41], false),
      ([0xc2, 0xc2, 0x80], false), ([0xe0, 0x80, 0x80], false), ([0xe0, 0x9f, 0xbf], false), ([0xe2, 0x82], false),
      ([0xe2, 0x82, 0x41], false), ([0xed, 0xa0, 0x80], false), ([0xed, 0xbf, 0xbf], false),
      ([0xf0, 0x80, 0x80, 0x80], false), ([0xf0, 0x8f, 0xbf, 0xbf], false), ([0xf0, 0x9f, 0x94], false),
      ([0xf4, 0x90, 0x80, 0x80], false), ([0xf5, 0x80, 0x80, 0x80], false), ([0xfe], false), ([0xff], false),
      ([0xf8, 0x88, 0x80, 0x80, 0x80], false), ([0xed, 0xa0, 0xbd, 0xed, 0xb4, 0x90], false),
    ] as [([UInt8], Bool)])
  func `checks UTF-8 by the table of RFC 3629`(_ bytes: [UInt8], isValid: Bool) {
    // At every distance from the start of a word and from the end of the string.
    for padding in 0..<9 {
      for tail in [0, 1, 9] {
        let before = [UInt8](repeating: 0x61, count: padding)
        let after = [UInt8](repeating: 0x62, count: tail)
        let line = Array("{\"certificatePem\":\"".utf8) + before + bytes + after + Array("\"}".utf8)
        let parsed = ParsedLine(line)
        #expect(parsed.reason == (isValid ? nil : "invalid_utf8"))
        if isValid { #expect(parsed.request?.certificatePem?.isASCII == false) }
      }
    }
  }

  @Test func `refuses bytes that are not UTF-8 outside of strings, too`() {
    for byte in UInt8(0x80)...0xff {
      #expect(ParsedLine([byte] + Array("{}".utf8)).reason == "not_an_object")
      #expect(ParsedLine(Array("{".utf8) + [byte] + Array("}".utf8)).reason == "invalid_json")
    }
  }

  @Test func `refuses every control character in a string at every distance from a word's start`() {
    for control in UInt8(0)..<0x20 {
      for padding in 0..<17 {
        let line =
          Array("{\"certificatePem\":\"".utf8) + [UInt8](repeating: 0x61, count: padding) + [control]
          + Array("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"}".utf8)
        let error = ParsedLine(line).error
        #expect(error?.reason == "invalid_json")
        #expect(error?.message.contains("byte offset \(19 + padding)") == true)
      }
    }
  }

  @Test(arguments: [
    ("", "not_an_object"), ("   \t\r", "not_an_object"), ("hello", "not_an_object"), ("[]", "not_an_object"),
    ("\"hello\"", "not_an_object"), ("7", "not_an_object"), ("null", "not_an_object"), ("true", "not_an_object"),
    ("{'id':'a'}", "invalid_json"), ("{", "invalid_json"), ("}", "not_an_object"),
    ("{\"id\":\"a\",/* c */\"op\":\"status\"}", "invalid_json"),
    ("\u{feff}{\"op\":\"status\"}", "byte_order_mark"), ("  \u{feff}{\"op\":\"status\"}", "byte_order_mark"),
    ("{\"op\":\"status\"}{\"op\":\"status\"}", "trailing_data"), ("{\"op\":\"status\"},", "trailing_data"),
    ("{\"op\":\"status\"}x", "trailing_data"), ("{\"op\":\"status\"}\u{0}", "trailing_data"),
    ("{\"id\":\"a\",\"certificatePem\":\"x\"", "invalid_json"),
    ("{\"id\":\"a\",\"certificatePem\":\"x\",}", "invalid_json"),
    ("{\"id\":\"a\"certificatePem\":\"x\"}", "invalid_json"),
    ("{\"id\":\"a\",\"certificatePem\":\"-----BEGIN CERTIFICATE-----", "invalid_json"),
  ])
  func `accepts exactly one object`(_ line: String, reason: String) {
    let parsed = ParsedLine(line)
    #expect(parsed.error?.kind == .invalidRequest)
    #expect(parsed.reason == reason)
    #expect(parsed.id == nil)
  }

  @Test func `refuses a string that has no end, whatever its length`() {
    for count in 0..<200 {
      let parsed = ParsedLine("{\"certificatePem\":\"" + String(repeating: "a", count: count))
      #expect(parsed.reason == "invalid_json")
      #expect(parsed.error?.message.contains("found the end of the line at byte offset \(19 + count)") == true)
    }
  }

  @Test func `refuses UTF-16`() {
    let text = "{\"op\":\"status\"}".utf16.flatMap {
      [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)]
    }
    #expect(ParsedLine(text).reason == "invalid_json")
    #expect(ParsedLine([0xff, 0xfe] + text).reason == "not_an_object")
    #expect(ParsedLine(Array(text.dropFirst())).reason == "not_an_object")
  }

  @Test(arguments: ["{\"op\":\"status\"}\r", " {\"op\":\"status\"} ", "\t\r\n {\r\n\t \"op\" \t:\r \"status\"\n}\r\r"])
  func `takes white space around every token`(_ line: String) {
    #expect(ParsedLine(line).request?.operation == .status)
  }

  @Test func `bounds how deep values are nested`() {
    func line(_ levels: Int, _ open: String, _ close: String, inner: String) -> ParsedLine {
      let opened = String(repeating: open, count: levels)
      return ParsedLine("{\"id\":1,\"zzz\":\(opened)\(inner)\(String(repeating: close, count: levels))}")
    }
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[ {\"a\" : ", "} ]")] {
      let levelsEach = open.hasPrefix("[ {") ? 2 : 1
      let most = 31 / levelsEach
      #expect(line(most, open, close, inner: "1").reason == "unknown_member")
      #expect(line(most, open, close, inner: "1").id == "1")
      #expect(line(most + 1, open, close, inner: "1").reason == "nesting_too_deep")
      #expect(line(most + 1, open, close, inner: "1").id == nil)
    }
    #expect(ParsedLine("{\"target\":" + String(repeating: "[", count: 32)).reason == "nesting_too_deep")
    #expect(ParsedLine("{\"id\":" + String(repeating: "[", count: 32)).reason == "nesting_too_deep")
  }

  @Test func `is not troubled by a hundred thousand brackets`() {
    let open = String(repeating: "[", count: 100_000)
    let close = String(repeating: "]", count: 100_000)
    #expect(ParsedLine(open).reason == "not_an_object")
    #expect(ParsedLine("{\"id\":\"a\",\"zzz\":\(open)\(close)}").reason == "nesting_too_deep")
    let flat = "{\"id\":\"a\",\"zzz\":[" + String(repeating: "[],", count: 100_000) + "[]]}"
    #expect(ParsedLine(flat).reason == "unknown_member")
  }

  @Test(arguments: [
    (#"\ud800"#, true), (#"\udc00"#, true), (#"\udfff"#, true), (#"\ud800x"#, true), (#"\ud800\n"#, true),
    (#"\ud800\u0041"#, true), (#"\ud800\ud800\udc00"#, true), (#"\udc00\ud800"#, true), (#"\ud83d\udd10\udd10"#, true),
    (#"\ud800\udc00"#, false), (#"\udbff\udfff"#, false), (#"\ud7ff\ue000"#, false),
  ])
  func `refuses half a surrogate pair anywhere`(_ text: String, isLone: Bool) {
    let parsed = ParsedLine("{\"id\":\"a\",\"certificatePem\":\"\(text)\"}")
    #expect(parsed.reason == (isLone ? "lone_surrogate" : nil))
    #expect(parsed.id == "\"a\"")
    let inID = ParsedLine("{\"certificatePem\":\"x\",\"id\":\"\(text)\"}")
    #expect(inID.reason == (isLone ? "lone_surrogate" : nil))
    #expect(inID.id == (isLone ? nil : "\"\(text)\""))
    let inBoth = ParsedLine("{\"certificatePem\":\"\\ud800\",\"id\":\"\(text)\"}")
    #expect(inBoth.reason == "lone_surrogate")
    #expect(inBoth.id == inID.id)
    let inName = ParsedLine("{\"id\":1,\"\(text)\":1}")
    #expect(inName.reason == "unknown_member")
    #expect(inName.id == "1")
  }
}
