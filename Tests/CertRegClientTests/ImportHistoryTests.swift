import CertRegCodec
import CertRegCore
import CertRegCrypto
import CertRegTesting
import Foundation
import Testing

@testable import CertRegClient

/// What a report tells about certificates.
@Suite struct ImportHistoryTests {
  private func record(_ outcome: String, _ id: CertificateID, _ target: String = "one") -> ImportRecord {
    ImportRecord(name: "a", certificateID: id.hex, outcome: outcome, target: target)
  }

  @Test(arguments: [
    ("created", true), ("existing", true), ("cached", true), ("queued", false), ("done", false), ("registered", false),
    ("failed", false), ("valid", false), ("duplicate", false), ("passed_over", false), ("", false),
  ])
  func `done is what is registered, and nothing else`(outcome: String, isDone: Bool) {
    var history = ImportHistory()
    let id = SHA256.digest(of: [1])
    history.add(record(outcome, id))
    #expect(history.missing(id, of: ["one"]) == (isDone ? [] : ["one"]))
    #expect(history.missing(id, of: ["one"], asksAgain: true) == ["one"])
    #expect(history.isEmpty == !isDone)
    #expect(history.owes(id) == (outcome == "failed"))
  }

  /// Which of the rows a report keeps that has all of them.
  private func kept(_ records: [ImportRecord], _ history: inout ImportHistory) -> [Bool] {
    for record in records { history.add(record) }
    return records.map { history.keep($0) }
  }

  @Test func `the last row has the last word on a certificate and target`() {
    var history = ImportHistory()
    let id = SHA256.digest(of: [1])
    var kept = self.kept([record("created", id), record("failed", id), record("failed", id)], &history)
    #expect(kept == [false, true, false])
    #expect(history.missing(id, of: ["one", "two"]) == ["one", "two"])

    history = ImportHistory()
    kept = self.kept([record("failed", id), record("existing", id), record("created", id, "two")], &history)
    #expect(kept == [false, true, true])
    #expect(history.missing(id, of: ["one", "three"]) == ["three"])
    #expect(!history.owes(id))
    // One of its rows counts the certificate, where it is registered in all of the targets.
    #expect(history.countsAsDone(record("existing", id), in: ["one", "two"]))
    #expect(!history.countsAsDone(record("created", id, "two"), in: ["one", "two"]))
    #expect(!history.countsAsDone(record("existing", id), in: ["one", "three"]))
  }

  @Test func `a certificate is owed until it is registered wherever it failed`() {
    var history = ImportHistory()
    let id = SHA256.digest(of: [1])
    for target in ["one", "two"] { history.add(record("failed", id, target)) }
    history.settle(record("created", id), of: id)
    #expect(history.owes(id))
    history.settle(record("queued", id, "two"), of: id)
    #expect(history.owes(id))
    history.settle(record("cached", id, "two"), of: id)
    #expect(!history.owes(id))
    // The report knows better than the file of failed entries, which is written later.
    history.addFailed(id, record("failed", id, "two"))
    #expect(!history.owes(id))
    history.addFailed(id, record("failed", id, ""))
    #expect(history.owes(id))
    history.succeed(id, entry: "n")
    #expect(!history.owes(id))
  }

  @Test func `costs no more than in proportion to the rows`() {
    let growth = ProcessorTime.growth(from: 25_000, to: 200_000, runs: 1) { count in
      var history = ImportHistory()
      for number in 0..<UInt64(count) {
        history.add(record("created", SHA256Digest(words: (number, 0, 0, number))))
      }
      #expect(history.missing(SHA256Digest(words: (1, 0, 0, 1)), of: ["one"]).isEmpty)
    }
    #expect(growth < 24)
  }

  /// How a first run waits, the status that a second one asks for, and how many requests both make.
  static let retries: [(Bool, CertificateStatus?, Int)] = [
    (false, nil, 6), (true, nil, 3), (true, .active, 6),
  ]

  @Test(arguments: retries)
  func `asks again for what was queued, and for a status`(
    wait: Bool, status: CertificateStatus?, requests: Int
  ) throws {
    let folder = try TemporaryFolder()
    let register = Register()
    let daemon = try FakeDaemon(answering: { request in
      _ = register.count(request)
      return request["wait"]?.bool == false ? Batch.queued(request) : Batch.registered(request)
    })
    let session = Session(socketPath: daemon.path, console: Capture().console())
    var verb = Batch.verb(try Batch.write(folder, 3), folder.path("r.csv"))
    verb.wait = wait
    #expect(verb.run(session) == .success)
    verb.wait = true
    verb.status = status
    verb.resumes = true
    #expect(verb.run(session) == .success)
    #expect(register.total == requests)
    #expect(try ReportRows(folder.path("r.csv")).outcomes == ["created": 3])
  }
}
