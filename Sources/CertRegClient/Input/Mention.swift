import CertRegCodec

/// A boundary of a PEM block within a sentence, as in "Copy everything from `-----BEGIN CERTIFICATE-----` on": it begins
/// and ends no block.
enum Mention {
  /// Longer runs of letters are base64 rather than words.
  private static let longestWord = 15

  /// Whether what stands before a boundary and behind it, on its line, are words of one sentence.
  static func isMention(_ boundary: PEMBoundary, in line: ArraySlice<UInt8>) -> Bool {
    guard boundary.isExact else { return false }
    let before = line[..<boundary.range.lowerBound]
    let behind = line[boundary.range.upperBound...]
    return endsWithWords(before) && continues(behind)
  }

  /// Whether two words stand before the boundary, or one before a mark that quotes it.
  private static func endsWithWords(_ text: ArraySlice<UInt8>) -> Bool {
    guard let last = text.last, last == 0x20 || isMark(last) else { return false }
    var missing = last == UInt8(ascii: "`") ? 1 : 2
    var rest = text
    // A line can have any number of boundaries, so that no more of it is looked at than necessary.
    while missing > 0, let end = rest.lastIndex(where: { $0 != 0x20 }) {
      let start = rest[...end].lastIndex(of: 0x20).map { $0 + 1 } ?? rest.startIndex
      let word = rest[start...end]
      if isWord(word) { missing -= 1 } else if !word.allSatisfy(isMark) { return false }
      rest = rest[..<start]
    }
    return missing == 0
  }

  /// Whether a sentence goes on or ends behind the boundary. Base64 and the words of programs do not.
  private static func continues(_ text: ArraySlice<UInt8>) -> Bool {
    guard let first = text.first, first == 0x20 || isMark(first) else { return false }
    guard let sign = text.firstIndex(where: { $0 != 0x20 && !isMark($0) }) else {
      // The end of the sentence, and not only of a line of a block in quotes.
      return text.contains { ".:;!?)".utf8.contains($0) }
    }
    let start = text[..<sign].lastIndex(of: 0x20).map { $0 + 1 } ?? text.startIndex
    let word = text[start...].prefix { $0 != 0x20 }
    return isWord(word) && word.allSatisfy { $0 & 0x20 != 0 }
  }

  /// Whether a run of characters is a word of a language, with punctuation.
  private static func isWord(_ text: ArraySlice<UInt8>) -> Bool {
    let letters = text.filter { !isMark($0) }
    return (1...longestWord).contains(letters.count)
      && letters.allSatisfy { $0 >= 0x80 || ($0 | 0x20) >= UInt8(ascii: "a") && ($0 | 0x20) <= UInt8(ascii: "z") }
      && letters.dropFirst().allSatisfy { $0 & 0x20 != 0 }
  }

  /// Punctuation of sentences.
  private static func isMark(_ byte: UInt8) -> Bool { "`*_.,:;!?()".utf8.contains(byte) }
}
