import CertRegCodec
import CertRegCore

/// Collects the bytes of a certificate or key that are written as numbers, on one line or on many: `48, 130, 1`,
/// `48, -126, 1`, the dump of `od -t u1`, and a few hexadecimal bytes on each line. More of them on a line are read by
/// ``DressedLine``. The characters of a PEM block are such numbers, too: `45, 45, 45, 45, 45, 66`.
struct ByteNumbers {
  /// So many numbers begin an encoding behind other text.
  private static let fewestBytes = 8
  /// The tag of a SEQUENCE, with which every encoding begins.
  private static let sequence: UInt8 = 0x30
  /// So many bytes of an encoding tell what begins, and how long it is.
  private static let headerBytes = 7

  private var bytes: [UInt8] = []
  /// The length of the encoding; 0: not known yet.
  private var length = 0
  private var firstLine = 0
  private var isHexadecimal = false
  /// Whether the bytes are the characters of a text with blocks.
  private var isText: Bool { bytes.first == UInt8(ascii: "-") }

  /// Whether an encoding has begun and not ended.
  var isOpen: Bool { !bytes.isEmpty }

  /// Whether an encoding begins on a line with as many numbers as only an encoding has.
  static func begins(_ line: ArraySlice<UInt8>) -> Bool {
    var words = DecimalWords(line)
    while words.skipToStart() {
      if words.hasNumbers(fewestBytes) { return true }
      words.skipStart()
    }
    return false
  }

  /// Takes a line, and adds what has ended with it. Returns whether the line has nothing but numbers of encodings.
  mutating func take(_ line: ArraySlice<UInt8>, line number: Int, _ pieces: inout [Piece]) -> Bool {
    if takeHexadecimal(line, number, &pieces) { return true }
    var words = DecimalWords(line)
    var hasNumbers = false
    if isOpen { words.skipOffset() }
    while true {
      guard isOpen else {
        guard words.skipToStart() else { return hasNumbers && !words.hasOthers }
        if words.hasOthers, !words.hasNumbers(ByteNumbers.fewestBytes) {
          words.skipStart()
          continue
        }
        firstLine = number
        append(words.takeStart(), &pieces)
        hasNumbers = true
        continue
      }
      switch words.next() {
      case .number(let byte):
        hasNumbers = true
        append(byte, &pieces)
      case .other: end(&pieces)
      case .endOfLine: return hasNumbers && !words.hasOthers
      }
    }
  }

  /// Whether a line has nothing but one number that can be a byte.
  static func isByte(_ line: ArraySlice<UInt8>) -> Bool {
    line.count < 8 && (hexadecimal(line)?.count == 1 || DecimalWords(line).isOneNumber)
  }

  /// Takes a line of hexadecimal bytes, or ends an encoding in such bytes.
  private mutating func takeHexadecimal(_ line: ArraySlice<UInt8>, _ number: Int, _ pieces: inout [Piece]) -> Bool {
    guard isHexadecimal || !isOpen else { return false }
    let found = ByteNumbers.hexadecimal(line)
    guard isOpen else {
      guard let found, found.first == ByteNumbers.sequence, found.count < ByteNumbers.fewestBytes else { return false }
      (firstLine, isHexadecimal) = (number, true)
      for byte in found { append(byte, &pieces) }
      return true
    }
    guard let found else {
      if !line.isEmpty { end(&pieces) }
      return false
    }
    for byte in found where isOpen || byte == ByteNumbers.sequence {
      if !isOpen { firstLine = number }
      append(byte, &pieces)
    }
    if !isOpen { isHexadecimal = false }
    return true
  }

  /// The hexadecimal bytes of which a line consists, with a comment behind them; `nil` for anything else.
  static func hexadecimal(_ line: ArraySlice<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    for word in line.split(whereSeparator: DecimalWords.isSeparator) {
      if word.starts(with: "//".utf8) || word.starts(with: "/*".utf8) || word.first == UInt8(ascii: "#") { break }
      if word.elementsEqual("-".utf8) { continue }
      let prefix = word.prefix(2).map { $0 | 0x20 }
      let isMarked = prefix == Array("0x".utf8) || prefix == Array("\\x".utf8).map { $0 | 0x20 }
      let digits = word.dropFirst(isMarked ? 2 : 0)
      let values = digits.compactMap(\.hexDigitValue)
      guard values.count == digits.count, values.count == 2 || isMarked && values.count == 1 else { return nil }
      bytes.append(values.reduce(0) { $0 << 4 | $1 })
    }
    return bytes.isEmpty ? nil : bytes
  }

  /// Ends the run.
  mutating func end(_ pieces: inout [Piece]) {
    defer { (bytes, length, isHexadecimal) = ([], 0, false) }
    if isText {
      pieces += Value.pieces(bytes).map { Piece(line: firstLine, content: $0.content) }
      return
    }
    guard bytes.count >= ByteNumbers.fewestBytes else { return }
    pieces.append(
      Piece(
        line: firstLine,
        content: EmbeddedKey.isIn(bytes)
          ? .otherContent(.privateKey)
          : .damaged(
            InputError(
              .damagedText, "\(isHexadecimal ? "hexadecimal" : "decimal") numbers of a certificate that break off"))))
  }

