import CertRegCodec
import CertRegCore

/// Checks what a person would check by hand when registrations do not go through, from the socket to the upstream.
package struct Doctor {
  private let socketPath: String
  /// Flags for certregd where none is running that has its own.
  private let flags: [String]
  let probe: HostProbe

  /// A doctor for the daemon at `socketPath`. Where none is running, `configurationFile` is checked and the endpoint of `region`.
  package init(socketPath: String, configurationFile: String? = nil, region: String? = nil, probe: HostProbe) {
    self.socketPath = socketPath
    flags = (configurationFile.map { ["--config", $0] } ?? []) + (region.map { ["--region", $0] } ?? [])
    self.probe = probe
  }

  /// All findings, in the order of the path that a request takes; each is handed to `tell` as soon as it is made.
  package func examine(_ tell: (Finding) -> Void) {
    tell(socket())
    tell(service())
    let status = probe.status()
    tell(daemon(status))
    let answer = try? status.get()
    let targets = answer?.json["targets"]?.array ?? []
    if let answer { problems(answer.json, targets).forEach(tell) }
    let process = answer?.json["pid"]?.integer.flatMap { probe.daemonProcess($0) }
    let program = DaemonProgram(probe: probe, running: process, flags: flags)
    tell(configuration(program))
    tell(storage(program))
    tell(clock())
    for target in targets {
      tell(health(of: target))
      quota(of: target).map(tell)
    }
    if answer?.json["sandbox"]?.bool == true {
      tell(
        Finding(
          .warning, "upstream", "a sandbox inside certregd: nothing reaches AWS", cure: "start it without --sandbox"))
      return
    }
    upstreams(program, works: targets.contains { $0["lastSuccessAt"]?.string != nil }).forEach(tell)
  }

  /// The socket and its rights.
  func socket() -> Finding {
    guard let file = probe.file(socketPath) else {
      let folder =
        socketPath.lastIndex(of: "/").map { $0 == socketPath.startIndex ? "/" : String(socketPath[..<$0]) } ?? "."
      let place = probe.file(folder)
      if let place, !place.isExecutable {
        return Finding(
          .error, "socket", "\(probe.user) may not look into \(folder), which belongs to \(place.owner):\(place.group)",
          cure: "sudo usermod -aG \(place.group) \(probe.user), then log in again; or: sudo chmod o+x \(folder)")
      }
      let seen = place == nil ? "the folder \(folder) is not there either" : "its folder is there"
      return Finding(
        .error, "socket", "\(socketPath) is not there; \(seen)",
        cure: "start certregd, or name its socket with --socket PATH or CERTREGD_SOCKET")
    }
    let rights = "\(socketPath), mode 0\(String(file.mode, radix: 8)), \(file.owner):\(file.group)"
    guard file.kind == .socket else {
      return Finding(.error, "socket", "\(rights): this is no socket", cure: "name certregd's with --socket PATH")
    }
    guard file.isReadable, file.isWritable else {
      let groups = probe.groups.joined(separator: " ")
      return Finding(
        .error, "socket", "\(rights): \(probe.user) (groups: \(groups)) may not connect",
        cure: "sudo usermod -aG \(file.group) \(probe.user), then log in again")
    }
    if file.mode & 0o002 != 0 {
      return Finding(
        .warning, "socket", "\(rights): every user of this machine may register certificates",
        cure: "set socket.mode to 0660 in the configuration, unless that is meant")
    }
    return Finding(.ok, "socket", rights)
  }

  /// What the service manager says.
  func service() -> Finding {
    guard let result = probe.run(HostProbe.Command("systemctl", "is-active", "certregd.service")) else {
      return Finding(.skipped, "service", "no service manager to ask (systemctl)")
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
      cure: "sudo systemctl enable --now certregd, unless certregd runs in another way here")
  }

  /// Whether certregd answers.
  func daemon(_ status: Result<Answer, ClientError>) -> Finding {
    switch status {
    case .failure(let error):
      return Finding(.error, "daemon", error.message, cure: error.advice)
    case .success(let answer):
      if let error = answer.error {
        return Finding(
          .error, "daemon", "\(error.message) (\(error.reason))", cure: Advice.forReason(error.reason))
      }
      let version = answer.json["version"]?.string ?? "of unknown version"
      let state = answer.json["state"]?.string ?? "running"
      let uptime = answer.json["uptimeSeconds"]?.double.map { ", up \(StatusView.duration(seconds: $0))" } ?? ""
      let seen = "certregd \(version) answers, \(state)\(uptime)"
      if state == "draining" {
        return Finding(
          .warning, "daemon", seen, cure: "it is stopping and takes no new registrations: wait, then try again")
      }
      return Finding(.ok, "daemon", seen)
    }
  }

  /// What is wrong with the daemon as a whole; what ails a target is told with the target.
  private func problems(_ status: JSON, _ targets: [JSON]) -> [Finding] {
    let ofTargets = targets.filter { $0["health"]?.string != "ok" }.map { target in
      target["lastError"]?["reason"]?.string ?? target["health"]?.string
    }
    return (status["problems"]?.array ?? []).compactMap { problem in
      guard let reason = problem["reason"]?.string, !ofTargets.contains(reason) else { return nil }
      let cure =
        switch reason {
        case "reload_refused": "mend the configuration, then: sudo systemctl reload certregd"
        case "clock_not_set": "set the clock: sudo timedatectl set-ntp true"
        case "too_many_connections": "let clients share connections, or raise socket.maxConnections"
        default: Advice.forReason(reason)
        }
      return Finding(.error, "daemon", "\(problem["message"]?.string ?? "") (\(reason))", cure: cure)
    }
  }

  /// What `certregd --check-config` says about the configuration that a start would read.
  private func configuration(_ program: DaemonProgram) -> Finding {
    guard let result = program.ask("--check-config") else {
      return Finding(.skipped, "configuration", "certregd is not in PATH, so its --check-config was not run")
    }
    let output = result.output.split(separator: "\n").joined(separator: " ")
    let command = program.commandLine("--check-config")
    guard result.status == 0 else {
      return Finding(
        .error, "configuration", output.isEmpty ? "\(command) ends with \(result.status)" : output,
        cure: "mend it until this finds nothing: \(command); then: sudo systemctl reload certregd")
    }
    return Finding(.ok, "configuration", output == "ok" ? "\(command) finds nothing wrong" : output)
  }

  /// Room for the queue and the results.
  private func storage(_ program: DaemonProgram) -> Finding {
    let key = "stateDirectory: "
    let setting = program.ask("--print-config")?.output.split(separator: "\n").first { $0.hasPrefix(key) }
    let path = setting.map { String($0.dropFirst(key.count).prefix { $0 != " " }) } ?? "/var/lib/certregd"
    guard let room = probe.room(path) else {
      return Finding(.skipped, "storage", "\(path) is not there or not for you to see")
    }
    let mebibytes = room.bytes / 1_048_576
    if mebibytes < 64 || room.files < 16 {
      return Finding(
        .error, "storage",
        "\(mebibytes) MiB and \(room.files) files free for \(path): registrations are refused once nothing is left",
        cure: "make room on its file system (df \(path)); certregd then goes on by itself")
    }
    return Finding(.ok, "storage", "\(MemberList.grouped(String(mebibytes))) MiB free for \(path)")
  }

  /// The machine's clock by itself; against the upstream's it is compared with the endpoints.
  func clock() -> Finding {
    let time = probe.wallTime
    // Certificates and signatures of today cannot be right on a machine that believes in an earlier year than this program.
    guard time >= CivilTime.wallTime(year: 2025, month: 1, day: 1) else {
      return Finding(
        .error, "clock", "it is \(time.rfc3339) here", cure: "set the clock: sudo timedatectl set-ntp true")
    }
    let synchronized = probe.run(
      HostProbe.Command("timedatectl", "show", "-p", "NTPSynchronized", "--value"))
    if let synchronized, synchronized.status == 0, synchronized.output.hasPrefix("no") {
      return Finding(
        .warning, "clock", "\(time.rfc3339); nothing keeps it in step", cure: "sudo timedatectl set-ntp true")
    }
    return Finding(.ok, "clock", time.rfc3339)
  }
}
