import AsyncHTTPClient
import CertRegCore
import Testing

@testable import CertRegForwarder

@Suite struct HTTPDateTests {
  private let expected = CivilTime.wallTime(year: 2026, month: 11, day: 24, hour: 8, minute: 9, second: 10)

  @Test(arguments: [
    "2026-11-24T08:09:10Z", "2026-11-24T08:09:10.123456Z", "2026-11-24t08:09:10z", "2026-11-24T09:09:10+01:00",
    "2026-11-24T03:39:10.5-04:30", "2026-11-24 08:09:10+00:00",
  ])
  func `reads expirations`(text: String) { #expect(HTTPDate.rfc3339(text) == expected) }

  @Test(arguments: [
    "", "2026-11-24", "2026-11-24T08:09:10", "2026-13-24T08:09:10Z", "2026-11-24T25:09:10Z", "2026-11-24T08:09:10+1:00",
    "2026/11/24T08:09:10Z", "2026-11-24T08:09:10Zx", "٢٠٢٦-11-24T08:09:10Z",
  ])
  func `refuses malformed expirations`(text: String) { #expect(HTTPDate.rfc3339(text) == nil) }

  @Test func `reads the dates of headers`() {
    #expect(HTTPDate.imfFixdate("Tue, 24 Nov 2026 08:09:10 GMT") == expected)
    #expect(HTTPDate.imfFixdate("Tuesday, 24-Nov-26 08:09:10 GMT") == nil)
    #expect(HTTPDate.imfFixdate("Tue, 24 Foo 2026 08:09:10 GMT") == nil)
  }
}

@Suite struct ShellWordsTests {
  @Test(arguments: [
    ("", []), ("  ", []), ("a", ["a"]), (" a  b\tc\nd ", ["a", "b", "c", "d"]), ("'a b' \"c d\"", ["a b", "c d"]),
    ("a'b'\"c\"d", ["abcd"]), ("''", [""]), ("a '' b", ["a", "", "b"]), ("a\\ b \\\\", ["a b", "\\"]),
    ("'\\n$x'", ["\\n$x"]), ("\"\\\"\\$\\x\"", ["\"$\\x"]), ("a;b|c>d&e", ["a;b|c>d&e"]),
    ("$(id) `id` *", ["$(id)", "`id`", "*"]),
    ("a\\\nb", ["ab"]), ("# a", ["#", "a"]),
  ])
  func `splits as a shell does and expands nothing`(line: String, words: [String]) throws {
    #expect(try ShellWords.split(line) == words)
  }

  @Test func `names the place of an unclosed quote`() {
    #expect(throws: ShellWordsError.unclosedQuote) { try ShellWords.split("a 'b") }
    #expect(throws: ShellWordsError.unclosedQuote) { try ShellWords.split("a \"b\\\"") }
    #expect(throws: ShellWordsError.trailingBackslash) { try ShellWords.split("a \\") }
  }
}

@Suite struct XMLElementTests {
  @Test func `finds the text of an element`() {
    let document = "<a xmlns=\"x\"><b><SessionToken>x&amp;y&lt;&#x41;&#66;&bogus;&</SessionToken><c/></b></a>"
    #expect(XMLElement.text("SessionToken", in: document) == "x&y<AB&bogus;&")
    #expect(XMLElement.text("b", in: document) == nil)
    #expect(XMLElement.text("missing", in: document) == nil)
    #expect(XMLElement.text("open", in: "<open>x") == nil)
  }
}

@Suite struct ProxySettingsTests {
  @Test(arguments: [
    ("", "a.example.com", false), ("*", "a.example.com", true), ("example.com", "a.example.com", true),
    (".example.com", "a.example.com", true), ("*.example.com", "a.example.com", true),
    ("ample.com", "a.example.com", false), ("a.example.com", "a.example.com", true),
    ("x, EXAMPLE.com", "a.example.com", true), ("example.com:443", "a.example.com", true),
    ("example.com:80", "a.example.com", false), ("10.0.0.0/8", "10.1.2.3", true), ("10.0.0.0/8", "11.1.2.3", false),
    ("10.1.2.3", "10.1.2.3", true), ("10.0.0.0/33", "10.1.2.3", false), ("10.0.0.0/8", "a.example.com", false),
  ])
  func `applies the exceptions of NO_PROXY`(list: String, host: String, isExcluded: Bool) {
    #expect(ProxySettings.excludes(list, host: host, port: 443) == isExcluded)
  }

  @Test(arguments: [
    "169.254.169.254", "169.254.170.2", "169.254.170.23", "127.0.0.1", "[::1]", "[fd00:ec2::254]", "[fd00:ec2::23]",
    "[fd00:0ec2:0::0:23]", "[fe80::1]", "[::ffff:169.254.170.23]", "localhost",
  ])
  func `no proxy of the environment leads to this host and its link`(host: String) throws {
    let environment = ["http_proxy": "http://p:1", "HTTP_PROXY": "http://p:1", "ALL_PROXY": "http://p:1"]
    #expect(try proxy("http://\(host)/", environment) == nil)
    #expect(try proxy("http://[fd00:ec3::23]/", environment)?.host == "p")
  }

  private func proxy(
    _ url: String, configured: String? = nil, _ environment: [String: String] = [:]
  ) throws -> (host: String, port: Int)? {
    try ProxySettings.proxy(
      for: ServiceURL(parsing: url), configured: configured, environment: ProcessEnvironment(environment)
    ).map { ($0.host, $0.port) }
  }

  @Test func `the target's proxy wins over the environment's and its exceptions`() throws {
    let environment = ["HTTPS_PROXY": "http://env:1", "NO_PROXY": "*"]
    #expect(try proxy("https://iot.example.com", configured: "http://own:2", environment)?.host == "own")
    #expect(try proxy("https://iot.example.com", environment) == nil)
  }

  @Test func `the environment's proxy is the scheme's`() throws {
    let environment = ["HTTPS_PROXY": "http://upper:1", "https_proxy": "http://lower:2", "HTTP_PROXY": "plain:3"]
    #expect(try proxy("https://iot.example.com", environment)?.host == "lower")
    #expect(try proxy("http://iot.example.com", environment)?.host == "plain")
    #expect(try proxy("http://iot.example.com", ["ALL_PROXY": "socks5://all"])?.port == 1080)
    #expect(try proxy("https://iot.example.com", ["HTTPS_PROXY": "http://plain"])?.port == 80)
  }

  @Test(arguments: ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "http://169.254.169.254"])
  func `the environment's proxy is never used for local addresses`(url: String) throws {
    #expect(try proxy(url, ["HTTP_PROXY": "http://proxy:1", "ALL_PROXY": "http://proxy:1"]) == nil)
  }

  @Test(arguments: ["https://tls-proxy", "ftp://x", "http://", "socks5://u:p@h", "http://h:0"])
  func `refuses unusable proxies without repeating them`(text: String) throws {
    let error = #expect(throws: ProxyError.self) { try proxy("https://iot.example.com", configured: text) }
    #expect(error?.description.contains("u:p") == false)
  }
}
