import CertRegArchive
import CertRegCodec
import CertRegCore

/// Finds PEM blocks in a text, line by line: with any text around them, indented, quoted, commented out, escaped, on
/// one line, joined or damaged. No BEGIN boundary gets past it.
struct PEMScanner {
  private var open: PEMBlock?
  private var literal: EscapedText.Literal?
  /// Whether the block may be a BEGIN boundary that a text quotes.
  private var isQuotation = false
  /// The tags and entities of the lines.
  private var markup = Markup()
  /// The number of the last line.
  private var line = 0
  /// Lines of base64 outside of blocks in a row. They are a block whose BEGIN line is missing, if END follows.
  private var stray = StrayLines()
  /// Numbers outside of blocks that are the bytes of an encoding.
  private var numbers = ByteNumbers()
  /// Strings outside of blocks that are the bytes of an encoding.
  private var strings = EscapedBytes()
  /// A value of a registry outside of blocks.
  private var registry = RegistryBlob()
  /// Whether a boundary has been seen.
  private(set) var hasBoundary = false
  /// No JWS with a certificate is shorter.
  private static let shortestSigned = 200
  /// Whether binary data has been seen since the last boundary.
  private var isInBinary = false

  /// Takes the next line, without its LF, and adds what has ended with it.
  mutating func take(_ text: ArraySlice<UInt8>, _ pieces: inout [Piece]) {
    line += 1
    guard !takeDigits(text, &pieces) else { return }
    let visible = InvisibleText.removed(from: text)
    let plain = EscapedText.resolvingControls(visible?[...] ?? text, isInBlock: open != nil) ?? visible
    guard let plain else { return takeVisible(text, &pieces) }
    for part in plain.split(separator: 0x0A, omittingEmptySubsequences: false) {
      if !takeDigits(part, &pieces) { takeVisible(part, &pieces) }
    }
  }

  /// Takes a line of a string, or one of base64 and nothing else.
  private mutating func takeDigits(_ text: ArraySlice<UInt8>, _ pieces: inout [Piece]) -> Bool {
    if strings.isOpen, strings.take(text, line: line, &pieces) { return true }
    guard literal == nil, !stray.isHexadecimal, !numbers.isOpen, StrayLines.isBase64(text), text.count > 4,
      open != nil || HexRecord.motorola(text) == nil
    else { return false }
    if open != nil { open?.append(text) } else { stray.take(text, line: line, &pieces) }
    return true
  }

  private mutating func takeVisible(_ text: ArraySlice<UInt8>, _ pieces: inout [Piece]) {
    if open == nil { literal = nil }
    if let current = literal, !current.isInside { leave(current, text, &pieces) }
    if var current = literal {
      let content = current.content(of: text)[...]
      literal = current
      return take(resolved: Markup.resolvingCharacters(of: content)?[...] ?? content, &pieces)
    }
    guard open == nil, let begin = PEMBoundary.first(in: text, from: text.startIndex), begin.begins,
      begin.range.lowerBound > text.startIndex, PEMScanner.isQuote(text[begin.range.lowerBound - 1])
    else { return takePlain(text, &pieces) }
    takeBefore(text[..<(begin.range.lowerBound - 1)], &pieces)
    var opened = EscapedText.Literal(quote: text[begin.range.lowerBound - 1])
    let content = opened.content(of: text[begin.range.lowerBound...])[...]
    literal = opened
    take(resolved: Markup.resolvingCharacters(of: content)?[...] ?? content, &pieces)
  }

  /// Takes a whole text.
  mutating func pieces(ofAll text: [UInt8]) -> [Piece] {
    var pieces: [Piece] = []
    let lines = text.last == 0x0A ? text.dropLast() : text[...]
    for line in lines.split(separator: 0x0A, omittingEmptySubsequences: false) { take(line, &pieces) }
    finish(&pieces)
    return pieces
  }

  /// Ends the text.
  mutating func finish(_ pieces: inout [Piece]) {
    finishBlock(&pieces)
    stray.end(&pieces)
    numbers.end(&pieces)
    strings.end(&pieces)
    registry.end(&pieces)
  }

  private mutating func finishBlock(_ pieces: inout [Piece], end: PEMBoundary? = nil) {
    if let block = open {
      let isText = isQuotation && block.isEmpty
      pieces += isText ? [Piece(line: block.line, content: .otherContent(.text))] : block.pieces(end: end)
    }
    open = nil
    isQuotation = false
  }

