import CertRegCodec
import CertRegCore
import Testing

@testable import CertRegClient

@Suite struct CommandLineTests {
  private static let verbs = ["register", "status", "lookup", "help"]

  @Test(arguments: [
    (["status"], ["status"]), ([], []), (["--help"], ["--help"]), (["--version"], ["--version"]),
    (["--socket", "/s", "status", "--json"], ["status", "--socket", "/s", "--json"]),
    (["--socket=/s", "status"], ["status", "--socket=/s"]),
    (["--json", "--timeout", "3", "lookup", "--", "-x"], ["lookup", "--json", "--timeout", "3", "--", "-x"]),
    (["--target", "a", "--target", "b", "register", "f"], ["register", "--target", "a", "--target", "b", "f"]),
    (["--socket", "status", "register"], ["register", "--socket", "status"]),
    (["--socket", "/s", "--help"], ["--help", "--socket", "/s"]), (["--bogus", "status"], ["--bogus", "status"]),
  ])
  func `options of all verbs may precede the verb`(words: [String], expected: [String]) throws {
    #expect(try CommandWords.arranged(words, verbs: Self.verbs) == expected)
  }

  @Test(arguments: [
    (["regster"], "regster is not a verb; did you mean register?"), (["--json", "stat"], "stat is not a verb"),
    (["x"], "x is not a verb"), (["--socket", "/s"], "there is no verb"), (["--socket"], "there is no verb"),
  ])
  func `a verb that does not exist gets a suggestion where one is near`(words: [String], message: String) {
    let fault = #expect(throws: CommandWords.Fault.self) { try CommandWords.arranged(words, verbs: Self.verbs) }
    #expect(fault?.message.hasPrefix(message) == true, "\(fault?.message ?? "")")
    #expect(fault?.advice.contains("register, status") == true)
  }

  @Test(arguments: [
    ("30", 30_000), ("0.5", 500), ("1.5s", 1500), ("500ms", 500), ("5m", 300_000), ("2min", 120_000), ("300", 300_000),
    ("0.001", 1),
  ])
  func `a plain number of a time limit is seconds`(text: String, milliseconds: Int64) throws {
    #expect(try TimeLimit.duration(text) == .milliseconds(milliseconds))
  }

  @Test(arguments: ["10h", "301", "0", "0.0001", "6m", "99999999999999999999", "9e9", "1e3"])
  func `a time limit outside its range, or in another form, is refused`(text: String) {
    let fault = #expect(throws: TimeLimit.Fault.self) { try TimeLimit.duration(text) }
    let isForm = text.contains("e")
    #expect(fault?.description.contains(isForm ? "a number with a unit" : "from 1ms to 300s") == true)
  }

  @Test(arguments: ["", "s", "-1", "5 m", "30S", "1.2.3", "٣", "1h30m"])
  func `what is no time is refused`(text: String) {
    #expect(throws: TimeLimit.Fault.self) { try TimeLimit.duration(text) }
  }

  @Test func `finds a name that is given twice`() {
    #expect(CommandWords.repeated(in: ["a", "b", "a"]) == "a")
    #expect(CommandWords.repeated(in: ["a", "b"]) == nil)
  }
}
