import CertRegCodec
import CertRegCore
import Foundation
import Testing

@testable import CertRegClient

@Suite struct DescribeVerbTests {
  private func run(_ subjects: [String], columns: Int? = nil) throws -> (status: CommandStatus, lines: [String]) {
    let account = VerifiedAccount()
    account.set(0)
    account.set(1) { $0.found?.replace("status", .string("INACTIVE")) }
    account.set(2) { $0.found?.replace("things", .array([])) }
    let daemon = try FakeDaemon(answering: { account.answer($0) })
    let capture = Capture()
    let session = Session(socketPath: daemon.path, console: capture.console(columns: columns))
    return (DescribeVerb(subjects: subjects).run(session), capture.outputLines)
  }

  @Test func `shows all about a single certificate, and what its mode means`() throws {
    let result = try run([VerifiedAccount.ids[0]], columns: 120)
    #expect(result.status == .success)
    #expect(result.lines.first == "ACTIVE  \(VerifiedAccount.ids[0])")
    #expect(result.lines.contains { $0.contains("certificate mode") && $0.hasSuffix("SNI_ONLY") })
    #expect(result.lines.contains { $0.contains("→ SNI_ONLY: devices have to name the account's endpoint") })
    let inactive = try run([VerifiedAccount.ids[1]], columns: 120)
    #expect(inactive.lines.contains { $0.contains("no device can connect with it") })
  }

  @Test func `prints a line for each of several, with the status as outcome`() throws {
    let folder = try TemporaryFolder()
    let result = try run([try Batch.write(folder, 4)])
    #expect(result.status == .nothingFound)
    #expect(
      result.lines.map { String($0.prefix { $0 != "\t" }) }.sorted() == ["ACTIVE", "ACTIVE", "INACTIVE", "unknown"])
    #expect(result.lines.contains { $0.hasSuffix("SNI_ONLY; things pump-0; policies pumps, base") })
    #expect(result.lines.contains { $0.hasSuffix("SNI_ONLY; things none; policies pumps, base") })
  }
}
