import CertRegCodec
import CertRegCore

/// Finds the digits of encodings on a line of any text: in quotes, behind a key, between tags, in a dump or an array.
enum DressedLine {
  /// Digits in a row.
  struct Span {
    /// The digits, without what separates them.
    var digits: ArraySlice<UInt8>
    /// Whether other text stands before them, so that they go on with nothing.
    var begins: Bool
    /// Whether other text follows, so that nothing goes on with them.
    var ends: Bool
    /// What stands before bytes that are written one by one, without its digits: `[] RX: ` of `[1A] RX: 30 82`.
    var label: [UInt8] = []

    /// Whether the digits begin a text with boundaries.
    var isText: Bool { EncodingHeader.beginsBlock(digits) }
  }

  /// What stands around the parts of one encoding in the languages of programs, in comments and in quoted texts.
  private static let trivial = Set("\"'`,;\\+()[]{}.&#/*>| \t\r_".utf8)

  /// Whether a line has nothing but quotation marks and the like.
  static func isTrivial(_ line: ArraySlice<UInt8>) -> Bool {
    !line.isEmpty && line.allSatisfy(trivial.contains)
  }

  /// The same for one byte of a line.
  static func isTrivial(_ byte: UInt8) -> Bool { trivial.contains(byte) }

  /// The spans of a line.
  ///
  /// - Parameters:
  ///   - isOpen: Whether an encoding has begun on a line before, so that digits of any kind can go on with it.
  ///   - label: What stood before its bytes.
  static func spans(_ line: ArraySlice<UInt8>, isOpen: Bool, label: [UInt8]) -> [Span] {
    if let span = bytes(line, isOpen: isOpen, label: label) { return [span] }
    var spans: [Span] = []
    var isOther = false
    var index = line.startIndex
    while index < line.endIndex {
      guard isDigit(line[index]) else {
        if !trivial.contains(line[index]) { isOther = true }
        index += 1
        continue
      }
      let start = index
      index = line[index...].firstIndex { !isDigit($0) } ?? line.endIndex
      while index < line.endIndex, line[index] == UInt8(ascii: "=") { index += 1 }
      let digits = unmarked(line[start..<index])
      // The signs that join literals are digits, too.
      if digits.count < 3, digits.allSatisfy(trivial.contains) { continue }
      let begins =
        digits.count >= StrayLines.shortestLine && EncodingHeader(digits) != nil || StrayLines.beginsArchive(digits)
      guard begins || !isOther && (spans.isEmpty ? isOpen && isFilled(line[index...], after: digits) : true) else {
        isOther = true
        continue
      }
      if isOther, !spans.isEmpty { spans[spans.count - 1].ends = true }
      spans.append(Span(digits: digits, begins: isOther, ends: false))
      isOther = false
    }
    if isOther, !spans.isEmpty { spans[spans.count - 1].ends = true }
    return spans
  }

  /// Whether nothing but digits follows, up to the end of a line or the beginning of a tag.
  private static func isFilled(_ rest: ArraySlice<UInt8>, after digits: ArraySlice<UInt8>) -> Bool {
    // Padding in quoted-printable.
    if digits.last == UInt8(ascii: "="), rest.starts(with: "3D".utf8) { return true }
    return rest.prefix { $0 != UInt8(ascii: "<") }.allSatisfy { isDigit($0) || trivial.contains($0) }
  }

  /// Hexadecimal digits without the sign in front of them: `0x3082`, or `\x3082` as PostgreSQL writes it. An identity of
  /// TLS has a header there.
  static func unmarked(_ digits: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    if let identity = TLSIdentity.withoutHeader(digits) { return identity }
    var rest = digits
    if rest.first == UInt8(ascii: "0") { rest.removeFirst() }
    guard let sign = rest.popFirst(), sign | 0x20 == UInt8(ascii: "x"),
      rest.starts(with: [0x33, 0x30]) || EncodingHeader.beginsBlock(rest)
    else { return digits }
    return rest
  }

