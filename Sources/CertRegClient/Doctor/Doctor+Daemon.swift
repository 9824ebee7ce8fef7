import CertRegCodec
import CertRegCore

extension Doctor {
  /// The socket and its rights.
  func socket(_ program: Result<DaemonProgram, DaemonProgram.Omission>) -> Finding {
    guard let file = probe.file(socketPath) else {
      let folder =
        socketPath.lastIndex(of: "/").map { $0 == socketPath.startIndex ? "/" : String(socketPath[..<$0]) } ?? "."
      let place = probe.file(folder)
      if let place, !place.isExecutable {
        return Finding(
          .error, "socket", "\(probe.user) may not search \(folder), which belongs to \(place.owner):\(place.group)",
          cure: AccessAdvice.forFolder(folder, place, user: probe.user))
      }
      let seen = place == nil ? "neither does the folder \(folder)" : "its folder does"
      return Finding(
        .error, "socket", "\(socketPath) does not exist; \(seen)",
        cure: "start certregd, or name its socket with --socket PATH or CERTREGD_SOCKET")
    }
    let rights = "\(socketPath), mode 0\(String(file.mode, radix: 8)), \(file.owner):\(file.group)"
    guard file.kind == .socket else {
      return Finding(.error, "socket", "\(rights): this is not a socket", cure: "name certregd's with --socket PATH")
    }
    guard file.isReadable, file.isWritable else {
      let groups = probe.groups.joined(separator: " ")
      return Finding(
        .error, "socket", "\(rights): \(probe.user) (groups: \(groups)) may not connect",
        cure: AccessAdvice.forSocket(file, user: probe.user))
    }
    if file.mode & 0o002 != 0 {
      let printed = (try? program.get())?.ask("--print-config").map { PrintedConfiguration($0.output) }
      if printed?.hasAccessRules == true {
        return Finding(
          .ok, "socket", "\(rights): every user may connect, and the access rules say who may do what")
      }
      let whatTheyMay =
        printed == nil
        ? "may connect, and may register certificates unless access rules say otherwise" : "may register certificates"
      return Finding(
        .warning, "socket", "\(rights): every user of this machine \(whatTheyMay)",
        cure: "set socket.mode to 0660 in the configuration, unless that is intended")
    }
    return Finding(.ok, "socket", rights)
  }

  /// The state of the service, from the service manager.
  func service() -> Finding {
    guard let result = probe.run("systemctl", "is-active", "certregd.service") else {
      return Finding(.skipped, "service", "there is no service manager (systemctl)")
    }
    let state = result.output.split(separator: "\n").last.map(String.init) ?? "unknown"
    if result.status == 0 { return Finding(.ok, "service", "certregd.service is \(state)") }
    if state == "failed" {
      return Finding(
        .error, "service", "certregd.service has failed", cure: "journalctl -u certregd -n 50 shows why")
    }
    guard ["inactive", "activating", "deactivating", "reloading", "unknown"].contains(state) else {
      return Finding(.skipped, "service", "the service manager does not answer: \(state)")
    }
    return Finding(
      .warning, "service", "certregd.service is \(state)",
      cure: "sudo systemctl enable --now certregd, unless certregd is started in another way here")
  }

  /// Whether the daemon answers.
  func daemon(_ status: Result<Answer, ClientError>) -> Finding {
    switch status {
    case .failure(let error):
      return Finding(.error, "daemon", error.message, cure: error.advice)
    case .success(let answer):
      if let error = answer.error {
        return Finding(
          .error, "daemon", "\(error.message) (\(error.reason))", cure: Advice.about(error))
      }
      let version = answer.json["version"]?.string ?? "of an unknown version"
      let state = answer.json["state"]?.string ?? "running"
      let uptime = answer.json["uptimeSeconds"]?.double.map { ", up \(StatusView.duration(seconds: $0))" } ?? ""
      let seen = "certregd \(version) answers, \(state)\(uptime)"
      if state == "draining" {
        return Finding(
          .warning, "daemon", seen, cure: "it is stopping and accepts no new registrations: wait, then try again")
      }
      return Finding(.ok, "daemon", seen)
    }
  }

  /// Problems of the daemon as a whole. Those of a target and of the fleet are findings of their own.
  func problems(_ status: JSON, _ targets: [JSON]) -> [Finding] {
    let ofTargets = targets.filter { $0["health"]?.string != "ok" }.map { target in
      target["lastError"]?["reason"]?.string ?? target["health"]?.string
    }
    return (status["problems"]?.array ?? []).compactMap { problem in
      guard let reason = problem["reason"]?.string, !ofTargets.contains(reason), !reason.hasPrefix("fleet_") else {
        return nil
      }
      let cure =
        switch reason {
        case "reload_refused": "correct the configuration, then: sudo systemctl reload certregd"
        case "clock_not_set": "set the clock: sudo timedatectl set-ntp true"
        case "too_many_connections": "let clients share connections, or raise socket.maxConnections"
        default: Advice.forReason(reason)
        }
      return Finding(.error, "daemon", "\(problem["message"]?.string ?? "") (\(reason))", cure: cure)
    }
  }
}
