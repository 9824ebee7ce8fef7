import CertRegCore

/// The parts of an `http` or `https` URL that the configuration has to look at (RFC 3986 section 3).
struct WebAddress: Equatable {
  var scheme: String
  /// Without the brackets of an IPv6 address.
  var host: String
  var port: Int?
  /// Empty or beginning with `/`.
  var path: String

  /// Refuses user information (a secret), queries and fragments. `written` is the text that a message shows, without
  /// its user information.
  static func parse(_ text: String, schemes: [String], written: String) throws(ValueProblem) -> WebAddress {
    let written = withoutUserInformation(written)
    try plainText(text, limit: 2048)
    let wanted = schemes.map { "\($0)://" }.joined(separator: " or ")
    guard let separator = text.firstRange(of: "://") else {
      throw ValueProblem("\(quoted(written)) is not a URL: it has to begin with \(wanted)")
    }
    let scheme = text[..<separator.lowerBound].lowercased()
    guard schemes.contains(scheme) else {
      throw ValueProblem("\(quoted(written)) has to begin with \(wanted)")
    }
    let rest = text[separator.upperBound...]
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let path = rest.dropFirst(authority.count)
    if authority.contains("@") {
      // Not shown: the text before the @ may be a password.
      throw ValueProblem("holds a user or password before \"@\": secrets do not belong into the configuration")
    }
    if path.contains("?") || path.contains("#") {
      throw ValueProblem("\(quoted(written)) has a query or fragment, which means nothing here")
    }
    guard path.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw ValueProblem("\(quoted(written)) has a character in its path that has to be percent-encoded")
    }
    let (host, port) = try hostAndPort(authority, written: written)
    return WebAddress(scheme: scheme, host: host, port: port, path: String(path))
  }

  /// The text with a replacement for all between the scheme, if there is one, and the last `@`. A text that is no URL
  /// may have a password there as well, and the password may hold any character.
  private static func withoutUserInformation(_ text: String) -> String {
    guard let at = text.lastIndex(of: "@") else { return text }
    let scheme = text[..<at].firstRange(of: "://").map { text[..<$0.upperBound] } ?? ""
    return scheme + SecretMask.replacement + text[at...]
  }

  private static func hostAndPort(_ authority: Substring, written: String) throws(ValueProblem) -> (String, Int?) {
    let malformed = ValueProblem("\(quoted(written)) has no valid host")
    var host = authority
    var port: Int?
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]") else { throw malformed }
      host = authority[authority.index(after: authority.startIndex)..<end]
      let rest = authority[authority.index(after: end)...]
      guard isIPv6(host), rest.isEmpty || rest.hasPrefix(":") else { throw malformed }
      port = rest.isEmpty ? nil : try parsePort(rest.dropFirst(), written: written)
    } else {
      if let colon = authority.lastIndex(of: ":") {
        host = authority[..<colon]
        port = try parsePort(authority[authority.index(after: colon)...], written: written)
      }
      let allowed = host.unicodeScalars.allSatisfy { isLetterOrDigit($0) || $0 == "." || $0 == "-" || $0 == "_" }
      guard allowed, (1...253).contains(host.count), !host.hasPrefix("."), !host.contains("..") else { throw malformed }
    }
    return (host.lowercased(), port)
  }

  private static func isIPv6(_ host: Substring) -> Bool {
    host.contains(":")
      && host.unicodeScalars.allSatisfy { scalar in
        switch scalar {
        case "0"..."9", "a"..."f", "A"..."F", ":", ".": true
        default: false
        }
      }
  }

  private static func parsePort(_ text: Substring, written: String) throws(ValueProblem) -> Int {
    guard let port = portNumber(text) else {
      throw ValueProblem("\(quoted(written)) has no valid port: 1 to 65535")
    }
    return port
  }
}
