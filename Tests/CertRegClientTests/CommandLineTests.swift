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

  @Test func `finds a name that is given twice`() {
    #expect(CommandWords.repeated(in: ["a", "b", "a"]) == "a")
    #expect(CommandWords.repeated(in: ["a", "b"]) == nil)
  }
}
