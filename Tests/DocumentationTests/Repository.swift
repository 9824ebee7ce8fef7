import Foundation

/// The files of the repository, relative to the path of this file at compile time.
enum Repository {
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  /// The Swift files of a module.
  static func sources(of module: String) throws -> [String] { try sources(in: "Sources/\(module)") }

  /// The Swift files below a folder.
  static func sources(in path: String) throws -> [String] {
    let folder = root.appending(path: path)
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    return try (files?.compactMap { $0 as? URL } ?? [])
      .filter { $0.pathExtension == "swift" }
      .map { try String(contentsOf: $0, encoding: .utf8) }
  }
}

/// A table of a Markdown document.
struct MarkdownTable {
  let header: [String]
  /// Cells without surrounding spaces. An empty first cell has the text of the cell above it.
  let rows: [[String]]

  /// The tables of a document with this heading of the first column.
  static func all(in document: String, firstColumn: String) -> [MarkdownTable] {
    var tables: [MarkdownTable] = []
    var lines: [[String]] = []
    for line in document.appending("\n").split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("|") {
        lines.append(cells(line))
      } else {
        if let header = lines.first, header.first == firstColumn {
          tables.append(MarkdownTable(header: header, rows: filled(lines.dropFirst(2))))
        }
        lines = []
      }
    }
    return tables
  }

  private static func filled(_ rows: ArraySlice<[String]>) -> [[String]] {
    var name = ""
    return rows.map { row in
      var row = row
      if row[0].isEmpty { row[0] = name } else { name = row[0] }
      return row
    }
  }

  private static func cells(_ line: Substring) -> [String] {
    line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
      .map { $0.trimmingCharacters(in: .whitespaces) }
  }

  /// The cells of the column with this heading, in the order of the rows.
  func column(_ name: String) -> [String]? {
    header.firstIndex(of: name).map { index in rows.map { $0[index] } }
  }
}

extension String {
  /// The content of a code span that is the whole text (CommonMark section 6.1).
  var inCode: String {
    let ticks = prefix { $0 == "`" }.count
    let inside = String(dropFirst(ticks).dropLast(ticks))
    return ticks > 1 && inside.hasPrefix(" ") && inside.hasSuffix(" ") ? String(inside.dropFirst().dropLast()) : inside
  }
}
