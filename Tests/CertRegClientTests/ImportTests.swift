import CertRegCodec
import CertRegCore
import CertRegCrypto
import Foundation
import Synchronization
import Testing

@testable import CertRegClient

@Suite struct ImportSourceTests {
  private func entries(
    _ path: String, format: ImportFormat? = nil, column: String? = nil
  ) throws -> (ImportFormat, [ImportEntry]) {
    var (kind, source) = try ImportFormat.open(path, format: format, column: column)
    var entries: [ImportEntry] = []
    while let entry = try source.next() { entries.append(entry) }
    return (kind, entries)
  }

  private func pem(_ entry: ImportEntry) -> String? { try? entry.content.get() }

  @Test func `reads a table with its PEM in quotes, as Espressif writes it`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      "batch.csv",
      "MAC,cert,note\r\n0001,\"\(Sample.certificatePEM(1))\",\"a \"\"b\"\", c\"\r\n\r\n0002,\"\(Sample.certificatePEM(2))\",\r\n0003,,x\r\n"
    )
    let (kind, found) = try entries(file)
    #expect(kind == .csv)
    #expect(found.map(\.name) == ["\(file):2 0001", "\(file):7 0002", "\(file):11 0003"])
    #expect(found.map(pem) == [Sample.certificatePEM(1), Sample.certificatePEM(2), nil])
  }

  @Test func `takes the column that is named, and base64 and escaped line ends in it`() throws {
    let folder = try TemporaryFolder()
    let base64 = Data(Sample.certificate(1)).base64EncodedString()
    let escaped = Sample.certificatePEM(2).split(separator: "\n").joined(separator: "\\n")
    let file = try folder.write("a.txt", "serial;Device Cert\n1;\(base64)\n2;\(escaped)\n")
    for column in [nil, "device_cert", "2"] {
      let (_, found) = try entries(file, format: .csv, column: column)
      #expect(found.map(pem) == [Sample.certificatePEM(1), Sample.certificatePEM(2)])
    }
    let error = #expect(throws: InputError.self) { _ = try entries(file, format: .csv, column: "other") }
    #expect(error?.message.contains("serial, Device Cert") == true)
  }

  @Test func `reads JSON lines`() throws {
    let folder = try TemporaryFolder()
    let lines = [
      JSON.object([
        JSON.Member("serialNumber", .string("7")), JSON.Member("certificatePem", .string(Sample.certificatePEM(1))),
      ]),
      JSON.string(Sample.certificatePEM(2)), JSON.object([JSON.Member("x", .null)]),
    ]
    let file = try folder.write("a.jsonl", lines.map { $0.serialized() + "\n" }.joined() + "\n{broken\n")
    let (kind, found) = try entries(file)
    #expect(kind == .jsonl)
    #expect(found.map(\.name) == ["\(file):1 7", "\(file):2", "\(file):3", "\(file):5"])
    #expect(found.map(pem) == [Sample.certificatePEM(1), Sample.certificatePEM(2), nil, nil])
  }

  private func manifest(_ payloads: [String]) -> String {
    let elements = payloads.map { payload in
      let text = Data(payload.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
      return
        "{\"payload\":\"\(text.replacing("=", with: ""))\",\"header\":{\"uniqueId\":\"h]\\\"[\"},\"signature\":\"x\"}"
    }
    return "[\n" + elements.joined(separator: ",\n") + "\n]\n"
  }

  @Test func `reads a Microchip manifest, the device's certificate of each key`() throws {
    let folder = try TemporaryFolder()
    let device = Data(Sample.certificate(1)).base64EncodedString()
    let signer = Data(Sample.certificate(9)).base64EncodedString()
    let file = try folder.write(
      "m.json",
      manifest([
        "{\"uniqueId\":\"0123\",\"publicKeySet\":{\"keys\":[{\"x5c\":[\"\(device)\",\"\(signer)\"]},{\"kid\":\"1\"}]}}",
        "{\"uniqueId\":\"0124\",\"publicKeySet\":{\"keys\":[]}}", "{}", "nonsense",
      ]))
    let (kind, found) = try entries(file)
    #expect(kind == .microchip)
    #expect(found.map(\.name) == ["\(file)[1] 0123", "\(file)[2] 0124", "\(file)[3] h]\"[", "\(file)[4]"])
    #expect(found.map(pem) == [Sample.certificatePEM(1), nil, nil, nil])
  }

  @Test func `says that a manifest breaks off after handing out what is whole`() throws {
    let folder = try TemporaryFolder()
    let whole = manifest(["{}", "{}"])
    let file = try folder.write("m.json", String(whole.dropLast(6)))
    var (_, source) = try ImportFormat.open(file, format: nil, column: nil)
    #expect(try source.next() != nil)
    let error = #expect(throws: InputError.self) { _ = try source.next() }
    #expect(error?.message.contains("breaks off") == true)
  }

  @Test func `reads PEM block by block, and passes over keys`() throws {
    let folder = try TemporaryFolder()
    let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n"
    let text =
      "text\n" + Sample.certificatePEM(1) + Sample.pem("PRIVATE KEY", Sample.privateKey) + cut
      + Sample.certificatePEM(2)
    let file = try folder.write("all.pem", text)
    let (kind, found) = try entries(file, format: .pem)
    #expect(kind == .pem)
    #expect(found.map(pem) == [Sample.certificatePEM(1), cut, Sample.certificatePEM(2)])
    #expect(found.map(\.name) == ["\(file):2", "\(file):8", "\(file):10"])
  }

  @Test func `reads a tar archive with short and long names`() throws {
    let folder = try TemporaryFolder()
    let long = String(repeating: "d/", count: 70) + "c.pem"
    try folder.write("in/a.der", Sample.certificate(1))
    try folder.write("in/\(long)", Sample.certificatePEM(2))
    try folder.write("in/key.pem", Sample.pem("PRIVATE KEY", Sample.privateKey))
    try folder.write("in/notes", "nothing")
    for format in ["ustar", "gnu", "pax"] {
      let archive = folder.path("\(format).tar")
      let result = Program.run(
        [
          "tar", "--format=\(format)", "--sort=name", "-cf", archive, "-C", folder.path("in"), "a.der", "d", "key.pem",
          "notes",
        ],
        environment: ProcessInfo.processInfo.environment, timeout: .seconds(30))
      try #require(result?.status == 0, "tar is needed for this test")
      let (kind, found) = try entries(archive)
      #expect(kind == .tar)
      #expect(found.map(\.name) == ["\(archive)/a.der", "\(archive)/\(long)"])
      #expect(found.map(pem) == [Sample.certificatePEM(1), Sample.certificatePEM(2)])
    }
  }

  @Test(arguments: [
    ("a.pem", ImportFormat.pem), ("a.csv", .csv), ("a.ndjson", .jsonl), ("a.crt", .pem),
  ])
  func `goes by the name where the content does not tell`(name: String, expected: ImportFormat) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(name, "cert\n" + "x\n")
    #expect(try ImportFormat.open(file, format: nil, column: nil).0 == expected)
  }

  @Test func `says what to do with archives that it does not read`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("a", [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00])
    let error = #expect(throws: InputError.self) { _ = try ImportFormat.open(file, format: nil, column: nil) }
    #expect(error?.advice?.contains("xz -dc") == true)
  }

  @Test func `never crashes on damaged sources`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SplitMix64(seed: seed)
    let folder = try TemporaryFolder()
    let originals = [
      manifest(["{\"publicKeySet\":{\"keys\":[{\"x5c\":[\"MAo=\"]}]}}", "{}"]),
      "MAC,cert\n1,\"\(Sample.certificatePEM())\"\n2,\"x\"\n", Sample.certificatePEM() + Sample.certificatePEM(2),
    ].map { Array($0.utf8) }
    for format in [ImportFormat.microchip, .csv, .jsonl, .pem, .tar] {
      for round in 0..<60 {
        var bytes = originals.randomElement(using: &generator) ?? []
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
        let file = try folder.write("f\(round)", bytes)
        // An error is as good as entries; a crash or an endless loop is what this looks for.
        let count = (try? entries(file, format: format).1.count) ?? 0
        #expect(count <= bytes.count, "seed \(seed)")
      }
    }
  }
}

