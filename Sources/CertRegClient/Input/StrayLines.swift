import CertRegCodec

/// Lines of base64 in a row, outside of PEM blocks: encodings of certificates or keys, one on each line or wrapped, or the rest of
/// a block whose BEGIN line is missing.
struct StrayLines {
  /// Shorter lines begin no encoding.
  private static let shortestLine = 16
  /// A longer run of lines is no single encoding.
  private static let maximumBytes = 256 * 1024

  /// The number of lines in the run.
  private var count = 0
  private var firstLine = 0
  /// The lines of the run so far, as long as none is an encoding by itself.
  private var text: [UInt8] = []
  /// What the last line is by itself. It is given out once no END boundary follows.
  private var whole: [Piece] = []

  /// Whether a line consists of characters of base64.
  static func isBase64(_ text: ArraySlice<UInt8>) -> Bool {
    let values = Base64.values
    return text.allSatisfy { values[Int($0)] != Base64.invalid } && !text.isEmpty
  }

  /// Takes a line, and adds what has ended with the line before.
  mutating func take(_ line: ArraySlice<UInt8>, line number: Int, _ pieces: inout [Piece]) {
    guard count > 0 || line.count >= StrayLines.shortestLine else { return }
    pieces += whole
    whole = StrayLines.pieces(line, line: number)
    if !whole.isEmpty {
      endText(&pieces)
    } else if text.count < StrayLines.maximumBytes {
      if text.isEmpty { firstLine = number }
      text += line
    }
    count += 1
  }

  /// Ends the run where no END boundary follows.
  mutating func end(_ pieces: inout [Piece]) {
    guard count > 0 else { return }
    endText(&pieces)
    pieces += whole
    _ = drop()
  }

  /// Drops the run before an END boundary. Tells whether there was one.
  mutating func drop() -> Bool {
    defer { (count, text, whole) = (0, [], []) }
    return count > 0
  }

  private mutating func endText(_ pieces: inout [Piece]) {
    if !text.isEmpty { pieces += StrayLines.pieces(text[...], line: firstLine) }
    text = []
  }

  /// What a text is that is an encoding as a whole; empty for anything else, such as a part of one.
  private static func pieces(_ text: ArraySlice<UInt8>, line: Int) -> [Piece] {
    // SEQUENCEs and PEM begin so in base64.
    let text = Array(text)
    guard text.first == UInt8(ascii: "M") || text.starts(with: "LS0t".utf8), let bytes = Value.decoded(text),
      isWhole(bytes)
    else { return [] }
    return Value.encodedPieces(text).map { Piece(line: line, content: $0.content) }
  }

  private static func isWhole(_ bytes: [UInt8]) -> Bool {
    guard bytes.first == 0x30 else { return bytes.containsText("-----END ") }
    return DERElements.declaredLength(bytes[...]).map { $0 <= bytes.count } ?? false
  }
}
