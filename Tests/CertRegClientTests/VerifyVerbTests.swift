import CertRegCodec
import CertRegCore
import Foundation
import Testing

@testable import CertRegClient

@Suite struct VerifyVerbTests {
  /// What a run came to.
  private struct Run {
    var status: CommandStatus
    var lines: [String]
    var notes: String
    var rows: [ImportRecord]
  }

  private func run(
    _ account: VerifiedAccount, _ subjects: [String], folder: TemporaryFolder, report: String = "differences.csv",
    targets: [String] = [], json: Bool = false, _ change: (inout VerifyVerb) -> Void = { _ in }
  ) throws -> Run {
    let daemon = try FakeDaemon(answering: { account.answer($0) })
    let capture = Capture()
    var verb = VerifyVerb(subjects: subjects)
    verb.reportPath = report == "-" ? report : folder.path(report)
    change(&verb)
    let session = Session(socketPath: daemon.path, console: capture.console(), json: json, targets: targets)
    let status = verb.run(session)
    let form = ReportForm(reportPath: report)
    let text = (try? String(contentsOfFile: folder.path(report), encoding: .utf8)) ?? ""
    return Run(
      status: status, lines: capture.outputLines, notes: capture.errors,
      rows: text.split(separator: "\n").compactMap { form.record(Array($0.utf8)) })
  }

  /// The reasons of the rows, by the last word of their names.
  private func reasons(_ run: Run) -> [String] {
    run.rows.filter { $0.outcome == "differs" }.map { "\($0.deviceID) \($0.reason)" }.sorted()
  }

  /// Ten differences among twenty devices.
  private func plantedDifferences() -> VerifiedAccount {
    let account = VerifiedAccount()
    for number in 0..<20 { account.set(number) }
    account.set(1) { $0.found = nil }
    account.set(3) { $0.found?.replace("status", .string("INACTIVE")) }
    account.set(4) { $0.found?.replace("status", .string("REVOKED")) }
    account.set(6) { $0.found?.replace("things", .array([])) }
    account.set(7) { $0.found?.replace("things", .array([.string("pump-70")])) }
    account.set(9) { $0.found?.replace("policies", .array([.string("base")])) }
    account.set(10) { $0.found?.replace("policies", .array([])) }
    account.set(13) { $0.found?.replace("certificateArn", .string(VerifiedAccount.arn(13, account: "210987654321"))) }
    account.set(19) { $0.found = nil }
    return account
  }

  private static let planted = [
    "1 not_registered", "10 policy_not_attached", "10 policy_not_attached", "13 arn_differs", "19 not_registered",
    "3 status_differs", "4 status_differs", "6 thing_not_attached", "7 thing_not_attached", "9 policy_not_attached",
  ]

  @Test func `finds each of ten planted differences, and no other`() throws {
    let folder = try TemporaryFolder()
    let result = try run(plantedDifferences(), [try Batch.write(folder, 20)], folder: folder)
    #expect(result.status == .differs && result.status.rawValue == 1)
    #expect(reasons(result) == Self.planted)
    #expect(result.rows.count == 10)
    #expect(result.lines.count == 9 && result.lines.allSatisfy { $0.hasPrefix("differs\t") })
    #expect(result.lines.contains { $0.contains("ACTIVE expected, INACTIVE found; no device can connect with it") })
    #expect(result.lines.contains { $0.contains("the thing pump-7 is not attached; attached: pump-70") })
    #expect(result.notes.contains("20 certificates: 11 as expected, 9 not\n"), "\(result.notes)")
    #expect(result.notes.contains("mode: 18 SNI_ONLY\n") && result.notes.contains("(SNI)"))
    // The row names the certificate and what the source says of the device.
    let row = try #require(result.rows.first { $0.reason == "status_differs" && $0.deviceID == "3" })
    #expect(row.certificateID == VerifiedAccount.ids[3] && row.certificateARN == VerifiedAccount.arn(3))
    #expect(row.target == "default" && row.place.hasSuffix("batch.csv:5"))
  }

