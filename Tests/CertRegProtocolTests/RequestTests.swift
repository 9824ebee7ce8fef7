import CertRegCodec
import CertRegCore
import CertRegProtocol
import CertRegTesting
import Testing

@Suite struct RequestTests {
  private let hex = String(repeating: "0123456789abcdef", count: 4)

  @Test func `reads a registration with its defaults`() throws {
    let parsed = ParsedLine("{\"id\":1,\"certificatePem\":\"-----BEGIN\\nAAA\\n\"}")
    let request = try #require(parsed.request)
    #expect(parsed.id == "1")
    #expect(request.operation == .register)
    #expect(parsed.string(request.certificatePem) == "-----BEGIN\nAAA\n")
    #expect(request.certificatePem?.hasEscapes == true)
    #expect(request.certificatePem?.isASCII == true)
    #expect(request.certificateID == nil)
    #expect(request.status == nil)
    #expect(request.target == .none)
    #expect(request.ifExists == .return)
    #expect(!request.refresh)
    #expect(request.wait)
    #expect(request.timeoutMilliseconds == nil)
    #expect(request.outcome == nil)
  }

  @Test func `reads every member of a registration in any order`() throws {
    let members = [
      "\"id\":\"a\"", "\"op\":\"register\"", "\"certificatePem\":\"x\"", "\"status\":\"PENDING_TRANSFER\"",
      "\"target\":\"eu\"", "\"ifExists\":\"error\"", "\"refresh\":true", "\"wait\":false", "\"timeoutMs\":300000",
    ]
    var generator = SplitMix64.announced("order of members")
    for _ in 0..<50 {
      let parsed = ParsedLine("{\(members.shuffled(using: &generator).joined(separator: ","))}")
      let request = try #require(parsed.request)
      #expect(parsed.id == "\"a\"")
      #expect(parsed.string(request.certificatePem) == "x")
      #expect(request.status == .pendingTransfer)
      guard case .one(let target) = request.target else { throw Failure.noTarget }
      #expect(parsed.string(target) == "eu")
      #expect(request.ifExists == .error)
      #expect(request.refresh)
      #expect(!request.wait)
      #expect(request.timeoutMilliseconds == 300_000)
    }
  }

  private enum Failure: Error { case noTarget }

  @Test(arguments: CertificateStatus.allCases)
  func `reads every status, plain and in escapes`(_ status: CertificateStatus) {
    let escaped = status.rawValue.utf8.map { "\\u00" + String($0, radix: 16) }.joined()
    for text in [
      status.rawValue, escaped,
      "\\u00" + String(status.rawValue.utf8.first ?? 0, radix: 16) + status.rawValue.dropFirst(),
    ] {
      #expect(ParsedLine("{\"certificatePem\":\"x\",\"status\":\"\(text)\"}").request?.status == status)
    }
    for text in [
      status.rawValue.lowercased(), status.rawValue + "\\u0000", " " + status.rawValue,
      String(status.rawValue.dropLast()),
    ] {
      let parsed = ParsedLine("{\"id\":\"a\",\"certificatePem\":\"x\",\"status\":\"\(text)\"}")
      #expect(parsed.reason == "invalid_value")
      #expect(parsed.id == "\"a\"")
    }
  }

