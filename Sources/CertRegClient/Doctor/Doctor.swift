import CertRegCodec
import CertRegCore

/// Checks what a person would check by hand when registrations fail, from the socket to the upstream.
package struct Doctor {
  let socketPath: String
  /// Flags for certregd where none is running.
  private let flags: [String]
  let probe: HostProbe

  /// A doctor for the daemon at `socketPath`.
  ///
  /// - Parameters:
  ///   - socketPath: The socket that the daemon serves.
  ///   - configurationFile: The configuration to check where no daemon is running.
  ///   - region: The region whose endpoint to check where no daemon is running.
  ///   - probe: What the checks learn of the host.
  package init(socketPath: String, configurationFile: String? = nil, region: String? = nil, probe: HostProbe) {
    self.socketPath = socketPath
    flags = (configurationFile.map { ["--config", $0] } ?? []) + (region.map { ["--region", $0] } ?? [])
    self.probe = probe
  }

  /// Makes all checks in the order of the path that a request takes, and hands each finding to `tell` at once.
  package func examine(_ tell: (Finding) -> Void) {
    let contact = probe.contact()
    let program = daemonProgram(contact)
    tell(socket(program))
    tell(service())
    tell(daemon(contact.status))
    let status = try? contact.status.get().json
    let targets = status?["targets"]?.array ?? []
    if let status { problems(status, targets).forEach(tell) }
    if let status { fleet(status, program).forEach(tell) }
    tell(configuration(program))
    tell(storage(program))
    tell(clock())
    let defaultStatus = defaultStatus(program)
    for target in targets {
      tell(connectability(of: target, defaultStatus, health(of: target)))
      quota(of: target).map(tell)
    }
    if let status { writableCode(status, targets).map(tell) }
    if status?["sandbox"]?.bool == true {
      tell(
        Finding(
          .warning, "upstream", "the daemon uses its embedded sandbox: nothing reaches AWS",
          cure: "start it without --sandbox"))
      return
    }
    upstreams(program, works: targets.contains { $0["lastSuccessAt"]?.string != nil }).forEach(tell)
    provisioningRights(program).map(tell)
  }

  /// What may be run to check the daemon's configuration and upstream, or why nothing may.
  private func daemonProgram(_ contact: HostProbe.Contact) -> Result<DaemonProgram, DaemonProgram.Omission> {
    let serving = ServingProcess(
      peer: contact.peer, process: probe.process, installed: probe.program("certregd"))
    return Result { () throws(DaemonProgram.Omission) in
      try DaemonProgram(probe: probe, serving: serving, flags: flags)
    }
  }
}
