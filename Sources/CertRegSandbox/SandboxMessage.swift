import CertRegCore
import CertRegSigV4

/// The parts of a complete HTTP request that the sandbox reads.
package struct SandboxRequest: Sendable {
  /// The HTTP method.
  package var method: String
  /// The path on the wire.
  package var path: String
  /// The text after `?` on the wire; empty if there is none.
  package var query: String
  /// In the order in which they came, repetitions included.
  package var headers: [(name: String, value: String)]
  /// The complete body.
  package var body: [UInt8]

  /// A request for `target`, which is in origin form or, as proxies get it, in absolute form (RFC 9112 sections 3.2.1
  /// and 3.2.2).
  package init(method: String, target: String, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
    self.method = method
    let parts = originForm(target).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    path = parts.first.map(String.init) ?? ""
    query = parts.count > 1 ? String(parts[1]) : ""
    self.headers = headers
    self.body = body
  }

  /// The access key ID of the signature; `nil` for a request without one.
  var accessKeyID: String? {
    header("authorization").flatMap { try? AuthorizationHeader(parsing: $0) }?.accessKeyID
  }

  /// The value of the first header with `name`, whatever the case of its letters.
  package func header(_ name: String) -> String? {
    let wanted = name.lowercased()
    return headers.first { $0.name.lowercased() == wanted }?.value
  }
}

/// `target` without a scheme and an authority in front.
private func originForm(_ target: String) -> Substring {
  for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
    let rest = target.dropFirst(scheme.count).drop { $0 != "/" && $0 != "?" }
    return rest.first == "/" ? rest : "/" + rest
  }
  return target[...]
}

/// An answer to a `SandboxRequest`.
package struct SandboxResponse: Sendable {
  /// The HTTP status.
  package var status: Int
  /// The headers, in the order in which they are sent.
  package var headers: [(name: String, value: String)]
  /// The complete body.
  package var body: [UInt8]

  package init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// The answer that a plan contains.
  init(_ scripted: FaultPlan.ScriptedAnswer, status: Int) {
    self.init(
      status: status, headers: scripted.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
      body: Array(scripted.body.utf8))
  }

  /// Adds the headers of every answer that are missing.
  mutating func addStandardHeaders(requestID: UniqueID, date: WallTime) {
    let standard = [
      ("x-amzn-RequestId", requestID.description), ("Content-Type", "application/json"), ("Date", date.httpDate),
    ]
    for (name, value) in standard where !headers.contains(where: { $0.name.lowercased() == name.lowercased() }) {
      headers.append((name, value))
    }
  }

  /// The value of the header with `name`, in the case in which it is sent.
  package func header(_ name: String) -> String? {
    headers.first { $0.name == name }?.value
  }
}

extension WallTime {
  /// The form of the `Date` header: `Tue, 24 Nov 2026 08:09:10 GMT` (RFC 9110 section 5.6.7).
  var httpDate: String {
    let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let time = CivilTime(self)
    let days = secondsSinceEpoch >= 0 ? secondsSinceEpoch / 86_400 : (secondsSinceEpoch - 86_399) / 86_400
    // The epoch was a Thursday.
    let weekday = weekdays[Int((days % 7 + 7) % 7)]
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(weekday), \(two(time.day)) \(months[time.month - 1]) \(time.year) "
      + "\(two(time.hour)):\(two(time.minute)):\(two(time.second)) GMT"
  }
}
