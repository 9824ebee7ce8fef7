import Testing

@testable import CertRegYAML

@Suite struct YAMLDocumentTests {
  private func read(_ text: String) throws -> YAMLNode? { try YAMLDocument.read(Array(text.utf8)) }

  /// A short form of a tree: scalars as they are, plain ones without quotes.
  private func outline(_ node: YAMLNode) -> String {
    switch node.content {
    case .scalar(let text, let isPlain): isPlain ? text : "'\(text)'"
    case .sequence(let items): "[\(items.map(outline).joined(separator: ", "))]"
    case .mapping(let members):
      "{\(members.map { "\(outline($0.key)): \(outline($0.value))" }.joined(separator: ", "))}"
    }
  }

  @Test(arguments: [
    ("a: 1", "{a: 1}"), ("- a\n- 'b'\n- \"c\\n\"\n", "[a, 'b', 'c\n']"), ("a:", "{a: }"),
    ("a: {b: [c, d]}", "{a: {b: [c, d]}}"),
    ("a: &x {b: 1}\nc: *x", "{a: {b: 1}, c: {b: 1}}"), ("a: 1\na: 2", "{a: 1, a: 2}"),
    ("a: |\n  x\n  y\n", "{a: 'x\ny\n'}"),
    ("a: &x 1\nb: *x\nc: &x 2\nd: *x", "{a: 1, b: 1, c: 2, d: 2}"), ("{1: x, '1': y}", "{1: x, '1': y}"),
    ("? [a]\n: b", "{[a]: b}"), ("ä: ö # ü", "{ä: ö}"),
  ])
  func `reads a document`(text: String, expected: String) throws {
    #expect(outline(try #require(try read(text))) == expected)
  }

  @Test(arguments: ["", "\n", "# nothing\n", "%YAML 1.1\n---\n...\n"])
  func `a text may hold nothing`(text: String) throws {
    if let node = try read(text) { #expect(outline(node) == "") }
  }

  @Test func `says where each node begins and which tag it has`() throws {
    let root = try #require(try read("a:\n  - !secret x\n  - !!int 3\n"))
    guard case .mapping(let members) = root.content, case .sequence(let items) = members[0].value.content else {
      Issue.record("\(root)")
      return
    }
    #expect(members[0].key.mark == YAMLMark(line: 1, column: 1))
    #expect(items.map(\.mark) == [YAMLMark(line: 2, column: 5), YAMLMark(line: 3, column: 5)])
    #expect(items.map(\.tag) == ["!secret", "tag:yaml.org,2002:int"])
  }

  @Test(arguments: [
    ("a: [1, 2\nb: 3\n", 2), ("a: b: c", 1), ("x\n\ty: [", 2), ("a: *b", 1), ("a: &a [*a]", 1), ("---\na\n---\nb\n", 3),
    ("a: 'b\n", 2), ("a\n\u{1}", 2), ("a: b\nc: d\n\u{7}", 3),
  ])
  func `says where a text stops being a document`(text: String, line: Int) throws {
    let error = try #require(throws: YAMLError.self) { try read(text) }
    #expect(error.mark?.line == line && !error.problem.isEmpty, "\(error)")
  }

  @Test(arguments: [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")])
  func `stops at a depth that nobody needs`(open: String, close: String) {
    for depth in [100, 5000, 100_000] {
      let text = String(repeating: open, count: depth) + "x" + String(repeating: close, count: depth)
      #expect(throws: YAMLError.self) { try read(text) }
    }
  }

  /// Aliases nest without depth in the text. A tree is released by recursion.
  @Test(arguments: [("[", "]"), ("{a: ", "}"), ("{? ", " : x}")])
  func `stops at a depth that aliases make`(open: String, close: String) throws {
    func text(_ count: Int) -> String {
      "- &a0 x\n" + (1...count).map { "- &a\($0) \(open)*a\($0 - 1) \(close)\n" }.joined()
    }
    _ = try read(text(20))
    for count in [100, 20_000] {
      #expect(throws: YAMLError.self) { try read(text(count)) }
    }
  }

  @Test func `aliases of aliases take no memory of their own`() throws {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...30 {
      let uses = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(uses)]\n"
    }
    guard case .mapping(let members)? = try read(text)?.content else {
      Issue.record("no mapping")
      return
    }
    #expect(members.count == 31)
  }
}
