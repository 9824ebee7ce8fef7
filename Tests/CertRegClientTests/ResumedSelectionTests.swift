import CertRegCodec
import CertRegCore
import Testing

@testable import CertRegClient

/// Imports that continue a report and leave out devices.
@Suite struct ResumedSelectionTests {
  private func run(
    _ folder: TemporaryFolder, _ source: String, _ report: String, only list: String? = nil, failing: Set<String> = []
  ) throws -> String {
    let daemon = try FakeDaemon(answering: { Batch.registered($0, failing: failing) })
    var verb = Batch.verb(source, report)
    verb.resumes = true
    verb.input.onlyPath = try list.map { try folder.write("list.txt", $0) }
    let capture = Capture()
    _ = verb.run(Session(socketPath: daemon.path, console: capture.console()))
    return capture.errors
  }

  @Test(arguments: ["r.csv", "r.jsonl"])
  func `an entry that has a row keeps it when it is not listed`(name: String) throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 8)
    let report = folder.path(name)
    _ = try run(folder, source, report)
    let notes = try run(folder, source, report, only: "1\n2\n")
    #expect(try ReportRows(report).outcomes == ["created": 8])
    #expect(notes.contains("6 passed over") && notes.contains("2 were done before") && !notes.contains("8 cert"))
  }

  @Test func `an entry that has failed keeps its row when it is not listed`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 4)
    let report = folder.path("r.csv")
    _ = try run(folder, source, report, failing: ["default"])
    _ = try run(folder, source, report, only: "1\n")
    #expect(try ReportRows(report).outcomes == ["created": 1, "failed": 3])
    #expect(try Batch.entries(of: folder.path("r.failed.jsonl")).count == 3)
  }

  @Test func `an entry without a row gets one, which a later run replaces`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 4)
    let report = folder.path("r.csv")
    _ = try run(folder, source, report, only: "1\n")
    #expect(try ReportRows(report).outcomes == ["created": 1, "passed_over": 3])
    _ = try run(folder, source, report, only: "1\n2\n")
    #expect(try ReportRows(report).outcomes == ["created": 2, "passed_over": 2])
    _ = try run(folder, source, report)
    #expect(try ReportRows(report).outcomes == ["created": 4])
  }
}
