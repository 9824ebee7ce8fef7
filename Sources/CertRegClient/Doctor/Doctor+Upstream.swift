import CertRegCodec
import CertRegCore

extension Doctor {
  /// What the daemon says about a target.
  func health(of target: JSON) -> Finding {
    let name = target["name"]?.string ?? "-"
    let health = target["health"]?.string ?? "unknown"
    let subject = "target \(name)"
    let error = target["lastError"].flatMap(AnswerError.init(json:))
    let seen = health + (error.map { ": \($0.message) (\($0.reason))" } ?? "")
    let cure = error.flatMap(Doctor.cure)
    switch health {
    case "ok": return Finding(.ok, subject, health)
    case "throttled": return Finding(.warning, subject, seen, cure: cure ?? Doctor.quotaCure)
    case "unauthorized":
      return Finding(
        .error, subject, seen,
        cure: cure ?? "see to its credentials and that they may iot:RegisterCertificateWithoutCA")
    case "unknown": return Finding(.ok, subject, "not called yet")
    default: return Finding(.error, subject, seen, cure: cure ?? "see the checks of its endpoint below")
    }
  }

  /// The pace of a target, and how long its queue takes at that pace; `nil` where nothing is paced.
  func quota(of target: JSON) -> Finding? {
    guard let name = target["name"]?.string, let rate = target["ratePerSecond"]?.double, rate > 0 else { return nil }
    let queued = target["queued"]?.double ?? 0
    let throttles = target["throttles"]?.integer ?? 0
    let seen =
      "\(name): \(StatusView.oneDecimal(rate)) calls a second, throttled \(MemberList.grouped(String(throttles))) times, "
      + "\(MemberList.grouped(String(Int(queued)))) queued"
    let duration = queued / rate
    guard duration > 3600 else { return Finding(.ok, "quota", seen) }
    return Finding(
      .warning, "quota", "\(seen): \(StatusView.duration(seconds: duration)) of work", cure: Doctor.quotaCure)
  }

  private static let quotaCure =
    "certregd keeps to the pace that AWS allows; a higher one is a request in Service Quotas (AWS IoT Core, "
    + "RegisterCertificateWithoutCA), and ratePerSecond where the target sets it"

  /// What `certregd --check-upstream` finds out: the way to each target's endpoint, the clock there, credentials, permission.
  func upstreams(_ program: DaemonProgram, works: Bool) -> [Finding] {
    if program.isForbidden {
      // The daemon's flags may name a configuration with a program to run, which is not to be run as somebody else.
      return [
        Finding(
          .skipped, "upstream", "certregd runs as another user, whose credentials are not \(probe.user)'s to use",
          cure: "sudo certregctl doctor checks its endpoint, credentials and permission")
      ]
    }
    guard let result = program.ask("--check-upstream") else {
      return [Finding(.skipped, "upstream", "certregd is not in PATH, so its --check-upstream was not run")]
    }
    let lines = result.output.split(separator: "\n").filter { $0.hasPrefix("{") }.compactMap {
      try? JSON(parsing: String($0))
    }
    guard !lines.isEmpty else {
      return [Finding(.skipped, "upstream", "not checked: \(program.commandLine("--check-upstream")) says nothing")]
    }
    let whose = program.hasDaemonsEnvironment ? nil : "\(probe.user)'s"
    return lines.flatMap { upstream($0, isOneOfMany: lines.count > 1, whose: whose, works: works) }
  }

