import CertRegCodec
import CertRegCore
import Foundation
import Glibc
import Testing

@testable import CertRegClient

/// Files that are not reports stay as they are, and reports are for nobody else's eyes.
@Suite struct ReportSafetyTests {
  /// A daemon that registers everything, in every target but these.
  private func daemon() throws -> FakeDaemon { try FakeDaemon(answering: { Batch.registered($0) }) }

  private func run(_ verb: ImportVerb, _ daemon: FakeDaemon) -> CommandStatus {
    verb.run(Session(socketPath: daemon.path, console: Capture().console()))
  }

  private func content(_ path: String) -> Data? { try? Data(contentsOf: URL(fileURLWithPath: path)) }

  private func mode(_ path: String) throws -> mode_t {
    var status = stat()
    try #require(lstat(path, &status) == 0)
    return status.st_mode & 0o7777
  }

  private func names(_ folder: TemporaryFolder) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.root).sorted()
  }

  static let foreign: [String] = [
    "serial,cert\n1,abc\n", "name;certificateId;outcome;certificateArn;target;reason;message\n", "\n", "name\n", "{}\n",
    "[]\n", #"{"name":"a","outcome":"created","mine":"x"}"# + "\n", #"{"name":"a"}"# + "\n", "mine", "\u{0}\u{0}\u{0}",
    Sample.certificatePEM(),
  ]

  @Test(arguments: foreign, ["r.csv", "r.jsonl"])
  func `a file that no import wrote is never continued`(text: String, name: String) throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 2)
    let report = try folder.write(name, text)
    var verb = Batch.verb(source, report)
    verb.resumes = true
    #expect(run(verb, try daemon()) == .cannotCreate)
    #expect(content(report) == Data(text.utf8))
    #expect(try names(folder) == ["batch.csv", name])
  }

  @Test(arguments: ["", "name,certif"])
  func `a report that was created and never written is continued`(text: String) throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 2)
    var verb = Batch.verb(source, try folder.write("r.csv", text))
    verb.resumes = true
    #expect(run(verb, try daemon()) == .success)
    #expect(try ReportRows(folder.path("r.csv")).outcomes == ["created": 2])
  }

  @Test func `the source is never the report, by whichever path it comes`() throws {
    let folder = try TemporaryFolder()
    let daemon = try daemon()
    // A report can be a source: then its content alone does not tell.
    let text = ReportForm.headings + "\n"
    let source = try folder.write("batch.csv", text)
    try FileManager.default.createSymbolicLink(atPath: folder.path("soft.csv"), withDestinationPath: source)
    try FileManager.default.linkItem(atPath: source, toPath: folder.path("hard.csv"))
    for (source, report) in [
      ("batch.csv", "batch.csv"), ("batch.csv", "hard.csv"), ("soft.csv", "batch.csv"), ("soft.csv", "hard.csv"),
      ("hard.csv", "./batch.csv"),
    ] {
      var verb = Batch.verb(folder.path(source), folder.path(report))
      verb.resumes = true
      verb.input.column = "message"
      #expect(run(verb, daemon) == .cannotCreate)
      #expect(content(folder.path("batch.csv")) == Data(text.utf8))
    }
  }

  @Test func `writes through no symbolic link and into nothing but files`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 2)
    let daemon = try daemon()
    let target = try folder.write("target", "")
    for name in ["r.csv", "s.csv.new"] {
      try FileManager.default.createSymbolicLink(atPath: folder.path(name), withDestinationPath: target)
    }
    try folder.write("s.csv", ReportForm.headings + "\n")
    try #require(mkfifo(folder.path("pipe.csv"), 0o600) == 0)
    for report in [folder.path("r.csv"), folder.path("s.csv"), folder.path("pipe.csv"), "/dev/null", folder.root] {
      var verb = Batch.verb(source, report)
      verb.resumes = true
      #expect(run(verb, daemon) == .cannotCreate)
    }
    #expect(content(target) == Data())
    #expect(try ReportRows(folder.path("s.csv")).names.isEmpty)
  }

  @Test(arguments: ["r.failed.jsonl", "r.csv.new", "r.failed.jsonl.new"])
  func `files of others with the names of its own stay as they are`(name: String) throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 2)
    try folder.write("r.csv", ReportForm.headings + "\n")
    try folder.write(name, "mine")
    var verb = Batch.verb(source, folder.path("r.csv"))
    verb.resumes = true
    let failing = try FakeDaemon(answering: { JSON.failure($0) })
    #expect(run(verb, failing) != .success)
    #expect(content(folder.path(name)) == Data("mine".utf8))
  }

  @Test(arguments: ["a\"b", "\"", "\"\u{301}", "a,\"\r\n"])
  func `every quotation mark in a field is doubled`(name: String) throws {
    let line = ImportRecord(name: name, outcome: "failed").csv
    #expect(line.utf8.count { $0 == UInt8(ascii: "\n") } == 1)
    var records = CSVRecords(ByteStream(Array(line.utf8)))
    let fields = try #require(try records.next()).fields.map { String(decoding: $0, as: UTF8.self) }
    #expect(fields.count == ImportRecord.columns.count)
    #expect(fields.first.map { Array($0.utf8) } == Array(name.printable.utf8))
  }

  @Test(arguments: ["=1+1", "+1", "-1", "@SUM(A1)", "=", "'=1", "''@", "＝1", "＠x", "=\u{301}", "'\u{301}="])
  func `a spreadsheet calculates no field, and every field is read back as it was`(text: String) throws {
    var record = ImportRecord(name: text, outcome: "failed", reason: text, message: text)
    (record.deviceID, record.commonName, record.thingName, record.place) = (text, text, text, text)
    let line = Array(ReportForm.csv.line(record).utf8)
    var records = CSVRecords(ByteStream(line))
    let fields = try #require(try records.next()).fields.map { String(decoding: $0, as: UTF8.self) }
    for field in fields {
      let first = field.unicodeScalars.first
      #expect(first.map { !"=+-@＝＋－＠".unicodeScalars.contains($0) } ?? true, "\(field)")
    }
    #expect(ReportForm.csv.record(line) == record)
    // Programs that read JSON calculate nothing.
    #expect(record.json["name"]?.string == text)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `reports keep every name exactly`(seed: UInt64) {
    print("seed \(seed)")
    var random = SplitMix64(seed: seed)
    for _ in 0..<2000 {
      let scalars = (0..<Int.random(in: 0..<6, using: &random)).map { _ in
        Array("'=+-@＝a \",\u{301}".unicodeScalars).randomElement(using: &random) ?? "a"
      }
      var name = String.UnicodeScalarView()
      name.append(contentsOf: scalars)
      let record = ImportRecord(name: String(name), outcome: "failed")
      let read = ReportForm.csv.record(Array(ReportForm.csv.line(record).utf8))
      #expect(read?.name.unicodeScalars.elementsEqual(name) == true, "\(scalars)")
    }
  }

  @Test func `reports of earlier versions are read as they are`() throws {
    let line = #""=dev,1","","failed","","","no_certificate","+x","-1","@a","","'a""#
    let record = try #require(ReportForm.csv.record(Array(line.utf8)))
    #expect(record.name == "=dev,1" && record.message == "+x" && record.deviceID == "-1")
    #expect(record.commonName == "@a" && record.place == "'a")
  }

  @Test func `what a killed import left gives way`() throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 2)
    let failing = try FakeDaemon(answering: { JSON.failure($0) })
    let record = ImportRecord(name: "x", outcome: "failed")
    try folder.write("r.csv", ReportForm.headings + "\n" + record.csv)
    try folder.write("r.csv.new", ReportForm.headings + "\n")
    try folder.write("r.failed.jsonl.new", "")
    var verb = Batch.verb(source, folder.path("r.csv"))
    verb.resumes = true
    #expect(run(verb, failing) == .dataError)
    #expect(try names(folder) == ["batch.csv", "r.csv", "r.failed.jsonl"])
    // The entry of another source keeps its line.
    #expect(try ReportRows(folder.path("r.csv")).outcomes == ["failed": 3])
  }

  @Test(arguments: ["r.csv", "r.jsonl"])
  func `reports and failed entries are readable by their owner alone`(name: String) throws {
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 2)
    let failing = try FakeDaemon(answering: { JSON.failure($0) })
    var verb = Batch.verb(source, folder.path(name))
    #expect(run(verb, failing) == .dataError)
    // As an earlier version made it.
    #expect(chmod(folder.path(name), 0o644) == 0)
    #expect(chmod(folder.path("r.failed.jsonl"), 0o644) == 0)
    verb.resumes = true
    #expect(run(verb, failing) == .dataError)
    #expect(try mode(folder.path(name)) == 0o600)
    #expect(try mode(folder.path("r.failed.jsonl")) == 0o600)
  }

  @Test func `a file that took the place of a report is not removed`() throws {
    let folder = try TemporaryFolder()
    let report = try ImportReport(path: folder.path("r.csv"), resuming: false)
    try FileManager.default.moveItem(atPath: folder.path("r.csv"), toPath: folder.path("moved.csv"))
    try folder.write("r.csv", "mine")
    report.discard()
    #expect(content(folder.path("r.csv")) == Data("mine".utf8))
  }

  @Test(arguments: ["r.csv", "r.failed.jsonl"])
  func `files of another user are not continued`(name: String) throws {
    let folder = try TemporaryFolder()
    let id = String(repeating: "ab", count: 32)
    let record = ImportRecord(name: "x", certificateID: id, outcome: "created", target: "default")
    let text =
      name == "r.csv"
      ? ReportForm.headings + "\n" + record.csv
      : #"{"name":"x","certificateId":"\#(id)","outcome":"failed","certificatePem":"x"}"# + "\n"
    try folder.write(name, text)
    let error = #expect(throws: InputError.self) {
      _ = try ImportReport(path: folder.path("r.csv"), resuming: true, user: geteuid() &+ 1)
    }
    let owner = getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "user \(geteuid())"
    #expect(error?.message.contains("\(name) belongs to \(owner)") == true)
    #expect(content(folder.path(name)) == Data(text.utf8))
    #expect(try names(folder) == [name])
    _ = try ImportReport(path: folder.path("r.csv"), resuming: true)
  }

  @Test func `two imports do not write one report`() throws {
    let folder = try TemporaryFolder()
    let report = try ImportReport(path: folder.path("r.csv"), resuming: true)
    let error = #expect(throws: InputError.self) {
      _ = try ImportReport(path: folder.path("r.csv"), resuming: true)
    }
    #expect(error?.message.contains("another import") == true)
    report.add(ImportRecord(name: "a", outcome: "created"))
    #expect(report.failure == nil)
  }
}
