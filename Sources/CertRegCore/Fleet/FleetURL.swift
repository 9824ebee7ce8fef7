/// A connection URI of libpq (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS),
/// without a secret.
package struct FleetURL: Sendable, Hashable, CustomStringConvertible {
  /// As it was written.
  package let description: String
  /// Hosts and database, for people.
  package let database: String
  /// The hosts, each with its port where one is named; empty ones and paths stand for sockets.
  package let hosts: [String]
  /// The file of the authorities that may have issued the server's certificate; `nil`: libpq's own.
  package let rootCertificate: String?
  /// Whether the URL says how the server's certificate and name are checked.
  private let namesMode: Bool
  /// Whether all hosts that the URL names are this machine.
  private let isLocal: Bool
  /// Whether the URL names addresses, which libpq prefers to those of the environment.
  private let namesAddresses: Bool

  /// What is wrong with a text; without the text, which may have a password.
  package struct Fault: Error, Hashable, Sendable {
    /// What is wrong, to follow the name of the key.
    package var message: String

    init(_ message: String) { self.message = message }
  }

  /// Parameters whose value is a secret.
  private static let secrets = [
    "password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key",
  ]

  /// What libpq takes as `sslmode` (its documentation, table "SSL Mode Descriptions").
  private static let modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

  /// - Throws: What is wrong.
  package init(_ text: String) throws(Fault) {
    guard let scheme = ["postgresql://", "postgres://"].first(where: text.hasPrefix) else {
      throw Fault("is no URL of PostgreSQL: it has to begin with postgresql://")
    }
    let rest = text.dropFirst(scheme.count)
    let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    var authority = parts[0].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let name = authority.count > 1 ? String(authority[1]) : ""
    // A password with a slash: what comes before it would pass for the host.
    guard !name.contains("@") else {
      throw Fault("has an @ behind the host: a password does not belong into it, but into fleet.passwordFile")
    }
    if let at = authority[0].lastIndex(of: "@") {
      guard !authority[0][..<at].contains(":") else {
        throw Fault("has a password: put it into a file and name that in fleet.passwordFile")
      }
      authority[0] = authority[0][authority[0].index(after: at)...]
    }
    var parameters: [String: String] = [:]
    for pair in parts.count > 1 ? parts[1].split(separator: "&") : [] {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard sides.count == 2 else { throw Fault("has a parameter without a value") }
      let key = String(sides[0]).removingPercentEncoding ?? ""
      guard !Self.secrets.contains(key) else {
        throw Fault("has a secret, \(key): put a password into a file and name that in fleet.passwordFile")
      }
      // A password with a question mark: what comes before that would pass for a port.
      guard !sides[0].contains("@"), key == "host" || !sides[1].contains("@") else {
        throw Fault(
          "has an @ behind the question mark: a password belongs into fleet.passwordFile; write an @ that is meant as %40"
        )
      }
      // libpq takes it for sslmode=require, which checks no certificate.
      guard key != "ssl" else { throw Fault("has the parameter ssl: use sslmode=verify-full") }
      parameters[key] = String(sides[1]).removingPercentEncoding ?? ""
      if key == "sslmode", !Self.modes.contains(parameters[key] ?? "") {
        throw Fault("has an sslmode that libpq does not know: it is one of \(Self.modes.joined(separator: ", "))")
      }
    }
    guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7f }) else {
      throw Fault("has a blank or a control character")
    }
    func list(_ text: String) -> [String] {
      text.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
    }
    let hosts = list(parameters["host"] ?? parameters["hostaddr"] ?? String(authority[0]))
    guard hosts.allSatisfy(Self.hasPortOrNone) else { throw Fault("has a port that is no number up to 65535") }
    // libpq goes to the address, and takes the host for the name in the certificate.
    let addresses = parameters["hostaddr"].map(list) ?? []
    self.hosts = hosts
    rootCertificate = parameters["sslrootcert"]
    description = text
    let shown = hosts.allSatisfy(\.isEmpty) ? "local socket" : hosts.joined(separator: ",")
    database = "\(shown)/\(name.isEmpty ? parameters["dbname"] ?? "" : name)"
    // A service file can name any host.
    isLocal = (hosts + addresses).allSatisfy(Self.isLocal) && parameters["service"] == nil
    namesMode = parameters["sslmode"] != nil
    namesAddresses = !addresses.isEmpty
  }

  /// Whether the server's certificate and name are checked, since the URL says nothing else and a host is not on this
  /// machine.
  ///
  /// - Parameter variable: The value of a variable of the environment, from which libpq takes what the URL leaves open
  ///   (https://www.postgresql.org/docs/current/libpq-envars.html); `nil`: it is not set.
  package func verifiesFully(_ variable: (String) -> String?) -> Bool {
    func names(_ name: String) -> [String] {
      (variable(name) ?? "").split(separator: ",").map { String($0) }
    }
    if namesMode { return false }
    let ofEnvironment =
      (hosts.allSatisfy(\.isEmpty) ? names("PGHOST") : []) + (namesAddresses ? [] : names("PGHOSTADDR"))
    return !isLocal || !ofEnvironment.allSatisfy(Self.isLocal) || !names("PGSERVICE").isEmpty
  }

  /// Whether a host, with or without a port, is this machine.
  private static func isLocal(_ host: String) -> Bool {
    if host.isEmpty || host.hasPrefix("/") || host.hasPrefix("%2F") || host.hasPrefix("%2f") || host.hasPrefix("@") {
      return true
    }
    let name = name(of: host)
    // Without a name, libpq goes to a socket of this machine.
    if name.isEmpty || name == "localhost" || name == "::1" { return true }
    let numbers = name.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    return numbers.count == 4 && numbers[0] == 127 && !numbers.contains(nil)
  }

  /// A host without its port and brackets. An IPv6 address may stand without brackets, and has no port then.
  private static func name(of host: String) -> Substring {
    if host.hasPrefix("[") { return host.dropFirst().prefix { $0 != "]" } }
    let parts = host.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    return parts.count == 3 ? host[...] : parts[0]
  }

  private static func hasPortOrNone(_ host: String) -> Bool {
    if host.hasPrefix("/") || host.hasPrefix("@") || host == "::1" { return true }
    let rest = host.hasPrefix("[") ? host.drop { $0 != "]" } : host[...]
    guard let colon = rest.firstIndex(of: ":"), rest.lastIndex(of: ":") == colon else { return true }
    let port = rest[rest.index(after: colon)...]
    return port.isEmpty || UInt16(port) != nil
  }
}

extension String {
  /// The text with `%` and two digits decoded (RFC 3986 section 2.1); `nil` where that is no text.
  fileprivate var removingPercentEncoding: String? {
    var bytes: [UInt8] = []
    var rest = utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst()?.hexDigitValue, let low = rest.popFirst()?.hexDigitValue else { return nil }
      bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
