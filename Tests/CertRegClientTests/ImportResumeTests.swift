import CertRegCodec
import CertRegCore
import CertRegCrypto
import Foundation
import Synchronization
import Testing

@testable import CertRegClient

@Suite struct ImportResumeTests {
  @Test(arguments: ["report.csv", "report.jsonl"])
  func `reports every entry, and repeats nothing when it goes on`(reportName: String) throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 200)
    let handle = try #require(FileHandle(forWritingAtPath: source))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("3,\(Data(Sample.certificate(3)).base64EncodedString())\nnone,\n".utf8))
    try handle.close()
    let register = Register()
    let daemon = try FakeDaemon(answering: { request in
      _ = register.count(request)
      return Batch.registered(request)
    })
    let report = folder.path(reportName)
    let capture = Capture()
    let session = Session(socketPath: daemon.path, console: capture.console())
    var verb = Batch.verb(source, report)
    #expect(verb.run(session) == .dataError)
    #expect(capture.errors.contains("202 entries: 200 created, 1 duplicate, 1 failed"))
    #expect(register.total == 200)
    let lines = try String(contentsOfFile: report, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == (reportName.hasSuffix("csv") ? 203 : 202))
    #expect(lines.count { $0.contains("\"arn:") } == 200)

    #expect(verb.run(session) == .cannotCreate)
    verb.resumes = true
    #expect(verb.run(session) == .dataError)
    #expect(register.total == 200)
    // Each entry still has one line.
    let rows = try ReportRows(report)
    #expect(rows.outcomes == ["created": 200, "duplicate": 1, "failed": 1])
    #expect(Set(rows.names).count == 202)
  }

  @Test(arguments: ["!", "_x000D_\n", "\u{A0}"]) func `takes no certificates for one because of equal damage`(
    damage: String
  ) throws {
    for position in [0, 1, 5, 9] {
      let folder = try TemporaryFolder()
      let rows = (0..<3).map { number in
        var text = Base64.encode([0x30, 0x0A, 0x30, 0x08, 0xA0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, UInt8(number << 6)])
        text.insert(contentsOf: damage, at: text.index(text.startIndex, offsetBy: position))
        return "d\(number),\"-----BEGIN CERTIFICATE-----\n\(text)\n-----END CERTIFICATE-----\"\n"
      }
      let source = try folder.write("s.csv", "deviceId,cert\n" + rows.joined())
      let daemon = try FakeDaemon(answering: { JSON.failure($0) })
      let session = Session(socketPath: daemon.path, console: Capture().console())
      let report = folder.path("r.csv")
      var verb = Batch.verb(source, report)
      for _ in 0..<2 {
        #expect(verb.run(session) == .dataError)
        let found = try ReportRows(report)
        #expect(found.outcomes == ["failed": 3])
        #expect(Set(found.names).count == 3)
        let kept = try String(contentsOfFile: folder.path("r.failed.jsonl"), encoding: .utf8)
        #expect(kept.split(separator: "\n").count == 3)
        verb.resumes = true
      }
    }
  }

  @Test func `goes on after it was cut off in the middle of a line`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 20)
    let register = Register()
    let daemon = try FakeDaemon(answering: { request in
      _ = register.count(request)
      return Batch.registered(request)
    })
    let session = Session(socketPath: daemon.path, console: Capture().console())
    var verb = Batch.verb(source, folder.path("report.csv"))
    #expect(verb.run(session) == .success)
    let whole = try Data(contentsOf: URL(fileURLWithPath: folder.path("report.csv")))
    try whole.prefix(whole.count - 40).write(to: URL(fileURLWithPath: folder.path("report.csv")))
    verb.resumes = true
    #expect(verb.run(session) == .success)
    #expect(register.total == 21)
    #expect(register.certificates == 20)
    let rows = try ReportRows(folder.path("report.csv"))
    #expect(rows.outcomes == ["created": 20])
    let again = try String(contentsOfFile: folder.path("report.csv"), encoding: .utf8)
    #expect(again.split(separator: "\n").allSatisfy { $0.filter { $0 == "\"" }.count == 22 || $0.hasPrefix("name,") })
  }

  @Test func `stops when it is told to, and says how to go on`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 200)
    let register = Register()
    let daemon = try FakeDaemon(answering: { request in
      _ = register.count(request)
      return Batch.registered(request)
    })
    let capture = Capture()
    var verb = Batch.verb(source, folder.path("r.csv"))
    verb.isInterrupted = { register.total >= 5 }
    let session = Session(socketPath: daemon.path, console: capture.console())
    #expect(verb.run(session) == .interrupted)
    #expect(capture.errors.contains("certregctl import --resume \(source)"))
    let first = register.total
    #expect((5..<200).contains(first))
    verb.isInterrupted = { false }
    verb.resumes = true
    #expect(verb.run(session) == .success)
    #expect(register.total == 200)
  }

  @Test func `goes on from a report whose middle was lost with the power`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 20)
    let register = Register()
    let daemon = try FakeDaemon(answering: { request in
      _ = register.count(request)
      return Batch.registered(request)
    })
    let report = folder.path("report.csv")
    let session = Session(socketPath: daemon.path, console: Capture().console())
    var verb = Batch.verb(source, report)
    #expect(verb.run(session) == .success)
    // Blocks that never reached the disk read as zeros: they begin inside a quoted field and end inside another.
    var bytes = try Data(contentsOf: URL(fileURLWithPath: report))
    let hole = bytes.count / 3..<bytes.count / 2
    bytes.replaceSubrange(hole, with: Data(count: hole.count))
    try bytes.write(to: URL(fileURLWithPath: report))
    verb.resumes = true
    #expect(verb.run(session) == .success)
    #expect(register.certificates == 20)
    #expect((21..<40).contains(register.total))
    #expect(try ReportRows(report).outcomes == ["created": 20])
    #expect(try Data(contentsOf: URL(fileURLWithPath: report)).contains(0) == false)
  }

  @Test func `keeps what failed, and takes it back when it succeeds`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 10)
    let isMended = Mutex(false)
    let bad = Set((3...4).map { PEM.certificate(der: Sample.certificate($0)) })
    let daemon = try FakeDaemon(answering: { request in
      let fails = !isMended.withLock { $0 } && bad.contains(request["certificatePem"]?.string ?? "")
      return fails ? JSON.failure(request) : Batch.registered(request)
    })
    let report = folder.path("r.csv")
    let failed = folder.path("r.failed.jsonl")
    let capture = Capture()
    let session = Session(socketPath: daemon.path, console: capture.console())
    #expect(Batch.verb(source, report).run(session) == .dataError)
    #expect(try ReportRows(report).outcomes == ["created": 8, "failed": 2])
    #expect(Set(try Batch.entries(of: failed).compactMap(pem)) == bad)
    #expect(capture.errors.contains("certregctl import \(failed.quotedForShell)"))

    // The file of those that failed is a source, and gives way when nothing in it fails any more.
    isMended.withLock { $0 = true }
    var again = Batch.verb(failed, report)
    again.resumes = true
    #expect(again.run(session) == .success)
    #expect(try ReportRows(report).outcomes == ["created": 10])
    #expect(!FileManager.default.fileExists(atPath: failed))
  }

  @Test func `an import that is stopped leaves the failed entries of the one before as they were`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 100)
    let register = Register()
    let daemon = try FakeDaemon(answering: { request in
      _ = register.count(request)
      return JSON.failure(request)
    })
    let session = Session(socketPath: daemon.path, console: Capture().console())
    #expect(Batch.verb(source, folder.path("r.csv")).run(session) == .dataError)
    let failed = folder.path("r.failed.jsonl")
    let before = try Data(contentsOf: URL(fileURLWithPath: failed))
    var again = Batch.verb(failed, folder.path("r.csv"))
    again.resumes = true
    again.isInterrupted = { register.total >= 105 }
    #expect(again.run(session) == .interrupted)
    #expect(try Data(contentsOf: URL(fileURLWithPath: failed)) == before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("")).allSatisfy { !$0.hasSuffix(".new") })
  }

  @Test func `leaves no report where nothing came of it, and says so where there was no certificate`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 3)
    let capture = Capture()
    var session = Session(socketPath: folder.path("none"), console: capture.console())
    #expect(Batch.verb(source, folder.path("r.csv")).run(session) == .unavailable)
    #expect(!FileManager.default.fileExists(atPath: folder.path("r.csv")))

    try folder.write("empty/notes", "nothing")
    let daemon = try FakeDaemon(answering: { Batch.registered($0) })
    session = Session(socketPath: daemon.path, console: capture.console())
    #expect(Batch.verb(folder.path("empty"), folder.path("r.csv")).run(session) == .noInput)
    #expect(capture.errors.contains("there was no certificate"))
  }
}
