import CertRegCodec
import CertRegCore
import Foundation
import Glibc
import Synchronization
import Testing

@testable import CertRegClient

/// Profiles and attributes in requests, answers, reports and kept failures.
@Suite struct ProvisionRequestTests {
  /// A daemon that keeps its requests and fails those for certain devices.
  private final class Account: Sendable {
    private let state = Mutex((requests: [JSON](), failing: Set<String>()))

    var requests: [JSON] { state.withLock { $0.requests } }
    func fail(_ devices: Set<String>) { state.withLock { $0.failing = devices } }

    func answer(_ request: JSON) -> JSON? {
      guard request["op"]?.string == "register" else { return JSON.failure(request) }
      let isFailing = state.withLock { state in
        state.requests.append(request)
        return state.failing.contains(request["deviceId"]?.string ?? "")
      }
      guard isFailing else { return ProvisionRequestTests.provisioned(request) }
      return JSON.answer(
        to: request, [("error", ProvisionRequestTests.failedStep)])
    }
  }

  private static let failedStep = JSON.object([
    JSON.Member("type", .string("ResourceNotFoundException")), JSON.Member("httpStatus", .integer(404)),
    JSON.Member("reason", .string("policy_not_found")), JSON.Member("message", .string("there is no policy pumps")),
    JSON.Member("retryable", .bool(false)), JSON.Member("origin", .string("upstream")),
    JSON.Member("step", .string("AttachPolicy")), JSON.Member("certificateId", .string(Sample.id)),
    JSON.Member("certificateArn", .string(Sample.arn)),
  ])

  private static func provisioned(_ request: JSON) -> JSON {
    let thing = "pump-\(request["deviceId"]?.string ?? "")"
    let provisioning = JSON.object([
      JSON.Member("profile", .string("pumps")), JSON.Member("thingName", .string(thing)),
      JSON.Member("thingArn", .string("arn:thing/\(thing)")), JSON.Member("policies", .array([.string("pumps")])),
      JSON.Member("groups", .array([])),
    ])
    let members = (Batch.registered(request).members ?? []).map { ($0.name, $0.value) }
    return JSON.answer(to: request, members.filter { $0.0 != "id" } + [("provisioning", provisioning)])
  }

  /// A status of a daemon that takes names.
  private static let status: [(String, JSON)] =
    FakeDaemon.status.filter { $0.0 != "limits" } + [
      (
        "limits",
        .object([
          JSON.Member("maxLineBytes", .integer(524_288)), JSON.Member("maxDeviceIdCharacters", .integer(128)),
        ])
      )
    ]

  private func daemon(_ account: Account, status: [(String, JSON)]? = ProvisionRequestTests.status) throws -> FakeDaemon
  {
    try FakeDaemon(status: status, answering: { account.answer($0) })
  }

