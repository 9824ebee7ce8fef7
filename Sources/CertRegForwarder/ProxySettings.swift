import AsyncHTTPClient
import CertRegSigV4

/// An unusable proxy setting.
struct ProxyError: Error, Hashable, CustomStringConvertible {
  /// For the operator. Does not repeat the URL, which may hold a password.
  let description: String
}

/// Which proxy leads to a host.
enum ProxySettings {
  /// The proxy for `url`; `nil` if the connection is direct.
  ///
  /// - Parameters:
  ///   - configured: The target's own setting. It wins over the environment and has no exceptions.
  ///   - environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, lower case before upper case.
  /// - Throws: `ProxyError` if the setting or variable cannot be used.
  static func proxy(
    for url: ServiceURL, configured: String?, environment: ProcessEnvironment
  ) throws(ProxyError) -> HTTPClient.Configuration.Proxy? {
    if let configured { return try parse(configured, source: "`proxy`") }
    // The variables are meant for the network; no proxy leads to this machine or its link.
    if isLocal(url.host) { return nil }
    let exceptions = environment["no_proxy"] ?? environment["NO_PROXY"] ?? ""
    if excludes(exceptions, host: url.host, port: url.port) { return nil }
    for name in ["\(url.scheme.rawValue)_proxy", "all_proxy"] {
      for variable in [name, name.uppercased()] {
        if let value = environment[variable] { return try parse(value, source: variable) }
      }
    }
    return nil
  }

  private static func parse(_ text: String, source: String) throws(ProxyError) -> HTTPClient.Configuration.Proxy {
    func malformed(_ why: String) -> ProxyError {
      ProxyError(description: "the proxy in \(source) is not usable: \(why)")
    }
    var rest = text[...]
    var isSocks = false
    if let separator = rest.firstRange(of: "://") {
      switch rest[..<separator.lowerBound].lowercased() {
      case "http": break
      case "socks5", "socks5h": isSocks = true
      default: throw malformed("only http:// and socks5:// proxies are known")
      }
      rest = rest[separator.upperBound...]
    }
    var authorization: HTTPClient.Authorization?
    if let at = rest.lastIndex(of: "@") {
      let user = rest[..<at]
      let name = URIEncoding.decoded(user.prefix { $0 != ":" })
      let password = URIEncoding.decoded(user.drop { $0 != ":" }.dropFirst())
      authorization = .basic(username: name, password: password)
      rest = rest[rest.index(after: at)...]
    }
    let url: ServiceURL
    do throws(ServiceURLError) { url = try ServiceURL(parsing: "http://\(rest)") } catch {
      throw malformed(error.description)
    }
    let port = rest.last == "]" || !rest.contains(":") ? (isSocks ? 1080 : 80) : url.port
    if isSocks {
      guard authorization == nil else { throw malformed("SOCKS proxies with a password are not supported") }
      return .socksServer(host: url.host, port: port)
    }
    return .server(host: url.host, port: port, authorization: authorization)
  }

  /// Whether a list of exceptions (`NO_PROXY`) names the host: by name or domain, with an optional port, by IPv4
  /// network, or all by `*`.
  static func excludes(_ list: String, host: String, port: Int) -> Bool {
    list.split(whereSeparator: { $0 == "," || $0 == " " }).contains { entry in
      if entry == "*" { return true }
      if let network = IPv4Network(entry) { return IPv4Network.address(host).map(network.contains) ?? false }
      var name = entry.lowercased()[...]
      if name.filter({ $0 == ":" }).count == 1, let colon = name.firstIndex(of: ":") {
        if Int(name[name.index(after: colon)...]) != port { return false }
        name = name[..<colon]
      }
      name = name.drop { $0 == "*" || $0 == "." }
      return !name.isEmpty && (host == name || host.hasSuffix(".\(name)"))
    }
  }

  /// Whether `host` is on this machine or its link: loopback and link-local addresses, and the addresses in
  /// `fd00:ec2::/32` at which EC2 and EKS serve metadata and credentials (EC2 User Guide, "Access instance metadata";
  /// EKS User Guide, "EKS Pod Identity Agent").
  static func isLocal(_ host: String) -> Bool {
    if host == "localhost" || host.hasSuffix(".localhost") { return true }
    if let address = IPv4Network.address(host) { return address >> 24 == 127 || address >> 16 == 0xa9fe }
    return IPv6Address(host)?.isLocal ?? false
  }
}

/// A range of IPv4 addresses such as `10.0.0.0/8`.
private struct IPv4Network {
  let prefix: UInt32
  let mask: UInt32

  init?(_ text: Substring) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard let first = parts.first, let address = IPv4Network.address(String(first)) else { return nil }
    let length = parts.count == 2 ? Int(parts[1]) : parts.count == 1 ? 32 : nil
    guard let length, (0...32).contains(length) else { return nil }
    mask = length == 0 ? 0 : ~0 << (32 - UInt32(length))
    prefix = address & mask
  }

  func contains(_ address: UInt32) -> Bool {
    address & mask == prefix
  }

  static func address(_ text: String) -> UInt32? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    guard parts.count == 4 else { return nil }
    var address: UInt32 = 0
    for part in parts {
      guard let part else { return nil }
      address = address << 8 | UInt32(part)
    }
    return address
  }
}
