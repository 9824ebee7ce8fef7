import CertRegCodec

/// Digits of base64 or hexadecimal outside of PEM blocks, on lines in a row: encodings of certificates or keys, one on
/// each line or wrapped, or the rest of a block whose BEGIN line is missing.
struct StrayLines {
  /// Shorter lines begin no encoding.
  static let shortestLine = 16
  /// The digits of seven bytes.
  private static let shortestSpan = 14
  /// A longer run of lines is no single encoding.
  private static let maximumBytes = 256 * 1024
  /// A text can have many blocks.
  private static let maximumTextBytes = 16 * 1024 * 1024
  /// An encoding of a certificate is longer. What is shorter and breaks off is not worth a word.
  private static let shortestDamaged = 48

  /// The number of lines in the run.
  private var count = 0
  /// An encoding so far, and how it begins.
  private var text: [UInt8] = []
  private var header: EncodingHeader?
  private var firstLine = 0
  /// The length of the longest line of the encoding.
  private var width = 0
  /// Whether the last line is the last one of a wrapped encoding: it is shorter than the others, or padded.
  private var isLast = false
  /// Whether its lines end as those of quoted-printable text do.
  private var hasSoftBreaks = false
  /// Whether other text stands around the digits of the encoding.
  private var isDressed = false
  /// What stands before the bytes of each line.
  private(set) var label: [UInt8] = []
  /// Whether lines were left out, because there are too many.
  private var isCut = false
  /// What begins no encoding.
  private var headless = HeadlessDigits()
  /// What has ended with the last line. It is given out once no END boundary follows.
  private var finished: [Piece] = []

  /// Whether an encoding has begun and not ended.
  var isOpen: Bool { header != nil }

  /// How many things have ended with the last line.
  var finishedCount: Int { finished.count }

  /// Whether it is written in hexadecimal digits, which can stand one by one.
  var isHexadecimal: Bool { header?.isHexadecimal == true }

  /// Whether the digits are those of a text with boundaries.
  var isText: Bool { isHexadecimal && header?.neededDigits == nil }

  /// Whether a line consists of characters of base64, with padding at its end alone.
  static func isBase64(_ text: ArraySlice<UInt8>) -> Bool {
    let values = Base64.values
    let digits = text.prefix { values[Int($0)] < 64 }
    return text[digits.endIndex...].allSatisfy { $0 == UInt8(ascii: "=") } && !text.isEmpty
  }

  /// Takes the digits of a line, and adds what has ended with the line before.
  ///
  /// - Parameters:
  ///   - isDressed: Whether other text stands around them.
  ///   - label: What stands before them, if they are written one by one.
  mutating func take(
    _ line: ArraySlice<UInt8>, line number: Int, isDressed: Bool = false, label: [UInt8] = [], _ pieces: inout [Piece]
  ) {
    let line = header == nil && line.first == UInt8(ascii: "0") ? DressedLine.unmarked(line) : line
    // An identity of TLS has its certificate behind nine bytes of a line.
    guard count > 0 || line.count >= (isDressed ? StrayLines.shortestSpan : StrayLines.shortestLine) else { return }
    count += 1
    pieces += finished
    finished = []
    let own = EncodingHeader(line)
    let isCertain = own?.isCertain == true || header?.isCertain == true
    pieces += isCertain ? headless.ended() : headless.take(line, line: number)
    if count == 1, StrayLines.beginsArchive(line) { return pieces.append(StrayLines.archive(line: number)) }
    if own != nil, !isWithin(line) {
      let whole = StrayLines.pieces(line, line: number, isDressed: isDressed)
      if !whole.isEmpty {
        pieces += endedText()
        finished = whole
        headless.drop()
        return
      }
    }
    if let own, own.isCertain, header?.isCertain == false || isLast || hasNeeded { pieces += endedText() }
    if header == nil {
      guard let own else { return }
      (header, firstLine, width, self.isDressed, self.label) = (own, number, 0, isDressed, label)
    }
    append(line)
    if isComplete { finished = endedText() }
  }

  /// Takes a line with other text, on which nothing begins or goes on.
  mutating func takeOther(_ line: ArraySlice<UInt8>, line number: Int, _ pieces: inout [Piece]) {
    pieces += headless.take(line, line: number)
  }

  /// Whether base64 of a zip, gzip or 7z file begins, as mails attach it.
  static func beginsArchive(_ digits: ArraySlice<UInt8>) -> Bool {
    digits.count >= shortestDamaged && ["UEsDB", "H4sI", "N3q8ry"].contains { digits.starts(with: $0.utf8) }
  }

  /// What base64 of an archive is.
  static func archive(line: Int) -> Piece {
    let error = InputError(
      .otherContent, "an archive in base64, which is not read",
      advice: "save the attachment as a file, or decode it with base64 -d, and import that")
    return Piece(line: line, content: .damaged(error))
  }

