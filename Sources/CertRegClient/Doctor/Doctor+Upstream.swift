import CertRegCodec
import CertRegCore

extension Doctor {
  /// The health of a target, as the daemon sees it.
  func health(of target: JSON) -> Finding {
    let name = target["name"]?.string ?? "-"
    let health = target["health"]?.string ?? "unknown"
    let subject = "target \(name)"
    let error = target["lastError"].flatMap(AnswerError.init(json:))
    let seen = health + (error.map { ": \($0.message) (\($0.reason))" } ?? "")
    let cure = error.flatMap { Advice.about($0) }
    switch health {
    case "ok": return Finding(.ok, subject, health)
    case "throttled": return Finding(.warning, subject, seen, cure: cure ?? Doctor.quotaCure)
    case "unauthorized":
      return Finding(
        .error, subject, seen,
        cure: cure ?? "check its credentials, and that they allow iot:RegisterCertificateWithoutCA")
    case "unknown": return Finding(.ok, subject, "not called yet")
    default: return Finding(.error, subject, seen, cure: cure ?? "see the checks of its endpoint below")
    }
  }

  /// The pace of a target, and how long its queue takes at that pace; `nil` for a target without a pace.
  func quota(of target: JSON) -> Finding? {
    guard let name = target["name"]?.string, let rate = target["ratePerSecond"]?.double, rate > 0 else { return nil }
    let queued = target["queued"]?.double ?? 0
    let throttles = target["throttles"]?.integer ?? 0
    let seen =
      "\(name): \(StatusView.oneDecimal(rate)) calls a second, throttled \(MemberList.grouped(String(throttles))) times, "
      + "\(MemberList.text(target["queued"] ?? .integer(0))) queued"
    let duration = queued / rate
    guard duration > 3600 else { return Finding(.ok, "quota", seen) }
    return Finding(
      .warning, "quota", "\(seen): \(StatusView.duration(seconds: duration)) of work", cure: Doctor.quotaCure)
  }

  private static let quotaCure =
    "certregd keeps to the pace that AWS allows; ask for a higher one in Service Quotas (AWS IoT Core, "
    + "RegisterCertificateWithoutCA), and raise the target's ratePerSecond if it is set"

  /// What `certregd --check-upstream` finds: the connection to each target's endpoint, the clock there, credentials,
  /// permission.
  ///
  /// - Parameter works: Whether the daemon has registered something, so that its own credentials are good.
  func upstreams(_ program: Result<DaemonProgram, DaemonProgram.Omission>, works: Bool) -> [Finding] {
    let certregd: DaemonProgram
    do throws(DaemonProgram.Omission) {
      certregd = try program.get()
    } catch {
      return [
        Finding(
          .skipped, "upstream", "endpoint, credentials and permission were not checked: \(error.reason)",
          cure: error.cure)
      ]
    }
    let command = certregd.commandLine("--check-upstream")
    guard let result = certregd.ask("--check-upstream") else {
      return [Finding(.skipped, "upstream", "not checked: \(command) did not end in time")]
    }
    let lines = result.output.split(separator: "\n").filter { $0.hasPrefix("{") }.compactMap {
      try? JSON(parsing: String($0))
    }
    guard !lines.isEmpty else {
      return [Finding(.skipped, "upstream", "not checked: \(command) says nothing")]
    }
    return lines.flatMap {
      upstream($0, isOneOfMany: lines.count > 1, whose: certregd.credentialsOwner, works: works)
    }
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
          cure: Advice.about(error) ?? "check what lies between this machine and the endpoint: firewall, route, proxy"))
    } else {
      let seen =
        endpoint.hasPrefix("https:") ? "\(endpoint) answers, and its certificate is valid" : "\(endpoint) answers"
      findings.append(finding(.ok, "connection", seen))
      if let ahead = line["clockAheadMs"]?.double { findings.append(clockThere(ahead / 1000, finding)) }
    }
    return findings + identity(line, whose: whose, works: works, finding)
  }

  typealias MakeFinding = (Finding.Level, String, String, String?) -> Finding

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
}