@Suite struct FingerprintTests {
  @Test func `names a certificate the same whatever its lines`() {
    let one = ImportEntry.fingerprint(ofPEM: Sample.certificatePEM(1))
    #expect(one == SHA256.digest(of: Sample.certificate(1)))
    #expect(one == ImportEntry.fingerprint(ofPEM: Sample.certificatePEM(1).replacing("\n", with: "\r\n")))
    #expect(one != ImportEntry.fingerprint(ofPEM: Sample.certificatePEM(2)))
  }
}

@Suite struct ImportVerbTests {
  /// A daemon that counts registrations by certificate, and what a batch looks like to it.
  private final class Register: Sendable {
    private let calls = Mutex<[String: Int]>([:])

    func count(_ request: JSON) -> Int {
      calls.withLock { calls in
        calls[request["certificatePem"]?.string ?? "", default: 0] += 1
        return calls[request["certificatePem"]?.string ?? ""] ?? 0
      }
    }

    var total: Int { calls.withLock { $0.values.reduce(0, +) } }
    var certificates: Int { calls.withLock { $0.count } }
  }

  private func registered(_ request: JSON) -> JSON {
    let id = ImportEntry.fingerprint(ofPEM: request["certificatePem"]?.string ?? "").hex
    return JSON.answer(
      to: request,
      [
        ("certificateId", .string(id)), ("certificateArn", .string("arn:\(id)")), ("outcome", .string("created")),
        ("target", .string("default")),
      ])
  }

