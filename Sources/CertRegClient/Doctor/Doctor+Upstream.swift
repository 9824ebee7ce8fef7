package import CertRegCore

extension Doctor {
  /// Host, port and scheme of an upstream.
  package struct Endpoint: Hashable, Sendable {
    package var host: String
    package var port: UInt16
    package var isTLS: Bool
    /// As curl takes it.
    package var url: String

    /// Reads `https://host[:port][/…]` and `http://…`; a host alone stands for https.
    package init?(_ text: String) {
      let schemes = [("https://", true), ("http://", false)]
      let scheme = schemes.first { text.hasPrefix($0.0) }
      isTLS = scheme?.1 ?? true
      let rest = text.dropFirst(scheme?.0.count ?? 0)
      let authority = rest.prefix { $0 != "/" && $0 != "?" }
      guard !authority.isEmpty, !authority.contains("@"), authority.utf8.allSatisfy({ 0x21..<0x7F ~= $0 }) else {
        return nil
      }
      var host = authority
      port = isTLS ? 443 : 80
      if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
        guard let number = UInt16(authority[authority.index(after: colon)...]) else { return nil }
        port = number
        host = authority[..<colon]
      }
      self.host = String(host).trimmingBrackets
      url = (isTLS ? "https://" : "http://") + authority + "/"
    }
  }

  /// The upstreams to check: those of the daemon's targets, else the one of the region that is known.
  func endpoints(_ targets: [JSON]) -> [Endpoint] {
    var found: [Endpoint] = []
    for target in targets {
      let named = target["endpoint"]?.string.flatMap(Endpoint.init)
      let regional = target["region"]?.string.flatMap { Endpoint("iot.\($0).amazonaws.com") }
      if let endpoint = named ?? regional, !found.contains(endpoint) { found.append(endpoint) }
    }
    let fallback = region ?? probe.environment["AWS_REGION"] ?? probe.environment["AWS_DEFAULT_REGION"]
    if targets.isEmpty, let fallback, let endpoint = Endpoint("iot.\(fallback).amazonaws.com") { found = [endpoint] }
    return found
  }

  /// What the daemon says about a target.
  func health(of target: JSON) -> Finding {
    let name = target["name"]?.string ?? "-"
    let health = target["health"]?.string ?? "unknown"
    let subject = "target \(name)"
    let error = target["lastError"].flatMap(AnswerError.init(json:))
    let seen = health + (error.map { ": \($0.message) (\($0.reason))" } ?? "")
    let cure = error.flatMap { Advice.forReason($0.reason) }
    switch health {
    case "ok": return Finding(.ok, subject, health)
    case "throttled":
      return Finding(
        .warning, subject, seen,
        cure: cure ?? "certregd keeps to the pace that AWS allows; a higher one is a quota request for the account")
    case "unauthorized":
      return Finding(
        .error, subject, seen,
        cure: cure ?? "see to its credentials and that they may iot:RegisterCertificateWithoutCA")
    case "unknown": return Finding(.ok, subject, "not called yet")
    default: return Finding(.error, subject, seen, cure: cure ?? "see the checks of its endpoint below")
    }
  }

  /// Name resolution, a connection, TLS and the time there.
  func endpoint(_ endpoint: Endpoint) -> [Finding] {
    let proxy = probe.environment["HTTPS_PROXY"] ?? probe.environment["https_proxy"]
    switch probe.reach(endpoint.host, endpoint.port) {
    case .notResolved(let why):
      return [
        Finding(
          proxy == nil ? .error : .warning, "name", "\(endpoint.host) is not resolved: \(why)",
          cure: "see /etc/resolv.conf and the region's or endpoint's spelling")
      ]
    case .notConnected(let why):
      return [
        Finding(
          proxy == nil ? .error : .warning, "connection", "\(endpoint.host) port \(endpoint.port): \(why)",
          cure: proxy == nil
            ? "let this machine connect to it (firewall, route), or set the target's proxy"
            : "a proxy is set (\(proxy ?? "")): the daemon needs it as the target's proxy too")
      ]
    case .reached(let address):
      let connected = Finding(.ok, "connection", "\(endpoint.host) port \(endpoint.port) at \(address)")
      return endpoint.isTLS ? [connected] + secured(endpoint) : [connected]
    }
  }

  /// TLS as curl sees it, with the authorities that the system trusts, and the clock of the other side.
  private func secured(_ endpoint: Endpoint) -> [Finding] {
    guard let result = probe.run(["curl", "-sS", "-o", "/dev/null", "-D", "-", "-m", "10", endpoint.url]) else {
      return [Finding(.skipped, "TLS", "curl is not in PATH, so TLS and the clock there were not checked")]
    }
    guard result.status == 0 else {
      let seen = result.output.split(separator: "\n").last.map(String.init) ?? "curl ends with \(result.status)"
      return [
        Finding(
          .error, "TLS", seen,
          cure: "where a proxy opens TLS, give its authority as the target's caFile; otherwise install ca-certificates")
      ]
    }
    let secure = Finding(.ok, "TLS", "\(endpoint.host) is who it says")
    guard let date = HTTPDate.inHeader(result.output) else { return [secure] }
    let skew = Double(date.millisecondsSinceEpoch - probe.wallTime.millisecondsSinceEpoch) / 1000
    let size = StatusView.duration(seconds: abs(skew))
    // Signature Version 4 allows five minutes; the header itself is exact to a second.
    if abs(skew) > 240 {
      return [
        secure,
        Finding(
          .error, "clock there", "\(size) \(skew > 0 ? "ahead of" : "behind") this machine's",
          cure: "AWS refuses signatures that are five minutes off: sudo timedatectl set-ntp true"),
      ]
    }
    return [secure, Finding(.ok, "clock there", abs(skew) < 3 ? "the same as here" : "\(size) apart")]
  }

  /// Whether there are credentials in the usual places. The daemon's own are its secret: its targets' health tells of them.
  func credentials(_ targets: [JSON]) -> Finding {
    let variables = [
      "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
      "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    ].filter { !(probe.environment[$0] ?? "").isEmpty }
    let home = probe.environment["HOME"] ?? ""
    let file = probe.environment["AWS_SHARED_CREDENTIALS_FILE"] ?? "\(home)/.aws/credentials"
    let hasFile = probe.file(file)?.isReadable ?? false
    let places = variables + (hasFile ? [file] : [])
    let works = targets.contains { $0["lastSuccessAt"]?.string != nil }
    if works { return Finding(.ok, "credentials", "certregd has registered with its own") }
    guard !places.isEmpty else {
      return Finding(
        .warning, "credentials", "none in \(probe.user)'s environment and files; certregd may have its own",
        cure:
          "its unit or configuration must name a source: a profile, a role of the machine, or targets.NAME.credentials")
    }
    return Finding(
      .ok, "credentials", "\(probe.user) has \(places.joined(separator: ", ")); certregd has its own environment")
  }
}

extension String {
  /// An IPv6 address without the brackets that a URL puts around it.
  fileprivate var trimmingBrackets: String {
    hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self
  }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, the time of HTTP (RFC 9110 section 5.6.7).
package enum HTTPDate {
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// The time of the `Date` line in a header; `nil` where there is none that can be read.
  package static func inHeader(_ header: String) -> WallTime? {
    for line in header.split(whereSeparator: \.isNewline) where line.lowercased().hasPrefix("date:") {
      return parse(String(line.dropFirst(5)))
    }
    return nil
  }

  static func parse(_ text: String) -> WallTime? {
    let parts = text.split(separator: " ")
    guard parts.count == 6, let day = Int(parts[1]), let month = months.firstIndex(of: String(parts[2])),
      let year = Int(parts[3])
    else { return nil }
    let clock = parts[4].split(separator: ":").compactMap { Int($0) }
    guard clock.count == 3, 0...9999 ~= year, 1...31 ~= day else { return nil }
    return CivilTime.wallTime(
      year: year, month: month + 1, day: day, hour: clock[0], minute: clock[1], second: clock[2])
  }
}
