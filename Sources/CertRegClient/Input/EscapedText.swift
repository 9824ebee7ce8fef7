/// Text as programs write it in their own source, with escapes in place of line ends.
enum EscapedText {
  /// The text with line ends in place of `\n`, also where a second program has doubled the backslashes. `\r` goes away.
  static func resolvingLineEnds(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var index = text.startIndex
    while index < text.endIndex {
      guard text[index] == UInt8(ascii: "\\") else {
        result.append(text[index])
        index += 1
        continue
      }
      while index < text.endIndex, text[index] == UInt8(ascii: "\\") { index += 1 }
      // A backslash at the end continues the line.
      guard index < text.endIndex else { break }
      append(escaped: text[index], to: &result)
      index += 1
    }
    return result
  }

  private static func append(escaped byte: UInt8, to result: inout [UInt8]) {
    switch byte {
    case UInt8(ascii: "n"): result.append(0x0A)
    case UInt8(ascii: "r"): break
    case UInt8(ascii: "t"): result.append(0x20)
    default: result.append(byte)
    }
  }

  /// Collects what stands inside the quotes of string literals, over any number of lines.
  struct Literal {
    private let quote: UInt8
    private var isInside = true

    /// - Parameter quote: The quote that opened the literal.
    init(quote: UInt8) {
      self.quote = quote
    }

    /// The content of the literals on a line, without its LF. A literal that goes on brings a line end.
    mutating func content(of line: ArraySlice<UInt8>) -> [UInt8] {
      var result: [UInt8] = []
      var index = line.startIndex
      while index < line.endIndex {
        let byte = line[index]
        index += 1
        if byte == quote {
          isInside.toggle()
        } else if isInside, byte == UInt8(ascii: "\\") {
          while index < line.endIndex, line[index] == UInt8(ascii: "\\") { index += 1 }
          guard index < line.endIndex else { return result }
          EscapedText.append(escaped: line[index], to: &result)
          index += 1
        } else if isInside {
          result.append(byte)
        }
      }
      if isInside { result.append(0x0A) }
      return result
    }
  }
}
