/// Text as programs write it in their own source, with escapes in place of line ends.
enum EscapedText {
  /// The text with characters in place of their escapes, such as `\n`, `\u000a` and `\012`, also where a second program
  /// has doubled the backslashes. CR goes away.
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
      appendEscape(text, &index, to: &result)
    }
    return result
  }

  /// The text with line ends in place of what rsyslog and PowerShell write for them, `#012` and `` `n ``; `nil` where
  /// there are none in a block or behind a boundary.
  static func resolvingControls(_ text: ArraySlice<UInt8>, isInBlock: Bool) -> [UInt8]? {
    guard text.contains(where: { $0 == UInt8(ascii: "#") || $0 == UInt8(ascii: "`") }) else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var isInBlock = isInBlock
    var isChanged = false
    var index = text.startIndex
    while index < text.endIndex {
      guard isInBlock || result.last == UInt8(ascii: "-"), let (control, length) = control(text[index...]) else {
        result.append(text[index])
        index += 1
        continue
      }
      if control != 0x0D { result.append(control == 0x09 ? 0x20 : control) }
      index += length
      (isInBlock, isChanged) = (true, true)
    }
    return isChanged ? result : nil
  }

  /// The control character that a text begins with, as rsyslog and PowerShell write it, and the length of that.
  private static func control(_ text: ArraySlice<UInt8>) -> (UInt8, Int)? {
    for (written, control) in controls where text.starts(with: written) { return (control, written.count) }
    return nil
  }

  private static let controls = [("#012", 0x0A), ("#015", 0x0D), ("#011", 0x09), ("`n", 0x0A), ("`r", 0x0D)].map {
    (Array($0.utf8), UInt8($1))
  }

  /// Appends the character of the escape that begins at `index`, and goes on behind it. A backslash at the end
  /// continues the line.
  private static func appendEscape(_ text: ArraySlice<UInt8>, _ index: inout Int, to result: inout [UInt8]) {
    while index < text.endIndex, text[index] == UInt8(ascii: "\\") { index += 1 }
    guard index < text.endIndex else { return }
    let byte = text[index]
    index += 1
    switch byte {
    case UInt8(ascii: "n"): result.append(0x0A)
    case UInt8(ascii: "r"): break
    case UInt8(ascii: "t"): result.append(0x20)
    case UInt8(ascii: "u"):
      append(number(text, index, digits: 4, radix: 16), escapedAs: byte, length: 4, text, &index, to: &result)
    case UInt8(ascii: "x"):
      append(number(text, index, digits: 2, radix: 16), escapedAs: byte, length: 2, text, &index, to: &result)
    case UInt8(ascii: "0"):
      append(number(text, index - 1, digits: 3, radix: 8), escapedAs: byte, length: 2, text, &index, to: &result)
    default: result.append(byte)
    }
  }

  /// Appends a character that is written as a number. In the numbers of binary data, which can be a key, only LF is
  /// looked for.
  private static func append(
    _ character: UInt8?, escapedAs byte: UInt8, length: Int, _ text: ArraySlice<UInt8>, _ index: inout Int,
    to result: inout [UInt8]
  ) {
    let next = text[min(index + length, text.endIndex)...]
    switch character {
    case 0x0A?: result.append(0x0A)
    case 0x0D? where byte == UInt8(ascii: "u") || isEscapedLF(next): break
    case let character? where byte == UInt8(ascii: "u") && "+/=- ".utf8.contains(character): result.append(character)
    default: return result.append(byte)
    }
    index += length
  }

  private static func isEscapedLF(_ text: ArraySlice<UInt8>) -> Bool {
    let escape = text.prefix(4).drop { $0 == UInt8(ascii: "\\") }.map { $0 | 0x20 }
    return escape.first == UInt8(ascii: "n")
      || ["x0a", "012"].contains { escape.starts(with: $0.utf8.map { $0 | 0x20 }) }
  }

  /// The ASCII character whose code is written with so many digits; `nil` for anything else.
  static func number(_ text: ArraySlice<UInt8>, _ start: Int, digits: Int, radix: Int) -> UInt8? {
    let written = text[min(start, text.endIndex)...].prefix(digits)
    guard written.count == digits, let value = Int(String(decoding: written, as: UTF8.self), radix: radix),
      value < 0x80, value >= 0x09
    else { return nil }
    return UInt8(value)
  }

  /// Collects what stands inside the quotes of string literals, over any number of lines.
  struct Literal {
    private let quote: UInt8
    /// Whether the literal goes on behind the last line.
    private(set) var isInside = true

    /// - Parameter quote: The quote that opened the literal.
    init(quote: UInt8) {
      self.quote = quote
    }

    /// The content of the literals on a line, without its LF. A literal that goes on brings a line end, and so does a
    /// colon between two: they are no parts of one text.
    mutating func content(of line: ArraySlice<UInt8>) -> [UInt8] {
      var result: [UInt8] = []
      var index = line.startIndex
      while index < line.endIndex {
        let byte = line[index]
        if byte == quote {
          isInside.toggle()
          index += 1
        } else if !isInside, byte == UInt8(ascii: ":") {
          if result.last != 0x0A { result.append(0x0A) }
          index += 1
        } else if isInside, byte == UInt8(ascii: "\\") {
          EscapedText.appendEscape(line, &index, to: &result)
          if index == line.endIndex, line.last == byte { return result }
        } else {
          if isInside { result.append(byte) }
          index += 1
        }
      }
      if isInside { result.append(0x0A) }
      return result
    }

    /// Whether the place is outside of the literals of a line that begins outside of them.
    func isOutside(_ place: Int, in line: ArraySlice<UInt8>) -> Bool {
      line[..<place].count { $0 == quote } % 2 == 0
    }
  }
}
