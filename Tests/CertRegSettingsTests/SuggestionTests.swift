import Testing

@testable import CertRegSettings

@Suite struct SuggestionTests {
  @Test(arguments: [
    ("windw", "window"), ("widnow", "window"), ("max_connections", "maxConnections"), ("MODE", "mode"),
    ("grup", "group"),
  ])
  func `names the key that was meant`(slip: String, meant: String) {
    let keys = ["path", "mode", "group", "maxConnections", "window"]
    #expect(Suggestion.nearest(to: slip, among: keys) == meant)
  }

  @Test(arguments: ["colour", "x", "", "maximumNumberOfEverything"])
  func `suggests nothing if no known word is near`(word: String) {
    #expect(Suggestion.nearest(to: word, among: ["path", "mode", "group"]) == nil)
  }
}
