import CertRegCodec
import CertRegCore

extension Doctor {
  /// The daemon's place in its fleet; nothing where it belongs to none.
  ///
  /// - Parameter status: The daemon's answer to `status`. Untrusted.
  func fleet(_ status: JSON, _ program: Result<DaemonProgram, DaemonProgram.Omission>) -> [Finding] {
    guard let fleet = status["fleet"], case .object = fleet else { return [] }
    let member = fleet["member"]?.string ?? "-"
    let database = fleet["database"]?.string ?? "-"
    let isConnected = fleet["state"]?.string == "connected"
    let members = fleet["members"]?.array ?? []
    var findings: [Finding] = []
    if let problem = fleet["problem"], let reason = problem["reason"]?.string {
      var message = problem["message"]?.string ?? ""
      var cure = Doctor.fleetCure(reason, message)
      if message.contains("certificate verify failed"), let faults = certificateFaults(program), !faults.isEmpty {
        message += ". Of the server's certificate, openssl says: " + faults.joined(separator: ", ")
        cure = Doctor.cure(ofCertificateFaults: faults)
      }
      let seen = "\(member) \(isConnected ? "is connected" : "works alone"): \(message) (\(reason))"
      findings.append(Finding(isConnected ? .warning : .error, "fleet", seen, cure: cure))
    } else if isConnected {
      let count = members.count
      findings.append(
        Finding(.ok, "fleet", "\(member), one of \(count) member\(count == 1 ? "" : "s"), by the database \(database)"))
    } else {
      findings.append(
        Finding(
          .warning, "fleet", "\(member) has not joined its fleet yet, by the database \(database)",
          cure: "look again in some seconds: certregctl fleet"))
    }
    let gone = members.filter { $0["gone"]?.bool == true && ($0["queued"]?.integer ?? 0) > 0 }
    if let name = gone.first?["name"]?.string {
      findings.append(
        Finding(
          .warning, "fleet",
          "\(gone.count) member\(gone.count == 1 ? "" : "s") went with work to do, among them \(name)",
          cure: "the other members do it; certregctl fleet shows how far they are"))
    }
    return findings
  }

  private static let databaseCure =
    "see that the database runs and can be reached from here: psql, with the URL of fleet.url and -c 'SELECT 1'"

  private static func fleetCure(_ reason: String, _ message: String) -> String? {
    switch reason {
    case "fleet_unreachable":
      let byWords: [(words: String, cure: String)] = [
        (
          "does not match host name",
          "name the server in fleet.url as its certificate does, or have a certificate issued for this name"
        ),
        (
          "certificate verify failed",
          "the server's certificate has ended, or is not from the authority in sslrootcert of fleet.url; what it has: "
            + "openssl s_client -starttls postgres -connect HOST:5432"
        ),
        ("root certificate file", "name the file of the authority as sslrootcert in fleet.url"),
        ("does not support SSL", "turn ssl on in the server's postgresql.conf"),
        ("libpq", "install the package libpq5, then: sudo systemctl restart certregd"),
        ("could not translate host name", "correct the host in fleet.url, or this machine's name service"),
        (
          "recovery", "name all servers in fleet.url, with target_session_attrs=read-write: this one is a standby"
        ),
        (
          "read-only", "name all servers in fleet.url, with target_session_attrs=read-write: this one is a standby"
        ),
      ]
      return byWords.first { message.contains($0.words) }?.cure ?? databaseCure
    case "fleet_refused":
      if message.contains("permission denied") {
        return "certregctl fleet init --url URL --role ROLE, with the URL of the owner and the role of fleet.url"
      }
      if message.contains("password") {
        return "put the password of the role in fleet.url on the one line of the file that fleet.passwordFile names"
      }
      if message.contains("pg_hba.conf") { return "let this host in: a line in the server's pg_hba.conf" }
      return "correct the role in fleet.url and the file fleet.passwordFile"
    case "fleet_not_initialised", "fleet_schema_older":
      return "certregctl fleet init --url URL, with the URL of the owner"
    case "fleet_schema_newer": return "install the version of certregd here that the other members have"
    case "fleet_name_taken":
      return
        "give each host a fleet.member of its own; a host that is gone for good gives its name up after its fleet.takeover, "
        + "or at once if a host that is connected runs: certregctl fleet remove NAME"
    case "fleet_target_differs":
      return "give one of the two targets another name, or the same region, endpoint and account"
    default: return nil
    }
  }

  /// What openssl(1) finds wrong with the certificates of the servers in the daemon's `fleet.url`; `nil` where it
  /// cannot be asked.
  ///
  /// libpq says no more than that a certificate is not valid. The servers are those of the configuration, not of an
  /// answer, and openssl runs with the daemon's rights.
  private func certificateFaults(_ program: Result<DaemonProgram, DaemonProgram.Omission>) -> [String]? {
    guard let certregd = try? program.get(), let url = fleetURL(certregd) else { return nil }
    var faults: [String] = []
    for host in url.hosts.prefix(4) where !host.isEmpty && !host.hasPrefix("/") {
      let address = host.contains(":") && !host.hasSuffix("]") ? host : host + ":5432"
      var arguments = ["s_client", "-starttls", "postgres", "-connect", address]
      if let authority = url.rootCertificate { arguments += ["-CAfile", authority] }
      guard let output = certregd.run("openssl", arguments)?.output else { return nil }
      for line in output.split(separator: "\n") {
        guard let text = line.split(separator: ":", maxSplits: 2).dropFirst(2).first,
          line.hasPrefix("verify error:num=")
        else { continue }
        // Without the file of the authority no certificate has a known issuer.
        let isAboutIssuer = text.contains("issuer") || text.contains("first certificate") || text.contains("self")
        if url.rootCertificate != nil || !isAboutIssuer { faults.append("\(host): \(text)") }
      }
    }
    return faults
  }

  private static func cure(ofCertificateFaults faults: [String]) -> String {
    if faults.contains(where: { $0.contains("expired") }) { return "renew the server's certificate" }
    if faults.contains(where: { $0.contains("not yet valid") }) {
      return "the certificate begins later: check this machine's clock and the server's certificate"
    }
    return "name the file of the authority that issued the server's certificate as sslrootcert in fleet.url"
  }

  /// `fleet.url` of the effective configuration.
  private func fleetURL(_ certregd: DaemonProgram) -> FleetURL? {
    let printed = certregd.ask("--print-config").map { PrintedConfiguration($0.output) }
    return printed?.value("url", in: "fleet").flatMap { try? FleetURL($0) }
  }
}
