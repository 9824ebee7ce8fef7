import Testing

@testable import CertRegSettings

@Suite struct AliasExpansionTests {
  @Test func `counts a file without aliases once`() {
    let text = Array("socket: {path: /run/x}\n".utf8)
    #expect(AliasExpansion.upperBound(text) == .bytes(text.count))
  }

  @Test func `counts the content of an alias each time`() throws {
    let once = try #require(bytes("a: &x 0123456789\nb: *x\n"))
    let twice = try #require(bytes("a: &x 0123456789\nb: *x\nc: *x\n"))
    #expect(once >= 22 + 10)
    #expect(twice - once >= 6 + 10)
    #expect(twice - once < 40)
  }

  @Test func `refuses aliases of an anchor that is set again, which could double at each turn`() {
    let text = "a: &x [0]\n" + String(repeating: "b: &x [*x, *x]\n", count: 64)
    #expect(AliasExpansion.upperBound(Array(text.utf8)) == .ambiguous(anchor: "x"))
  }

  @Test func `is not misled by ampersands and stars in text`() throws {
    let text = "# a & b * c\nx: \"https://h/?a=1&b=2&a=3\"\ny: \"*b\"\nz: '**'\n&"
    #expect(try #require(bytes(text)) < 200)
  }

  private func bytes(_ text: String) -> Int? {
    if case .bytes(let count) = AliasExpansion.upperBound(Array(text.utf8)) { count } else { nil }
  }
}