  private mutating func append(_ byte: UInt8, _ pieces: inout [Piece]) {
    // Strings of C end with a zero.
    if isText, byte == 0 || bytes.count == PEMBlock.maximumBytes { return end(&pieces) }
    bytes.append(byte)
    if isText { return }
    if bytes.count <= ByteNumbers.headerBytes {
      // The number of a row or of a page stands before many an encoding, and may be 48, too.
      while !ByteNumbers.mayBegin(bytes) { bytes = Array(bytes.dropFirst().drop { $0 != ByteNumbers.sequence }) }
      guard bytes.count == ByteNumbers.headerBytes else { return }
      length = DERElements.declaredLength(bytes[...]) ?? 0
    }
    guard bytes.count >= length else { return }
    pieces += Piece.pieces(ofDER: bytes).map { Piece(line: firstLine, content: $0.content) }
    (bytes, length) = ([], 0)
  }

  /// Whether an encoding of a certificate, a bundle or a key can begin so. Longer ones than 64 KiB cannot.
  static func mayBegin(_ bytes: [UInt8]) -> Bool {
    guard bytes.count > 1 else { return true }
    if bytes[1] == 0x82 { return bytes.count < 5 || [0x30, 0x02, 0x06].contains(bytes[4]) }
    // Keys on elliptic curves are short.
    let content = bytes.dropFirst(bytes[1] == 0x81 ? 3 : 2)
    if bytes[1] == 0x81, content.first == 0x30 { return true }
    return (bytes[1] == 0x81 || bytes[1] < 0x80) && [0x02, 0x01].starts(with: content.prefix(2))
  }
}

/// The words of a line that can be numbers of bytes. Each byte of the line is looked at a bounded number of times.
private struct DecimalWords {
  enum Word: Equatable {
    case number(UInt8)
    /// Something else, or a closing bracket.
    case other
    case endOfLine
  }

  private static let start = Array("48".utf8)
  /// `-----B`
  private static let boundary = [Word.number(45), .number(45), .number(45), .number(45), .number(45), .number(66)]
  /// Those that signs take, too.
  private static let mostDigits = 4

  private let line: ArraySlice<UInt8>
  private var position: Int
  /// Whether something has been passed that is no number and says something.
  private(set) var hasOthers = false

  init(_ line: ArraySlice<UInt8>) {
    self.line = line
    position = line.startIndex
  }

  /// Passes an offset at the beginning of the line.
  mutating func skipOffset() {
    skipSeparators()
    let digits = line[position...].prefix { $0.isDecimalDigit }
    let next = line[digits.endIndex...].first
    if digits.count > 5, next.map(DecimalWords.isSeparator) ?? true { position = digits.endIndex }
  }

  /// Goes to the next number that can be the first one of an encoding.
  mutating func skipToStart() -> Bool {
    while position < line.endIndex {
      if isStart { return true }
      pass()
    }
    return false
  }

  /// Passes a number that begins no encoding.
  mutating func skipStart() {
    for _ in DecimalWords.start { pass() }
  }

  /// Takes the number that ``skipToStart()`` has found.
  mutating func takeStart() -> UInt8 {
    defer { position += DecimalWords.start.count }
    return line[position + 1] == DecimalWords.start[1] ? 0x30 : UInt8(ascii: "-")
  }

  /// Whether so many numbers stand here in a row.
  func hasNumbers(_ count: Int) -> Bool {
    var words = self
    for _ in 0..<count {
      guard case .number = words.next() else { return false }
    }
    return true
  }

  /// The next word. Something else stays where it is.
  mutating func next() -> Word {
    skipSeparators()
    guard position < line.endIndex else { return .endOfLine }
    let word = line[position...].prefix(DecimalWords.mostDigits)
    let digits = word.first == UInt8(ascii: "-") ? word.dropFirst() : word
    let number = digits.prefix { $0.isDecimalDigit }
    guard !number.isEmpty, number.count <= 3, line[number.endIndex...].first.map(DecimalWords.ends) ?? true else {
      return .other
    }
    let size = number.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    let value = digits.startIndex > word.startIndex ? -size : size
    guard (-128...255).contains(value) else { return .other }
    position = number.endIndex
    return .number(UInt8(truncatingIfNeeded: value))
  }

  /// Whether the line is one number.
  var isOneNumber: Bool {
    var words = self
    guard case .number = words.next(), case .endOfLine = words.next() else { return false }
    return true
  }

  private var isStart: Bool {
    if position > line.startIndex, DecimalWords.isWord(line[position - 1]) { return false }
    guard line[position...].starts(with: DecimalWords.start) else { return beginsBlock }
    let next = line[(position + DecimalWords.start.count)...].first
    return next.map { !DecimalWords.isWord($0) && $0 != UInt8(ascii: ".") } ?? true
  }

  /// Whether the characters of a BEGIN boundary follow.
  private var beginsBlock: Bool {
    guard line[position] == UInt8(ascii: "4") else { return false }
    var words = self
    return DecimalWords.boundary.allSatisfy { words.next() == $0 }
  }

  private mutating func pass() {
    let byte = line[position]
    if byte != UInt8(ascii: "-"), !DressedLine.isTrivial(byte) { hasOthers = true }
    position += 1
  }

  /// Passes what separates numbers, and the signs in front of the elements of lists in YAML.
  private mutating func skipSeparators() {
    while position < line.endIndex {
      let next = line[position...].dropFirst().first
      let isElement = line[position] == UInt8(ascii: "-") && next.map(DecimalWords.isSeparator) ?? true
      guard isElement || DecimalWords.isSeparator(line[position]) else { return }
      position += 1
    }
  }

  static func isSeparator(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x2C, 0x3B, 0x7C].contains(byte) }

  private static func ends(_ byte: UInt8) -> Bool { isSeparator(byte) || [0x7D, 0x5D, 0x29].contains(byte) }

  private static func isWord(_ byte: UInt8) -> Bool { Base64.values[Int(byte)] < 64 || byte == UInt8(ascii: "-") }
}
