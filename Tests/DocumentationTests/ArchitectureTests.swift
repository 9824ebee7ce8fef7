import Foundation
import Testing

/// Compares docs/architecture.md with Package.swift and the sources.
@Suite struct ArchitectureTests {
  /// The targets that are not tests, with the targets of this package that they use.
  private static func targets() throws -> [String: Set<String>] {
    var targets: [String: Set<String>] = [:]
    let manifest = try Repository.text("Package.swift")
    for match in manifest.matches(of: /\.(?:systemLibrary|target)\(name: "([A-Za-z]+)"/) {
      targets[String(match.1)] = []
    }
    for match in manifest.matches(of: /(?:library|executable)\(\s*"([A-Za-z0-9-]+)"(?:,\s*\[([^\]]*)\])?/) {
      let uses = (match.2 ?? "").matches(of: /"([A-Za-z0-9]+)"/).map { String($0.1) }
      targets[String(match.1)] = Set(uses)
    }
    return targets
  }

  @Test func `the table of modules is Package.swift's`() throws {
    let table = try #require(
      MarkdownTable.all(in: try Repository.text("docs/architecture.md"), firstColumn: "module").first)
    var documented: [String: Set<String>] = [:]
    for row in table.rows {
      documented[row[0].inCode] = Set(row[1].matches(of: /`([A-Za-z0-9]+)`/).map { String($0.1) })
    }
    #expect(documented == (try Self.targets()))
  }

  @Test func `every folder of sources is a target`() throws {
    let folders = try FileManager.default.contentsOfDirectory(
      atPath: Repository.root.appending(path: "Sources").path)
    #expect(Set(folders) == Set(try Self.targets().keys))
  }

  @Test func `the picture shows every module that is Swift`() throws {
    let document = try Repository.text("docs/architecture.md")
    let picture = try #require(document.components(separatedBy: "```").dropFirst().first)
    let shown = Set(picture.matches(of: /CertReg[A-Za-z0-9]+|certreg[a-z-]+/).map { String($0.0) })
    #expect(shown == Set(try Self.targets().keys.filter { $0.lowercased().hasPrefix("certreg") }))
  }

  /// Words in code spans that look like names of Swift types or members of them.
  @Test func `the types that the document names exist`() throws {
    let sources = try (Repository.sources(in: "Sources") + Repository.sources(in: "Tests")).joined()
    let targets = try Self.targets()
    let document = try Repository.text("docs/architecture.md")
    for match in document.matches(of: /`([A-Z][A-Za-z0-9]+)(?:[.+]([A-Za-z0-9]+))?`/) {
      // A separate constant, so that a failure does not print all sources.
      let isThere = targets[String(match.1)] != nil || sources.contains(match.1)
      #expect(isThere, "\(match.1)")
      guard let member = match.2 else { continue }
      let isMember = Self.isFile("\(match.1)+\(member)") || sources.contains(member)
      #expect(isMember, "\(match.0)")
    }
  }

  private static func isFile(_ name: String) -> Bool {
    let files = FileManager.default.enumerator(atPath: Repository.root.appending(path: "Sources").path)
    return files?.contains { ($0 as? String)?.hasSuffix("/\(name).swift") ?? false } ?? false
  }
}
