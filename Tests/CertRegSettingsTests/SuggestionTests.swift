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

  @Test(arguments: [("", "abc", 3), ("abc", "abc", 0), ("abcd", "abdc", 1), ("kitten", "sitting", 3), ("ca", "abc", 3)])
  func `counts insertions, deletions, substitutions and swaps`(left: String, right: String, distance: Int) {
    #expect(Suggestion.editDistance(Array(left), Array(right)) == distance)
    #expect(Suggestion.editDistance(Array(right), Array(left)) == distance)
  }
}
