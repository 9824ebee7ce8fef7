import CertRegCore

/// Text made safe for a log, a terminal and a status line.
package enum LogText {
  /// `text` with everything escaped that could start a new line, steer a terminal or reorder what a reader sees, and
  /// cut to at most `limitBytes` bytes of UTF-8 with `…` at the end.
  ///
  /// Escaped are the controls C0, DEL and C1, the line and paragraph separators, the bidirectional controls and other
  /// invisible format characters (CVE-2021-42574 shows what they can hide), and the backslash, so that an escape cannot
  /// be faked: as `\n`, `\t`, `\r`, `\\` or `\u{1B}`.
  package static func escaped(_ text: String, limitBytes: Int = 1024) -> String {
    if isPlain(text), text.utf8.count <= limitBytes { return text }
    var result = ""
    var length = 0
    // Room for the mark of a cut.
    let room = max(0, limitBytes - cutMark.utf8.count)
    var cutAt: String.Index?
    for scalar in text.unicodeScalars {
      let piece = escape(of: scalar) ?? String(scalar)
      length += piece.utf8.count
      if length > room, cutAt == nil { cutAt = result.endIndex }
      if length > limitBytes {
        return String(result[..<(cutAt ?? result.endIndex)]) + cutMark
      }
      result += piece
    }
    return result
  }

  private static let cutMark = "…"

  /// Whether nothing needs an escape, by a look at the bytes that suffices for ASCII, which most texts are.
  private static func isPlain(_ text: String) -> Bool {
    text.hasOnly { $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }
  }

  private static func escape(of scalar: Unicode.Scalar) -> String? {
    switch scalar {
    case "\n": return "\\n"
    case "\r": return "\\r"
    case "\t": return "\\t"
    case "\\": return "\\\\"
    default: break
    }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
      return "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
    default: return nil
    }
  }
}