  @Test(arguments: [
    (nil, "absent"), (ProfileChoice(word: "pumps"), #""pumps""#), (ProfileChoice(word: "none"), "null"),
  ]) func `register sends the profile that is named`(choice: ProfileChoice?, sent: String) throws {
    let folder = try TemporaryFolder()
    let account = Account()
    let daemon = try daemon(account)
    var verb = RegisterVerb(paths: [try folder.write("a.pem", Sample.certificatePEM())])
    verb.provision = choice
    #expect(verb.run(Session(socketPath: daemon.path, console: Capture().console())) == .success)
    let request = try #require(account.requests.first)
    #expect((request["provision"]?.serialized() ?? "absent") == sent)
    #expect(request["attributes"] == nil)
  }

  @Test func `attributes go to any daemon, with the name that a profile may need`() throws {
    let folder = try TemporaryFolder()
    let account = Account()
    var verb = RegisterVerb(paths: [try Batch.write(folder, 1)])
    verb.input.attributes = [AttributeRule("site=@serial"), AttributeRule("hall=7")].compactMap(\.self)
    for status in [FakeDaemon.status, Self.status] {
      let daemon = try daemon(account, status: status)
      #expect(verb.run(Session(socketPath: daemon.path, console: Capture().console())) == .success)
    }
    #expect(account.requests.count == 2)
    for request in account.requests {
      #expect(request["attributes"]?.serialized() == #"{"site":"0","hall":"7"}"#)
      #expect(request["deviceId"]?.string == "0")
    }
  }

  @Test func `a daemon that refuses status to this user gets names all the same`() throws {
    let folder = try TemporaryFolder()
    let account = Account()
    let daemon = try FakeDaemon(status: nil) { request in
      request["op"]?.string == "status"
        ? JSON.failure(request, type: "UnauthorizedException", reason: "peer_not_allowed", message: "no")
        : account.answer(request)
    }
    let verb = RegisterVerb(paths: [try Batch.write(folder, 1)])
    #expect(verb.run(Session(socketPath: daemon.path, console: Capture().console())) == .success)
    #expect(account.requests.first?["deviceId"]?.string == "0")
  }

  @Test func `shows the thing, and passes the answer on`() throws {
    let folder = try TemporaryFolder()
    let daemon = try daemon(Account())
    let verb = RegisterVerb(paths: [try Batch.write(folder, 1)])
    let piped = Capture()
    _ = verb.run(Session(socketPath: daemon.path, console: piped.console()))
    #expect(piped.outputLines.first?.hasSuffix("\tthing pump-0") == true)
    let screen = Capture()
    _ = verb.run(Session(socketPath: daemon.path, console: screen.console(columns: 240)))
    let line = try #require(screen.outputLines.first)
    #expect(line.contains("  arn:\(VerifiedAccount.ids[0])  ") && line.contains("(thing pump-0)"))
    let scripted = Capture()
    _ = verb.run(Session(socketPath: daemon.path, console: scripted.console(), json: true))
    let object = try JSON(parsing: try #require(scripted.outputLines.first))
    #expect(object["provisioning"]?["thingArn"]?.string == "arn:thing/pump-0")
  }

  @Test func `names the step that failed`() throws {
    let folder = try TemporaryFolder()
    let account = Account()
    account.fail(["0"])
    let daemon = try daemon(account)
    let capture = Capture()
    let verb = RegisterVerb(paths: [try Batch.write(folder, 1)])
    #expect(verb.run(Session(socketPath: daemon.path, console: capture.console())) == .dataError)
    let text =
      "registered, but AttachPolicy failed: policy_not_found: there is no policy pumps; asking again goes on from there"
    #expect(capture.outputLines.first?.contains(text) == true, "\(capture.output)")
    #expect(capture.outputLines.first?.hasPrefix("failed\t\(Sample.id)\t\(Sample.arn)\t") == true)
  }

  @Test func `reports the thing, and the ARN of what a step left behind`() throws {
    let folder = try TemporaryFolder()
    let account = Account()
    account.fail(["1"])
    let daemon = try daemon(account)
    let report = folder.path("r.jsonl")
    let verb = Batch.verb(try Batch.write(folder, 2), report)
    let capture = Capture()
    #expect(verb.run(Session(socketPath: daemon.path, console: capture.console())) == .dataError)
    let rows = try String(contentsOfFile: report, encoding: .utf8).split(separator: "\n").compactMap {
      ImportRecord(json: try JSON(parsing: String($0)))
    }
    let (done, failed) = (rows.first { $0.deviceID == "0" }, rows.first { $0.deviceID == "1" })
    #expect(done?.outcome == "created" && done?.thingName == "pump-0")
    #expect(failed?.outcome == "failed" && failed?.certificateARN == Sample.arn && failed?.thingName == "")
    #expect(failed?.message == "registered, but AttachPolicy failed: there is no policy pumps")
    #expect(capture.errors.contains("2 entries: 1 created, 1 failed"))
  }

  /// A folder in which an import left a failed entry that had asked for a profile and an attribute.
  private func failedBatch(_ account: Account, _ choice: ProfileChoice?) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    account.fail(["1"])
    let daemon = try daemon(account)
    var verb = Batch.verb(try Batch.write(folder, 3), folder.path("b.csv"))
    verb.provision = choice
    verb.input.attributes = [AttributeRule("site=@serial"), AttributeRule("hall=7")].compactMap(\.self)
    verb.status = .active
    let capture = Capture()
    #expect(verb.run(Session(socketPath: daemon.path, console: capture.console())) == .dataError)
    #expect(capture.errors.contains("certregctl import \(folder.path("b.failed.jsonl")) --status ACTIVE\n"))
    account.fail([])
    return folder
  }

  @Test(arguments: [nil, ProfileChoice(word: "pumps"), ProfileChoice(word: "none")])
  func `a kept failure asks for the same again`(choice: ProfileChoice?) throws {
    let account = Account()
    let folder = try failedBatch(account, choice)
    let daemon = try daemon(account)
    let verb = Batch.verb(folder.path("b.failed.jsonl"), folder.path("again.csv"))
    #expect(verb.run(Session(socketPath: daemon.path, console: Capture().console())) == .success)
    let request = try #require(account.requests.last)
    #expect(account.requests.count == 4)
    #expect(request["provision"] == choice?.member)
    #expect(request["attributes"]?.serialized() == #"{"site":"1","hall":"7"}"#)
    #expect(request["deviceId"]?.string == "1")
  }

  @Test func `the command line goes before what was kept`() throws {
    let account = Account()
    let folder = try failedBatch(account, ProfileChoice(word: "pumps"))
    let daemon = try daemon(account)
    var verb = RegisterVerb(paths: [folder.path("b.failed.jsonl")])
    verb.provision = ProfileChoice(word: "other")
    verb.input.attributes = [AttributeRule("hall=8")].compactMap(\.self)
    #expect(verb.run(Session(socketPath: daemon.path, console: Capture().console())) == .success)
    let request = try #require(account.requests.last)
    #expect(request["provision"]?.string == "other")
    #expect(request["attributes"]?.serialized() == #"{"hall":"8","site":"1"}"#)
  }

  @Test func `with the whole source, a kept failure asks for the same again`() throws {
    let account = Account()
    let folder = try failedBatch(account, ProfileChoice(word: "pumps"))
    let daemon = try daemon(account)
    let failed = folder.path("b.failed.jsonl")
    var verb = Batch.verb(folder.path("batch.csv"), folder.path("b.csv"))
    verb.resumes = true
    // Others could have written the file.
    #expect(chmod(failed, 0o644) == 0)
    let capture = Capture()
    let session = Session(socketPath: daemon.path, console: capture.console())
    #expect(verb.run(session) == .dataError && account.requests.count == 3)
    #expect(capture.output.contains("foreign_request"))
    #expect(chmod(failed, 0o600) == 0)
    #expect(verb.run(session) == .success)
    let request = try #require(account.requests.last)
    #expect(account.requests.count == 4 && request["provision"]?.string == "pumps")
    #expect(request["attributes"]?.serialized() == #"{"site":"1","hall":"7"}"#)
    #expect(!FileManager.default.fileExists(atPath: failed))
  }

  @Test func `a failure that fails again keeps what it asks for`() throws {
    let account = Account()
    let folder = try failedBatch(account, ProfileChoice(word: "pumps"))
    account.fail(["1"])
    let daemon = try daemon(account)
    let verb = Batch.verb(folder.path("b.failed.jsonl"), folder.path("again.csv"))
    #expect(verb.run(Session(socketPath: daemon.path, console: Capture().console())) == .dataError)
    let kept = try JSON(parsing: try String(contentsOfFile: folder.path("again.failed.jsonl"), encoding: .utf8))
    #expect(kept["provision"]?.string == "pumps")
    #expect(kept["attributes"]?.serialized() == #"{"site":"1","hall":"7"}"#)
  }

  @Test func `a file that others could have written chooses no profile`() throws {
    let account = Account()
    let folder = try failedBatch(account, ProfileChoice(word: "pumps"))
    let failed = folder.path("b.failed.jsonl")
    #expect(chmod(failed, 0o644) == 0)
    let daemon = try daemon(account)
    let capture = Capture()
    let session = Session(socketPath: daemon.path, console: capture.console())
    #expect(RegisterVerb(paths: [failed]).run(session) == .dataError)
    #expect(capture.output.contains("foreign_request") && account.requests.count == 3)
    // In another source the members mean nothing.
    try folder.write(
      "other.jsonl",
      JSON.object([
        JSON.Member("pem", .string(Sample.certificatePEM(1))), JSON.Member("outcome", .string("failed")),
        JSON.Member("provision", .string("pumps")), JSON.Member("deviceId", .string("1")),
      ]).serialized() + "\n")
    #expect(RegisterVerb(paths: [folder.path("other.jsonl")]).run(session) == .success)
    #expect(account.requests.last?["provision"] == nil && account.requests.last?["deviceId"]?.string == "1")
  }

  @Test func `a resumed import asks again where a profile is named`() throws {
    let folder = try TemporaryFolder()
    let account = Account()
    let daemon = try daemon(account)
    let session = Session(socketPath: daemon.path, console: Capture().console())
    var verb = Batch.verb(try Batch.write(folder, 4), folder.path("r.csv"))
    #expect(verb.run(session) == .success)
    verb.resumes = true
    #expect(verb.run(session) == .success && account.requests.count == 4)
    verb.provision = ProfileChoice(word: "pumps")
    #expect(verb.run(session) == .success && account.requests.count == 8)
    #expect(try ReportRows(folder.path("r.csv")).outcomes == ["created": 4])
  }
}
