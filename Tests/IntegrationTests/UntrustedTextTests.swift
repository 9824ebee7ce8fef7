import Foundation
import Testing

/// Untrusted text in and around certificates, on its way to answers, terminals, logs and the disk.
@Suite struct UntrustedTextTests {
  /// A certificate and its key. The names have sequences that clear a terminal, set its title and reverse the text
  /// direction.
  private static func make() throws -> (certificate: String, key: String) {
    let script = #"""
      name=$(printf '/CN=\033[2J\033]0;owned\007evil\302\233/O=\342\200\256live\tx')
      openssl req -x509 -utf8 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "$name" -keyout key -out pem
      """#
    let files = try TestCertificates.files(["pem", "key"], madeBy: script)
    return (files[0], files[1])
  }

  /// Whether a terminal would only show the text.
  private static func isHarmless(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy {
      $0 == "\n" || $0 == "\t" || ![.control, .format, .lineSeparator].contains($0.properties.generalCategory)
    }
  }

  private static func certregctl(_ arguments: [String], input: String) throws -> String {
    let process = Process()
    process.executableURL = DaemonProcess.programs.appending(path: "certregctl")
    process.arguments = arguments
    let (standardInput, output) = (Pipe(), Pipe())
    process.standardInput = standardInput
    process.standardOutput = output
    process.standardError = output
    try process.run()
    try standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try standardInput.fileHandleForWriting.close()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text
  }

  @Test func `names act on no terminal and break no log`() throws {
    let (certificate, _) = try Self.make()
    let daemon = try DaemonProcess(["--sandbox", "--log-level", "trace"])
    let connection = try LineConnection(daemon.socketPath)
    for operation in ["validate", "register", "lookup"] {
      let request = ["op": operation, "certificatePem": certificate]
      try connection.send(String(decoding: JSONSerialization.data(withJSONObject: request), as: UTF8.self) + "\n")
      let line = try #require(try connection.line())
      #expect(Self.isHarmless(line), "\(line.debugDescription)")
      if operation == "validate" { #expect(line.contains("evil")) }
    }
    for verb in ["validate", "register", "lookup"] {
      for json in [["--json"], []] {
        let shown = try Self.certregctl([verb, "--socket", daemon.socketPath] + json + ["-"], input: certificate)
        #expect(!shown.isEmpty && Self.isHarmless(shown), "\(shown.debugDescription)")
      }
    }
    daemon.stop()
    #expect(Self.isHarmless(daemon.logText), "\(daemon.logText.debugDescription)")
  }

  @Test func `a private key is named, and neither repeated, logged, kept nor forwarded`() throws {
    let (certificate, key) = try Self.make()
    let secret = try #require(key.split(separator: "\n").dropFirst().first)
    let daemon = try DaemonProcess(["--sandbox", "--log-level", "trace"])
    let connection = try LineConnection(daemon.socketPath)
    for (text, reason) in [(key, "wrong_pem_label"), (certificate + key, "extra_pem_block")] {
      for operation in ["validate", "register", "lookup"] {
        let answer = try connection.ask(["op": operation, "certificatePem": text])
        let error = try #require(answer["error"] as? [String: Any])
        #expect(error["reason"] as? String == reason)
        #expect((error["message"] as? String)?.contains("private key (PRIVATE KEY)") == true)
        #expect(!"\(answer)".contains(secret))
      }
    }
    // If the operator allows it, the certificate goes upstream without the other block.
    let allowing = try DaemonProcess(
      ["--sandbox", "--log-level", "trace"], configuration: "validation:\n  extra_pem_block: allow\n")
    let answer = try LineConnection(allowing.socketPath).ask(["certificatePem": certificate + key])
    #expect(answer["outcome"] as? String == "created")
    for process in [daemon, allowing] {
      process.stop()
      #expect(!process.logText.contains(secret))
      let state = process.folder.appending(path: "state")
      for file in try FileManager.default.contentsOfDirectory(at: state, includingPropertiesForKeys: nil) {
        #expect(try Data(contentsOf: file).range(of: Data(secret.utf8)) == nil, "\(file.lastPathComponent)")
      }
    }
  }

  @Test func `validate gives every finding of a refused certificate, in certregctl as well`() throws {
    let (certificate, key) = try Self.make()
    let daemon = try DaemonProcess()
    let answer = try LineConnection(daemon.socketPath).ask([
      "op": "validate", "certificatePem": "text\n" + certificate + key,
    ])
    #expect((answer["error"] as? [String: Any])?["reason"] as? String == "extra_pem_block")
    #expect(answer["certificateId"] == nil)
    #expect((answer["certificate"] as? [String: Any])?["publicKey"] != nil)
    let findings = try #require(answer["findings"] as? [[String: String]])
    #expect(findings.map { $0["reason"] } == ["extra_pem_block", "not_pem", "ca_certificate"])
    #expect(findings.map { $0["severity"] } == ["error", "warning", "note"])
    #expect(findings.allSatisfy { $0["message"]?.isEmpty == false && $0["source"]?.isEmpty == false })
    let line = try Self.certregctl(
      ["validate", "--include-ca", "--socket", daemon.socketPath, "-"], input: certificate)
    #expect(line.hasPrefix("valid") && line.contains("ca_certificate"))
  }
}
