import Foundation
import Testing

/// `certregd --check-upstream`, which certregctl doctor runs.
@Suite struct UpstreamCheckTests {
  /// A look-up of a name has two parts, and the check of a target is over once the first has failed. So many targets that the
  /// second parts of some end after all checks.
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
      process.environment = ["AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"]
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