  private static func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }

  /// Ends a block in a literal that was closed before this line, if the line has a boundary outside of quotes: what was
  /// quoted was no block, or has no end.
  private mutating func leave(_ closed: EscapedText.Literal, _ text: ArraySlice<UInt8>, _ pieces: inout [Piece]) {
    if StrayLines.isBase64(text) { isQuotation = false }
    guard let boundary = PEMBoundary.first(in: text, from: text.startIndex),
      closed.isOutside(boundary.range.lowerBound, in: text)
    else { return }
    if !boundary.begins { isQuotation = false }
    finishBlock(&pieces)
    literal = nil
  }

  /// Takes a line that is no part of a literal.
  private mutating func takePlain(_ written: ArraySlice<UInt8>, _ pieces: inout [Piece]) {
    let text = open == nil ? DressedLine.markingDigits(written)?[...] ?? written : written
    if open == nil, registry.take(text, line: line, &pieces) { return }
    if text.contains(UInt8(ascii: "\\")) {
      if open == nil, strings.take(text, line: line, &pieces) { return }
      // A byte that is escaped can be that of a line end.
      if open == nil, let span = bytes(of: text), !PEMScanner.hasBoundary(text) { return take(span, &pieces) }
      return take(resolved: EscapedText.resolvingLineEnds(text)[...], &pieces)
    }
    if let resolved = markup.resolving(text), open != nil || PEMScanner.hasBoundary(resolved[...]) {
      return take(resolved: resolved[...], &pieces)
    }
    takeLine(text, isPlain: true, &pieces)
  }

  /// Bytes of an encoding that are written one by one.
  private func bytes(of text: ArraySlice<UInt8>) -> DressedLine.Span? {
    DressedLine.bytes(text, isOpen: stray.isOpen, label: stray.label)
  }

  private static func hasBoundary(_ text: ArraySlice<UInt8>) -> Bool {
    PEMBoundary.first(in: text, from: text.startIndex) != nil
  }

  private mutating func take(resolved text: ArraySlice<UInt8>, _ pieces: inout [Piece]) {
    for part in text.split(separator: 0x0A, omittingEmptySubsequences: true) {
      takeLine(part, isPlain: false, &pieces)
    }
  }

  private mutating func takeLine(_ text: ArraySlice<UInt8>, isPlain: Bool, _ pieces: inout [Piece]) {
    var position = text.startIndex
    while let boundary = PEMBoundary.first(in: text, from: position) {
      // Dumps have the characters of a text beside its bytes.
      if open == nil, position == text.startIndex, let span = bytes(of: text), span.isText || stray.isText {
        return take(span, &pieces)
      }
      hasBoundary = true
      isInBinary = false
      let before = text[position..<boundary.range.lowerBound]
      let fillsLine = before.isEmpty && position == text.startIndex
      position = boundary.range.upperBound
      if open == nil, !stray.isOpen, Mention.isMention(boundary, in: text) {
        pieces.append(Piece(line: line, content: .otherContent(.text)))
      } else if boundary.begins {
        if open != nil {
          if !before.isEmpty { open?.append(before) }
          finishBlock(&pieces)
        } else {
          takeBefore(before, &pieces)
        }
        stray.end(&pieces)
        numbers.end(&pieces)
        let plain = isPlain && fillsLine && boundary.isExact && PEMBlock.trimmed(text[position...]).isEmpty
        isQuotation = literal?.isInside == false
        open = PEMBlock(
          line: line, begin: boundary, prefix: Array(plain ? text[boundary.range] : before), isPlain: plain)
      } else if var block = open {
        if !PEMBlock.trimmed(before).isEmpty {
          block.isPlain = false
          block.append(before)
        } else if !fillsLine {
          block.isPlain = false
        }
        open = block
        finishBlock(&pieces, end: boundary)
      } else if stray.drop() || !PEMBlock.trimmed(before).isEmpty {
        pieces.append(Piece(line: line, content: PEMScanner.missingBegin(boundary)))
      }
    }
    let rest = text[position...]
    guard open != nil else { return takeOutside(PEMBlock.trimmed(rest), &pieces) }
    if !rest.isEmpty || position == text.startIndex { open?.append(rest) }
  }

  /// Takes what stands in front of a block on its line.
  private mutating func takeBefore(_ text: ArraySlice<UInt8>, _ pieces: inout [Piece]) {
    if text.count >= StrayLines.shortestLine { takeOutside(PEMBlock.trimmed(text), &pieces) }
  }

  /// Takes text outside of blocks. A key without boundaries counts, too.
  private mutating func takeOutside(_ line: ArraySlice<UInt8>, _ pieces: inout [Piece]) {
    var text = DressedLine.withoutByteWords(line).map { $0[...] } ?? line
    if ContentKind.beginsUuencode(line) { pieces.append(Piece(line: self.line, content: .otherContent(.uuencoded))) }
    if stray.isOpen, !stray.isHexadecimal, endsBase64(text, &pieces) { stray.end(&pieces) }
    if !stray.isOpen, numbers.take(text, line: self.line, &pieces) { return }
    if !stray.isHexadecimal, StrayLines.isBase64(text), HexRecord.motorola(text) == nil {
      return stray.take(text, line: self.line, &pieces)
    }
    if let rest = takeSigned(text, &pieces) { text = rest[...] }
    let plain = Markup.resolvingCharacters(of: text).map { $0[...] } ?? text
    let found = pieces.count + stray.finishedCount
    for part in plain.split(separator: 0x0A) { takeSpans(PEMBlock.trimmed(part), &pieces) }
    if !stray.isOpen, pieces.count + stray.finishedCount == found { stray.takeOther(plain, line: self.line, &pieces) }
    if text.isEmpty { stray.end(&pieces) }
    if hasBoundary, !isInBinary, text.contains(where: PEMScanner.isBinary) {
      isInBinary = true
      pieces.append(Piece(line: self.line, content: PEMScanner.binary(text)))
    }
    if text.count >= 16, let secret = Value.secret(Array(text)) ?? (Value.listsKey(Array(text)) ? .privateKey : nil) {
      pieces.append(Piece(line: self.line, content: .otherContent(secret)))
    }
  }

  /// Takes the words of a line that are a JWS with something in it. Returns the line without them; `nil` where there are
  /// none.
  private mutating func takeSigned(_ text: ArraySlice<UInt8>, _ pieces: inout [Piece]) -> [UInt8]? {
    guard text.count >= PEMScanner.shortestSigned, text.contains(UInt8(ascii: ".")) else { return nil }
    var rest: [UInt8] = []
    var position = text.startIndex
    for word in text.split(whereSeparator: { " \t\"',;=<>".utf8.contains($0) })
    where word.count >= PEMScanner.shortestSigned {
      guard let found = SignedEntry(text: word)?.pieces, !found.isEmpty else { continue }
      stray.end(&pieces)
      pieces += found.map { Piece(line: line, content: $0.content) }
      rest += text[position..<word.startIndex]
      position = word.endIndex
    }
    return position == text.startIndex ? nil : rest + text[position...]
  }

  /// Whether numbers begin on a line behind base64 of any text, which has no length. The first of them can be the last
  /// line of the base64, too. So it is taken for both.
  private mutating func endsBase64(_ text: ArraySlice<UInt8>, _ pieces: inout [Piece]) -> Bool {
    if ByteNumbers.begins(text) { return true }
    guard ByteNumbers.isByte(text) else {
      numbers.end(&pieces)
      return false
    }
    if numbers.isOpen { return true }
    _ = numbers.take(text, line: line, &pieces)
    return false
  }

  /// Takes the digits of encodings on a line with other text.
  private mutating func takeSpans(_ text: ArraySlice<UInt8>, _ pieces: inout [Piece]) {
    var spans = DressedLine.spans(text, isOpen: stray.isOpen, label: stray.label)
    // A text has no zeros: dumps end with an offset.
    if stray.isText,
      !spans.allSatisfy({ $0.digits.allSatisfy { $0.hexDigitValue != nil } && !$0.digits.starts(with: "00".utf8) })
    {
      stray.endEncoding(&pieces)
      spans = DressedLine.spans(text, isOpen: false, label: [])
    }
    if spans.isEmpty, !DressedLine.isTrivial(text) { stray.endEncoding(&pieces) }
    for span in spans { take(span, &pieces) }
  }

  private mutating func take(_ span: DressedLine.Span, _ pieces: inout [Piece]) {
    if span.begins { stray.endEncoding(&pieces) }
    stray.take(span.digits, line: line, isDressed: true, label: span.label, &pieces)
    if span.ends { stray.endEncoding(&pieces) }
  }

  /// Control characters that occur neither in texts nor in recordings of terminals.
  private static func isBinary(_ byte: UInt8) -> Bool {
    byte < 0x07 || byte >= 0x0E && byte < 0x20 && byte != 0x1A && byte != 0x1B
  }

  /// What binary data is that was appended to a text. A file that would be read by itself fails.
  private static func binary(_ text: ArraySlice<UInt8>) -> Piece.Content {
    let isFile = text.first == 0x30 || Archive.kind(of: text)?.isRead == true
    guard isFile else { return .otherContent(ContentKind.binary(text)) }
    return .damaged(
      InputError(
        .damagedText, "binary data behind PEM, which is not read", advice: "give it as a file of its own, or as PEM"))
  }

  private static func missingBegin(_ end: PEMBoundary) -> Piece.Content {
    if end.label.contains("PRIVATE") { return .otherContent(.privateKey) }
    return .damaged(InputError(.damagedText, "the block that ends here has no BEGIN line"))
  }
}