  @Test(arguments: ["differences.csv", "differences.jsonl"])
  func `its report can be verified again`(report: String) throws {
    let folder = try TemporaryFolder()
    let account = plantedDifferences()
    _ = try run(account, [try Batch.write(folder, 20)], folder: folder, report: report)
    let asked = account.requests.count
    for number in [1, 3, 4, 6, 7, 9, 10] { account.set(number) }
    let again = try run(account, [folder.path(report)], folder: folder, report: "again.csv")
    // Nine certificates, one of which has two rows.
    #expect(account.requests.count - asked == 18)
    #expect(reasons(again) == ["13 arn_differs", "19 not_registered"])
    #expect(again.notes.contains("9 certificates: 7 as expected, 2 not\n"), "\(again.notes)")
    #expect(again.rows.count { $0.reason == "duplicate" } == 1)
  }

  @Test func `asks what is known before the upstream, which corrects it`() throws {
    let account = VerifiedAccount()
    account.set(0)
    let result = try run(account, [VerifiedAccount.ids[0]], folder: try TemporaryFolder())
    let id = VerifiedAccount.ids[0].prefix(4)
    #expect(account.requests == ["lookup \(id)", "describe \(id)"])
    #expect(result.status == .success && result.lines.isEmpty && result.rows.isEmpty)
    #expect(result.notes.contains("1 certificate: 1 as expected"))
  }

  @Test func `takes the thing and the target of a report`() throws {
    let folder = try TemporaryFolder()
    let account = VerifiedAccount()
    account.set(0) { $0.known = nil }
    var record = ImportRecord(
      name: "a", certificateID: VerifiedAccount.ids[0], outcome: "created", target: "factory")
    record.thingName = "pump-9"
    let report = try folder.write("batch.import.csv", ReportForm.headings + "\n" + record.csv)
    let result = try run(account, [report], folder: folder)
    #expect(result.rows.map(\.reason) == ["thing_not_attached"])
    #expect(result.rows.first?.target == "factory")
  }

  @Test func `options say what is expected`() throws {
    let account = VerifiedAccount()
    account.set(0)
    let folder = try TemporaryFolder()
    let result = try run(account, [VerifiedAccount.ids[0]], folder: folder) { verb in
      verb.expected.status = .inactive
      verb.expected.thing = "other"
      verb.expected.policies = ["pumps", "more", "most"]
    }
    let expected = ["status_differs", "thing_not_attached", "policy_not_attached", "policy_not_attached"]
    #expect(result.rows.map(\.reason) == expected)
    #expect(result.lines.count == 1)
  }

  @Test func `without anything to expect, only the registration counts, and INACTIVE is named`() throws {
    let account = VerifiedAccount()
    for number in 0..<2 {
      account.set(number) { device in
        device.known = nil
        device.found?.replace("status", .string("INACTIVE"))
        device.found?.replace("things", .array([]))
      }
    }
    let folder = try TemporaryFolder()
    let source = try Batch.write(folder, 2)
    let result = try run(account, [source], folder: folder)
    #expect(result.status == .success && result.lines.isEmpty)
    #expect(result.notes.contains("2 of them INACTIVE: no device can connect"))
    let meant = try run(account, [source], folder: folder, report: "b.csv") { $0.expected.status = .inactive }
    #expect(meant.status == .success && !meant.notes.contains("no device"))
  }

  @Test func `what the upstream does not tell is no difference, and is said once`() throws {
    let account = VerifiedAccount()
    for number in 0..<3 {
      account.set(number) { device in
        device.found?.replace("things", number == 0 ? .null : nil)
        device.found?.replace("policies", nil)
      }
    }
    let folder = try TemporaryFolder()
    let result = try run(account, [try Batch.write(folder, 3)], folder: folder)
    #expect(result.status == .success)
    for (kind, action) in [("things", "iot:ListPrincipalThings"), ("policies", "iot:ListAttachedPolicies")] {
      let note =
        "the \(kind) of 3 were not checked: certregd's identity may not list them (\(action)), or there are too many\n"
      #expect(result.notes.contains(note), "\(result.notes)")
    }
  }

