import Foundation
import Testing

@Suite struct DocumentationTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  /// Words in backquotes in the first cell of the document's tables.
  private static func documentedReasons() throws -> Set<String> {
    var reasons: Set<String> = []
    for line in try text("docs/errors.md").split(separator: "\n") where line.hasPrefix("| `") {
      let cell = line.dropFirst(2).prefix { $0 != "|" }
      for word in cell.split(separator: "`") where word.allSatisfy({ $0.isLowercase || $0 == "_" || $0.isNumber }) {
        reasons.insert(String(word))
      }
    }
    return reasons
  }

  /// Reasons in the sources: raw values of the enums of reasons, and literals.
  private static func reasonsInSources() throws -> Set<String> {
    var reasons: Set<String> = []
    let files = FileManager.default.enumerator(at: root.appending(path: "Sources"), includingPropertiesForKeys: nil)
    for case let file as URL in files ?? .init() where file.pathExtension == "swift" {
      // The client has reasons of its own, for its exit codes.
      if file.pathComponents.contains("CertRegClient") { continue }
      let source = try String(contentsOf: file, encoding: .utf8)
      for match in source.matches(of: /reason: "([a-z0-9_]+)"/) { reasons.insert(String(match.1)) }
      if file.lastPathComponent == "LineError.swift" {
        for match in source.matches(of: /"([a-z]+_[a-z_]+)"/) { reasons.insert(String(match.1)) }
      }
      if file.lastPathComponent == "SyntaxFault.swift" {
        for match in source.matches(of: /: "([a-z]+_[a-z_0-9]+)"/) { reasons.insert(String(match.1)) }
      }
      if ["CertificateReason.swift", "FailureReason.swift"].contains(file.lastPathComponent) {
        for match in source.matches(of: /(?m)^  case ([a-zA-Z0-9]+)(?: = "([a-z0-9_]+)")?$/) {
          reasons.insert(String(match.2 ?? match.1))
        }
      }
    }
    return reasons
  }

  @Test func `every reason in the code is in the document`() throws {
    let missing = try Self.reasonsInSources().subtracting(Self.documentedReasons())
    #expect(missing.isEmpty)
  }

  @Test func `no row of the document is about a reason that is not in the code`() throws {
    let words: Set = ["type", "reason", "forget", "lookup"]
    let stale = try Self.documentedReasons().subtracting(Self.reasonsInSources()).subtracting(words)
    #expect(stale.isEmpty)
  }

  @Test func `every link between documents leads somewhere`() throws {
    for document in ["README.md", "docs/architecture.md", "docs/clients.md", "docs/operations.md"] {
      let folder = Self.root.appending(path: document).deletingLastPathComponent()
      for match in try Self.text(document).matches(of: /\]\(([^)#]+)\)/) where !match.1.hasPrefix("http") {
        let target = folder.appending(path: String(match.1))
        #expect(FileManager.default.fileExists(atPath: target.path), "\(document): \(match.1)")
      }
    }
  }
}
