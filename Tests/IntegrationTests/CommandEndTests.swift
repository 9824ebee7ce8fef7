import Foundation
import Testing

/// How certregctl ends without asking a daemon: output that nobody gets, and words that it does not understand.
@Suite struct CommandEndTests {
  /// What a shell prints that runs certregctl with these words, and then its exit code.
  private func shell(_ words: String) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", "\"$PROGRAMS/certregctl\" \(words); echo $?"]
    process.environment = DaemonProcess.environment([
      "PATH": "/usr/bin:/bin", "PROGRAMS": DaemonProcess.programs.path,
    ])
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    return text
  }

  @Test(
    arguments: [
      "fleet sql", "completions bash", "--help", "--version", "help import", "fleet --help",
    ], [">/dev/full", ">&-"])
  func `a text that cannot be written is an error`(words: String, output: String) throws {
    #expect(try shell("\(words) 2>&1 \(output)") == "certregctl: the results could not be written\n74\n")
  }

  @Test func `a text that is written is none`() throws {
    #expect(try shell("--version 2>&1").hasSuffix("\n0\n"))
    #expect(try shell("help import 2>&1").hasSuffix("\n0\n"))
  }

  @Test func `help for a verb that does not exist is wrong usage`() throws {
    let text = try shell("help improt 2>&1")
    #expect(text.contains("improt is not a verb; did you mean import?") && text.hasSuffix("\n64\n"))
  }

  @Test func `fleet init tells a wrong URL and a missing password file from a refusal`() throws {
    let url = "postgresql://u@127.0.0.1:1/d"
    #expect(try shell("fleet init --url '\(url)?sslmde=x' 2>/dev/null") == "64\n")
    #expect(try shell("fleet init --url '\(url)' --password-file /nonexistent 2>/dev/null") == "66\n")
    #expect(try shell("fleet init --url '\(url)' 2>/dev/null") == "69\n")
  }

  @Test func `top has no JSON`() throws {
    let text = try shell("--json top 2>&1 </dev/null")
    #expect(text.contains("--json") && text.hasSuffix("\n64\n"))
  }
}
