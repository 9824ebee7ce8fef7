import CertRegCore
import CertRegSigV4
import Testing

@Suite struct CanonicalRequestTests {
  private func lines(
    path: String = "/", query: String = "", headers: [(name: String, value: String)] = [("Host", "h")],
    selection: SignedHeaderSelection = .allButVolatile, rule: PathRule = .normalized
  ) -> [String] {
    let request = CanonicalRequest(
      method: "GET", path: path, query: query, headers: headers, selection: selection, payloadHash: "p", pathRule: rule)
    return String(decoding: request.bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
  }

  @Test(arguments: [
    ("", "/"), ("/", "/"), ("/a/./b/../c", "/a/c"), ("/../a", "/a"), ("/a/..", "/"), ("//a///b//", "/a/b/"),
    ("/a b", "/a%20b"), ("/a%20b", "/a%2520b"), ("/é", "/%C3%A9"), ("/a:b@c~", "/a%3Ab%40c~"),
  ])
  func `normalizes and encodes a path`(path: String, expected: String) {
    #expect(lines(path: path)[1] == expected)
  }

  @Test(arguments: [("", "/"), ("/a/./b", "/a/./b"), ("//", "//"), ("/a%2Fb", "/a%252Fb")])
  func `leaves the segments of an unnormalized path`(path: String, expected: String) {
    #expect(lines(path: path, rule: .unnormalized)[1] == expected)
  }

  @Test(arguments: [
    ("", ""), ("b=2&a=1", "a=1&b=2"), ("a=2&a=1", "a=1&a=2"), ("a", "a="), ("a=b=c", "a=b%3Dc"),
    ("A=1&a=1&B=1", "A=1&B=1&a=1"), ("a=%7e%2F", "a=~%2F"), ("a=%zz", "a=%25zz"), ("a=1&a-b=1", "a=1&a-b=1"),
    ("a=x y", "a=x%20y"), ("a=x+y", "a=x%2By"), ("a=1&&b=2", "a=1&b=2"), ("a=%4", "a=%254"),
  ])
  func `sorts and encodes a query`(query: String, expected: String) {
    #expect(lines(query: query)[2] == expected)
  }

  @Test func `trims header values and joins repeated ones in order`() {
    let headers: [(name: String, value: String)] = [
      ("X-B", "2"), ("Host", "h"), ("x-a", "  a \t b\n  c  "), ("x-b", "1"), ("X-C", "   "),
    ]
    #expect(lines(headers: headers)[3...] == ["host:h", "x-a:a b c", "x-b:2,1", "x-c:", "", "host;x-a;x-b;x-c", "p"])
  }

  @Test func `leaves out headers that change on the way`() {
    let headers: [(name: String, value: String)] = [
      ("Host", "h"), ("User-Agent", "u"), ("X-Amzn-Trace-Id", "t"), ("Expect", "100-continue"),
      ("Transfer-Encoding", "chunked"), ("AUTHORIZATION", "a"), ("Content-Type", "c"),
    ]
    #expect(lines(headers: headers).suffix(2).first == "content-type;host")
  }

  @Test func `covers exactly the named headers when verifying`() {
    let headers: [(name: String, value: String)] = [("Host", "h"), ("User-Agent", "u"), ("X-Other", "o")]
    let text = lines(headers: headers, selection: .named(["host", "user-agent", "x-missing"]))
    #expect(text[3...] == ["host:h", "user-agent:u", "x-missing:", "", "host;user-agent;x-missing", "p"])
  }
}
