import CertRegCodec

// What becomes of a block that cannot be decoded.
extension PEMBlock {
  /// Fewer digits hold no private key.
  private static let shortestSecret = 20
  /// A line that is so much longer or shorter than the first one lacks more than a few characters.
  private static let mostMissing = 4

  /// What only the daemon can say what is wrong with, or a failure: what does not begin as a certificate, or has a line
  /// of something else in it, can hold a private key in a form that nothing tells, and is sent nowhere.
  func undecodable(_ end: PEMBoundary?, _ outline: DEROutline) -> Piece.Content {
    let readable = PEMBlock.readable(body)
    if outline != .certificate, body.count(where: { Base64.values[Int($0)] < 64 }) >= PEMBlock.shortestSecret {
      return .damaged(
        InputError(
          .damagedText,
          "the block does not begin as a certificate does: its first characters are damaged, or it is something else"))
    }
    if let number = PEMBlock.foreignLine(readable) {
      let missing = InputError(.damagedText, "the END line is missing: it has to read -----END \(begin.label)-----")
      let foreign = InputError(
        .damagedText,
        "line \(line + number) is longer or shorter than the others of the block, or ends with =: "
          + "it is of something else, or lacks characters")
      return .damaged(end == nil ? missing : foreign)
    }
    let sent = text(end, readable)
    // Without an END line the text is the rest of the file.
    return .certificate(InputCertificate(undecodable: sent, of: end == nil ? sent : text(end, body)))
  }

  /// The number of a line, counted from BEGIN, that is none of the encoding's: it has another length than the first one
  /// or padding, and is not the last; `nil` where there is none.
  private static func foreignLine(_ text: [UInt8]) -> Int? {
    let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false).map(trimmed).enumerated()
      .filter { !$0.element.isEmpty }
    guard let width = lines.first?.element.count else { return nil }
    return lines.dropLast().first { _, line in
      abs(line.count - width) > mostMissing || line.last == UInt8(ascii: "=")
    }.map { $0.offset + 1 }
  }

  /// The text up to the first character that cannot be read, where the daemon stops, too. What follows can be anything:
  /// without an END line it is the rest of the file.
  private static func readable(_ body: [UInt8]) -> [UInt8] {
    var decoder = Base64.Decoder()
    for (index, byte) in body.enumerated() where !Base64.isWhiteSpace(byte) {
      guard case .fault = decoder.feed(byte) else { continue }
      // A character of UTF-8 stays whole.
      let end = body[(index + 1)...].firstIndex { $0 & 0xC0 != 0x80 } ?? body.count
      // What has neither letters nor digits tells nothing.
      let tells = body[end...].contains { Base64.values[Int($0)] < 62 }
      return tells ? body[..<end] + [0x0A] : body
    }
    return body
  }
}
