import CertRegCodec

/// Finds PEM blocks in a text, line by line: with any text around them, indented, quoted, commented out, escaped, on one line,
/// joined or damaged. No BEGIN boundary gets past it.
struct PEMScanner {
  private var open: PEMBlock?
  private var literal: EscapedText.Literal?
  /// The number of the last line.
  private var line = 0
  /// Lines of base64 outside of blocks in a row. They are a block whose BEGIN line is missing, if END follows.
  private var strayLines = 0
  /// Whether a boundary has been seen.
  private(set) var hasBoundary = false

  /// Takes the next line, without its LF, and adds what has ended with it.
  mutating func take(_ text: ArraySlice<UInt8>, _ pieces: inout [Piece]) {
    line += 1
    if literal == nil, PEMScanner.isBase64(text) {
      if open != nil { open?.append(text) } else if text.count >= 16 { strayLines += 1 }
      return
    }
    if open == nil { literal = nil }
    if var current = literal {
      let content = current.content(of: text)
      literal = current
      return take(resolved: content[...], &pieces)
    }
    guard open == nil, let begin = PEMBoundary.first(in: text, from: text.startIndex), begin.begins,
      begin.range.lowerBound > text.startIndex, PEMScanner.isQuote(text[begin.range.lowerBound - 1])
    else {
      guard text.contains(UInt8(ascii: "\\")) else { return takeLine(text, isPlain: true, &pieces) }
      return take(resolved: EscapedText.resolvingLineEnds(text)[...], &pieces)
    }
    var opened = EscapedText.Literal(quote: text[begin.range.lowerBound - 1])
    let content = opened.content(of: text[begin.range.lowerBound...])
    literal = opened
    take(resolved: content[...], &pieces)
  }

  /// Ends the text.
  mutating func finish(_ pieces: inout [Piece]) {
    if let block = open { pieces += block.pieces(end: nil) }
    open = nil
  }

  private static func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }

  private static func isBase64(_ text: ArraySlice<UInt8>) -> Bool {
    text.allSatisfy { Base64.values[Int($0)] != Base64.invalid } && !text.isEmpty
  }

  private mutating func take(resolved text: ArraySlice<UInt8>, _ pieces: inout [Piece]) {
    for part in text.split(separator: 0x0A, omittingEmptySubsequences: true) {
      takeLine(part, isPlain: false, &pieces)
    }
  }

  private mutating func takeLine(_ text: ArraySlice<UInt8>, isPlain: Bool, _ pieces: inout [Piece]) {
    var position = text.startIndex
    while let boundary = PEMBoundary.first(in: text, from: position) {
      hasBoundary = true
      let before = text[position..<boundary.range.lowerBound]
      let fillsLine = before.isEmpty && position == text.startIndex
      position = boundary.range.upperBound
      if boundary.begins {
        if var block = open {
          if !before.isEmpty { block.append(before) }
          pieces += block.pieces(end: nil)
        }
        let rest = PEMBlock.trimmed(text[position...])
        let plain = isPlain && fillsLine && rest.isEmpty && boundary.isExact
        open = PEMBlock(
          line: line, begin: boundary, prefix: Array(plain ? text[boundary.range] : before), isPlain: plain)
      } else if var block = open {
        if !PEMBlock.trimmed(before).isEmpty {
          block.isPlain = false
          block.append(before)
        } else if !fillsLine {
          block.isPlain = false
        }
        pieces += block.pieces(end: boundary)
        open = nil
      } else if strayLines > 0 || !PEMBlock.trimmed(before).isEmpty {
        pieces.append(Piece(line: line, content: PEMScanner.missingBegin(boundary)))
      }
      strayLines = 0
    }
    let rest = text[position...]
    guard open != nil else {
      strayLines = PEMScanner.isBase64(PEMBlock.trimmed(rest)) && rest.count >= 16 ? strayLines + 1 : 0
      return
    }
    if !rest.isEmpty || position == text.startIndex { open?.append(rest) }
  }

  private static func missingBegin(_ end: PEMBoundary) -> Piece.Content {
    if end.label.contains("PRIVATE") { return .thing(.privateKey) }
    return .damaged(InputError(.damagedText, "the block that ends here has no BEGIN line"))
  }
}
