import CertRegCodec

/// A private key in base64 whose parts stand in several cells of a row.
enum SplitKey {
  /// The cells with the parts of a key; none where no key begins in the cell at `start`.
  static func cells(_ cells: [ArraySlice<UInt8>], from start: Int) -> Range<Int> {
    let first = PEMBlock.trimmed(cells[start])
    guard first.first == UInt8(ascii: "M"), first.count >= StrayLines.shortestLine, StrayLines.isBase64(first),
      let needed = EncodingHeader(first)?.neededDigits,
      let bytes = Base64.decodeAnyForm(first.prefix(first.count / 4 * 4)),
      DEROutline(bytes) == .otherContent(.privateKey)
    else { return start..<start }
    var count = first.count
    var end = start + 1
    while count < needed, end < cells.count {
      let cell = PEMBlock.trimmed(cells[end])
      guard StrayLines.isBase64(cell) else { break }
      count += cell.count
      end += 1
    }
    return start..<end
  }
}
