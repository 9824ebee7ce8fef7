import CertRegCodec
import CertRegCore
import CertRegProtocol
import CertRegTesting
import Testing

/// The members `provision` and `attributes` of `register`.
@Suite struct AttributeTests {
  private func line(_ members: String) -> ParsedLine { ParsedLine(#"{"id":"a","certificatePem":"x",\#(members)}"#) }

  private func attributes(_ text: String) -> ParsedLine { line("\"attributes\":\(text)") }

  @Test func `a request without the members has the target's profile and no attributes`() {
    let request = ParsedLine(#"{"certificatePem":"x"}"#).request
    #expect(request?.provision == .default)
    #expect(request != nil && request?.attributes == nil)
  }

  @Test(
    arguments: [
      (#""sensors""#, "sensors"), (#""s\u0065nsors""#, "sensors"), (#""""#, ""), (#""null""#, "null"), ("null", nil),
    ] as [(String, String?)])
  func `reads the name of a profile, or null`(_ text: String, name: String?) throws {
    let parsed = line("\"provision\":\(text)")
    switch try #require(parsed.request).provision {
    case .default: Issue.record("read as left out")
    case .none: #expect(name == nil)
    case .named(let read): #expect(parsed.string(read) == name)
    }
  }

  @Test(
    arguments: [
      ("{}", []), ("{ }", []), (#"{"site":"7"}"#, ["site=7"]), (#"{"b":"","a":"x y"}"#, ["b=", "a=x y"]),
      (#"{ "a" : "1" , "b":"2",  "c" :"3" }"#, ["a=1", "b=2", "c=3"]),
      (#"{"\u0061\n":"\"}\\","}":",:","{\"":"🔐"}"#, ["a\n=\"}\\", "}=,:", "{\"=🔐"]),
      // These differ: the texts are compared as they are.
      (#"{"é":"1","e\u0301":"2","É":"3"}"#, ["é=1", "e\u{301}=2", "É=3"]),
    ] as [(String, [String])])
  func `reads attributes in their order`(_ text: String, expected: [String]) throws {
    let parsed = attributes(text)
    #expect(try #require(parsed.attributes).map { Array($0.utf8) } == expected.map { Array($0.utf8) })
    #expect(parsed.request?.attributes?.count == expected.count)
  }

  @Test func `takes as many attributes of such a length as it should, however they are written`() {
    for unit in ["a", "é", "🔐", #"\u00e9"#, #"\ud83d\udd10"#, #"\n"#] {
      func text(_ count: Int) -> String { String(repeating: unit, count: count) }
      #expect(attributes(#"{"\#(text(128))":"\#(text(4096))"}"#).request != nil, "\(unit)")
      #expect(attributes(#"{"\#(text(129))":"x"}"#).reason == "invalid_value", "\(unit)")
      #expect(attributes(#"{"x":"\#(text(4097))"}"#).reason == "invalid_value", "\(unit)")
    }
    func many(_ count: Int) -> String {
      "{" + (0..<count).map { "\"name\($0)\":\"\($0)\"" }.joined(separator: ",") + "}"
    }
    #expect(attributes(many(50)).attributes?.last == "name49=49")
    #expect(attributes(many(51)).reason == "invalid_value")
    #expect(attributes(many(1000)).id == "\"a\"")
  }

  @Test func `sees a repeated name wherever it stands, in any spelling`() {
    for first in 0..<50 {
      for second in [first - 1, 0, 49] where (0..<50).contains(second) && first != second {
        var names = (0..<50).map { "name\($0)" }
        names[second] = names[first].replacing("n", with: #"\u006e"#)
        let text = names.map { "\"\($0)\":\"\"" }.joined(separator: ",")
        #expect(attributes("{\(text)}").reason == "duplicate_member")
      }
    }
  }

  @Test(arguments: [
    (#""provision":7"#, "invalid_type", "\"provision\" has to be a string or null, not a number"),
    (#""provision":["a"]"#, "invalid_type", "not an array"),
    (#""provision":null,"provision":"a""#, "duplicate_member", "\"provision\" is given twice"),
    (#""attributes":null"#, "invalid_type", "\"attributes\" has to be an object of strings, not null"),
    (#""attributes":["a"]"#, "invalid_type", "not an array at byte offset 44"),
    (#""attributes":"a""#, "invalid_type", "not a string"),
    (#""attributes":{"a":1}"#, "invalid_type", "\"attributes\" has to be an object of strings, not a number"),
    (#""attributes":{"a":"x","b":null}"#, "invalid_type", "not null at byte offset 57"),
    (#""attributes":{"a":{"b":"c"}}"#, "invalid_type", "not an object"),
    (#""attributes":{"a":["b"]},"attributes":{}"#, "invalid_type", "not an array"),
    (#""attributes":{},"attributes":{}"#, "duplicate_member", "\"attributes\" is given twice"),
    (
      #""attributes":{"a":"x","\u0061":"y"}"#, "duplicate_member",
      "\"attributes\" has \"a\" twice, again at byte offset 54"
    ),
    (
      #""attributes":{"":"x"}"#, "invalid_value",
      "a name in \"attributes\" at byte offset 46 has to have 1 to 128 characters"
    ),
    (#""atributes":{}"#, "unknown_member", "did you mean \"attributes\"?"),
    (#""provison":"a""#, "unknown_member", "did you mean \"provision\"?"),
    (#""op":"validate","attributes":{}"#, "unknown_member", "validate has no member \"attributes\""),
    (#""op":"lookup","provision":null"#, "unknown_member", "lookup has no member \"provision\""),
    (#""attributes":{"a":"\ud800"}"#, "lone_surrogate", "at byte offset 50"),
    (#""attributes":{"\udc00":"a"}"#, "lone_surrogate", "at byte offset 46"),
  ])
  func `names the fault and has the id`(_ members: String, reason: String, message: String) throws {
    let parsed = line(members)
    let error = try #require(parsed.error)
    #expect(error.reason.rawValue == reason)
    #expect(error.message.contains(message), "\(error.message)")
    #expect(parsed.id == "\"a\"")
  }

  @Test(arguments: [
    "{", #"{"a""#, #"{"a":"#, #"{"a":"b""#, #"{"a":"b","#, #"{"a":"b",}"#, "{,}", #"{"a" "b"}"#, #"{"a":"\x"}"#,
    #"{"a\u00":"b"}"#, "{a:1}", #"{"a":"b" "c":"d"}"#, #"{"a":"b"]"#, #"{"a":nul}"#,
  ])
  func `a fault of grammar within them is one of the line`(_ text: String) {
    let parsed = attributes(text)
    #expect(parsed.reason == "invalid_json")
    #expect(parsed.id == nil)
  }

  @Test func `a literal that only begins like null is a fault of grammar`() {
    #expect(line(#""provision":nul"#).reason == "invalid_json")
    #expect(line(#""provision":nulls"#).reason == "invalid_json")
  }

  @Test func `does not repeat values, nor long names`() throws {
    let key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    let value = String(repeating: key, count: 200)
    for text in [#"{"\#(key)":"1","\#(key)":"2"}"#, #"{"a":"\#(value)"}"#, #"{"\#(key)":"\#(value)"}"#] {
      let error = try #require(attributes(text).error)
      #expect(!error.message.contains("wJalr"), "\(error.message)")
    }
  }
}
