import CertRegCodec
import CertRegCore
import CertRegTesting
import Foundation
import Synchronization
import Testing

@testable import CertRegClient

/// The certificates of failed entries are kept until they are registered, whatever runs come between.
@Suite struct FailedEntriesTests {
  /// A daemon that knows what is registered where, and what it refuses.
  private final class Account: Sendable {
    struct State {
      /// Certificate IDs and targets.
      var registered: Set<String> = []
      var refused: Set<String> = []
      /// Certificates that are refused without a word on targets.
      var refusedWhole: Set<String> = []
      var requests = 0
    }

    let state = Mutex(State())

    var registered: Set<String> { state.withLock { $0.registered } }
    var requests: Int { state.withLock { $0.requests } }

    func answer(_ request: JSON) -> JSON? {
      let id = Value.pieces((request["certificatePem"]?.string ?? "").utf8).first?.certificate?.id.hex ?? ""
      let isQueued = request["wait"]?.bool == false
      let isRegistration = request["op"]?.string != "validate"
      let failing: Set<String>? = state.withLock { state in
        state.requests += 1
        if state.refusedWhole.contains(id) { return nil }
        let failing = Set(Batch.targets(request).filter { state.refused.contains("\(id) \($0)") })
        if isRegistration, !isQueued {
          for target in Batch.targets(request) where !failing.contains(target) {
            state.registered.insert("\(id) \(target)")
          }
        }
        return failing
      }
      guard let failing else { return JSON.failure(request) }
      guard isRegistration else { return JSON.answer(to: request, [("certificateId", .string(id))]) }
      return isQueued ? Batch.queued(request, failing: failing) : Batch.registered(request, failing: failing)
    }
  }

  /// The IDs of the first samples.
  private static let ids = (UInt8(0)..<24).map { number in
    Value.pieces(Sample.certificatePEM(number).utf8).first?.certificate?.id.hex ?? ""
  }

  /// The lines of a file with their certificate and target; none where there is no file.
  private func records(_ path: String, _ form: ReportForm) -> [ImportRecord] {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap { form.record(Array($0.utf8)) }
  }

  private func content(_ path: String) -> Data? { try? Data(contentsOf: URL(fileURLWithPath: path)) }

  @Test func `an entry that is not all there has no ID, and can be tried again from the failed ones`() throws {
    let folder = try TemporaryFolder()
    let message = "the line -----END CERTIFICATE----- is missing"
    let daemon = try FakeDaemon(answering: { JSON.failure($0, reason: "truncated_base64", message: message) })
    let base64 = Base64.encode(Sample.certificate(1)).dropLast(4)
    let source = try folder.write("cut.pem", "-----BEGIN CERTIFICATE-----\n\(base64)\n")
    let capture = Capture()
    func run(_ source: String, _ report: String, resumes: Bool = false) -> CommandStatus {
      var verb = Batch.verb(source, folder.path(report))
      verb.resumes = resumes
      return verb.run(Session(socketPath: daemon.path, console: capture.console()))
    }
    #expect(run(source, "r.csv") == .dataError)
    #expect(run(source, "r.csv", resumes: true) == .dataError)
    #expect(records(folder.path("r.csv"), .csv).map(\.certificateID) == [""])
    #expect(records(folder.path("r.failed.jsonl"), .failedEntries).count == 1)
    #expect(run(folder.path("r.failed.jsonl"), "again.csv") == .dataError)
    #expect(records(folder.path("again.csv"), .csv).map(\.outcome) == ["failed"])
    #expect(!capture.errors.contains("passed over"), "\(capture.errors)")
    #expect(capture.outputLines.count == 3 && capture.outputLines.allSatisfy { $0.hasPrefix("failed\t-\t") })
  }

