import CertRegCore
import CertRegProtocol
import CertRegTesting
import Testing

/// Objects that are not requests: reason, message and `id`.
@Suite struct RefusalTests {
  @Test func `a certificate that was pasted with its line ends is told how to write them`() {
    let pasted = ParsedLine(#"{"certificatePem":"-----BEGIN CERTIFICATE-----"#).error
    let hint = #"found the end of the line at byte offset 46; write a line end in a string as \n"#
    #expect(pasted?.message.hasSuffix(hint) == true, "\(pasted?.message ?? "")")
    #expect(ParsedLine(#"{"op":"status""#).error?.message.contains("line end") == false)
  }

  @Test(arguments: [
    // Members and values, each followed by its id: the position of the id does not matter.
    (#"{"certificatePem":5,"id":"a"}"#, "invalid_type", "\"certificatePem\" has to be a string, not a number"),
    (#"{"certificatePem":null,"id":"a"}"#, "invalid_type", "not null"),
    (#"{"certificatePem":["x"],"id":"a"}"#, "invalid_type", "not an array"),
    (#"{"certificatePem":{"x":{"y":1,"y":2}},"id":"a"}"#, "invalid_type", "not an object"),
    (#"{"certificatePem":"x","status":1,"id":"a"}"#, "invalid_type", "\"status\""),
    (#"{"certificatePem":"x","status":null,"id":"a"}"#, "invalid_type", "not null"),
    (#"{"certificatePem":"x","status":"NONSENSE","id":"a"}"#, "invalid_value", "one of ACTIVE, INACTIVE"),
    (#"{"certificatePem":"x","status":"activ","id":"a"}"#, "invalid_value", "did you mean \"ACTIVE\"?"),
    (#"{"certificatePem":"x","ifExists":"retrun","id":"a"}"#, "invalid_value", "did you mean \"return\"?"),
    (#"{"certificatePem":"x","ifExists":true,"id":"a"}"#, "invalid_type", "not true or false"),
    (#"{"certificatePem":"x","refresh":"true","id":"a"}"#, "invalid_type", "true or false, not a string"),
    (#"{"certificatePem":"x","wait":0,"id":"a"}"#, "invalid_type", "not a number"),
    (#"{"certificatePem":"x","timeoutMs":"5","id":"a"}"#, "invalid_type", "a number, not a string"),
    (#"{"certificatePem":"x","timeoutMs":0,"id":"a"}"#, "invalid_value", "from 1 to 300000, not \"0\""),
    (#"{"certificatePem":"x","target":7,"id":"a"}"#, "invalid_type", "a string or an array of strings"),
    (#"{"certificatePem":"x","target":["a",7],"id":"a"}"#, "invalid_type", "not a number"),
    (#"{"certificatePem":"x","target":[["a"]],"id":"a"}"#, "invalid_type", "not an array"),
    (#"{"certificatePem":"x","target":[],"id":"a"}"#, "invalid_value", "1 to 256 names"),
    (#"{"op":"lokup","id":"a"}"#, "unknown_operation", "did you mean \"lookup\"?"),
    (#"{"op":7,"id":"a"}"#, "invalid_type", "\"op\" has to be a string"),
    (#"{"op":"lookup","certificateId":"abc","id":"a"}"#, "invalid_value", "64 hexadecimal digits"),
    (#"{"op":"watch","outcome":"queued","id":"a"}"#, "invalid_value", "created, existing, updated, failed"),
    // Unknown members.
    (
      #"{"staus":1,"certificatePem":"x","id":"a"}"#, "unknown_member",
      "\"staus\" at byte offset 2; did you mean \"status\"?"
    ),
    (#"{"certificatePem":"x","tags":{"k":"v"},"id":"a"}"#, "unknown_member", "unknown member \"tags\""),
    (#"{"certificatePEM":"x","id":"a"}"#, "unknown_member", "did you mean \"certificatePem\"?"),
    (#"{"\u0073taus":1,"id":"a"}"#, "unknown_member", "\"staus\""),
    (#"{"Id":1,"op":"status","id":"a"}"#, "unknown_member", "did you mean \"id\"?"),
    (#"{"":1,"id":"a"}"#, "unknown_member", "unknown member \"\""),
    (
      #"{"certificateID":"x","op":"validate","id":"a"}"#, "unknown_member",
      "unknown member \"certificateID\" at byte offset 2"
    ),
    // Members of other operations.
    (
      #"{"op":"status","certificatePem":"x","id":"a"}"#, "unknown_member",
      "status has no member \"certificatePem\"; it knows id, op"
    ),
    (
      #"{"status":"ACTIVE","op":"lookup","id":"a"}"#, "unknown_member",
      "it knows id, op, certificatePem, certificateId, target"
    ),
    (
      #"{"certificateId":"0000000000000000000000000000000000000000000000000000000000000000","certificatePem":"x","id":"a"}"#,
      "unknown_member", "register has no member \"certificateId\""
    ),
    (#"{"op":"forget","certificatePem":"x","id":"a"}"#, "unknown_member", "forget has no member"),
    // Duplicate members.
    (
      #"{"certificatePem":"x","certificatePem":"y","id":"a"}"#, "duplicate_member",
      "\"certificatePem\" is given twice, again at byte offset 23"
    ),
    (#"{"op":"status","op":"status","id":"a"}"#, "duplicate_member", "\"op\""),
    (#"{"certificatePem":"x","target":["a"],"target":"b","id":"a"}"#, "duplicate_member", "\"target\""),
    // Missing and conflicting members.
    (#"{"id":"a"}"#, "missing_member", "register needs the member \"certificatePem\""),
    (#"{"id":"a","status":"ACTIVE"}"#, "missing_member", "\"certificatePem\""),
    (#"{"id":"a","op":"validate"}"#, "missing_member", "validate needs"),
    (#"{"id":"a","op":"lookup"}"#, "missing_member", "\"certificateId\" or \"certificatePem\""),
    (#"{"id":"a","op":"forget"}"#, "missing_member", "forget needs the member \"certificateId\""),
    (
      #"{"id":"a","op":"lookup","certificatePem":"x","certificateId":"0000000000000000000000000000000000000000000000000000000000000000"}"#,
      "conflicting_members", "not both"
    ),
    (
      #"{"id":"a","op":"lookup","certificatePem":"x","target":["x"]}"#, "invalid_type",
      "\"target\" of lookup has to be one name"
    ),
    (
      #"{"id":"a","op":"forget","certificateId":"0000000000000000000000000000000000000000000000000000000000000000","target":["x"]}"#,
      "invalid_type", "one name"
    ),
  ])
  func `names the fault and has the id`(_ line: String, reason: String, message: String) throws {
    let parsed = ParsedLine(line)
    let error = try #require(parsed.error)
    #expect(error.kind == .invalidRequest)
    #expect(error.reason.rawValue == reason)
    #expect(error.message.contains(message), "\(error.message)")
    #expect(error.origin == .daemon)
    #expect(!error.retryable)
    #expect(parsed.id == "\"a\"")
  }

  @Test(arguments: [
    (#"{"id":"a","id":"b","certificatePem":"x"}"#, "duplicate_member"),
    (#"{"id":"a","certificatePem":"x","\u0069d":"a"}"#, "duplicate_member"),
    (#"{"staus":1,"id":"a","id":"b"}"#, "unknown_member"),
    (#"{"staus":1,"id":[]}"#, "unknown_member"),
    (#"{"id":"a","staus":1"#, "invalid_json"),
    (#"{"staus":1,"id":"a"}x"#, "trailing_data"),
    (#"{}"#, "missing_member"),
    (#"{"certificatePem":1}"#, "invalid_type"),
  ])
  func `carries no id that is not certain`(_ line: String, reason: String) {
    let parsed = ParsedLine(line)
    #expect(parsed.reason == reason)
    #expect(parsed.id == nil)
  }

  @Test func `reports the first of several faults, but a fault of grammar before all others`() {
    #expect(ParsedLine(#"{"staus":1,"op":"nonsense","wait":5}"#).reason == "unknown_member")
    #expect(ParsedLine(#"{"op":"nonsense","staus":1}"#).reason == "unknown_operation")
    #expect(ParsedLine(#"{"op":"nonsense","staus":01}"#).reason == "invalid_json")
  }

  @Test func `shows strange names without letting them act`() throws {
    let written = #"\u001b[31mü\u202e\\\"xxx"#
    let error = try #require(ParsedLine("{\"\(written)\":1}").error)
    #expect(error.message.contains("\\u{1b}[31m\\u{fc}\\u{202e}\\\\\\\"xxx"))
    #expect(error.message.utf8.count < 250)
    #expect(!error.message.unicodeScalars.contains { $0.value < 0x20 || ($0.value > 0x7e && $0 != "…") })
    #expect(Excerpt.text(String(repeating: "x", count: 1000)).unicodeScalars.last == "…")
  }

  /// 40 characters, like a secret access key.
  @Test(arguments: [#"{"KEY":1}"#, #"{"op":"KEY"}"#, #"{"certificatePem":"x","status":"KEY"}"#, #"{"ifExists":"KEY"}"#])
  func `does not repeat text that may be a key`(_ line: String) throws {
    let key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    let error = try #require(ParsedLine(line.replacing("KEY", with: key)).error)
    #expect(!error.message.contains("wJalr"))
  }

  @Test func `does not repeat an invalid certificateId`() throws {
    let error = try #require(ParsedLine(#"{"op":"forget","certificateId":"-----BEGIN PRIVATE KEY-----\nMIIE"}"#).error)
    #expect(error.message == "\"certificateId\" at byte offset 32 has to be 64 hexadecimal digits")
  }

  @Test func `names the byte and the expected token`() {
    #expect(
      ParsedLine("{\"id\":1 \"op\":2}").error?.message
        == "expected ',' or '}' after the member: found '\"' at byte offset 8")
    #expect(
      ParsedLine("{\"id\":1").error?.message
        == "expected ',' or '}' after the member: found the end of the line at byte offset 7")
    #expect(ParsedLine("{\"id\"=1}").error?.message.contains("expected ':' after the member name: found '='") == true)
    #expect(ParsedLine("\u{1}{}").error?.message.contains("found 0x01 at byte offset 0") == true)
  }

  /// Every line of a watch carries its `id`.
  @Test func `the id of a watch is short`() {
    func line(_ operation: String, _ count: Int) -> ParsedLine {
      ParsedLine(#"{"op":"\#(operation)","id":"\#(String(repeating: "i", count: count - 2))"}"#)
    }
    #expect(line("watch", LineParser.maxWatchIDBytes).request != nil)
    #expect(line("watch", LineParser.maxWatchIDBytes + 1).reason == "invalid_id")
    #expect(line("status", 100_000).request != nil)
  }

  @Test func `has an error for lines past the limit`() {
    let error = LineError.lineTooLong(limitBytes: 524_288)
    #expect(error.error.reason == "line_too_long")
    #expect(error.error.message.contains("524288"))
    #expect(error.id == nil)
  }
}
