/// What Python prints of dictionaries and lists, which is nearly JSON: strings with apostrophes, `None`, `True` and
/// `False`.
enum PythonText {
  /// The text as JSON. Texts of another kind stay what they are, and are no JSON.
  static func json(_ text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var index = 0
    /// Where the last string ends, if nothing but white space follows: Python prints a long string as several.
    var stringEnd: Int?
    while index < text.count {
      let byte = text[index]
      if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
        if let end = stringEnd {
          result.removeLast(result.count - end)
        } else {
          result.append(UInt8(ascii: "\""))
        }
        index = string(text, from: index, isBytes: false, &result)
        stringEnd = result.count
        result.append(UInt8(ascii: "\""))
      } else if byte == UInt8(ascii: "b"), isWordStart(result), let next = text[index...].dropFirst().first,
        next == UInt8(ascii: "'") || next == UInt8(ascii: "\"")
      {
        result.append(UInt8(ascii: "\""))
        index = string(text, from: index + 1, isBytes: true, &result)
        stringEnd = nil
        result.append(UInt8(ascii: "\""))
      } else if let word = words.first(where: { $0.python[0] == byte && text[index...].starts(with: $0.python) }),
        isWordStart(result)
      {
        result += word.json
        index += word.python.count
        stringEnd = nil
      } else {
        if byte > 0x20 { stringEnd = nil }
        result.append(byte)
        index += 1
      }
    }
    return result
  }

  private static let words: [(python: [UInt8], json: [UInt8])] = [
    (Array("None".utf8), Array("null".utf8)), (Array("True".utf8), Array("true".utf8)),
    (Array("False".utf8), Array("false".utf8)),
  ]

  private static func isWordStart(_ text: [UInt8]) -> Bool {
    text.last.map { $0 <= 0x20 || "{[(,:".utf8.contains($0) } ?? true
  }

  /// Adds the content of the string that begins at `start`. Returns the index behind it. Bytes keep their escapes, which
  /// stand for no characters.
  private static func string(_ text: [UInt8], from start: Int, isBytes: Bool, _ result: inout [UInt8]) -> Int {
    let quote = text[start]
    var index = start + 1
    while index < text.count, text[index] != quote {
      let byte = text[index]
      index += 1
      if byte == UInt8(ascii: "\"") {
        result += [UInt8(ascii: "\\"), byte]
      } else if byte == UInt8(ascii: "\\"), isBytes, index < text.count {
        let escaped = text[index]
        result += [byte, byte] + (escaped == byte || escaped == UInt8(ascii: "\"") ? [byte, escaped] : [escaped])
        index += 1
      } else if byte == UInt8(ascii: "\\"), index < text.count {
        switch text[index] {
        case UInt8(ascii: "'"): result.append(UInt8(ascii: "'"))
        case UInt8(ascii: "x"): result += "\\u00".utf8
        default: result += [byte, text[index]]
        }
        index += 1
      } else {
        result.append(byte)
      }
    }
    return index + 1
  }
}
