/// Why a text is not the URL of a service.
package struct ServiceURLError: Error, Hashable, Sendable, CustomStringConvertible {
  /// For the operator. Does not repeat the URL, which may hold a password.
  package let description: String
}

/// The `http` or `https` URL of a service: the host to connect to, and the beginning of each operation's path.
package struct ServiceURL: Hashable, Sendable, CustomStringConvertible {
  /// The URL schemes that are supported.
  package enum Scheme: String, Sendable {
    case http
    case https

    var defaultPort: Int { self == .http ? 80 : 443 }
  }

  /// Whether the connection uses TLS.
  package let scheme: Scheme
  /// In lower case; an IPv6 address without its brackets.
  package let host: String
  /// 1 to 65535; the scheme's own where the URL names none.
  package let port: Int
  /// Empty, or begins with `/`; as it stands on the wire.
  package let path: String
  /// The text behind `?`, or empty.
  package let query: String

  package init(scheme: Scheme, host: String, port: Int? = nil, path: String = "", query: String = "") {
    self.scheme = scheme
    self.host = host
    self.port = port ?? scheme.defaultPort
    self.path = path
    self.query = query
  }

  /// Reads a URL (RFC 3986) without user information and fragment.
  ///
  /// - Throws: `ServiceURLError`.
  package init(parsing text: String) throws(ServiceURLError) {
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
      throw ServiceURLError(description: "it holds white space, control or non-ASCII characters")
    }
    guard let separator = text.firstRange(of: "://"),
      let scheme = Scheme(rawValue: text[..<separator.lowerBound].lowercased())
    else { throw ServiceURLError(description: "it must begin with http:// or https://") }
    guard !text.contains("#") else { throw ServiceURLError(description: "it must not have a fragment") }
    let rest = text[separator.upperBound...]
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    guard !authority.contains("@") else { throw ServiceURLError(description: "it must not have a user name") }
    let (host, port) = try ServiceURL.split(authority)
    let target = rest[authority.endIndex...]
    let path = target.prefix { $0 != "?" }
    self.init(
      scheme: scheme, host: host, port: port, path: path == "/" ? "" : String(path),
      query: String(target[path.endIndex...].dropFirst()))
  }

  /// The host and port of an authority.
  private static func split(_ authority: Substring) throws(ServiceURLError) -> (host: String, port: Int?) {
    let host: Substring
    var rest: Substring
    if authority.first == "[" {
      guard let end = authority.firstIndex(of: "]") else {
        throw ServiceURLError(description: "its IPv6 address has no closing bracket")
      }
      host = authority[authority.index(after: authority.startIndex)..<end]
      rest = authority[authority.index(after: end)...]
    } else {
      host = authority.prefix { $0 != ":" }
      rest = authority[host.endIndex...]
    }
    guard !host.isEmpty, host.allSatisfy({ $0.isLetter || $0.isNumber || "-._~:%".contains($0) }) else {
      throw ServiceURLError(description: "its host is empty or malformed")
    }
    if rest.isEmpty { return (host.lowercased(), nil) }
    guard rest.popFirst() == ":", rest.allSatisfy(\.isNumber), let port = Int(rest), (1...65_535).contains(port) else {
      throw ServiceURLError(description: "its port is not a number from 1 to 65535")
    }
    return (host.lowercased(), port)
  }

  /// The value of `Host`: without the scheme's own port (RFC 9110 section 7.2), which is also how it is signed.
  package var authority: String {
    port == scheme.defaultPort ? bracketedHost : hostAndPort
  }

  /// `HOST:PORT`, also with the scheme's own port.
  var hostAndPort: String { "\(bracketedHost):\(port)" }

  private var bracketedHost: String { host.contains(":") ? "[\(host)]" : host }

  /// The URL of `path` at this service.
  package func text(path suffix: String = "", query: String = "") -> String {
    let full = path.hasSuffix("/") && suffix.hasPrefix("/") ? path.dropLast() + suffix : path + suffix
    let whole = query.isEmpty ? self.query : query
    return "\(scheme.rawValue)://\(authority)\(full.isEmpty ? "/" : full)\(whole.isEmpty ? "" : "?" + whole)"
  }

  package var description: String { text() }
}
