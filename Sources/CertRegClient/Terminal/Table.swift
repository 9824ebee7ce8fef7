/// Rows under headings, fitted to a width.
package struct Table {
  /// How one column is laid out.
  package struct Column {
    var heading: String
    var alignsRight: Bool
    /// The narrowest width that the column may be cut to; `nil`: it is never cut.
    var minimum: Int?
    /// Whether the column is left out where the table does not fit.
    var isOptional: Bool
    /// Whether the column is left out where the table does not fit without the optional ones either.
    var yieldsLast: Bool

    package init(
      _ heading: String, alignsRight: Bool = false, minimum: Int? = nil, isOptional: Bool = false,
      yieldsLast: Bool = false
    ) {
      self.yieldsLast = yieldsLast
      self.heading = heading
      self.alignsRight = alignsRight
      self.minimum = minimum
      self.isOptional = isOptional
    }
  }

  private let columns: [Column]
  private let rows: [[TerminalText]]
  private static let gap = 2

  /// A table in which each row has one cell for each of `columns`. Columns that are empty in every row are left out.
  package init(_ columns: [Column], rows: [[TerminalText]]) {
    let used = columns.indices.filter { index in rows.contains { $0[index].width > 0 } }
    self.columns = used.map { columns[$0] }
    self.rows = rows.map { row in used.map { row[$0] } }
  }

  /// The table's lines, the headings first. None is wider than `width` if cutting the columns that may be cut suffices.
  package func lines(width: Int, indentation: Int = 0) -> [TerminalText] {
    let widths = fittedWidths(width - indentation)
    if widths.reduce(0, +) + Table.gap * (widths.count - 1) > width - indentation,
      let optional = columns.lastIndex(where: \.isOptional) ?? columns.lastIndex(where: \.yieldsLast)
    {
      return without(column: optional).lines(width: width, indentation: indentation)
    }
    let margin = TerminalText(String(repeating: " ", count: indentation))
    let headings = columns.map { TerminalText($0.heading, .dim) }
    return ([headings] + rows).map { margin + line($0, widths) }
  }

  private func without(column index: Int) -> Table {
    var fewer = columns
    fewer.remove(at: index)
    return Table(
      fewer,
      rows: rows.map { row in
        var cells = row
        cells.remove(at: index)
        return cells
      })
  }

  private func line(_ cells: [TerminalText], _ widths: [Int]) -> TerminalText {
    var line = TerminalText()
    for (index, cell) in cells.enumerated() {
      let fitted = cell.truncated(to: widths[index])
      let isLast = index == cells.count - 1
      if columns[index].alignsRight {
        line += fitted.paddedLeft(to: widths[index])
      } else {
        line += isLast ? fitted : fitted.padded(to: widths[index])
      }
      if !isLast { line += TerminalText(String(repeating: " ", count: Table.gap)) }
    }
    return line
  }

  private func fittedWidths(_ available: Int) -> [Int] {
    var widths = columns.indices.map { index in
      max(columns[index].heading.columns, rows.map { $0[index].width }.max() ?? 0)
    }
    var excess = widths.reduce(0, +) + Table.gap * max(0, columns.count - 1) - available
    while excess > 0 {
      let candidates = columns.indices.filter { index in columns[index].minimum.map { widths[index] > $0 } ?? false }
      guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
      widths[widest] -= 1
      excess -= 1
    }
    return widths
  }
}

extension String {
  /// The text broken between words into lines of at most `width` columns. Longer words stay whole, so that they can be
  /// copied.
  package func wrapped(to width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in split(separator: " ", omittingEmptySubsequences: true) {
      if !line.isEmpty, line.columns + 1 + String(word).columns > width {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " " + word
    }
    return line.isEmpty ? lines : lines + [line]
  }
}
