import CertRegCore

/// A line of 32-bit words in hexadecimal digits, as debuggers and boot loaders print memory and as arrays in C have them:
/// `0x20000000: 0x56018230 0xa0fc8130`, `56018230 a0fc8130`, `0x30820156, 0x3081fca0,`.
enum WordDump {
  /// Labels of the two orders of the bytes within a word. They stand before no line of text.
  private static let bigEndian: [UInt8] = [0]
  private static let littleEndian: [UInt8] = [1]

  /// So many words have the header of an encoding.
  private static let fewestWords = 3
  private static let digitsOfWord = 8

  /// The digits of the bytes on a line; `nil` for a line of another kind.
  ///
  /// - Parameters:
  ///   - isOpen: Whether an encoding has begun on a line before.
  ///   - label: The label of its span.
  static func span(_ line: ArraySlice<UInt8>, isOpen: Bool, label: [UInt8]) -> DressedLine.Span? {
    guard isOpen == isLabel(label) else { return nil }
    let words = words(line)
    if isOpen { return words.isEmpty ? nil : span(words, label, begins: false) }
    guard words.count >= fewestWords else { return nil }
    return [bigEndian, littleEndian].lazy.map { span(words, $0, begins: true) }
      .first { EncodingHeader($0.digits)?.isHexadecimal == true }
  }

  /// Whether the bytes of an encoding are written in words.
  static func isLabel(_ label: [UInt8]) -> Bool { label == bigEndian || label == littleEndian }

  /// The digits without those that fill the last word.
  static func withoutFill(_ digits: ArraySlice<UInt8>, needed: Int) -> ArraySlice<UInt8> {
    (1..<digitsOfWord).contains(digits.count - needed) ? digits.prefix(needed) : digits
  }

  private static func span(_ words: [ArraySlice<UInt8>], _ label: [UInt8], begins: Bool) -> DressedLine.Span {
    let digits = words.flatMap { word -> [UInt8] in
      guard label == littleEndian else { return Array(word) }
      return stride(from: word.endIndex - 2, through: word.startIndex, by: -2).flatMap { word[$0..<($0 + 2)] }
    }
    let needed = begins ? EncodingHeader(digits[...])?.neededDigits : nil
    let own = needed.map { withoutFill(digits[...], needed: $0) } ?? digits[...]
    return DressedLine.Span(digits: own, begins: begins, ends: false, label: label)
  }

  /// The words of a line, without the address in front of them and the characters behind them.
  private static func words(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    guard mayHoldWord(line.prefix(longestAddress)) else { return [] }
    var parts = line.prefix(longestLine).split { " \t,{}".utf8.contains($0) }
    // `0x20000010 <device_cert+16>:`, `20000010 =`
    if let colon = parts.prefix(3).firstIndex(where: { $0.last == UInt8(ascii: ":") || $0.elementsEqual("=".utf8) }) {
      parts.removeFirst(colon + 1)
    } else if let offset = parts.first, (6...7).contains(offset.count), offset.allSatisfy({ $0.hexDigitValue != nil }) {
      parts.removeFirst()
    }
    return Array(parts.lazy.map(digits).prefix { $0 != nil }.compactMap { $0 })
  }

  /// Whether so many digits as a word has stand in a row. Most lines have none, and are not taken apart.
  private static func mayHoldWord(_ text: ArraySlice<UInt8>) -> Bool {
    var count = 0
    for byte in text {
      count = byte.hexDigitValue == nil ? 0 : count + 1
      if count == digitsOfWord { return true }
    }
    return false
  }

  /// The address in front of the words, with a symbol, and the first word.
  private static let longestAddress = 96

  /// No program writes more words on a line.
  private static let longestLine = 4096

  private static func digits(_ part: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    let isMarked = part.starts(with: "0x".utf8) || part.starts(with: "0X".utf8)
    let digits = isMarked ? part.dropFirst(2) : part
    return digits.count == digitsOfWord && digits.allSatisfy { $0.hexDigitValue != nil } ? digits : nil
  }
}