  /// A line with `0x` in place of the sign that PostgreSQL writes in front of the digits of bytes, as in `\x3082`; `nil`
  /// where there is none. In front of fewer digits it stands for one character.
  static func markingDigits(_ line: ArraySlice<UInt8>) -> [UInt8]? {
    var marked: [UInt8]?
    var index = line.startIndex
    while let sign = line[index...].firstIndex(of: UInt8(ascii: "\\")) {
      index = sign + 1
      let digits = line[index...].dropFirst().prefix(StrayLines.shortestLine)
      guard line[index...].first == UInt8(ascii: "x"), digits.count == StrayLines.shortestLine,
        digits.allSatisfy({ $0.hexDigitValue != nil })
      else { continue }
      if marked == nil { marked = Array(line) }
      marked?[sign - line.startIndex] = UInt8(ascii: "0")
    }
    return marked
  }

  /// Base64 and base64url (RFC 4648 sections 4 and 5).
  static func isDigit(_ byte: UInt8) -> Bool {
    Base64.values[Int(byte)] < 64 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
  }

  // MARK: Bytes one by one

  private static let cast = Array("(byte)".utf8)
  private static let directives = [".byte ", ".db ", "db ", "DB "].map { Array($0.utf8) }

  /// A line without the words that Java and assemblers put in front of bytes; `nil` where there are none.
  static func withoutByteWords(_ line: ArraySlice<UInt8>) -> [UInt8]? {
    // A dump of bytes can begin with 0xDB, too.
    if let word = directives.first(where: line.starts), ByteNumbers.hexadecimal(line) == nil {
      return Array(line.dropFirst(word.count))
    }
    guard line.contains(cast[0]) else { return nil }
    var rest = line
    var plain: [UInt8] = []
    while let byte = rest.first {
      let isCast = byte == cast[0] && rest.starts(with: cast)
      if !isCast { plain.append(byte) }
      rest = rest.dropFirst(isCast ? cast.count : 1)
    }
    return plain.count < line.count ? plain : nil
  }

  /// So many bytes begin an encoding on a line.
  private static let fewestBytes = 8

  /// Bytes that are written one by one: `30:82:01`, `30 82 01`, `0x30, 0x82`, `\x30\x82`, and the dumps of xxd, hexdump
  /// and od.
  ///
  /// - Parameters:
  ///   - isOpen: Whether an encoding has begun on a line before.
  ///   - label: What stood before its bytes, as logs write it before those of each line; empty: nothing of the kind.
  static func bytes(_ line: ArraySlice<UInt8>, isOpen: Bool, label: [UInt8]) -> Span? {
    if let span = WordDump.span(line, isOpen: isOpen, label: label) { return span }
    if let digits = HexRecord.data(line) {
      let begins = !isOpen && EncodingHeader(digits)?.isHexadecimal == true
      return isOpen || begins ? Span(digits: digits, begins: begins, ends: false) : nil
    }
    let clean = line.firstIndex { !isOffset($0) } ?? line.endIndex
    var unlabelled: Span?
    var index = line.startIndex
    while index < line.endIndex {
      guard index == line.startIndex || !isWordByte(line[index - 1]) else {
        index += 1
        continue
      }
      var run = ByteRun(line[index...], isAtStart: index == line.startIndex)
      guard run.count > 0 else {
        index += 1
        continue
      }
      run.dropOffset()
      let own = run.start > clean ? withoutNumbers(line[..<run.start]) : []
      if isOpen, own == label { return Span(digits: run.digits[...], begins: false, ends: false) }
      if isOpen, own.isEmpty {
        // What may be the number of a line stands before the label.
        if unlabelled == nil { unlabelled = Span(digits: run.digits[...], begins: false, ends: false) }
      } else if unlabelled == nil, run.count >= fewestBytes, case let digits = unmarked(run.digits[...]),
        EncodingHeader(digits)?.isHexadecimal == true
      {
        return Span(digits: digits, begins: run.start > clean, ends: false, label: own)
      }
      index = max(run.end, index + 1)
    }
    return unlabelled
  }

  /// A debugger counts its lines from a symbol on: `<device_cert+8>`, and the first one is `<device_cert>`.
  private static func withoutNumbers(_ text: ArraySlice<UInt8>) -> [UInt8] {
    text.suffix(longestLabel).filter { $0.hexDigitValue == nil && $0 != UInt8(ascii: "+") }
  }

