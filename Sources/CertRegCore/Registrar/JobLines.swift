/// The order of the jobs of each certificate and target. The first one is at work, the others wait for its end.
struct JobLines: Sendable {
  private struct Line: Sendable {
    var first: JobID
    var last: JobID
    /// The job that registers the certificate; of several the last one, unless that was never on disk.
    var registration: JobID?
    /// The job that revokes the certificate, once it is on disk; of several the last one.
    var revocation: JobID?
    /// Another host waits to revoke it.
    var isRevokedElsewhere = false
    /// How often another host told that it has revoked it.
    var revocationsTold = 0
  }

  private var lines: [RegistrationKey: Line] = [:]
  private var next: [JobID: JobID] = [:]
  private var previous: [JobID: JobID] = [:]

  /// Adds a job behind all others of its certificate and target.
  mutating func append(_ id: JobID, registers: Bool) {
    guard var line = lines[id.key] else {
      lines[id.key] = Line(first: id, last: id, registration: registers ? id : nil)
      return
    }
    next[line.last] = id
    previous[id] = line.last
    line.last = id
    if registers { line.registration = id }
    lines[id.key] = line
  }

  /// Removes a job.
  ///
  /// - Returns: The job whose turn it is now, if the first one was removed.
  mutating func remove(_ id: JobID) -> JobID? {
    let (before, after) = (previous.removeValue(forKey: id), next.removeValue(forKey: id))
    if let before { next[before] = after }
    if let after { previous[after] = before }
    guard var line = lines[id.key], let first = before == nil ? after : line.first else {
      lines[id.key] = nil
      return nil
    }
    line.first = first
    if line.last == id, let before { line.last = before }
    if line.registration == id { line.registration = nil }
    if line.revocation == id { line.revocation = nil }
    lines[id.key] = line
    return before == nil ? after : nil
  }

  /// The job at work; `nil`: there is none.
  func first(of key: RegistrationKey) -> JobID? { lines[key]?.first }

  /// The job that was asked for last.
  func last(of key: RegistrationKey) -> JobID? { lines[key]?.last }

  /// The job that registers the certificate.
  func registration(of key: RegistrationKey) -> JobID? { lines[key]?.registration }

  /// Notes that a job revokes its certificate, and is on disk.
  mutating func noteRevocation(_ id: JobID) { lines[id.key]?.revocation = id }

  /// Notes that another host waits to revoke a certificate that jobs of this one are at work on.
  mutating func noteRevocationElsewhere(_ key: RegistrationKey) { lines[key]?.isRevokedElsewhere = true }

  /// Notes that another host has revoked a certificate that jobs of this one are at work on.
  mutating func noteToldRevocation(of key: RegistrationKey) { lines[key]?.revocationsTold += 1 }

  /// How often another host told that it has revoked the certificate, since there are jobs of it.
  func revocationsTold(of key: RegistrationKey) -> Int { lines[key]?.revocationsTold ?? 0 }

  /// Whether another host waits to revoke a certificate.
  func isRevokedElsewhere(_ key: RegistrationKey) -> Bool { lines[key]?.isRevokedElsewhere ?? false }

  /// Whether the certificate is to be revoked, by a job on disk or by another host.
  func isRevoked(_ key: RegistrationKey) -> Bool {
    lines[key].map { $0.revocation != nil || $0.isRevokedElsewhere } ?? false
  }

  /// The job behind another one.
  func next(after id: JobID) -> JobID? { next[id] }

  /// Whether no job is before this one.
  func isFirst(_ id: JobID) -> Bool { previous[id] == nil }
}
