@testable import CertRegCore

// Tests have one job at work for a certificate, and name it by its key.
extension Registrar {
  /// The job at work on a certificate; the number 0 if there is none.
  func id(of key: RegistrationKey) -> JobID { lines.first(of: key) ?? JobID(key: key, sequence: 0) }

  func isUnderWay(_ key: RegistrationKey) -> Bool { lines.first(of: key) != nil }

  /// Sets the targets, of which it is not known where their upstreams are.
  func setTargets(_ limits: [TargetName: TargetLimits], now: Moment) -> [Action] {
    setTargets(limits, at: [:], now: now)
  }

  func replied(_ key: RegistrationKey, _ reply: UpstreamReply, now: Moment) -> [Action] {
    replied(id(of: key), reply, now: now)
  }
}

extension Registration {
  /// The result as a job leaves it that made no device.
  var leavingFailure: Registration {
    var leaving = self
    leaving.leavesFailure = true
    return leaving
  }
}