  @Test(arguments: [true, false])
  func `a list that may be cut proves what it names, and nothing else`(namesIt: Bool) throws {
    let upstream = JSON.object([
      JSON.Member("policies", .array((0..<1000).map { .string($0 == 7 && namesIt ? "wanted" : "p\($0)") }))
    ])
    let verdict = VerifyVerdict(upstream, VerifyExpectation.Resolved(policies: ["wanted"]))
    #expect(verdict.differences.isEmpty)
    #expect(verdict.unlisted == (namesIt ? [] : [.policies]))
  }

  @Test func `a registration that has not ended sets no expectation`() throws {
    let account = VerifiedAccount()
    account.set(0) { device in
      device.known?.replace("state", .string("queued"))
      device.found = nil
    }
    account.set(1) { device in
      device.known?.replace("state", .string("queued"))
      device.found?.replace("things", .array([]))
    }
    let folder = try TemporaryFolder()
    let result = try run(account, [try Batch.write(folder, 2)], folder: folder)
    #expect(result.rows.map(\.reason) == ["not_registered", "not_complete"])
    #expect(result.rows.first?.message.contains("certregd is going to register it") == true)
    #expect(result.rows.last?.message.contains("it is queued") == true)
    #expect(result.notes.contains("certregd goes on by itself"))
  }

  @Test func `a registration that has failed is a difference, whatever the upstream has`() throws {
    let account = VerifiedAccount()
    account.set(0) { device in
      let error = JSON.object([JSON.Member("reason", .string("access_denied"))])
      device.known = [("state", .string("failed")), ("lastError", error)]
    }
    let folder = try TemporaryFolder()
    let result = try run(account, [VerifiedAccount.ids[0]], folder: folder)
    #expect(result.status == .differs && result.rows.map(\.reason) == ["not_complete"])
    #expect(result.rows.first?.message.contains("it has failed (access_denied)") == true)
  }

  @Test func `what was asked for goes before what is known, as an earlier run has corrected it`() throws {
    let account = VerifiedAccount()
    account.set(0) { device in
      device.known?.replace("status", .string("INACTIVE"))
      // What is left of it says that steps are left.
      device.known?.replace("provisioning", .object([JSON.Member("complete", .bool(false))]))
      let asked = JSON.object([
        JSON.Member("status", .string("ACTIVE")), JSON.Member("thingName", .string("pump-0")),
        JSON.Member("policies", .array([.string("base"), .string("pumps")])),
      ])
      device.known?.append(("asked", asked))
      device.found?.replace("status", .string("INACTIVE"))
      device.found?.replace("things", .array([]))
      device.found?.replace("policies", .array([.string("base")]))
    }
    let folder = try TemporaryFolder()
    let result = try run(account, [VerifiedAccount.ids[0]], folder: folder)
    #expect(result.rows.map(\.reason) == ["status_differs", "thing_not_attached", "policy_not_attached"])
    #expect(result.rows.first?.message.hasPrefix("ACTIVE expected, INACTIVE found") == true)
  }

