/// The encodings that texts have.
enum TextEncoding: Hashable, Sendable {
  /// UTF-8, and whatever single-byte encoding a text without a mark has: it is told apart where a string is made.
  case bytes
  case utf16LittleEndian
  case utf16BigEndian

  /// The encoding of a text that begins with `head`, by its byte-order mark or by where its zeros are; `nil` for binary
  /// data.
  static func detect(_ head: ArraySlice<UInt8>) -> TextEncoding? {
    if head.starts(with: [0xFF, 0xFE]) { return .utf16LittleEndian }
    // Text in UTF-32 is text in UTF-16 with zeros.
    if head.starts(with: [0xFE, 0xFF]) || head.starts(with: [0, 0, 0xFE, 0xFF]) { return .utf16BigEndian }
    let sample = head.prefix(1024)
    if sample.count >= 8, let encoding = unmarkedUTF16(sample) { return encoding }
    guard sample.contains(where: { $0 < 0x20 && !isTextControl($0) }) else { return .bytes }
    // Text in UTF-16 was appended.
    let start = sample.firstIndex { $0 < 0x20 && !isTextControl($0) } ?? sample.endIndex
    let mark = sample[..<start].lastIndex { $0 >= 0xFE }
    if let mark, mark > sample.startIndex, TextFilter.marked(sample[(mark - 1)...]) != nil { return .bytes }
    if let encoding = otherScript(sample) { return encoding }
    // Programs in C write a text with the zero that ends it, and text of another encoding can follow it.
    let end = sample.lastIndex { $0 != 0 } ?? sample.startIndex
    let isEnded = end - sample.startIndex >= 16 && !sample[..<end].contains { $0 < 0x20 && !isTextControl($0) }
    return isEnded || isLines(sample) || sample.first != 0x30 && sample.filter { $0 != 0 }.containsText("-BEGIN ")
      ? .bytes : nil
  }

  /// The text that bytes are, in UTF-8 where it is in UTF-16; `nil` for binary data.
  static func text(of bytes: [UInt8]) -> [UInt8]? {
    guard let encoding = detect(bytes[...]) else { return nil }
    // Programs in C write the zero that ends a text, too.
    guard encoding != .bytes else { return Array(bytes[..<(bytes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0)]) }
    var filter = TextFilter(encoding)
    return filter.text(ofAll: bytes[...], isLast: true)
  }

  /// Texts of certificates are nearly all ASCII: in UTF-16 every other byte is zero.
  private static func unmarkedUTF16(_ sample: ArraySlice<UInt8>) -> TextEncoding? {
    var zeros = [0, 0]
    for (index, byte) in sample.enumerated() {
      if byte == 0 {
        zeros[index % 2] += 1
      } else if byte < 0x20, !isTextControl(byte) {
        return nil
      }
    }
    let enough = sample.count * 2 / 5
    if zeros[0] == 0, zeros[1] >= enough { return .utf16LittleEndian }
    return zeros[1] == 0 && zeros[0] >= enough ? .utf16BigEndian : nil
  }

  /// Text in UTF-16 with words of other scripts than Latin: all units are characters, and many of them ASCII.
  private static func otherScript(_ sample: ArraySlice<UInt8>) -> TextEncoding? {
    let bytes = Array(sample)
    guard bytes.count >= 16 else { return nil }
    return [TextEncoding.utf16LittleEndian, .utf16BigEndian].first { encoding in
      let low = encoding == .utf16LittleEndian ? 0 : 1
      let units = stride(from: 0, to: bytes.count - 1, by: 2).map { index in
        UInt16(bytes[index + 1 - low]) << 8 | UInt16(bytes[index + low])
      }
      let isText = units.allSatisfy { unit in
        unit >= 0x100 ? !UTF16.isSurrogate(unit) && unit < 0xFFFE : unit >= 0x20 || isTextControl(UInt8(unit))
      }
      return isText && units.count { $0 < 0x80 } * 4 >= units.count
    }
  }