  /// A folder with a report of five entries that have failed.
  private func failedBatch(_ account: Account, _ daemon: FakeDaemon) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    account.state.withLock { $0.refusedWhole = Set(FailedEntriesTests.ids.prefix(5)) }
    let verb = Batch.verb(try Batch.write(folder, 5), folder.path("b.csv"))
    #expect(verb.run(Session(socketPath: daemon.path, console: Capture().console())) == .dataError)
    account.state.withLock { $0.refusedWhole = [] }
    #expect(records(folder.path("b.failed.jsonl"), .failedEntries).count == 5)
    return folder
  }

  /// One way to run over the failed entries that registers few of them or none.
  enum Way: CaseIterable {
    case checksNames
    case dryRun
    case listed
    case anotherSource
    case anotherTarget
    case withoutWaiting
  }

  @Test(arguments: Way.allCases) func `what is not registered stays, with its certificate`(way: Way) throws {
    let account = Account()
    let daemon = try FakeDaemon(answering: { account.answer($0) })
    let folder = try failedBatch(account, daemon)
    let failed = folder.path("b.failed.jsonl")
    let before = content(failed)
    let report = content(folder.path("b.csv"))
    var verb = Batch.verb(failed, folder.path("b.csv"))
    verb.resumes = true
    var targets: [String] = []
    switch way {
    case .checksNames: verb.input.checksCommonName = true
    case .dryRun: verb.isDryRun = true
    case .listed: verb.input.onlyPath = try folder.write("only", FailedEntriesTests.ids[1] + "\n")
    case .anotherSource:
      verb.source = try folder.write("other.csv", "serial,cert\n9,\(Base64.encode(Sample.certificate(9)))\n")
    case .anotherTarget: targets = ["eu"]
    case .withoutWaiting: verb.wait = false
    }
    _ = verb.run(Session(socketPath: daemon.path, console: Capture().console(), targets: targets))
    let left = records(failed, .failedEntries).count
    let rows = records(folder.path("b.csv"), .csv).filter { $0.outcome == "failed" && $0.isAboutTarget }.count
    #expect(left == (way == .listed ? 4 : 5))
    #expect(rows == (way == .listed ? 4 : way == .withoutWaiting ? 0 : 5))
    if way == .dryRun {
      #expect(content(failed) == before)
      #expect(content(folder.path("b.csv")) == report)
      #expect(account.registered.isEmpty)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.root).allSatisfy { !$0.hasSuffix(".new") })

    // At last all of them succeed, and nothing is left.
    verb = Batch.verb(failed, folder.path("b.csv"))
    verb.resumes = true
    #expect(verb.run(Session(socketPath: daemon.path, console: Capture().console())) == .success)
    #expect(content(failed) == nil)
    #expect(!records(folder.path("b.csv"), .csv).contains { $0.outcome == "failed" && $0.isAboutTarget })
  }

  @Test func `an entry that is too long to be sent is kept with its certificate`() throws {
    let folder = try TemporaryFolder()
    let status = FakeDaemon.status.map { name, value in
      name == "limits" ? (name, JSON.object([JSON.Member("maxLineBytes", .integer(20))])) : (name, value)
    }
    let daemon = try FakeDaemon(status: status, answering: { Batch.registered($0) })
    let verb = Batch.verb(try Batch.write(folder, 2), folder.path("r.csv"))
    #expect(verb.run(Session(socketPath: daemon.path, console: Capture().console())) == .dataError)
    #expect(records(folder.path("r.csv"), .csv).map(\.reason) == ["line_too_long", "line_too_long"])
    #expect(records(folder.path("r.failed.jsonl"), .failedEntries).count == 2)
  }

  @Test func `a certificate whose name is another one is kept for another try`() throws {
    let folder = try TemporaryFolder()
    let daemon = try FakeDaemon(answering: { Batch.registered($0) })
    var verb = Batch.verb(try Batch.write(folder, 2), folder.path("r.csv"))
    verb.input.checksCommonName = true
    #expect(verb.run(Session(socketPath: daemon.path, console: Capture().console())) == .dataError)
    let kept = records(folder.path("r.failed.jsonl"), .failedEntries)
    #expect(kept.map(\.certificateID) == Array(FailedEntriesTests.ids.prefix(2)))
    #expect(kept.map(\.reason) == ["common_name_differs", "common_name_differs"])
    let again = Batch.verb(folder.path("r.failed.jsonl"), folder.path("again.csv"))
    #expect(again.run(Session(socketPath: daemon.path, console: Capture().console())) == .success)
  }

  @Test(arguments: ["--check-cn", "--name-column"])
  func `an entry that an option has refused is refused again by it`(option: String) throws {
    let folder = try TemporaryFolder()
    let daemon = try FakeDaemon(answering: { Batch.registered($0) })
    let rows = (UInt8(1)...2).map { "\($0),\($0 == 1 ? "d1" : ""),\(Base64.encode(Sample.wholeCertificate($0)))\n" }
    let refuses = { (verb: inout ImportVerb) in
      verb.input.checksCommonName = option == "--check-cn"
      if option == "--name-column" { verb.input.nameColumn = "MAC" }
    }
    var verb = Batch.verb(try folder.write("a.csv", "ID,MAC,cert\n" + rows.joined()), folder.path("r.csv"))
    refuses(&verb)
    #expect(verb.run(Session(socketPath: daemon.path, console: Capture().console())) == .dataError)
    let failed = folder.path("r.failed.jsonl")
    #expect(records(failed, .failedEntries).map(\.reason) == ["missing_field"])
    var again = Batch.verb(failed, folder.path("again.csv"))
    refuses(&again)
    #expect(again.run(Session(socketPath: daemon.path, console: Capture().console())) == .dataError)
    #expect(records(folder.path("again.csv"), .csv).map(\.reason) == ["missing_field"])
    // The import has kept the name from the column, whatever that was called.
    let text = try String(contentsOfFile: failed, encoding: .utf8)
    let named = try folder.write("named.jsonl", text.replacing("\"place\"", with: "\"deviceId\":\"d1\",\"place\""))
    #expect(chmod(named, 0o600) == 0)
    var mended = Batch.verb(named, folder.path("mended.csv"))
    refuses(&mended)
    #expect(mended.run(Session(socketPath: daemon.path, console: Capture().console())) == .success)
    #expect(records(folder.path("mended.csv"), .csv).map(\.deviceID) == ["d1"])
  }

  /// A certificate without its last byte.
  private static let cut = Array(
    Sample.sequence(Sample.sequence(Sample.certificate(2).dropFirst(4) + [UInt8](repeating: 0x55, count: 300)))
      .dropLast())

  /// A table whose row for the device `0018` has this certificate.
  private func table(_ encoding: some Collection<UInt8>, device: String = "0018") -> String {
    "serial,cert\n0017,\(Base64.encode(Sample.certificate(1)))\n\(device),\(Base64.encode(Array(encoding)))\n"
  }

  /// How the row of a failed entry is mended.
  enum Mending: CaseIterable {
    case ofTheCut
    case ofTheRefused
    case withoutNames
    case ofAnotherDevice
    case refusedAgain
  }

  @Test(arguments: Mending.allCases) func `an entry that was mended leaves the failed ones`(mending: Mending) throws {
    let account = Account()
    let daemon = try FakeDaemon(answering: { account.answer($0) })
    let folder = try TemporaryFolder()
    let source = folder.path("a.csv")
    let failed = folder.path("r.failed.jsonl")
    func run() throws -> String {
      let capture = Capture()
      var verb = Batch.verb(source, folder.path("r.csv"))
      verb.resumes = true
      _ = verb.run(Session(socketPath: daemon.path, console: capture.console()))
      return capture.errors
    }
    let isCut = mending == .ofTheCut || mending == .withoutNames
    let first = isCut ? Self.cut : Sample.certificate(2)
    let refused = [first, Sample.certificate(4)].map { Value.pieces(Base64.encode($0).utf8) }
    account.state.withLock { $0.refusedWhole = Set(refused.compactMap { $0.first?.certificate?.id.hex }) }
    var before = table(first)
    var after = table(Sample.certificate(3), device: mending == .ofAnotherDevice ? "0019" : "0018")
    if mending == .withoutNames {
      (before, after) = (before.replacing("serial", with: "x"), after.replacing("serial", with: "x"))
    }
    if mending == .refusedAgain { after = table(Sample.certificate(4)) }
    try folder.write("a.csv", before)
    _ = try run()
    #expect(records(failed, .failedEntries).count == 1)
    try folder.write("a.csv", after)
    let notes = try run()
    switch mending {
    case .ofTheCut, .ofTheRefused, .withoutNames:
      #expect(content(failed) == nil && !notes.contains("failed"), "\(notes)")
    case .ofAnotherDevice: #expect(records(failed, .failedEntries).map(\.deviceID) == ["0018"])
    case .refusedAgain:
      let ids = refused.compactMap { $0.first?.certificate?.id.hex }
      #expect(records(failed, .failedEntries).map(\.certificateID) == [ids[1]])
    }
  }

  @Test func `an entry that was mended before the end of a run leaves the failed ones later`() throws {
    let account = Account()
    let daemon = try FakeDaemon(answering: { account.answer($0) })
    let folder = try TemporaryFolder()
    let cut = Self.cut
    account.state.withLock { state in
      state.refusedWhole = Set(Value.pieces(Base64.encode(cut).utf8).compactMap { $0.certificate?.id.hex })
    }
    var verb = Batch.verb(try folder.write("a.csv", table(cut)), folder.path("r.csv"))
    verb.resumes = true
    let session = { Session(socketPath: daemon.path, console: Capture().console()) }
    #expect(verb.run(session()) == .dataError)
    let kept = try #require(content(folder.path("r.failed.jsonl")))
    try folder.write("a.csv", table(Sample.certificate(3)))
    #expect(verb.run(session()) == .success)
    // As where the run was stopped behind the entry.
    try kept.write(to: URL(fileURLWithPath: folder.path("r.failed.jsonl")))
    #expect(verb.run(session()) == .success)
    #expect(content(folder.path("r.failed.jsonl")) == nil)
  }

  /// Draws what a run does.
  private func draw(
    _ verb: inout ImportVerb, _ folder: TemporaryFolder, _ account: Account, _ generator: inout SplitMix64
  ) throws {
    let failed = folder.path("r.failed.jsonl")
    verb.resumes = true
    if generator.once(in: 2), FileManager.default.fileExists(atPath: failed) { verb.source = failed }
    if generator.once(in: 4) {
      let rows = (UInt8(20)..<24).map { number in "\(number),\(Base64.encode(Sample.certificate(number)))\n" }
      verb.source = try folder.write("other.csv", "serial,cert\n" + rows.joined())
    }
    if generator.once(in: 4) {
      let listed = (0..<8).map { _ in generator.pick(FailedEntriesTests.ids) }
      verb.input.onlyPath = try folder.write("only", listed.joined(separator: "\n") + "\n")
    }
    verb.input.checksCommonName = generator.once(in: 5)
    verb.isDryRun = generator.once(in: 5)
    verb.wait = !generator.once(in: 5)
    if generator.once(in: 4) { verb.status = .active }
    if generator.once(in: 5) {
      let limit = account.requests + Int.random(in: 0..<6, using: &generator)
      verb.isInterrupted = { account.requests >= limit }
    }
  }

  @Test func `every failed entry is registered or kept, and no row is lost or doubled`() throws {
    var generator = SplitMix64.announced("failed entries")
    let ids = FailedEntriesTests.ids
    let places = ids.flatMap { id in ["\(id) eu", "\(id) us"] }
    for _ in 0..<12 {
      let folder = try TemporaryFolder()
      let account = Account()
      let daemon = try FakeDaemon(answering: { account.answer($0) })
      let source = try Batch.write(folder, 12)
      for run in 0..<6 {
        // What is registered is not refused any more.
        let done = account.registered
        let refused = Set(places.filter { place in generator.once(in: 3) && !done.contains(place) })
        let whole = Set(
          ids.filter { id in generator.once(in: 6) && !done.contains("\(id) eu") && !done.contains("\(id) us") })
        account.state.withLock { state in
          state.refused = refused
          state.refusedWhole = whole
        }
        var verb = Batch.verb(source, folder.path("r.csv"))
        if run > 0 { try draw(&verb, folder, account, &generator) }
        let targets = generator.pick([["eu"], ["us"], ["eu", "us"]])
        let failedBefore = records(folder.path("r.failed.jsonl"), .failedEntries)
        let rowsBefore = records(folder.path("r.csv"), .csv).filter(\.isAboutTarget)
        _ = verb.run(Session(socketPath: daemon.path, console: Capture().console(), targets: targets))

        let kept = Set(records(folder.path("r.failed.jsonl"), .failedEntries).map(\.certificateID))
        let registered = account.registered
        for record in failedBefore {
          #expect(
            registered.contains("\(record.certificateID) \(record.target)") || kept.contains(record.certificateID))
        }
        let rows = records(folder.path("r.csv"), .csv).filter(\.isAboutTarget).map {
          "\($0.certificateID) \($0.target)"
        }
        #expect(Set(rows).count == rows.count)
        #expect(Set(rows).isSuperset(of: rowsBefore.map { "\($0.certificateID) \($0.target)" }))
      }
    }
  }
}
