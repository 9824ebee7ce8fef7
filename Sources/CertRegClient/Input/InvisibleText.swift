/// What programs and people put into a text that nobody sees: the escape sequences of terminals (ECMA-48), characters
/// without width, and spaces and line ends of Unicode.
enum InvisibleText {
  /// The line with its visible characters only: LF in place of other line ends, blanks in place of other spaces; `nil`
  /// where there is nothing of the kind, and no LF either.
  static func removed(from line: ArraySlice<UInt8>) -> [UInt8]? {
    guard line.contains(where: { $0 == escape || $0 >= 0x80 || $0 == 0x0A }) else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(line.count)
    var index = line.startIndex
    while index < line.endIndex {
      let byte = line[index]
      if byte == escape {
        index += sequenceLength(line[index...])
      } else if byte >= 0x80, let character = characters.first(where: { line[index...].starts(with: $0.bytes) }) {
        result += character.visible
        index += character.bytes.count
      } else {
        // In Windows-1252 the no-break space has one byte.
        let isSpace = byte == 0xA0 && (index == line.startIndex || line[index - 1] < 0x80)
        result.append(isSpace ? 0x20 : byte)
        index += 1
      }
    }
    return result.elementsEqual(line) && !result.holds(0x0A) ? nil : result
  }

  private static let escape: UInt8 = 0x1B
  /// Titles of windows and links are shorter.
  private static let longestString = 512

  /// The characters in UTF-8, and what stands for them.
  private static let characters: [(bytes: [UInt8], visible: [UInt8])] =
    rows("\u{AD}\u{200B}\u{200C}\u{200D}\u{200E}\u{200F}\u{2060}\u{FEFF}", for: [])
    + rows(
      "\u{A0}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200A}", for: [0x20])
    + rows("\u{202F}\u{205F}\u{3000}", for: [0x20]) + rows("\u{85}\u{2028}\u{2029}", for: [0x0A])

  private static func rows(_ characters: String, for visible: [UInt8]) -> [(bytes: [UInt8], visible: [UInt8])] {
    characters.unicodeScalars.map { (Array(String($0).utf8), visible) }
  }

  /// The length of the escape sequence that `text` begins with. What is none has the length of ESC alone.
  private static func sequenceLength(_ text: ArraySlice<UInt8>) -> Int {
    let content = text.dropFirst()
    switch content.first {
    case UInt8(ascii: "["):
      let rest = content.dropFirst().drop { (0x20...0x3F).contains($0) }
      guard let final = rest.first, (0x40...0x7E).contains(final) else { return 1 }
      return rest.startIndex + 1 - text.startIndex
    case UInt8(ascii: "]"):
      let string = content.dropFirst().prefix(longestString).prefix { $0 != 0x07 && $0 != escape }
      let rest = text[string.endIndex...]
      if rest.first == 0x07 { return string.endIndex + 1 - text.startIndex }
      return rest.starts(with: [escape, UInt8(ascii: "\\")]) ? string.endIndex + 2 - text.startIndex : 1
    // The choice of a set of characters.
    case UInt8(ascii: "("), UInt8(ascii: ")"): return min(3, text.count)
    case UInt8(ascii: "="), UInt8(ascii: ">"), UInt8(ascii: "7"), UInt8(ascii: "8"): return 2
    default: return 1
    }
  }
}
