import CertRegCore
import Foundation
import Testing

@testable import CertRegSettings

/// The files of the repository that describe the configuration.
enum Documents {
  static func example() throws -> String { try text("certregd.yaml.example") }
  /// The example with every commented setting turned on. Prose has one space after the `#`. A setting has none, or an
  /// indent of two or more.
  static func exampleInFull() throws -> String {
    try example().split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.hasPrefix("# ") && !line.hasPrefix("#  ") ? "" : line.hasPrefix("#") ? line.dropFirst() : line
    }.joined(separator: "\n")
  }

  static func reference() throws -> String { try text("configuration.md") }

  private static func text(_ name: String) throws -> String {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file = tests.deletingLastPathComponent().appending(path: "docs").appending(path: name)
    return try String(contentsOf: file, encoding: .utf8)
  }
}

@Suite struct DocumentationTests {
  @Test func `the reference has a row for every key, with the code's text`() throws {
    let rows = Set(try Documents.reference().split(separator: "\n").map { String($0) })
    for key in Schema.keys {
      let variable = key.variable.map { "`\($0)`" } ?? ""
      let reload = key.takesEffectAtReload ? "" : " Restart."
      let row = "| `\(key.path)` | \(key.documentation)\(reload) | \(key.type) | `\(key.defaultText)` | \(variable) |"
      #expect(rows.contains(row), "missing: \(row)")
    }
  }

  @Test func `the reference has no key that the code does not have`() throws {
    let known = Set(Schema.keys.map(\.path))
    for line in try Documents.reference().split(separator: "\n") where line.hasPrefix("| `") {
      // Other tables have fewer columns.
      guard line.ranges(of: " | ").count == 4 else { continue }
      let path = line.dropFirst(3).prefix { $0 != "`" }
      #expect(known.contains(String(path)), "\(line)")
    }
  }

  @Test func `every example of the reference loads`() throws {
    let parts = try Documents.reference().components(separatedBy: "```yaml\n").dropFirst()
    #expect(parts.count >= 3)
    for part in parts {
      let example = part.components(separatedBy: "```")[0]
      #expect(throws: Never.self, "\(example)") { try load(example) }
    }
  }

  @Test func `the example file loads unchanged`() throws {
    let loaded = try load(try Documents.example())
    #expect(loaded.warnings == [])
  }

  @Test func `the example file loads with every comment that is a setting`() throws {
    let loaded = try load(try Documents.exampleInFull())
    #expect(loaded.settings.targets.count > 1)
    #expect(loaded.settings.access != nil)
  }

  @Test func `the example file shows every section`() throws {
    let example = try Documents.example()
    for section in Schema.root.keys {
      #expect(example.contains("\n\(section.name):") || example.contains("\n#\(section.name):"), "\(section.name)")
    }
  }
}
