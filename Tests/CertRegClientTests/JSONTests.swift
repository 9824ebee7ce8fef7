import CertRegClient
import CertRegCore
import Testing

@Suite struct JSONTests {
  @Test(arguments: [
    ("null", "null"), (" true ", "true"), ("[1, 2.50,-3e+7]", "[1,2.50,-3e+7]"),
    (#"{"b":1,"a":{"b":[]}}"#, #"{"b":1,"a":{"b":[]}}"#), (#""\u00e9\n\/""#, #""é\n/""#),
    (#""\ud83d\ude00""#, #""😀""#), (#""\ud83d x""#, "\"\u{FFFD} x\""), (#"{"a":1,"a":2}"#, #"{"a":1,"a":2}"#),
  ])
  func `reads JSON and writes it again with order and spelling kept`(text: String, expected: String) throws {
    #expect(try JSON(parsing: text).serialized() == expected)
  }

  @Test(arguments: [
    "", "{", "}", "[1,]", "{\"a\":1,}", "01", "1.", ".5", "+1", "--1", "1e", "tru", "nulll", "'a'", "\"a", "\"\\x\"",
    "\"\\u12\"", "\"\u{1}\"", "{\"a\" 1}", "{1:2}", "[1 2]", "1 2", "\u{FEFF}1", "NaN",
  ])
  func `refuses what is not JSON`(text: String) {
    #expect(throws: JSON.SyntaxError.self) { try JSON(parsing: text) }
  }

  @Test func `refuses bytes that are not UTF-8`() {
    #expect(throws: JSON.SyntaxError.self) { try JSON(parsing: [0x22, 0xFF, 0x22][...]) }
  }

  @Test func `refuses deep nesting instead of using up the stack`() throws {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: JSON.SyntaxError.self) { try JSON(parsing: deep) }
    let most = JSON.maximumDepth - 1
    _ = try JSON(parsing: String(repeating: "[", count: most) + "1" + String(repeating: "]", count: most))
  }

  @Test func `writes printable JSON that means the same`() throws {
    let value = JSON.string("a\u{1B}[31m\u{9B}\u{202E}é\u{7F}😀")
    let line = value.serialized(printable: true)
    #expect(line.unicodeScalars.allSatisfy { $0.isPrintable })
    #expect(try JSON(parsing: line) == value)
  }

  @Test func `round trips random values, and survives any mutated byte`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SplitMix64(seed: seed)
    for _ in 0..<200 {
      let value = randomValue(depth: 4, &generator)
      let text = value.serialized()
      #expect(try JSON(parsing: text) == value, "seed \(seed)")
      var bytes = Array(text.utf8)
      bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      // Whatever comes of it: a value or a typed error, and what is read can be written and read again.
      if let changed = try? JSON(parsing: bytes[...]) {
        #expect(try JSON(parsing: changed.serialized()) == changed, "seed \(seed)")
      }
    }
  }

  private func randomValue(depth: Int, _ generator: inout SplitMix64) -> JSON {
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
        (0..<count).map { _ in JSON.Member(randomString(&generator), randomValue(depth: depth - 1, &generator)) })
    }
  }

  private func randomString(_ generator: inout SplitMix64) -> String {
    let scalars = (0..<Int.random(in: 0..<8, using: &generator)).compactMap { _ in
      Unicode.Scalar(UInt32.random(in: 0...0x1FFFF, using: &generator))
    }
    var text = ""
    text.unicodeScalars.append(contentsOf: scalars)
    return text
  }
}
