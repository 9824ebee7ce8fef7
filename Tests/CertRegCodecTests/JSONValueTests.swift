import CertRegCodec
import CertRegCore
import CertRegTesting
import Testing

@Suite struct JSONValueTests {
  @Test(arguments: [
    ("null", "null"), (" true ", "true"), ("[1, 2.50,-3e+7]", "[1,2.50,-3e+7]"),
    (#"{"b":1,"a":{"b":[]}}"#, #"{"b":1,"a":{"b":[]}}"#), (#""\u00e9\n\/""#, #""é\n/""#),
    (#""\ud83d\ude00""#, #""😀""#), (#"{"a":1,"a":2}"#, #"{"a":1,"a":2}"#), (" { } ", "{}"), ("[ ]", "[]"),
  ])
  func `reads JSON and writes it again with order and spelling kept`(text: String, expected: String) throws {
    #expect(try JSONValue(parsing: text).jsonText == expected)
  }

  @Test func `gives the value of each kind`() throws {
    let text =
      " {\"a\":[1,-2.5e+3,true,false,null],\"b\":{\"c\":\"x\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00é\"}} \n"
    let value = try JSONValue(parsing: Array(text.utf8))
    #expect(value["a"] == .array([.number("1"), .number("-2.5e+3"), .bool(true), .bool(false), .null]))
    #expect(value["b"]?["c"]?.string == "x\"\\/\u{8}\u{c}\n\r\té😀é")
    #expect(value["missing"] == nil && value["a"]?["x"] == nil)
  }

  @Test(arguments: [(#""\ud83d x""#, "\u{FFFD} x"), (#""\udc00""#, "\u{FFFD}"), (#""\ud800\u0041""#, "\u{FFFD}A")])
  func `reads half a surrogate pair as the replacement character`(text: String, expected: String) throws {
    #expect(try JSONValue(parsing: text).string == expected)
  }

  @Test func `takes the last of members with the same name`() throws {
    #expect(try JSONValue(parsing: #"{"a":1,"a":2}"#)["a"]?.integer == 2)
  }

  @Test(
    arguments: [
      ("7", 7, 7), ("-0", 0, 0), ("1e3", 1000, 1000), ("1.5", nil, 1.5),
      ("9223372036854775808", nil, 9_223_372_036_854_775_808),
      ("1e999999999999999999999", nil, .infinity), ("-1e400", nil, -.infinity), ("1e-999", 0, 0),
    ] as [(String, Int?, Double)])
  func `keeps a number that does not fit as a value`(text: String, integer: Int?, double: Double) throws {
    let value = try JSONValue(parsing: text)
    #expect(value.integer == integer)
    #expect(value.double == double)
    #expect(value.jsonText == text)
  }

  @Test(arguments: [
    "", " ", "{", "}", "[", "\"", "\"\\", "[1,]", "{\"a\":1,}", "{\"a\"}", "{\"a\":}", "{a:1}", "01", "1.", ".5", "+1",
    "--1", "-", "1e", "tru", "nulll", "truex", "'a'", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\u{1}\"",
    "\"\n\"",
    "{\"a\" 1}", "{1:2}", "[1 2]", "1 2", "[1]]", "\u{FEFF}1", "NaN", "\u{0}", "1\u{0}",
  ])
  func `refuses malformed JSON`(text: String) {
    #expect(throws: SyntaxFault.self) { try JSONValue(parsing: text) }
  }

  @Test func `finds what ends a run of plain text at each place`() throws {
    for place in 0..<200 {
      let plain = String(repeating: "a", count: place)
      #expect(try JSONValue(parsing: "\"\(plain)\"") == .string(plain))
      #expect(try JSONValue(parsing: "\"\(plain)\\n\(plain)\"") == .string("\(plain)\n\(plain)"))
      #expect(try JSONValue(parsing: "\"\(plain)é\(plain)\"") == .string("\(plain)é\(plain)"))
      #expect(throws: SyntaxFault(kind: .controlCharacter, offset: place + 1)) {
        try JSONValue(parsing: "\"\(plain)\u{1f}\(plain)\"")
      }
    }
  }

  @Test func `refuses bytes that are not UTF-8`() {
    #expect(throws: SyntaxFault(kind: .invalidUTF8, offset: 1)) { try JSONValue(parsing: [0x22, 0xff, 0x22]) }
  }

  @Test func `refuses deep nesting instead of exhausting the stack`() throws {
    for opening in ["[", "{\"a\":"] {
      let deep = String(repeating: opening, count: 100_000)
      let offset = JSONValue.maximumDepth * opening.utf8.count
      #expect(throws: SyntaxFault(kind: .tooDeep, offset: offset)) { try JSONValue(parsing: deep) }
    }
    let most = JSONValue.maximumDepth - 1
    _ = try JSONValue(parsing: String(repeating: "[", count: most) + "1" + String(repeating: "]", count: most))
  }

  @Test func `round trips random values, and survives any mutated byte`() throws {
    var generator = SplitMix64.announced("JSON values")
    for _ in 0..<500 {
      let value = randomValue(depth: 4, &generator)
      #expect(try JSONValue(parsing: value.jsonText) == value)
      var bytes = value.jsonBytes
      bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      // Any change gives a value or a typed error, and a value that was read can be written and read again.
      for text in [bytes[...], bytes.prefix(Int.random(in: 0..<bytes.count, using: &generator))] {
        if let changed = try? JSONValue(parsing: text) {
          #expect(try JSONValue(parsing: changed.jsonBytes) == changed)
        }
      }
    }
  }

  private func randomValue(depth: Int, _ generator: inout SplitMix64) -> JSONValue {
    switch Int.random(in: 0..<(depth > 0 ? 6 : 4), using: &generator) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &generator))
    case 2: return .integer(Int.random(in: -1_000_000...1_000_000, using: &generator))
    case 3: return .string(randomString(&generator))
    case 4:
      let count = Int.random(in: 0..<5, using: &generator)
      return .array((0..<count).map { _ in randomValue(depth: depth - 1, &generator) })
    default:
      let count = Int.random(in: 0..<5, using: &generator)
      return .object(
        (0..<count).map { _ in JSONValue.Member(randomString(&generator), randomValue(depth: depth - 1, &generator)) })
    }
  }

  private func randomString(_ generator: inout SplitMix64) -> String {
    let scalars = (0..<Int.random(in: 0..<8, using: &generator)).compactMap { _ in
      Unicode.Scalar(UInt32.random(in: 0...0x1FFFF, using: &generator))
    }
    return String(String.UnicodeScalarView(scalars))
  }
}
