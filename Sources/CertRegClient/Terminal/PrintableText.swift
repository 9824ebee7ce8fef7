extension Unicode.Scalar {
  /// Whether a terminal only shows this scalar as a character or a space. False for control characters (C0, DEL, C1),
  /// invisible format characters (bidirectional overrides, zero-width joiners), line and paragraph separators, and
  /// unassigned scalars.
  package var isPrintable: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: false
    default: true
    }
  }

  /// Terminal columns of the scalar: none for combining marks, two for wide East Asian characters and emoji
  /// (UAX #11, the large blocks of it), otherwise one.
  fileprivate var columns: Int {
    if value < 0x300 { return 1 }
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark: return 0
    default: break
    }
    switch value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }
}

extension String {
  /// The text with every scalar that is not printable escaped as `\u{…}`.
  package var printable: String {
    if utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) { return self }
    var result = ""
    for scalar in unicodeScalars {
      if scalar.isPrintable {
        result.unicodeScalars.append(scalar)
      } else {
        result += "\\u{" + String(scalar.value, radix: 16) + "}"
      }
    }
    return result
  }

  /// The text in ASCII: certregctl's own signs as similar ones of the same width, other characters as `\u{…}`.
  var inASCII: String {
    if utf8.allSatisfy({ $0 < 0x80 }) { return self }
    var result = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "…": result += "~"
      case "→": result += ">"
      case "▁", "▂", "▃": result += "_"
      case "▄", "▅", "▆": result += "="
      case "▇", "█": result += "#"
      default:
        if scalar.isASCII {
          result.unicodeScalars.append(scalar)
        } else {
          result += "\\u{" + String(scalar.value, radix: 16) + "}"
        }
      }
    }
    return result
  }

  /// Terminal columns of printable text.
  var columns: Int {
    unicodeScalars.reduce(0) { $0 + $1.columns }
  }

  /// The longest prefix of at most `limit` columns.
  func prefix(columns limit: Int) -> String {
    var taken = 0
    var result = ""
    for character in self {
      let width = String(character).columns
      guard taken + width <= limit else { break }
      taken += width
      result.append(character)
    }
    return result
  }

  /// The text cut to `limit` columns at its beginning. The end of a path says more.
  func suffix(columns limit: Int) -> String {
    guard columns > limit else { return self }
    guard limit > 1 else { return limit == 1 ? "…" : "" }
    return "…" + String(String(reversed()).prefix(columns: limit - 1).reversed())
  }
}