  @Test func `a device with steps left is a difference, whatever is attached`() throws {
    let account = VerifiedAccount()
    func known(_ device: inout VerifiedAccount.Device, _ members: [JSON.Member]) {
      let begun = JSON.object([
        JSON.Member("policies", .array([])), JSON.Member("groups", .array([])), JSON.Member("complete", .bool(false)),
      ])
      device.known?.replace("provisioning", begun)
      if members.isEmpty { return }
      device.known?.append(("lastError", .object(members)))
    }
    account.set(0)
    account.set(1) { known(&$0, []) }
    account.set(2) {
      known(
        &$0, [JSON.Member("reason", .string("policy_not_found")), JSON.Member("step", .string("AttachPolicy"))])
    }
    let folder = try TemporaryFolder()
    let result = try run(account, [try Batch.write(folder, 3)], folder: folder)
    #expect(result.rows.map(\.reason) == ["not_complete", "not_complete"] && result.status == .differs)
    #expect(result.rows.last?.message.contains("AttachPolicy has failed (policy_not_found)") == true)
    #expect(result.notes.contains("goes on with the steps that are left"))
    // No step is made for a revoked one any more.
    for number in 1...2 {
      account.set(number) { device in
        known(&device, [])
        device.found?.removeAll { $0.0 == "status" }
        device.found?.append(("status", .string("REVOKED")))
      }
    }
    let revoked = try run(account, [try Batch.write(folder, 3)], folder: folder, report: "revoked.csv")
    #expect(revoked.status == .differs && !revoked.notes.contains("goes on with the steps that are left"))
  }

  @Test func `tries again what passes, and accounts for everything`() throws {
    let folder = try TemporaryFolder()
    let account = VerifiedAccount()
    for number in 0..<32 { account.set(number) }
    account.refuse(20)
    let source = try Batch.write(folder, 32)
    let text = try String(contentsOfFile: source, encoding: .utf8)
    try folder.write("batch.csv", text + "again,\(Data(Sample.certificate(3)).base64EncodedString())\nnone,\n")
    let result = try run(account, [source], folder: folder)
    #expect(result.notes.contains("33 certificates: 32 as expected, 1 not verified\n"), "\(result.notes)")
    #expect(result.status == .dataError)
    #expect(result.rows.map(\.outcome).sorted() == ["failed", "passed_over"])
    #expect(account.requests.count { $0.hasPrefix("describe") } == 52)
  }

  @Test func `asks each target, and dares no more than the daemon takes`() throws {
    let folder = try TemporaryFolder()
    let account = VerifiedAccount()
    for number in 0..<32 { account.set(number) }
    let result = try run(account, [try Batch.write(folder, 32)], folder: folder, targets: ["a", "b"])
    #expect(result.notes.contains("64 certificates: 64 as expected\n"), "\(result.notes)")
    #expect(account.requests.count == 128)
  }

  @Test func `prints an object for each certificate, or the report, for programs`() throws {
    let folder = try TemporaryFolder()
    let account = plantedDifferences()
    let source = try Batch.write(folder, 20)
    let result = try run(account, [source], folder: folder, json: true)
    let objects = try result.lines.map { try JSON(parsing: $0) }
    #expect(objects.count == 20 && objects.allSatisfy { $0["certificateId"]?.string?.count == 64 })
    #expect(objects.count { $0["outcome"]?.string == "as_expected" } == 11)
    #expect(objects.reduce(0) { $0 + ($1["differences"]?.array?.count ?? 0) } == 10)
    let streamed = try run(account, [source], folder: folder, report: "-")
    #expect(streamed.lines.first == ReportForm.headings && streamed.lines.count == 11)
  }

  @Test func `never writes over a file`() throws {
    let folder = try TemporaryFolder()
    let account = VerifiedAccount()
    try folder.write("differences.csv", "mine")
    let result = try run(account, [VerifiedAccount.ids[0]], folder: folder)
    #expect(result.status == .cannotCreate && account.requests.isEmpty)
    #expect(try String(contentsOfFile: folder.path("differences.csv"), encoding: .utf8) == "mine")
  }

  @Test func `a daemon that refuses to look up is not taken for one that knows nothing`() throws {
    let folder = try TemporaryFolder()
    let daemon = try FakeDaemon(answering: { request in
      JSON.failure(request, type: "UnauthorizedException", reason: "peer_not_allowed", message: "may not")
    })
    let capture = Capture()
    let verb = VerifyVerb(subjects: [try Batch.write(folder, 2)])
    #expect(verb.run(Session(socketPath: daemon.path, console: capture.console())) == .notPermitted)
    #expect(capture.errors.contains("2 certificates: 2 not verified"))
  }
}
