import Foundation
import Testing

/// Compares the events and problems of docs/operations.md with the sources.
@Suite struct EventsTests {
  /// The declarations of event kinds: the name of each by the name of its constant.
  private static func declared() throws -> [String: (name: String, messageID: String)] {
    let source = try Repository.text("Sources/CertRegHost/EventID.swift")
    let matches = source.matches(of: /static let (\w+) = EventID\(\s*"([a-z_]+)", "([0-9a-f]{32})"/)
    return Dictionary(uniqueKeysWithValues: matches.map { (String($0.1), (String($0.2), String($0.3))) })
  }

  /// All events that the daemon's sources log. Declarations do not count.
  private static func emitted() throws -> Set<String> {
    let declared = try declared()
    var names: Set<String> = []
    for source in try Repository.sources(in: "Sources") where !source.contains("package struct EventID") {
      // Calls of Logger.log(level, event, …) and LogPipeline.audit(event) { … }; the event may be a choice of two.
      let calls =
        source.matches(of: /[\s.]log\(\s*\.\w+,\s*\.(\w+)/).map { [String($0.1)] }
        + source.matches(of: /[\s.]audit\(([^){]*)\)/).map { call in
          call.1.matches(of: /[?:(]?\s*\.(\w+)/).map { String($0.1) }
        }
        + source.matches(of: /EventID\.(\w+)\.name/).map { [String($0.1)] }
      names.formUnion(calls.joined().compactMap { declared[$0]?.name })
      names.formUnion(source.matches(of: /"event": "([a-z_]+)"/).map { String($0.1) })
    }
    return names
  }

  @Test func `the table of events has each kind with its identifier`() throws {
    let table = try #require(
      MarkdownTable.all(in: try Repository.text("docs/operations.md"), firstColumn: "`EVENT`").first)
    let documented = table.rows.map { "\($0[0].inCode) \($0[1].inCode)" }
    #expect(Set(documented) == Set(try Self.declared().values.map { "\($0.name) \($0.messageID)" }))
    #expect(documented.count == Set(documented).count && documented.count > 20)
  }

  @Test func `the daemon logs every event that is documented, and no other`() throws {
    let declared = Set(try Self.declared().values.map(\.name))
    let emitted = try Self.emitted()
    #expect(declared.subtracting(emitted).sorted() == [])
    #expect(emitted.subtracting(declared).sorted() == [])
  }

  /// The problems that `status` names, other than the errors of the store and of targets.
  private static func problems() throws -> Set<String> {
    let source = try Repository.text("Sources/CertRegDaemon/Reports+Status.swift")
    return Set(source.matches(of: /Problem\(reason: "([a-z_]+)"/).map { String($0.1) })
  }

  @Test func `each problem of status is documented, and each documented one can occur`() throws {
    let operations = try Repository.text("docs/operations.md")
    let sentence = try #require(operations.firstMatch(of: /`problems`, each with a `reason`: ([^.]*), or one of/)).1
    let named = Set(sentence.matches(of: /`([a-z_]+)`/).map { String($0.1) })
    let reasons = try MarkdownTable.all(in: try Repository.text("docs/errors.md"), firstColumn: "`reason`")
      .flatMap { try #require($0.column("`reason`")).map(\.inCode) }
    #expect(!reasons.isEmpty)
    let problems = try Self.problems()
    #expect(named.subtracting(problems).sorted() == [])
    #expect(problems.subtracting(named).subtracting(reasons).sorted() == [])
  }
}
