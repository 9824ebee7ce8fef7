import CertRegCodec
import CertRegCore
import Foundation
import Testing

@testable import CertRegClient

/// A source that goes on without an entry is left when the user asks to stop.
@Suite struct InterruptionTests {
  /// Asks to stop after so many questions.
  private final class User {
    private(set) var questions = 0
    let patience: Int

    init(patience: Int) { self.patience = patience }

    func isInterrupted() -> Bool {
      questions += 1
      return questions > patience
    }
  }

  /// 4 MiB in which nothing is found, of which most is left when the user stops.
  private static let sources: [(name: String, content: String)] = [
    ("a.txt", String(repeating: "no block in this line\n", count: 200_000)),
    ("one-line.json", #"{"a":[""# + String(repeating: #"x","#, count: 1_500_000) + #""]}"#),
    ("table.csv", "serial,cert\n" + String(repeating: "1,\n\n\n", count: 800_000)),
  ]

  @Test(arguments: sources.map(\.name), [0, 1, 5, 12])
  func `nothing is made of what was read when the user stopped`(name: String, patience: Int) throws {
    let folder = try TemporaryFolder()
    let content = try #require(Self.sources.first { $0.name == name }).content
    let source = try folder.write(name, content)
    let user = User(patience: patience)
    var found = 0
    do throws(InputError) {
      var entries = try InputSource([source], isInterrupted: user.isInterrupted)
      try entries.openFirst()
      while entries.next() != nil { found += 1 }
      #expect(entries.next() == nil)
    } catch {
      #expect(error.message == "stopped by Ctrl-C")
    }
    #expect(user.questions > patience)
    #expect(found <= patience)
  }

  @Test func `an import that is stopped within its source fails no entry`() throws {
    let folder = try TemporaryFolder()
    let source = try folder.write(
      "a.pem",
      Sample.certificatePEM() + "\n" + String(repeating: "no block in this line\n", count: 10_000)
        + "-----BEGIN CERTIFICATE-----\n" + String(repeating: "AAAA\n", count: 200_000))
    let daemon = try FakeDaemon(answering: { Batch.registered($0) })
    for patience in [0, 1, 2, 3, 5, 8, 12] {
      let user = User(patience: patience)
      let capture = Capture()
      var verb = Batch.verb(source, folder.path("r\(patience).csv"))
      verb.isInterrupted = user.isInterrupted
      #expect(verb.run(Session(socketPath: daemon.path, console: capture.console())) == .interrupted)
      #expect(!capture.errors.contains("failed"), "\(patience): \(capture.errors)")
      if let rows = try? ReportRows(folder.path("r\(patience).csv")) { #expect(rows.outcomes["failed"] == nil) }
    }
  }
}