  private func batch(_ folder: TemporaryFolder, _ count: Int) throws -> String {
    let rows = (0..<count).map { "\($0),\(Data(Sample.certificate(UInt8($0))).base64EncodedString())\n" }
    return try folder.write("batch.csv", "serial,cert\n" + rows.joined())
  }

  private func entries(of path: String) throws -> [ImportEntry] {
    var (_, source) = try ImportFormat.open(path, format: nil)
    var entries: [ImportEntry] = []
    while let entry = try source.next() { entries.append(entry) }
    return entries
  }

  private func verb(_ source: String, _ report: String) -> ImportVerb {
    var verb = ImportVerb(source: source)
    verb.reportPath = report
    verb.firstPause = .milliseconds(1)
    return verb
  }

  @Test(arguments: ["report.csv", "report.jsonl"])
  func `reports every entry, and repeats nothing when it goes on`(reportName: String) throws {
    let folder = try TemporaryFolder()
    let source = try batch(folder, 200)
    let handle = try #require(FileHandle(forWritingAtPath: source))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("again,\(Data(Sample.certificate(3)).base64EncodedString())\nnone,\n".utf8))
    try handle.close()
    let register = Register()
    let daemon = try FakeDaemon(answering: { request in
      _ = register.count(request)
      return self.registered(request)
    })
    let report = folder.path(reportName)
    let capture = Capture()
    let session = Session(socketPath: daemon.path, console: capture.console())
    var verb = verb(source, report)
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

  @Test func `goes on after it was cut off in the middle of a line`() throws {
    let folder = try TemporaryFolder()
    let source = try batch(folder, 20)
    let register = Register()
    let daemon = try FakeDaemon(answering: { request in
      _ = register.count(request)
      return self.registered(request)
    })
    let session = Session(socketPath: daemon.path, console: Capture().console())
    var verb = verb(source, folder.path("report.csv"))
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
    #expect(again.split(separator: "\n").allSatisfy { $0.filter { $0 == "\"" }.count == 14 || $0.hasPrefix("name,") })
  }

  @Test func `tries again what can succeed later, and gives up on what does not`() throws {
    let folder = try TemporaryFolder()
    let source = try batch(folder, 30)
    let register = Register()
    let hopeless = PEM.certificate(der: Sample.certificate(7))
    let daemon = try FakeDaemon(answering: { request in
      let count = register.count(request)
      guard count > 2, request["certificatePem"]?.string != hopeless else {
        return JSON.failure(request, type: "ThrottlingException", reason: "throttled", retryable: true)
      }
      return self.registered(request)
    })
    let capture = Capture()
    let status = verb(source, folder.path("r.csv")).run(Session(socketPath: daemon.path, console: capture.console()))
    #expect(status == .temporaryFailure)
    #expect(capture.errors.contains("30 entries: 29 created, 1 failed"))
    #expect(capture.errors.contains("--resume"))
    #expect(register.total == 29 * 3 + 10)
    // What failed is a source of its own.
    let failed = try entries(of: folder.path("r.failed.jsonl"))
    #expect(failed.map { try? $0.content.get() } == [hopeless])
  }

  @Test func `comes back to a daemon that closes its connections`() throws {
    let folder = try TemporaryFolder()
    let source = try batch(folder, 50)
    let register = Register()
    let daemon = try FakeDaemon { peer in
      for _ in 0..<20 {
        guard let request = peer.readLine() else { return }
        _ = register.count(request)
        peer.write(self.registered(request).serialized() + "\n")
      }
    }
    let capture = Capture()
    let status = verb(source, folder.path("r.csv")).run(Session(socketPath: daemon.path, console: capture.console()))
    #expect(status == .success)
    #expect(register.certificates == 50)
    #expect(capture.errors.contains("50 entries: 50 created"))
  }

  @Test func `stops when it is told to, and says how to go on`() throws {
    let folder = try TemporaryFolder()
    let source = try batch(folder, 200)
    let register = Register()
    let daemon = try FakeDaemon(answering: { request in
      _ = register.count(request)
      return self.registered(request)
    })
    let capture = Capture()
    var verb = verb(source, folder.path("r.csv"))
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

  @Test func `a dry run registers nothing and writes no report`() throws {
    let folder = try TemporaryFolder()
    let source = try batch(folder, 3)
    let daemon = try FakeDaemon(answering: { request in
      request["op"]?.string == "validate"
        ? JSON.answer(to: request, [("certificateId", .string(Sample.id))]) : JSON.failure(request)
    })
    var verb = ImportVerb(source: source)
    verb.isDryRun = true
    let capture = Capture()
    #expect(verb.run(Session(socketPath: daemon.path, console: capture.console())) == .success)
    #expect(capture.errors == "3 entries: 3 valid\n")
  }

  @Test func `says at once that there is no daemon`() throws {
    let folder = try TemporaryFolder()
    let source = try batch(folder, 3)
    let capture = Capture()
    let status = verb(source, folder.path("r.csv")).run(
      Session(socketPath: folder.path("none"), console: capture.console()))
    #expect(status == .unavailable)
    #expect(capture.errors.contains("systemctl start certregd"))
  }

  @Test func `a failure in one target keeps a certificate from being done`() throws {
    var history = ImportHistory()
    let id = SHA256.digest(of: [1])
    history.add(ImportRecord(name: "a", certificateID: id.hex, outcome: "created", target: "one"))
    #expect(history.isDone(id))
    history.add(ImportRecord(name: "a", certificateID: id.hex, outcome: "failed", target: "two"))
    #expect(!history.isDone(id))
    history.add(ImportRecord(name: "a", certificateID: id.hex, outcome: "existing", target: "two"))
    #expect(history.isDone(id))
    #expect(history.count == 1)
  }

  @Test func `goes on from a report whose middle was lost with the power`() throws {
    let folder = try TemporaryFolder()
    let source = try batch(folder, 20)
    let register = Register()
    let daemon = try FakeDaemon(answering: { request in
      _ = register.count(request)
      return self.registered(request)
    })
    let report = folder.path("report.csv")
    let session = Session(socketPath: daemon.path, console: Capture().console())
    var verb = verb(source, report)
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
    let source = try batch(folder, 10)
    let isMended = Mutex(false)
    let bad = Set((3...4).map { PEM.certificate(der: Sample.certificate($0)) })
    let daemon = try FakeDaemon(answering: { request in
      let fails = !isMended.withLock { $0 } && bad.contains(request["certificatePem"]?.string ?? "")
      return fails ? JSON.failure(request) : self.registered(request)
    })
    let report = folder.path("r.csv")
    let failed = folder.path("r.failed.jsonl")
    let capture = Capture()
    let session = Session(socketPath: daemon.path, console: capture.console())
    #expect(verb(source, report).run(session) == .dataError)
    #expect(try ReportRows(report).outcomes == ["created": 8, "failed": 2])
    #expect(Set(try entries(of: failed).compactMap { try? $0.content.get() }) == bad)
    #expect(capture.errors.contains("certregctl import \(failed.quotedForShell)"))

    // The file of those that failed is a source, and gives way when nothing in it fails any more.
    isMended.withLock { $0 = true }
    var again = verb(failed, report)
    again.resumes = true
    #expect(again.run(session) == .success)
    #expect(try ReportRows(report).outcomes == ["created": 10])
    #expect(!FileManager.default.fileExists(atPath: failed))
  }

  @Test func `an import that is stopped leaves the failed entries of the one before as they were`() throws {
    let folder = try TemporaryFolder()
    let source = try batch(folder, 100)
    let register = Register()
    let daemon = try FakeDaemon(answering: { request in
      _ = register.count(request)
      return JSON.failure(request)
    })
    let session = Session(socketPath: daemon.path, console: Capture().console())
    #expect(verb(source, folder.path("r.csv")).run(session) == .dataError)
    let failed = folder.path("r.failed.jsonl")
    let before = try Data(contentsOf: URL(fileURLWithPath: failed))
    var again = verb(failed, folder.path("r.csv"))
    again.resumes = true
    again.isInterrupted = { register.total >= 105 }
    #expect(again.run(session) == .interrupted)
    #expect(try Data(contentsOf: URL(fileURLWithPath: failed)) == before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("")).allSatisfy { !$0.hasSuffix(".new") })
  }

  @Test func `writes over no file of others`() throws {
    let folder = try TemporaryFolder()
    let source = try batch(folder, 1)
    try folder.write("r.failed.jsonl", "mine")
    let session = Session(socketPath: folder.path("none"), console: Capture().console())
    #expect(verb(source, folder.path("r.csv")).run(session) == .cannotCreate)
    var resumed = verb(source, "/dev/null")
    resumed.resumes = true
    #expect(resumed.run(session) == .cannotCreate)
    #expect(try ImportReport.open(path: folder.path("s.csv"), resuming: false).1.count == 0)
  }

  @Test func `two imports do not write one report`() throws {
    let folder = try TemporaryFolder()
    let (report, _) = try ImportReport.open(path: folder.path("r.csv"), resuming: true)
    let error = #expect(throws: InputError.self) {
      _ = try ImportReport.open(path: folder.path("r.csv"), resuming: true)
    }
    #expect(error?.message.contains("another import") == true)
    report.add(ImportRecord(name: "a", outcome: "created"))
    #expect(report.failure == nil)
  }

  @Test func `leaves no report where nothing came of it, and says so where there was no certificate`() throws {
    let folder = try TemporaryFolder()
    let source = try batch(folder, 3)
    let capture = Capture()
    var session = Session(socketPath: folder.path("none"), console: capture.console())
    #expect(verb(source, folder.path("r.csv")).run(session) == .unavailable)
    #expect(!FileManager.default.fileExists(atPath: folder.path("r.csv")))

    try folder.write("empty/notes", "nothing")
    let daemon = try FakeDaemon(answering: { self.registered($0) })
    session = Session(socketPath: daemon.path, console: capture.console())
    #expect(verb(folder.path("empty"), folder.path("r.csv")).run(session) == .noInput)
    #expect(capture.errors.contains("there was no certificate"))
  }

  @Test func `a signer must be a certificate with a key on P-256, and go with a manifest`() throws {
    let folder = try TemporaryFolder()
    let source = try batch(folder, 3)
    let capture = Capture()
    let session = Session(socketPath: folder.path("none"), console: capture.console())
    var verb = verb(source, folder.path("r.csv"))
    let rsa = try Issuer(folder, "rsa", ["rsa:2048"])
    let files = [folder.path("none.crt"), try folder.write("x.crt", Sample.certificatePEM(1)), rsa.certificatePath]
    for (file, problem) in zip(files, ["no such file", "OpenSSL can read", "P-256"]) {
      verb.signerPaths = [file]
      #expect(verb.run(session) != .success)
      #expect(capture.errors.contains(problem))
    }
    verb.signerPaths = [try Issuer(folder, "ec").certificatePath]
    #expect(verb.run(session) == .dataError)
    #expect(capture.errors.contains("--signer is for Microchip manifests, and this is csv"))
  }

  @Test func `quotes what a shell would take apart`() {
    #expect("batch.csv".quotedForShell == "batch.csv")
    #expect("my batch.csv".quotedForShell == "'my batch.csv'")
    #expect("it's $(x)".quotedForShell == "'it'\\''s $(x)'")
    #expect("".quotedForShell == "''")
    var verb = ImportVerb(source: "a b")
    verb.arguments = ["--status", "ACTIVE", "a b", "--resume"]
    #expect(verb.resumeCommand == "certregctl import --resume --status ACTIVE 'a b'")
  }

  @Test func `tells rate and time left, outcomes, and what holds things up`() throws {
    var progress = ImportProgress()
    for second in 0...4 {
      if second > 0 { progress.count("created", 50) }
      progress.sample(at: MonotonicTime(nanoseconds: Int64(second) * 1_000_000_000))
    }
    progress.fraction = 0.25
    progress.pending = 50
    #expect(
      progress.lines(width: 80).map(\.plain) == [
        "[####----------------]  20 %  200 of about 1000  50.0/s  16 s left", "200 created",
      ])
    progress.count("failed", 2)
    progress.passedOver = 1000
    progress.retrying = ["throttled_by_upstream": 3, "draining": 30, "x": 1]
    progress.daemon = try JSON(
      parsing: #"""
        {"targets":[{"name":"eu","default":true,"health":"throttled","ratePerSecond":9.5},
        {"name":"us","default":false,"health":"unavailable","lastError":{"reason":"name_resolution"}}]}
        """#)
    #expect(
      progress.lines(width: 200).dropFirst().map(\.plain) == [
        "200 created, 2 failed, 1000 done before",
        "eu: AWS IoT throttles, at 9.5 calls a second; to be tried again: 30 draining, 3 throttled_by_upstream",
      ])
    progress.retrying = [:]
    progress.targets = ["us"]
    #expect(progress.lines(width: 80).last?.plain == "us: AWS IoT does not answer (name_resolution)")
    progress.targets = []
    progress.daemon = try JSON(
      parsing: #"{"targets":[{"name":"eu","health":"ok","ratePerSecond":10,"queued":54,"throttles":12345}]}"#)
    #expect(
      progress.lines(width: 80).last?.plain
        == "eu: certregd keeps to 10.0 calls a second; AWS IoT throttled 12,345 before")
    #expect(ImportProgress().lines(width: 20).map(\.plain) == ["0", "nothing answered yet"])
  }

  @Test func `draws lines over those that were there, and takes them away`() {
    let capture = Capture()
    let console = capture.console(columns: 10)
    console.showTransient(["one", "a line that is too long"])
    console.showTransient(["1", "2", "3"])
    console.showTransient("x")
    console.note("done")
    let escape = "\u{1B}"
    let drawings = [
      "\rone^[K\r\na line t…^[K", "\r^[1A1^[K\r\n2^[K\r\n3^[K", "\r^[2Ax^[K\r\n^[K\r\n^[K\r^[2A",
      "\r^[K\rdone\n",
    ]
    #expect(capture.errors.replacing(escape, with: "^") == drawings.joined())
  }

  @Test func `is not at 100 % before the last answer`() throws {
    var progress = ImportProgress()
    progress.fraction = 1
    progress.count("created", 5)
    progress.pending = 1
    #expect(progress.lines(width: 80)[0].plain.hasSuffix("83 %  5 of 6"))
    progress.pending = 0
    progress.count("created")
    #expect(progress.lines(width: 80)[0].plain == "[####################] 100 %  6 of 6")
  }
}

/// A report as a reader of CSV or JSON lines sees it.
private struct ReportRows {
  var names: [String] = []
  var outcomes: [String: Int] = [:]

  init(_ path: String) throws {
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    for line in path.hasSuffix(".csv") ? lines.dropFirst() : lines[...] {
      if path.hasSuffix(".csv") {
        let fields = line.dropFirst().dropLast().components(separatedBy: "\",\"")
        names.append(fields[0])
        outcomes[fields[2], default: 0] += 1
      } else {
        let json = try JSON(parsing: String(line))
        names.append(json["name"]?.string ?? "")
        outcomes[json["outcome"]?.string ?? "", default: 0] += 1
      }
    }
  }
}

/// A key and its certificate, made by openssl.
struct Issuer {
  let certificatePath: String
  let certificatePEM: [UInt8]
  private let keyPEM: [UInt8]

  init(
    _ folder: TemporaryFolder, _ name: String, _ key: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
  ) throws {
    certificatePath = folder.path("\(name).crt")
    let result = Program.run(
      ["openssl", "req", "-x509", "-newkey"] + key + [
        "-nodes", "-subj", "/CN=\(name)", "-keyout", folder.path("\(name).key"), "-out", certificatePath,
      ], environment: ProcessInfo.processInfo.environment, timeout: .seconds(60))
    try #require(result?.status == 0, "openssl is needed for this test")
    certificatePEM = Array(try Data(contentsOf: URL(fileURLWithPath: certificatePath)))
    keyPEM = Array(try Data(contentsOf: URL(fileURLWithPath: folder.path("\(name).key"))))
  }

  var der: [UInt8] { ClientIdentity.certificates(pem: certificatePEM)[0] }

  /// A signature as RFC 7518 section 3.4 has it.
  func signature(of message: String) throws -> [UInt8] {
    let identity = try ClientIdentity(certificatePEM: certificatePEM, privateKeyPEM: keyPEM)
    let encoded = try identity.signature(of: Array(message.utf8))
    // SEQUENCE { INTEGER, INTEGER }, all lengths in one octet.
    let first = Array(encoded[4..<(4 + Int(encoded[3]))])
    let second = Array(encoded[(6 + first.count)...])
    return [first, second].flatMap { number in
      let digits = number.drop { $0 == 0 }
      return [UInt8](repeating: 0, count: 32 - digits.count) + digits
    }
  }
}
