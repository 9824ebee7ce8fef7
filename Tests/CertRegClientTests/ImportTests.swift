import CertRegCore
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
    let file = try folder.write("a", [0x1F, 0x8B, 0x08, 0x00])
    let error = #expect(throws: InputError.self) { _ = try ImportFormat.open(file, format: nil, column: nil) }
    #expect(error?.advice?.contains("gzip -dc") == true)
  }

  @Test func `never crashes on damaged sources`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
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

@Suite struct SHA256Tests {
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
  ])
  func `gives the digests of FIPS 180-4's examples`(message: String, expected: String) {
    #expect(SHA256.digest(Array(message.utf8)).hex == expected)
  }

  @Test func `names a certificate the same whatever its lines`() {
    let one = ImportEntry.fingerprint(ofPEM: Sample.certificatePEM(1))
    #expect(one == SHA256.digest(Sample.certificate(1)))
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
    #expect(capture.errors.contains("certregctl import --resume --report"))
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
    let id = SHA256.digest([1])
    history.add(ImportRecord(name: "a", certificateID: id.hex, outcome: "created", target: "one"))
    #expect(history.isDone(id))
    history.add(ImportRecord(name: "a", certificateID: id.hex, outcome: "failed", target: "two"))
    #expect(!history.isDone(id))
    history.add(ImportRecord(name: "a", certificateID: id.hex, outcome: "existing", target: "two"))
    #expect(history.isDone(id))
    #expect(history.count == 1)
  }

  @Test func `tells rate and time left, and what holds things up`() throws {
    var progress = ImportProgress()
    progress.fraction = 0.25
    for second in 0...4 {
      progress.done = second * 50
      progress.sample(at: MonotonicTime(nanoseconds: Int64(second) * 1_000_000_000))
    }
    progress.failed = 2
    progress.daemon = try JSON(
      parsing: #"{"targets":[{"name":"eu","health":"throttled","ratePerSecond":9.5},{"name":"us","health":"ok"}]}"#)
    #expect(
      progress.line(width: 80).plain
        == "[###---------] 25 %  200 done  50.0/s  12 s left  2 failed  eu throttled to 9.5/s")
    #expect(ImportProgress().line(width: 20).plain == "0 done")
  }
}