  @Test(arguments: RequestOperation.allCases)
  func `reads every operation`(_ operation: RequestOperation) {
    let needed: String
    switch operation {
    case .register, .validate: needed = ",\"certificatePem\":\"x\""
    case .lookup, .forget, .describe: needed = ",\"certificateId\":\"\(hex)\""
    case .update: needed = ",\"certificateId\":\"\(hex)\",\"status\":\"ACTIVE\""
    case .removeMember: needed = ",\"member\":\"line7\""
    case .watch, .status, .metrics: needed = ""
    }
    let parsed = ParsedLine("{\"op\":\"\(operation.rawValue)\"\(needed)}")
    #expect(parsed.request?.operation == operation)
    #expect(
      parsed.request?.certificateID?.hex
        == (operation == .lookup || operation == .forget || operation == .update || operation == .describe ? hex : nil))
  }

  @Test func `takes names and values that are written with escapes`() {
    let parsed = ParsedLine(
      #"{"\u006f\u0070":"\u006co\u006fkup","certificat\u0065Id":"\#(hex.dropLast())\u0046","\u0069d":"\u0031"}"#)
    #expect(parsed.request?.operation == .lookup)
    #expect(parsed.request?.certificateID?.hex == hex)
    #expect(parsed.id == #""\u0031""#)
  }

  @Test func `sees a name that is given twice in two spellings`() {
    let parsed = ParsedLine(#"{"op":"status","\u006fp":"status","id":5}"#)
    #expect(parsed.reason == "duplicate_member")
    #expect(parsed.id == "5")
  }

  @Test(arguments: [
    "\"a\"", "\"\"", "7", "-0", "0.10", "1e308", "1.7976931348623157e308", "-1.7976931348623157E+308", "1e-400",
    "0e999999999999999999999",
    "12345678901234567890123456789012345678901234567890", "null", #""\u00fc\ud83d\udd10""#, "\"ü🔐設備\"",
    #""a\"b\\c\/d""#, "\"\u{2028}\u{7f}\"",
    "0.000001e313",
  ])
  func `echoes an id byte for byte`(_ id: String) {
    #expect(ParsedLine("{\"id\":\(id),\"op\":\"status\"}").id == id)
    #expect(ParsedLine("{ \"op\":\"status\", \"id\" : \(id) }").id == id)
    let refused = ParsedLine("{\"staus\":1,\"id\":\(id)}")
    #expect(refused.reason == "unknown_member")
    #expect(refused.id == id)
  }

  @Test func `echoes ids of any length that fits the line`() {
    let id = "\"" + String(repeating: "x", count: 400_000) + "\""
    #expect(ParsedLine("{\"id\":\(id),\"op\":\"status\"}").id == id)
  }

  @Test func `does without an id`() {
    let parsed = ParsedLine("{\"op\":\"status\"}")
    #expect(parsed.request != nil)
    #expect(parsed.id == nil)
  }

  @Test(arguments: [
    "{}", "{\"a\":1}", "[]", "[1]", "true", "false", "1e400", "-1e400", "1e309", "1.8e308", "1e99999999999999999999999",
    "17976931348623159e292",
  ])
  func `refuses an id that an echo would change`(_ id: String) {
    let parsed = ParsedLine("{\"id\":\(id),\"op\":\"status\"}")
    #expect(parsed.reason == "invalid_id")
    #expect(parsed.id == nil)
  }

  @Test func `refuses a number in id that is too large without an exponent`() {
    let nines = String(repeating: "9", count: 309)
    #expect(ParsedLine("{\"id\":\(nines),\"op\":\"status\"}").reason == "invalid_id")
    #expect(ParsedLine("{\"id\":\(nines.dropLast()),\"op\":\"status\"}").id == String(nines.dropLast()))
    let small = "0." + String(repeating: "0", count: 400) + "1"
    #expect(ParsedLine("{\"id\":\(small)e500,\"op\":\"status\"}").id == small + "e500")
    #expect(ParsedLine("{\"id\":\(small)e710,\"op\":\"status\"}").reason == "invalid_id")
  }

  @Test(
    arguments: [
      ("1", 1), ("300000", 300_000), ("30000", 30_000), ("0", nil), ("300001", nil), ("-1", nil), ("1.0", nil),
      ("1e3", nil), ("3000000", nil),
      ("00", nil), ("99999999999999999999999999", nil),
    ] as [(String, Int?)])
  func `takes a timeout of 1 to 300,000 whole milliseconds`(_ text: String, value: Int?) {
    let parsed = ParsedLine("{\"certificatePem\":\"x\",\"timeoutMs\":\(text)}")
    #expect(parsed.request?.timeoutMilliseconds == value)
    #expect((parsed.request == nil) == (value == nil))
  }

  @Test func `reads an array of targets in order`() throws {
    let parsed = ParsedLine(#"{"certificatePem":"x","target":[ "eu" , "us", "\u0061p" ]}"#)
    guard case .many(let text) = try #require(parsed.request).target else { throw Failure.noTarget }
    #expect(parsed.strings(text) == ["eu", "us", "ap"])
    let watch = ParsedLine(#"{"op":"watch","target":["eu"],"outcome":"failed"}"#)
    #expect(watch.request?.outcome == .failed)
    guard case .many = watch.request?.target else { throw Failure.noTarget }
  }

  @Test func `limits the number of targets`() {
    func line(_ count: Int) -> ParsedLine {
      ParsedLine(
        "{\"id\":3,\"certificatePem\":\"x\",\"target\":[\((0..<count).map { "\"t\($0)\"" }.joined(separator: ","))]}")
    }
    #expect(line(LineParser.maxTargets).request != nil)
    #expect(line(LineParser.maxTargets + 1).reason == "invalid_value")
    #expect(line(LineParser.maxTargets + 1).id == "3")
    #expect(line(0).reason == "invalid_value")
  }
}
