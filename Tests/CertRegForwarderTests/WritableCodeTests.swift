import CertRegClock
import CertRegCore
import Foundation
import Glibc
import Testing

@testable import CertRegForwarder

/// Credential processes under a sandbox that keeps them from compiling code.
@Suite struct WritableCodeTests {
  /// Ends itself by a signal. What runs into the sandbox's limit on memory does the same.
  private func failure(signal: String, denied: Bool) async throws -> CredentialsError {
    let process = CredentialProcess(
      command: "/bin/sh -c 'kill -\(signal) $$'", environment: ProcessEnvironment(["PATH": "/usr/bin:/bin"]),
      origin: "the test", clock: .system, deniesWritableCode: { denied })
    do throws(CredentialsError) {
      _ = try await process.fetch()
    } catch {
      return error
    }
    throw Unexpected()
  }

  private struct Unexpected: Error {}

  @Test(arguments: ["ABRT", "TRAP", "SEGV", "SYS"])
  func `an end by a signal names the setting that causes it`(signal: String) async throws {
    let error = try await failure(signal: signal, denied: true)
    #expect(error.message.contains("(SIG\(signal))"))
    #expect(error.message.contains("MemoryDenyWriteExecute=yes"))
    #expect(error.code == .unavailable)
  }

  @Test(arguments: ["KILL", "TERM", "HUP"])
  func `an end by another signal has another cause`(signal: String) async throws {
    #expect(try await failure(signal: signal, denied: true).message.contains("MemoryDenyWriteExecute") == false)
  }

  @Test func `the setting is not named where memory for code is allowed`() async throws {
    #expect(try await failure(signal: "ABRT", denied: false).message.contains("MemoryDenyWriteExecute") == false)
  }

  /// This process runs without such a sandbox, as far as its own mappings show.
  @Test func `memory for code is found to be allowed or denied as the kernel has it`() {
    let page = sysconf(Int32(_SC_PAGESIZE))
    let address = mmap(nil, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    defer { munmap(address, page) }
    let mayChange = mprotect(address, page, PROT_READ | PROT_WRITE | PROT_EXEC) == 0
    #expect(WritableCode.isDenied == !mayChange)
  }
}
