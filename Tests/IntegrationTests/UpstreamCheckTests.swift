import Foundation
import Testing

/// `certregd --check-upstream`, which certregctl doctor runs.
@Suite struct UpstreamCheckTests {
  /// As when a company's proxy gets a new authority in the same file.
  @Test func `a reload takes the authorities that a file has now`() throws {
    let pem = try TestCertificates.issue(1)[0]
    let issued = try TestCertificates.files(
      ["cert.pem", "key.pem", "other.pem"],
      madeBy: """
        make() { openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \\
          -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$1" -out "$2"; }
        make key.pem cert.pem
        make other-key.pem other.pem
        """)
    let folder = FileManager.default.temporaryDirectory.appending(path: "authorities-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in zip(["cert.pem", "key.pem", "ca.pem"], issued) {
      try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
    }
    let sandbox = try SandboxProcess([
      "--tls-certificate", folder.appending(path: "cert.pem").path, "--tls-key", folder.appending(path: "key.pem").path,
    ])
    let daemon = try DaemonProcess(
      [],
      configuration: """
        targets:
          default:
            endpoint: "\(sandbox.url)"
            region: eu-west-1
            caFile: \(folder.appending(path: "ca.pem").path)
        """, environment: ["AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"])
    func reason() throws -> String? {
      let answer = try LineConnection(daemon.socketPath).ask(["op": "describe", "certificatePem": pem])
      return (answer["error"] as? [String: Any])?["reason"] as? String
    }
    #expect(try reason() == "tls_failure")
    try issued[0].write(to: folder.appending(path: "ca.pem"), atomically: true, encoding: .utf8)
    try daemon.reload()
    #expect(try reason() == "certificate_not_found")
  }

  /// A look-up of a name has two parts, and the check of a target is over once the first has failed. So many targets
  /// that the second parts of some end after all checks.
  @Test func `look-ups that end late leave no trace`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "certregd-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let targets = (1...64).map { "  t\($0): { region: eu-central-1, endpoint: 'https://t\($0).invalid' }\n" }
    let configuration = folder.appending(path: "config.yaml")
    try Data("defaultTarget: t1\ntargets:\n\(targets.joined())".utf8).write(to: configuration)
    for _ in 0..<3 {
      let process = Process()
      process.executableURL = DaemonProcess.programs.appending(path: "certregd")
      process.arguments = ["--check-upstream", "--config", configuration.path]
      process.environment = DaemonProcess.environment([
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example",
      ])
      let (output, errors) = (folder.appending(path: "output"), folder.appending(path: "errors"))
      for file in [output, errors] { try Data().write(to: file) }
      process.standardOutput = try FileHandle(forWritingTo: output)
      process.standardError = try FileHandle(forWritingTo: errors)
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 69)
      #expect(try String(contentsOf: output, encoding: .utf8).split(separator: "\n").count == 64)
      #expect(try String(contentsOf: errors, encoding: .utf8) == "")
    }
  }
}
