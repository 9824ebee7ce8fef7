import CertRegCodec

/// Collects the bytes of a certificate or key that are written as numbers, on one line or on many: `48, 130, 1`, `48,
/// -126, 1`, and the dump of `od -t u1`.
struct DecimalBytes {
  /// Longer runs of numbers are no single encoding.
  private static let maximumBytes = 256 * 1024
  /// So many numbers begin an encoding behind other text.
  private static let fewestBytes = 8
  /// The first number of an encoding.
  private static let begin = Array("48".utf8)

  private var bytes: [UInt8] = []
  private var firstLine = 0

  /// Whether an encoding has begun and not ended.
  var isOpen: Bool { !bytes.isEmpty }

  /// Takes a line, and adds what has ended with it. Returns whether the line has nothing but numbers of encodings.
  mutating func take(_ line: ArraySlice<UInt8>, line number: Int, _ pieces: inout [Piece]) -> Bool {
    var rest = line
    var hasOthers = false
    if isOpen {
      if let run = DecimalBytes.numbers(line, hasOffset: true) {
        append(run.numbers, &pieces)
        rest = line[run.end...]
      }
      // A closing bracket ends the numbers, and so does a line with something else.
      if rest.startIndex < line.endIndex { end(&pieces) }
    }
    while !isOpen, let start = DecimalBytes.start(in: rest) {
      let isBehindOthers = !rest[..<start].allSatisfy { DressedLine.isTrivial([$0]) || $0 == UInt8(ascii: "-") }
      let run = DecimalBytes.numbers(rest[start...], hasOffset: false)
      guard let run, run.numbers.count >= DecimalBytes.fewestBytes || !isBehindOthers else {
        rest = rest[(start + DecimalBytes.begin.count)...]
        hasOthers = true
        continue
      }
      hasOthers = hasOthers || isBehindOthers
      firstLine = number
      append(run.numbers, &pieces)
      rest = rest[run.end...]
      if !rest.isEmpty { end(&pieces) }
    }
    return !hasOthers && rest.startIndex > line.startIndex && rest.allSatisfy { DressedLine.isTrivial([$0]) }
  }

  /// Ends the run.
  mutating func end(_ pieces: inout [Piece]) {
    defer { bytes = [] }
    guard bytes.count >= DecimalBytes.fewestBytes else { return }
    pieces.append(
      Piece(
        line: firstLine,
        content: EmbeddedKey.isIn(bytes)
          ? .thing(.privateKey)
          : .damaged(InputError(.damagedText, "decimal numbers of a certificate that break off"))))
  }

  private mutating func append(_ numbers: [UInt8], _ pieces: inout [Piece]) {
    bytes += numbers
    guard DecimalBytes.mayBegin(bytes), bytes.count < DecimalBytes.maximumBytes else {
      bytes = []
      return
    }
    guard bytes.count > 6, let length = DERElements.declaredLength(bytes[...]), length <= bytes.count else { return }
    pieces += Piece.pieces(ofDER: bytes).map { Piece(line: firstLine, content: $0.content) }
    bytes = []
  }

  /// Whether an encoding of a certificate, a bundle or a key can begin so.
  private static func mayBegin(_ bytes: [UInt8]) -> Bool {
    guard bytes.count > 1 else { return true }
    if bytes[1] == 0x82 { return bytes.count < 5 || [0x30, 0x02, 0x06].contains(bytes[4]) }
    // Keys on elliptic curves are short.
    let content = bytes.dropFirst(bytes[1] == 0x81 ? 3 : 2)
    if bytes[1] == 0x81, content.first == 0x30 { return true }
    return (bytes[1] == 0x81 || bytes[1] < 0x80) && [0x02, 0x01].starts(with: content.prefix(2))
  }

  /// Where the first number of an encoding stands on a line: behind no other number.
  private static func start(in line: ArraySlice<UInt8>) -> Int? {
    var index = line.startIndex
    while index < line.endIndex {
      guard line[index] == begin[0], line[index...].starts(with: begin) else {
        index += 1
        continue
      }
      let next = line[(index + 2)...].first
      let before = index > line.startIndex ? line[index - 1] : 0x20
      if !isWord(before), next.map({ !isWord($0) && $0 != UInt8(ascii: ".") }) ?? true { return index }
      index += 2
    }
    return nil
  }

  private static func isWord(_ byte: UInt8) -> Bool { Base64.values[Int(byte)] < 64 || byte == UInt8(ascii: "-") }

  /// The numbers up to a closing bracket or the end of the line, and where they end; `nil` where there is something
  /// else.
  ///
  /// - Parameter hasOffset: Whether an offset can stand in front.
  private static func numbers(_ line: ArraySlice<UInt8>, hasOffset: Bool) -> (numbers: [UInt8], end: Int)? {
    let end = line.firstIndex { [0x7D, 0x5D, 0x29].contains($0) } ?? line.endIndex
    let words = line[..<end].split { [0x20, 0x09, 0x2C, 0x3B, 0x7C].contains($0) }
    var numbers: [UInt8] = []
    for (index, word) in words.enumerated() {
      if index == 0, hasOffset, word.count > 5, word.allSatisfy({ (0x30...0x39).contains($0) }) { continue }
      // Lists in YAML.
      if word == [UInt8(ascii: "-")] { continue }
      guard word.count <= 4, let value = Int(String(decoding: word, as: UTF8.self)), (-128...255).contains(value) else {
        return nil
      }
      numbers.append(UInt8(truncatingIfNeeded: value))
    }
    return (numbers, end)
  }
}