  /// More of a line is not compared.
  private static let longestLabel = 64

  /// Whether a byte can stand before the bytes of a line: as a part of their offset, or of what surrounds them.
  private static func isOffset(_ byte: UInt8) -> Bool {
    byte.hexDigitValue != nil || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "x") || trivial.contains(byte)
  }

  fileprivate static func isWordByte(_ byte: UInt8) -> Bool {
    Base64.values[Int(byte)] < 64 || byte == UInt8(ascii: "_")
  }
}

/// Hexadecimal bytes from the beginning of a text on, with something between them.
private struct ByteRun {
  /// Where the first byte is.
  private(set) var start: Int
  /// Where the run ends.
  private(set) var end: Int
  private(set) var digits: [UInt8] = []
  /// The number of bytes.
  var count: Int { digits.count / 2 }

  private static let separators = Set(" \t,:;-\"'".utf8)
  private let text: ArraySlice<UInt8>
  private var tokenCount = 0
  private var firstToken: (digits: Int, next: Int) = (0, 0)
  /// Whether the bytes stand in groups of two, as xxd writes them.
  private var isPaired = false

  /// - Parameter isAtStart: Whether an offset can stand before the bytes, as Wireshark writes it.
  init(_ text: ArraySlice<UInt8>, isAtStart: Bool) {
    self.text = text
    start = isAtStart ? ByteRun.offset(text) : text.startIndex
    end = start
    var index = start
    while let token = ByteRun.token(text, at: index) {
      digits += token.count == 1 ? [0x30] + token : token
      end = token.endIndex
      tokenCount += 1
      if tokenCount == 2 { isPaired = token.count == 4 }
      index = end
      while index < text.endIndex, ByteRun.separators.contains(text[index]) { index += 1 }
      if tokenCount == 1 { firstToken = (token.count, index) }
      let gap = text[end..<index]
      guard index < text.endIndex, !gap.isEmpty || text[index] == UInt8(ascii: "\\") else { break }
      // Behind the bytes, dumps have them as characters. Some have a gap in the middle of the bytes, too.
      let isBlank = gap.starts(with: [0x20, 0x20])
      let isMiddle = count == 8 || count == 10 && firstToken.digits == 4
      if isBlank, gap.count > 2 || isPaired || !isMiddle && tokenCount > 1 { break }
    }
  }

  /// Where the bytes begin behind an offset of four digits and three spaces.
  private static func offset(_ text: ArraySlice<UInt8>) -> Int {
    let head = text.prefix(longestOffset)
    let digits = head.prefix { $0.hexDigitValue != nil }
    let blanks = head[digits.endIndex...].prefix { $0 == 0x20 }
    let isOffset =
      digits.count == 4 && digits.last == UInt8(ascii: "0") && blanks.count == 3
      && token(text, at: blanks.endIndex)?.count == 2
    return isOffset ? blanks.endIndex : text.startIndex
  }

  private static let longestOffset = 7

  /// Leaves out an offset of four digits before the bytes.
  mutating func dropOffset() {
    let next = text[min(firstToken.next, text.endIndex)...]
    guard firstToken.digits == 4, tokenCount > 1,
      text[start..<firstToken.next].contains(UInt8(ascii: ":")) || !isPaired,
      !next.isEmpty
    else { return }
    digits.removeFirst(4)
    start = firstToken.next
  }

  /// The digits of a byte, or of two; `nil` for anything else.
  private static func token(_ text: ArraySlice<UInt8>, at index: Int) -> ArraySlice<UInt8>? {
    var start = index
    let prefix = text[start...].prefix(2)
    let isMarked =
      prefix.count == 2 && prefix.last.map { $0 | 0x20 } == UInt8(ascii: "x")
      && (prefix.first == UInt8(ascii: "0") || prefix.first == UInt8(ascii: "\\"))
    if isMarked { start += 2 }
    let end = text[start...].firstIndex { $0.hexDigitValue == nil } ?? text.endIndex
    guard end == text.endIndex || !DressedLine.isWordByte(text[end]) else { return nil }
    return end - start == 2 || end - start == (isMarked ? 1 : 4) ? text[start..<end] : nil
  }
}