  private mutating func append(_ line: ArraySlice<UInt8>) {
    width = max(width, line.count)
    isLast = line.count < width || line.last == UInt8(ascii: "=")
    guard text.count < (isText ? StrayLines.maximumTextBytes : StrayLines.maximumBytes) else {
      isCut = isText
      return
    }
    // In quoted-printable text such a sign is at the end of each line. Anywhere else it shows that a line is too many.
    let padding = line.reversed().prefix { $0 == UInt8(ascii: "=") }.count
    if text.isEmpty { hasSoftBreaks = padding == 1 && header?.neededDigits != nil }
    let digits = hasSoftBreaks ? line.dropLast(padding) : line
    guard WordDump.isLabel(label), let needed = header?.neededDigits else {
      text += digits
      return
    }
    text += WordDump.withoutFill(digits, needed: needed - text.count)
  }

  /// Whether a line is one more of those of an encoding. An extension can fill a line of a dump, and is an encoding of its
  /// own then.
  private func isWithin(_ line: ArraySlice<UInt8>) -> Bool {
    guard let header, header.isCertain, let needed = header.neededDigits, !isLast else { return false }
    return line.count <= width && text.count + line.count <= needed
  }

  /// Whether the encoding has the length that its header tells.
  private var hasNeeded: Bool { header?.neededDigits.map { text.count >= $0 } ?? false }

  /// Whether nothing more belongs to the encoding. Digits that reach its length before the last line have a line too
  /// many. Lines of a text can have any length where a log has them.
  private var isComplete: Bool {
    guard let header, let needed = header.neededDigits else { return isLast && !isText }
    return hasNeeded && (isLast || header.isHexadecimal && text.count == needed)
  }

  /// Ends the run where no END boundary follows.
  mutating func end(_ pieces: inout [Piece]) {
    endEncoding(&pieces)
    pieces += headless.ended()
  }

  /// Ends the encoding before a line that does not go on with it.
  mutating func endEncoding(_ pieces: inout [Piece]) {
    let ended = count > 0 ? finished + endedText() : []
    pieces += ended
    reset()
    if ended.last?.isDamaged == true { headless.passRest() }
  }

  /// Drops the run before an END boundary. Tells whether there was one.
  mutating func drop() -> Bool {
    defer { reset() }
    let isHeadless = !headless.ended().isEmpty
    return count > 0 || isHeadless
  }

  private mutating func reset() {
    (count, text, header, label, isLast, isCut, finished) = (0, [], nil, [], false, false, [])
  }

  private mutating func endedText() -> [Piece] {
    defer { (text, header, label, isLast, isCut) = ([], nil, [], false, false) }
    guard let header else { return [] }
    let found = StrayLines.pieces(text[...], line: firstLine, isDressed: isDressed)
    if !found.isEmpty { headless.drop() }
    if isCut {
      let error = InputError(
        .tooLong, "more than \(StrayLines.maximumTextBytes / 1_048_576) MiB of digits, of which the rest is not read")
      return found + [Piece(line: firstLine, content: .damaged(error))]
    }
    guard found.isEmpty, header.isCertain, text.count >= StrayLines.shortestDamaged else { return found }
    let keys = EmbeddedKey.isIn(text) ? [Piece(line: firstLine, content: .otherContent(.privateKey))] : []
    let digits = header.isHexadecimal ? "hexadecimal digits" : "base64"
    let error = InputError(
      .damagedText, "\(digits) of a certificate that breaks off, or in which a character is missing or another one")
    return keys + [Piece(line: firstLine, content: .damaged(error))]
  }

  /// What a text is that is an encoding as a whole; empty for anything else, such as a part of one.
  private static func pieces(_ text: ArraySlice<UInt8>, line: Int, isDressed: Bool) -> [Piece] {
    let text = Array(text)
    guard let bytes = Value.decoded(text), isWhole(bytes) else { return [] }
    let found = Value.encodedPieces(text).map { Piece(line: line, content: $0.content) }
    // Signatures and public keys stand beside certificates in many texts. A signature is a SEQUENCE of numbers, as a
    // key is.
    return isDressed ? found.filter { $0.content != .otherContent(.publicKey) } : found
  }

  private static func isWhole(_ bytes: [UInt8]) -> Bool {
    guard bytes.first != 0x30 else {
      return DERElements.declaredLength(bytes[...]).map { $0 <= bytes.count } ?? false
    }
    if (TextEncoding.text(of: bytes) ?? bytes).containsText("-----END ") { return true }
    return EncodingHeader(bytes[...]) != nil && (Value.decoded(bytes).map(isWhole) ?? false)
  }
}
