import CertRegCodec
import CertRegCore
import CertRegTesting
import Foundation
import Testing

@Suite struct JSONWriterTests {
  @Test func `writes nested objects and arrays with their commas`() {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("text", "a")
    writer.member("count", 7)
    writer.member("big", Int.min)
    writer.member("yes", true)
    writer.member("rate", 2.5)
    writer.member("endless", Double.infinity)
    writer.member("nothing", JSONValue.null)
    writer.member("absent", ifPresent: String?.none)
    writer.member("number", ifPresent: Int?.some(3))
    writer.member("raw", json: Array("{\"x\":[]}".utf8))
    writer.beginArray("list")
    writer.element("x")
    writer.element(1)
    writer.element(false)
    writer.beginObject()
    writer.endObject()
    writer.beginArray()
    writer.beginArray()
    writer.endArray()
    writer.element(JSONValue.null)
    writer.endArray()
    writer.endArray()
    writer.beginObject("empty")
    writer.endObject()
    writer.endObject()
    let expected =
      #"{"text":"a","count":7,"big":-9223372036854775808,"yes":true,"rate":2.5,"endless":null,"nothing":null,"number":3,"raw":{"x":[]},"#
      + #""list":["x",1,false,{},[[],null]],"empty":{}}"# + "\n"
    #expect(String(decoding: writer.line(), as: UTF8.self) == expected)
  }

  private func written(_ text: String) -> String {
    var writer = JSONWriter()
    writer.element(text)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  @Test(arguments: [
    ("", #""""#), ("a\"b\\c/d", #""a\"b\\c/d""#), ("\n\r\t", #""\n\r\t""#),
    ("\u{0}\u{1f}\u{7f}", #""\u0000\u001f\u007f""#),
    ("\u{80}\u{9f}\u{a0}", "\"\\u0080\\u009f\u{a0}\""),
    ("\u{2028}\u{2029}\u{202e}\u{2066}\u{2069}", #""\u2028\u2029\u202e\u2066\u2069""#),
    ("ü設備🔐\u{2027}\u{202f}\u{206a}", "\"ü設備🔐\u{2027}\u{202f}\u{206a}\""),
  ])
  func `escapes characters that break a line, a terminal or JSON`(_ text: String, json: String) {
    #expect(written(text) == json)
  }

  @Test func `writes strings that Foundation reads back as they were`() throws {
    var generator = SplitMix64.announced("strings to write")
    for _ in 0..<2000 {
      let scalars = (0..<Int.random(in: 0...30, using: &generator)).map { _ in
        let limit: UInt32 = generator.pick([0x100, 0x2100, 0x10ffff])
        return Unicode.Scalar(UInt32.random(in: 0...limit, using: &generator)) ?? "x"
      }
      let text = String(String.UnicodeScalarView(scalars))
      let bytes = Array(written(text).utf8)
      let read = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed) as? String
      #expect(read.map { Array($0.utf8) } == Array(text.utf8))
      #expect(!bytes.contains { $0 < 0x20 || $0 == 0x7f })
    }
  }
}
