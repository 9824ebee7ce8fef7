/// A block in a cell whose quotation mark is not closed. The mark is taken to stand behind the block. Lines of a block
/// that breaks off belong to the row, too, so that none of them is taken for a row with a name.
struct QuotedBlock {
  private var parser: CSVFieldParser
  private var isInside: Bool
  private var hasEnded = false
  /// Whether cells follow in the line of the END boundary.
  private var isFollowed = false

  /// - Parameter parser: What has read the first line.
  init(_ parser: CSVFieldParser) {
    self.parser = parser
    isInside = parser.isOpen && SplitBlock.isBegin(parser.last)
  }

  /// The cells of the record so far.
  var fields: [ArraySlice<UInt8>] { parser.fields }

  /// Whether the record has ended with a block.
  var isWhole: Bool { hasEnded && !parser.isOpen }

  /// Takes the next line, unless it is not the block's.
  mutating func take(_ line: ArraySlice<UInt8>) -> Bool {
    let text = PEMBlock.trimmed(line)
    if !isInside, hasEnded, !isFollowed, parser.isEndOfCell(text) {
      // The mark is there, and that of a later cell is missing.
      parser.takeLineEnd()
      takeCells(text)
      return true
    }
    if !isInside {
      // Other blocks of the device can follow.
      guard hasEnded, !isFollowed, SplitBlock.isBegin(text) else { return false }
      (isInside, hasEnded) = (true, false)
    } else if text.starts(with: SplitBlock.end) {
      takeEnd(text)
      return true
    } else if !SplitBlock.isLine(text) {
      return false
    }
    parser.takeLineEnd()
    parser.take(text)
    return true
  }

  /// Takes the line of an END boundary.
  private mutating func takeEnd(_ text: ArraySlice<UInt8>) {
    let label = text.dropFirst(SplitBlock.end.count)
    let hyphens = label.firstIndex(of: UInt8(ascii: "-")) ?? label.endIndex
    let end = label[hyphens...].firstIndex { $0 != UInt8(ascii: "-") } ?? label.endIndex
    parser.takeLineEnd()
    parser.take(text[..<end])
    (isInside, hasEnded) = (false, true)
    isFollowed = end < text.endIndex
    guard isFollowed else { return }
    let mark = UInt8(ascii: "\"")
    takeCells(text[end] == mark ? text[end...] : ([mark] + text[end...])[...])
  }

  /// Takes the end of the cell with the cells behind it, of which the last one can begin a block, too.
  private mutating func takeCells(_ text: ArraySlice<UInt8>) {
    parser.take(text)
    isFollowed = true
    if parser.isOpen, SplitBlock.isBegin(parser.last) {
      (isInside, hasEnded, isFollowed) = (true, false, false)
    }
  }

  /// Ends the cell behind the last block.
  mutating func finish() {
    if hasEnded, !isFollowed { parser.take([UInt8(ascii: "\"")]) }
  }
}
