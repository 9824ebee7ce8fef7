import CertRegCodec
import Foundation
import Testing

@testable import CertRegClient

/// certregctl as it was built: beside the test bundle.
private enum Built {
  static let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    .appendingPathComponent("certregctl").path

  /// Tells a program that was built with a sanitizer what the tests themselves are told.
  static let sanitizerOptions = ProcessInfo.processInfo.environment.filter { $0.key == "ASAN_OPTIONS" }

  static var isThere: Bool { FileManager.default.isExecutableFile(atPath: program) }
}

/// The program itself, as far as its command line and exit codes go.
@Suite(.enabled(if: Built.isThere, "certregctl is built with the package")) struct ProgramTests {
  private func run(_ arguments: [String], environment: [String: String] = [:]) -> HostProbe.ProgramResult? {
    Program.run(
      [Built.program] + arguments, environment: environment.merging(Built.sanitizerOptions) { own, _ in own },
      timeout: .seconds(60))
  }

  @Test(arguments: [
    ["register"], ["register", "--statsu", "ACTIVE", "x"], ["register", "--status", "LIVE", "x"],
    ["register", "--timeout", "0", "x"], ["register", "--timeout", "6m", "x"], ["lookup"], ["completions", "tcsh"],
    ["import", "--format", "xls", "x"], ["watch", "--outcome", "good"], ["unknown"],
  ])
  func `refuses wrong command lines with EX_USAGE`(arguments: [String]) {
    #expect(run(arguments)?.status == CommandStatus.usage.rawValue)
  }

  @Test func `says that there is no daemon, wherever the path comes from`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("none")
    for result in [run(["status", "--socket", path]), run(["status"], environment: ["CERTREGD_SOCKET": path])] {
      #expect(result?.status == CommandStatus.unavailable.rawValue)
      #expect(result?.output.contains("no certregd at \(path)") == true)
      #expect(result?.output.contains("systemctl start certregd") == true)
    }
  }

  @Test func `registers through the socket of its environment`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a.pem", Sample.certificatePEM())
    let daemon = try FakeDaemon(answering: { request in
      request["status"]?.string == "PENDING_TRANSFER" && request["timeoutMs"]?.integer == 2000
        ? JSON.created(request) : JSON.failure(request)
    })
    let result = run(
      ["register", "--status", "pending-transfer", "--timeout", "2s", file],
      environment: ["CERTREGD_SOCKET": daemon.path])
    #expect(result?.status == 0)
    #expect(result?.output == "created\t\(Sample.id)\t\(Sample.arn)\t\(file)\tdefault\t-\n")
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func `prints completions`(shell: String) {
    let result = run(["completions", shell])
    #expect(result?.status == 0)
    #expect(result?.output.contains("validate") == true)
  }

  @Test(arguments: ["created", "existing", "updated", "failed"])
  func `watches for each outcome that the daemon tells`(outcome: String) throws {
    let daemon = try FakeDaemon(answering: { request in
      JSON.answer(to: request, [("certificateId", .string(Sample.id)), ("outcome", request["outcome"] ?? .null)])
    })
    let result = run(["watch", "-n", "1", "--json", "--outcome", outcome, "--socket", daemon.path])
    #expect(result?.status == 0)
  }

  @Test func `does not succeed where its results cannot be written`() throws {
    let daemon = try FakeDaemon(answering: { JSON.answer(to: $0, [("version", .string("1"))]) })
    let command = "'\(Built.program)' status --socket '\(daemon.path)' > /dev/full"
    let result = Program.run(["sh", "-c", command], environment: Built.sanitizerOptions, timeout: .seconds(60))
    #expect(result?.status == CommandStatus.outputLost.rawValue)
  }
}
