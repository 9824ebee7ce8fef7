import CertRegCodec

extension Doctor {
  /// Whether the service's sandbox may be what makes a credential process fail; `nil` where none fails, or systemd does
  /// not say that the sandbox denies it memory.
  ///
  /// The doctor's own checks run outside of the sandbox, where the same program succeeds.
  func writableCode(_ status: JSON, _ targets: [JSON]) -> Finding? {
    let errors = targets.compactMap { $0["lastError"] } + (status["problems"]?.array ?? [])
    guard errors.contains(where: Doctor.isAboutCredentialProcess) else { return nil }
    let property = probe.run("systemctl", "show", "--property=MemoryDenyWriteExecute", "--value", "certregd.service")
    guard let property, property.status == 0, property.output.hasPrefix("yes") else { return nil }
    return Finding(
      .warning, "sandbox",
      "a credential process fails, and MemoryDenyWriteExecute=yes of certregd.service applies to it, too: "
        + "Node.js, Java and .NET cannot run then",
      cure: "if it uses one of them: copy credential-process.conf from /usr/share/doc/certregd/examples to "
        + "/etc/systemd/system/certregd.service.d/, then: sudo systemctl daemon-reload && sudo systemctl restart certregd"
    )
  }

  /// Whether an error tells that a program which was to print credentials ended without success.
  private static func isAboutCredentialProcess(_ error: JSON) -> Bool {
    let reason = error["reason"]?.string
    guard reason == "credentials_invalid" || reason == "credentials_unavailable" else { return false }
    let message = error["message"]?.string ?? ""
    return message.contains("ended with status") || message.contains("ended by signal")
  }
}
