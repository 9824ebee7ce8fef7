import CertRegCore
import Foundation
import Synchronization
import Testing

@testable import CertRegClient

/// Done means done in every target that was asked for.
@Suite struct ImportTargetsTests {
  /// A daemon that notes which certificate is registered where.
  private final class Account: Sendable {
    private let registered = Mutex<[String: Int]>([:])
    private let failing = Mutex<Set<String>>([])

    func fail(_ targets: Set<String>) { failing.withLock { $0 = targets } }

    func answer(_ request: JSON) -> JSON {
      let failing = failing.withLock { $0 }
      for target in Batch.targets(request) where !failing.contains(target) {
        registered.withLock { $0[target, default: 0] += 1 }
      }
      return Batch.registered(request, failing: failing)
    }

    /// Registrations by target.
    var calls: [String: Int] { registered.withLock { $0 } }
  }

  private func run(
    _ verb: ImportVerb, _ account: Account, targets: [String],
    status: [(String, JSON)] = FakeDaemon.status
  ) throws -> CommandStatus {
    let daemon = try FakeDaemon(status: status, answering: { account.answer($0) })
    return verb.run(Session(socketPath: daemon.path, console: Capture().console(), targets: targets))
  }

  private func places(_ path: String) throws -> [String] {
    try ReportRows(path).places.map { String($0.split(separator: " ").suffix(2).joined(separator: " ")) }.sorted()
  }

  @Test(arguments: [
    (["eu"], ["us"]), (["eu"], ["eu", "us"]), (["eu", "us"], ["us", "asia"]), (["eu"], []), ([], ["eu"]),
    (["eu", "us"], ["us"]),
  ])
  func `a second run calls exactly the targets that the first did not`(first: [String], second: [String]) throws {
    let folder = try TemporaryFolder()
    let account = Account()
    var verb = Batch.verb(try Batch.write(folder, 3), folder.path("r.csv"))
    #expect(try run(verb, account, targets: first) == .success)
    verb.resumes = true
    #expect(try run(verb, account, targets: second) == .success)
    let names = Set((first.isEmpty ? ["default"] : first) + (second.isEmpty ? ["default"] : second))
    #expect(account.calls == Dictionary(uniqueKeysWithValues: names.map { ($0, 3) }))
    // Each entry has one row for each target.
    #expect(try places(folder.path("r.csv")) == (0..<3).flatMap { n in names.map { "\(n) \($0)" } }.sorted())
  }

  @Test func `a run that ended between the lines of two targets asks for the other one alone`() throws {
    let folder = try TemporaryFolder()
    let account = Account()
    var verb = Batch.verb(try Batch.write(folder, 2), folder.path("r.csv"))
    #expect(try run(verb, account, targets: ["eu", "us"]) == .success)
    let lines = try String(contentsOfFile: folder.path("r.csv"), encoding: .utf8).split(separator: "\n")
    try folder.write("r.csv", lines.dropLast().joined(separator: "\n") + "\n")
    verb.resumes = true
    #expect(try run(verb, account, targets: ["eu", "us"]) == .success)
    #expect(account.calls == ["eu": 2, "us": 3])
    #expect(try places(folder.path("r.csv")) == ["0 eu", "0 us", "1 eu", "1 us"])
  }

  @Test func `a failure in one target is tried there again, and stays on record where it is not looked at`() throws {
    let folder = try TemporaryFolder()
    let account = Account()
    var verb = Batch.verb(try Batch.write(folder, 2), folder.path("r.csv"))
    account.fail(["us"])
    #expect(try run(verb, account, targets: ["eu", "us"]) == .dataError)
    account.fail([])
    verb.resumes = true
    #expect(try run(verb, account, targets: ["asia"]) == .success)
    #expect(try ReportRows(folder.path("r.csv")).outcomes == ["created": 4, "failed": 2])
    #expect(FileManager.default.fileExists(atPath: folder.path("r.failed.jsonl")))
    #expect(try run(verb, account, targets: ["eu", "us"]) == .success)
    #expect(account.calls == ["eu": 2, "us": 2, "asia": 2])
    #expect(try ReportRows(folder.path("r.csv")).outcomes == ["created": 6])
  }

  @Test func `continues nothing where it cannot know the default target`() throws {
    let folder = try TemporaryFolder()
    let account = Account()
    var verb = Batch.verb(try Batch.write(folder, 2), folder.path("r.csv"))
    #expect(try run(verb, account, targets: ["eu"], status: []) == .success)
    let before = try ReportRows(folder.path("r.csv")).places
    verb.resumes = true
    #expect(try run(verb, account, targets: [], status: []) == .dataError)
    #expect(account.calls == ["eu": 2])
    #expect(try ReportRows(folder.path("r.csv")).places == before)
  }
}
