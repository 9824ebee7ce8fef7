import CertRegCodec
import CertRegCore

/// Collects the bytes of a certificate or key that programs print as a string: bytes that are characters as these, and
/// others as escapes, as in Python's `b'0\x82\x03'` or `"0\202\003"`. The literals of one encoding can stand on several
/// lines.
struct EscapedBytes {
  /// So many bytes tell what begins, and how long it is.
  private static let headerBytes = 7
  /// No header is written with more characters.
  private static let longestHeader = 4 * headerBytes
  private static let backslash = UInt8(ascii: "\\")

  private var bytes: [UInt8] = []
  private var length = 0
  private var firstLine = 0
  /// The quotation mark of the literal; `nil`: the text is the whole value.
  private var quote: UInt8?
  private var isInside = false

  /// Whether an encoding has begun and not ended.
  var isOpen: Bool { !bytes.isEmpty }

  /// Takes the encodings of a line, and adds those that end. Returns whether there are any.
  mutating func take(_ line: ArraySlice<UInt8>, line number: Int, _ pieces: inout [Piece]) -> Bool {
    var hasTaken = isOpen
    var index = line.startIndex
    while index < line.endIndex {
      if !isOpen {
        guard let start = EscapedBytes.start(in: line, from: index) else { return hasTaken }
        (firstLine, isInside, hasTaken, index) = (number, true, true, start)
        quote = start > line.startIndex ? line[start - 1] : nil
      }
      if isInside {
        takeByte(of: line, &index, &pieces)
      } else if line[index] == UInt8(ascii: "\"") || line[index] == UInt8(ascii: "'") {
        (quote, isInside) = (line[index], true)
        index += 1
      } else if " \t\r+\\bBrR".utf8.contains(line[index]) {
        index += 1
      } else {
        end(&pieces)
      }
    }
    // A literal does not go on behind its line.
    if isInside, line.last != EscapedBytes.backslash { end(&pieces) }
    return hasTaken
  }

  /// Ends an encoding that is not complete.
  mutating func end(_ pieces: inout [Piece]) {
    defer { (bytes, isInside) = ([], false) }
    guard isOpen else { return }
    let error = InputError(.damagedText, "bytes of a certificate in a string that breaks off")
    let content = EmbeddedKey.isIn(bytes) ? Piece.Content.otherContent(.privateKey) : .damaged(error)
    pieces.append(Piece(line: firstLine, content: content))
  }

  private mutating func takeByte(of line: ArraySlice<UInt8>, _ index: inout Int, _ pieces: inout [Piece]) {
    if line[index] == quote {
      isInside = false
      index += 1
      return
    }
    guard let byte = EscapedBytes.byte(of: line, &index) else { return }
    bytes.append(byte)
    if bytes.count == EscapedBytes.headerBytes { length = DERElements.declaredLength(bytes[...]) ?? 0 }
    guard bytes.count >= max(length, EscapedBytes.headerBytes) else { return }
    pieces += Piece.pieces(ofDER: bytes).map { Piece(line: firstLine, content: $0.content) }
    (bytes, isInside) = ([], false)
  }

  /// Where the next encoding begins: at the beginning of a literal or of the text.
  private static func start(in line: ArraySlice<UInt8>, from start: Int) -> Int? {
    var index = start
    while let zero = line[index...].firstIndex(of: UInt8(ascii: "0")) {
      index = zero + 1
      guard zero == line.startIndex || line[zero - 1] == UInt8(ascii: "\"") || line[zero - 1] == UInt8(ascii: "'")
      else { continue }
      let head = line[zero...].prefix(longestHeader)
      guard head.contains(backslash) else { continue }
      var position = zero
      var bytes: [UInt8] = []
      while bytes.count < headerBytes, position < head.endIndex {
        if let byte = byte(of: head, &position) { bytes.append(byte) }
      }
      if bytes.count == headerBytes, ByteNumbers.mayBegin(bytes) { return zero }
    }
    return nil
  }

  /// The byte that is written at `index`, behind which it goes on; `nil` where a backslash continues the line.
  private static func byte(of text: ArraySlice<UInt8>, _ index: inout Int) -> UInt8? {
    let byte = text[index]
    index += 1
    guard byte == backslash else { return byte }
    guard index < text.endIndex else { return nil }
    let sign = text[index]
    let (start, count, radix) = sign | 0x20 == UInt8(ascii: "x") ? (index + 1, 2, 16) : (index, 3, 8)
    let written = text[min(start, text.endIndex)...].prefix(count)
    let digits = written.prefix { $0.hexDigitValue.map { $0 < radix } ?? false }
    if !digits.isEmpty {
      index = digits.endIndex
      return UInt8(truncatingIfNeeded: digits.reduce(0) { $0 * Int(radix) + Int($1.hexDigitValue ?? 0) })
    }
    index += 1
    return controls[sign] ?? sign
  }

  private static let controls: [UInt8: UInt8] = [
    UInt8(ascii: "a"): 0x07, UInt8(ascii: "b"): 0x08, UInt8(ascii: "t"): 0x09, UInt8(ascii: "n"): 0x0A,
    UInt8(ascii: "v"): 0x0B, UInt8(ascii: "f"): 0x0C, UInt8(ascii: "r"): 0x0D, UInt8(ascii: "e"): 0x1B,
  ]
}
