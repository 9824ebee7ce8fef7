import CertRegCodec

/// Tells which texts `PEM_read_bio_X509` of OpenSSL 3.0 reads a certificate from.
///
/// It follows what PEM_read_bio(3) documents and what its line reader does with long lines: a line comes in pieces of
/// at most 254 bytes, white space and bytes outside ASCII at the end of a piece are dropped, a NUL ends what is read of
/// a piece or of a label, a line with a colon starts the headers of RFC 1421, a blank line ends them, and after a blank
/// line the lines have to be of 64 characters but for the last.
struct OpenSSLPEMReader {
  private static let pieceLimit = 254

  private let text: UnsafeRawBufferPointer
  private var position = 0
  private var isFirst = true

  /// The text has to outlive the value.
  init(_ text: UnsafeRawBufferPointer) {
    self.text = text
  }

  /// Where the label of the block stands that OpenSSL takes: the first one labelled as a certificate. `nil` if that one
  /// is not well formed, or a block before it is not.
  mutating func certificateLabel() -> Range<Int>? {
    while let label = nextLabel() {
      guard let hasHeader = readBody(label: label) else { return nil }
      if text[label].elementsEqual("CERTIFICATE".utf8) || text[label].elementsEqual("X509 CERTIFICATE".utf8) {
        return hasHeader ? nil : label
      }
    }
    return nil
  }

  /// The next piece of a line without what is dropped at its end, and whether the line goes on after it; `nil` at the
  /// end.
  private mutating func nextPiece() -> (content: Range<Int>, isPartial: Bool)? {
    guard position < text.count else { return nil }
    var start = position
    let limit = min(text.count, start + OpenSSLPEMReader.pieceLimit)
    var end = start
    while end < limit, text[end] != UInt8(ascii: "\n") { end += 1 }
    let foundLineEnd = end < limit
    position = foundLineEnd ? end + 1 : end
    let isPartial = !foundLineEnd && end - start == OpenSSLPEMReader.pieceLimit
    if isFirst, position - start > 3, text[start..<position].starts(with: [0xef, 0xbb, 0xbf]) { start += 3 }
    isFirst = false
    while end > start, text[end - 1] <= 0x20 || text[end - 1] >= 0x80 { end -= 1 }
    return (start..<end, isPartial)
  }

  private mutating func nextLabel() -> Range<Int>? {
    while let (piece, _) = nextPiece() {
      if hasPrefix("-----BEGIN ", piece), piece.count >= 16, hasSuffix("-----", piece) {
        let label = piece.lowerBound + 11..<piece.upperBound - 5
        return label.lowerBound..<(text[label].firstIndex(of: 0) ?? label.upperBound)
      }
    }
    return nil
  }

  private enum Place {
    case headerOrBody
    case header
    case body
  }

  /// Reads up to the END line; returns whether there were headers, `nil` without an END line that fits.
  private mutating func readBody(label: Range<Int>) -> Bool? {
    var place = Place.headerOrBody
    var previousWasPartial = false
    var isPartial = false
    var sawShortLine = false
    var sawLine = false
    var sawHeader = false
    var decoder = Base64.Decoder()
    var isDecodable = true
    var isCutShort = false
    while let (piece, partial) = nextPiece() {
      previousWasPartial = isPartial
      isPartial = partial
      if place == .headerOrBody, text[piece].contains(UInt8(ascii: ":")) { place = .header }
      if piece.isEmpty {
        if previousWasPartial { continue }
        if place == .body { return nil }
        // Lines before the blank one were headers, whatever they look like.
        sawHeader = sawLine
        decoder = Base64.Decoder()
        isDecodable = true
        isCutShort = false
        place = .body
        continue
      }
      if hasPrefix("-----END ", piece) {
        let rest = piece.lowerBound + 9..<piece.upperBound
        guard rest.count == label.count + 5, text[rest].starts(with: text[label]), hasSuffix("-----", rest),
          place != .header, isDecodable, decoder.isComplete, !decoder.isEmpty
        else { return nil }
        return sawHeader
      }
      if sawShortLine { return nil }
      sawLine = true
      if place == .body {
        if piece.count > 64 { return nil }
        sawShortLine = piece.count < 64
      }
      if place != .header, isDecodable, !isCutShort {
        isDecodable = feed(piece, to: &decoder, isCutShort: &isCutShort)
      }
    }
    return nil
  }

  /// A hyphen ends the base64 text, and what follows it is not looked at.
  private func feed(_ piece: Range<Int>, to decoder: inout Base64.Decoder, isCutShort: inout Bool) -> Bool {
    for byte in text[piece].prefix(while: { $0 != 0 }) where byte != 0x20 && byte != 0x09 && byte != 0x0d {
      if byte == UInt8(ascii: "-") {
        isCutShort = true
        return decoder.isComplete
      }
      if case .fault = decoder.feed(byte) { return false }
    }
    return true
  }

  private func hasPrefix(_ prefix: StaticString, _ range: Range<Int>) -> Bool {
    range.count >= prefix.utf8CodeUnitCount && PEMLines.matches(prefix, in: text, at: range.lowerBound)
  }

  private func hasSuffix(_ suffix: StaticString, _ range: Range<Int>) -> Bool {
    range.count >= suffix.utf8CodeUnitCount
      && PEMLines.matches(suffix, in: text, at: range.upperBound - suffix.utf8CodeUnitCount)
  }
}