  /// Control characters that occur in texts: white space, escape sequences, the end-of-file mark of DOS, and zeros
  /// never.
  private static func isTextControl(_ byte: UInt8) -> Bool {
    byte >= 0x09 && byte <= 0x0D || byte == 0x1B || byte == 0x1A
  }

  /// Whether a sample has texts with a zero behind each, all of them longer than words.
  private static func isLines(_ sample: ArraySlice<UInt8>) -> Bool {
    let texts = sample.split(separator: 0, omittingEmptySubsequences: false)
    return texts.dropLast().allSatisfy { text in
      text.count > 64 && text.allSatisfy { (0x20..<0x7F).contains($0) || isTextControl($0) }
    } && (texts.last ?? []).allSatisfy { (0x20..<0x7F).contains($0) || isTextControl($0) }
  }

  /// The string that `bytes` stand for: UTF-8 where they are valid, otherwise Windows-1252.
  static func string(_ bytes: some Collection<UInt8>) -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    var text = ""
    for byte in bytes {
      text.unicodeScalars.append((0x80..<0xA0).contains(byte) ? windows1252[Int(byte) - 0x80] : Unicode.Scalar(byte))
    }
    return text
  }

  /// The string that bytes stand for which may be in any encoding: what is neither UTF-8 nor letters of a word in
  /// Windows-1252 becomes U+FFFD. Bytes of GBK, Shift-JIS and Mac Roman would make other letters.
  static func readable(_ bytes: some Collection<UInt8>) -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    var text = ""
    var rest = Array(bytes)[...]
    while let first = rest.first {
      let isOther = first >= 0x80
      let run = rest.prefix { ($0 >= 0x80) == isOther }
      rest = rest.dropFirst(run.count)
      if let part = String(validating: run, as: UTF8.self) {
        text += part
      } else if isWord(run, after: text.unicodeScalars.last, before: rest.first) {
        text += string(run)
      } else {
        text.unicodeScalars.append("\u{FFFD}")
      }
    }
    return text
  }

  /// Letters that stand in a row within words in capitals, as in GRÖßE, INFORMAÇÃO and CRÉÉ: Äß, Öß, Üß, ÇÃ, ÇÕ and ÉÉ.
  private static let capitalPairs: Set<[UInt8]> = [
    [0xC4, 0xDF], [0xD6, 0xDF], [0xDC, 0xDF], [0xC7, 0xC3], [0xC7, 0xD5], [0xC9, 0xC9],
  ]

  /// Signs of Windows-1252 that stand in names: a no-break space, ª, ®, °, ², ³, µ, · and º.
  private static let signs: Set<UInt8> = [0xA0, 0xAA, 0xAE, 0xB0, 0xB2, 0xB3, 0xB5, 0xB7, 0xBA]

  /// Whether bytes outside of ASCII are letters of a word in Windows-1252. Languages that it is for have no more than
  /// two in a row, and capitals behind small letters are those of other encodings.
  private static func isWord(_ run: ArraySlice<UInt8>, after last: Unicode.Scalar?, before next: UInt8?) -> Bool {
    let isSmall = run.allSatisfy { $0 >= 0xDF && $0 != 0xF7 }
    if run.count == 2, isSmall { return true }
    if run.count == 2, let last, let next, (0x41...0x5A).contains(next), ("A"..."Z").contains(last) {
      return capitalPairs.contains(Array(run))
    }
    guard run.count == 1, let byte = run.first else { return false }
    // Dashes between words.
    if [0x96, 0x97].contains(byte) { return last == " " && next == 0x20 }
    if isSmall || signs.contains(byte) { return true }
    return (0xC0..<0xDF).contains(byte) && byte != 0xD7 && last.map { !$0.properties.isLowercase } ?? true
  }

  /// The characters 0x80 to 0x9F of Windows-1252. The five that it leaves out stand for the control characters of ISO
  /// 8859-1.
  private static let windows1252 = Array(
    "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8D}Ž\u{8F}\u{90}‘’“”•–—˜™š›œ\u{9D}žŸ".unicodeScalars)
}