  private func upstream(_ line: JSON, isOneOfMany: Bool, whose: String?, works: Bool) -> [Finding] {
    let name = line["target"]?.string ?? "-"
    func finding(_ level: Finding.Level, _ subject: String, _ seen: String, cure: String? = nil) -> Finding {
      Finding(level, subject, isOneOfMany ? "\(name): \(seen)" : seen, cure: cure)
    }
    if let problem = line["problem"]?.string {
      return [
        finding(
          .error, "target", problem,
          cure: "set targets.\(name).region (or endpoint) in the configuration, or AWS_REGION; --region names one here")
      ]
    }
    guard let endpoint = line["endpoint"]?.string else { return [] }
    var findings: [Finding] = []
    if let error = line["unreachable"].flatMap(AnswerError.init(json:)) {
      let subject =
        switch error.reason {
        case "name_resolution": "name"
        case "tls_failure": "TLS"
        default: "connection"
        }
      findings.append(
        finding(
          .error, subject, "\(error.message) (\(error.reason))",
          cure: Doctor.cure(error) ?? "see what is between this machine and the endpoint: firewall, route, proxy"))
    } else {
      let seen = endpoint.hasPrefix("https:") ? "\(endpoint) answers, and is who it says" : "\(endpoint) answers"
      findings.append(finding(.ok, "connection", seen))
      if let ahead = line["clockAheadMs"]?.double { findings.append(clockThere(ahead / 1000, finding)) }
    }
    return findings + identity(line, whose: whose, works: works, finding)
  }

  private typealias MakeFinding = (Finding.Level, String, String, String?) -> Finding

  private func clockThere(_ ahead: Double, _ finding: MakeFinding) -> Finding {
    let size = StatusView.duration(seconds: abs(ahead))
    // Signature Version 4 allows five minutes; the header itself is exact to a second.
    if abs(ahead) > 240 {
      return finding(
        .error, "clock there", "\(size) \(ahead > 0 ? "ahead of" : "behind") this machine's",
        "AWS refuses signatures that are five minutes off: sudo timedatectl set-ntp true")
    }
    return finding(.ok, "clock there", abs(ahead) < 3 ? "the same as here" : "\(size) apart", nil)
  }

  /// Who the daemon is to AWS, and whether that identity may register.
  private func identity(_ line: JSON, whose: String?, works: Bool, _ finding: MakeFinding) -> [Finding] {
    var seen = line["credentials"]?["source"]?.string ?? ""
    if let whose, !seen.isEmpty { seen = "\(whose): \(seen)" }
    if let identity = line["credentials"]?["identity"]?.string { seen += ", \(identity)" }
    let end = line["credentials"]?["expiresAt"]?.string.flatMap(StatusView.time)
    if let end {
      let left = Double(end.millisecondsSinceEpoch - probe.wallTime.millisecondsSinceEpoch) / 1000
      seen += left > 0 ? ", for another \(StatusView.duration(seconds: left))" : ", ended \(end.rfc3339)"
    }
    let held = seen.isEmpty ? [] : [finding(.ok, "credentials", seen, nil)]
    guard let error = line["refused"].flatMap(AnswerError.init(json:)) else {
      guard line["unreachable"] == nil else { return held }
      return held + [
        finding(.ok, "permission", "may iot:RegisterCertificateWithoutCA (asked with no certificate)", nil)
      ]
    }
    let cure = Doctor.cure(error)
    let message = "\(error.message) (\(error.reason))"
    switch error.reason {
    case "no_credentials", "credentials_invalid", "credentials_unavailable":
      // The daemon may get what this user does not have.
      if works { return [finding(.ok, "credentials", "certregd has registered with its own", nil)] }
      return [finding(whose == nil ? .error : .warning, "credentials", message, cure)]
    case "expired_token", "unknown_identity":
      return [finding(.error, "credentials", seen.isEmpty ? message : "\(seen): \(message)", cure)]
    case "invalid_signature":
      let subject = Doctor.isAboutRegion(error) ? "region" : "credentials"
      return (subject == "region" ? held : []) + [finding(.error, subject, message, cure)]
    case "access_denied", "not_opted_in": return held + [finding(.error, "permission", message, cure)]
    case "clock_skew": return held + [finding(.error, "clock there", message, cure)]
    case "throttled_by_upstream": return held + [finding(.warning, "quota", message, cure)]
    default: return held + [finding(.error, "upstream", message, cure)]
    }
  }

  /// Whether AWS refused a signature for the region that it was made for.
  private static func isAboutRegion(_ error: AnswerError) -> Bool {
    error.reason == "invalid_signature" && error.message.contains("scoped to a valid region")
  }

  private static func cure(_ error: AnswerError) -> String? {
    isAboutRegion(error)
      ? "the endpoint is another region's: set the target's region to that one, or leave its endpoint out"
      : Advice.forReason(error.reason)
  }
}
