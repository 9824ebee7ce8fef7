import CertRegCore

extension Doctor {
  /// What `certregd --check-config` says about the configuration that a start would read.
  func configuration(_ program: Result<DaemonProgram, DaemonProgram.Omission>) -> Finding {
    let certregd: DaemonProgram
    do throws(DaemonProgram.Omission) {
      certregd = try program.get()
    } catch {
      return Finding(.skipped, "configuration", "not checked: \(error.reason)", cure: error.cure)
    }
    let command = certregd.commandLine("--check-config")
    guard let result = certregd.ask("--check-config") else {
      return Finding(.skipped, "configuration", "not checked: \(command) did not end in time")
    }
    let output = result.output.split(separator: "\n").joined(separator: " ")
    guard result.status == 0 else {
      return Finding(
        .error, "configuration", output.isEmpty ? "\(command) ends with \(result.status)" : output,
        cure: "correct it until this finds nothing: \(command); then: sudo systemctl reload certregd")
    }
    return Finding(.ok, "configuration", output == "ok" ? "\(command) finds nothing wrong" : output)
  }

  /// Space for the queue and the results.
  func storage(_ program: Result<DaemonProgram, DaemonProgram.Omission>) -> Finding {
    guard let certregd = try? program.get() else { return storage(of: "/var/lib/certregd", probe.run) }
    let path = certregd.ask("--print-config").flatMap { PrintedConfiguration($0.output).value("stateDirectory") }
    return storage(of: path ?? "/var/lib/certregd") { certregd.run($0, $1) }
  }

  /// - Parameter run: Runs a program with the rights of whoever chose the path.
  private func storage(
    of path: String, _ run: (_ name: String, _ arguments: String...) -> HostProbe.ProgramResult?
  ) -> Finding {
    // Free blocks for others than root, the size of a block, and all and free inodes (stat(1) of coreutils).
    let result = run("stat", "--file-system", "--format=%a %S %c %d", "--", path)
    let numbers = result.map { $0.output.split(whereSeparator: \.isWhitespace).compactMap { UInt64($0) } } ?? []
    guard result?.status == 0, numbers.count == 4 else {
      return Finding(.skipped, "storage", "\(path) does not exist, or \(probe.user) may not see it")
    }
    let (product, overflows) = numbers[0].multipliedReportingOverflow(by: numbers[1])
    let mebibytes = (overflows ? UInt64.max : product) / 1_048_576
    // File systems without a limit on files have 0 of 0 left.
    let files = numbers[2] == 0 ? UInt64.max : numbers[3]
    if mebibytes < 64 || files < 16 {
      return Finding(
        .error, "storage",
        "\(mebibytes) MiB and \(files) files free for \(path): registrations are refused once nothing is left",
        cure: "make room on its file system (df \(path.quotedForShell)); certregd then continues by itself")
    }
    return Finding(.ok, "storage", "\(MemberList.grouped(String(mebibytes))) MiB free for \(path)")
  }

  /// The machine's clock by itself. The checks of endpoints compare it with the upstream's.
  func clock() -> Finding {
    let time = probe.wallTime
    // A clock before the release of this program cannot be right.
    guard time >= CivilTime.wallTime(year: 2025, month: 1, day: 1) else {
      return Finding(
        .error, "clock", "this machine's clock says \(time.rfc3339)",
        cure: "set the clock: sudo timedatectl set-ntp true")
    }
    let synchronized = probe.run("timedatectl", "show", "-p", "NTPSynchronized", "--value")
    if let synchronized, synchronized.status == 0, synchronized.output.hasPrefix("no") {
      return Finding(
        .warning, "clock", "\(time.rfc3339); nothing keeps the clock synchronized",
        cure: "sudo timedatectl set-ntp true")
    }
    return Finding(.ok, "clock", time.rfc3339)
  }
}
