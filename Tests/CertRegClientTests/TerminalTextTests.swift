import Testing

@testable import CertRegClient

@Suite struct TerminalTextTests {
  @Test(arguments: [
    ("plain", "plain"), ("a\u{1B}[31mb", "a\\u{1b}[31mb"), ("\u{9B}31m", "\\u{9b}31m"),
    ("a\rb\nc\td", "a\\u{d}b\\u{a}c\\u{9}d"),
    ("\u{202E}txt.exe", "\\u{202e}txt.exe"), ("a\u{200B}b\u{2028}c", "a\\u{200b}b\\u{2028}c"),
    ("\u{7F}\u{0}", "\\u{7f}\\u{0}"),
    ("Zürich 東京 😀", "Zürich 東京 😀"), ("\u{E000}", "\\u{e000}"),
  ])
  func `makes visible what could act on a terminal`(text: String, expected: String) {
    #expect(text.printable == expected)
    #expect(TerminalText(text).plain == expected)
    let interpolated: TerminalText = "x \(text) \(text, .red)"
    #expect(interpolated.plain == "x \(expected) \(expected)")
  }

  @Test func `adds colours only when they are asked for`() {
    let text: TerminalText = "\("failed", .red) a\u{1B}b"
    #expect(text.rendered(colour: false) == "failed a\\u{1b}b")
    #expect(text.rendered(colour: true) == "\u{1B}[31mfailed\u{1B}[0m a\\u{1b}b")
  }

  @Test func `counts columns, not characters`() {
    #expect(TerminalText("東京").width == 4)
    #expect(TerminalText("e\u{301}").width == 1)
    #expect(TerminalText("ab").padded(to: 4).plain == "ab  ")
    #expect(TerminalText("ab").paddedLeft(to: 4).plain == "  ab")
  }

  @Test(arguments: [(0, ""), (1, "…"), (4, "abc…"), (6, "abcdef"), (9, "abcdef")])
  func `cuts to a width`(columns: Int, expected: String) {
    let text: TerminalText = "\("abc", .red)def"
    #expect(text.truncated(to: columns).plain == expected)
  }

  @Test func `cuts a path at its beginning`() {
    #expect("folder/file.pem".suffix(columns: 9) == "…file.pem")
    #expect("file.pem".suffix(columns: 9) == "file.pem")
  }

  @Test func `wraps between words and keeps long words whole`() {
    #expect("one two  three".wrapped(to: 7) == ["one two", "three"])
    #expect("a verylongword b".wrapped(to: 5) == ["a", "verylongword", "b"])
    #expect("".wrapped(to: 5).isEmpty)
  }

  @Test(arguments: [40, 60, 80, 132])
  func `fits a table to the width`(width: Int) {
    let table = Table(
      [.init("NAME", minimum: 4), .init("QUEUED", alignsRight: true), .init("EMPTY"), .init("ENDPOINT", minimum: 8)],
      rows: [
        ["default", "12", "", "iot.eu-central-1.amazonaws.com/with/a/path"],
        ["another-target-with-a-name", "3", "", "localhost"],
      ])
    let lines = table.lines(width: width, indentation: 2)
    #expect(lines.count == 3)
    #expect(lines.allSatisfy { $0.width <= width })
    #expect(!lines[0].plain.contains("EMPTY"))
  }
}
