import Foundation
import Testing

@testable import CertRegClient

@Suite struct ProgramRunTests {
  @Test func `runs a program and notices one that is not there or does not end`() {
    #expect(
      Program.run(["sh", "-c", "echo a; echo b >&2; exit 3"], environment: [:], timeout: .seconds(30))?.status == 3)
    #expect(Program.run(["no-such-program-here"], environment: [:], timeout: .seconds(30)) == nil)
    #expect(Program.run(["sleep", "1000"], environment: [:], timeout: .milliseconds(50)) == nil)
  }

  @Test func `programs have no terminal of this session to type on`() throws {
    let result = try #require(
      Program.run(["cut", "-d", " ", "-f", "1,6", "/proc/self/stat"], environment: [:], timeout: .seconds(30)))
    let numbers = result.output.split(whereSeparator: \.isWhitespace)
    #expect(numbers.count == 2 && numbers.first == numbers.last)
  }

  @Test func `stops a program that closes its output and stays, and those that it started`() {
    let script = "exec >&- 2>&-; sleep 1000"
    #expect(Program.run(["sh", "-c", script], environment: [:], timeout: .milliseconds(50)) == nil)
  }

  @Test func `passes no descriptor of this process on`() throws {
    let (read, write) = (try FileHandle(forReadingFrom: URL(fileURLWithPath: "/dev/null")), dup(STDOUT_FILENO))
    defer { close(write) }
    try withExtendedLifetime(read) {
      let result = try #require(
        Program.run(["sh", "-c", "ls /proc/$$/fd"], environment: [:], timeout: .seconds(30)))
      #expect(result.output.split(whereSeparator: \.isWhitespace).allSatisfy { ["0", "1", "2"].contains($0) })
    }
  }
}
