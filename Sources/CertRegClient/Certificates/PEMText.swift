/// Finds the blocks in a text with PEM encodings (RFC 7468), without judging their content.
struct PEMText {
  /// One block, from its BEGIN line to its END line.
  struct Block: Hashable {
    var label: String
    /// The lines of the block, each ended by LF. Without an END line the block extends to the next BEGIN line or the end.
    var text: String
    /// The label of the END line; `nil` without one.
    var endLabel: String?

    /// Whether this is PKCS#7 or CMS (RFC 7468 sections 8 and 9).
    var holdsPKCS7: Bool { ["PKCS7", "PKCS #7 SIGNED DATA", "CMS"].contains(label) }

    /// The decoded content; `nil` where it is not base64.
    var content: [UInt8]? {
      let lines = text.utf8.split(separator: UInt8(ascii: "\n")).dropFirst()
      return Base64.decode(lines.prefix { !$0.starts(with: "-----".utf8) }.joined())
    }
  }

  var blocks: [Block] = []
  /// Whether there is text outside the blocks other than white space.
  var hasTextOutside = false

  /// Dashes that are not at the beginning of a line count as text, as they do for OpenSSL.
  init(_ bytes: [UInt8]) {
    var open: Block?
    // The last line end does not begin another line.
    let text = bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...]
    for line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      let trimmed = PEMText.trimmingEnd(line)
      if let label = PEMText.label(of: trimmed, after: "-----BEGIN ") {
        if let unfinished = open { blocks.append(unfinished) }
        open = Block(label: label, text: "")
      }
      guard open != nil else {
        if !trimmed.isEmpty { hasTextOutside = true }
        continue
      }
      open?.text += String(decoding: trimmed, as: UTF8.self) + "\n"
      if let label = PEMText.label(of: trimmed, after: "-----END ") {
        open?.endLabel = label
        if let finished = open { blocks.append(finished) }
        open = nil
      }
    }
    if let unfinished = open { blocks.append(unfinished) }
  }

  private static func trimmingEnd<Line: Collection<UInt8>>(_ line: Line) -> [UInt8] {
    var bytes = Array(line)
    while let last = bytes.last, Base64.isSpace(last) { bytes.removeLast() }
    return bytes
  }

  private static func label(of line: [UInt8], after prefix: StaticString) -> String? {
    let start = Array("\(prefix)".utf8)
    guard line.count >= start.count + 5, line.starts(with: start), line.suffix(5).elementsEqual("-----".utf8) else {
      return nil
    }
    return String(decoding: line[start.count..<(line.count - 5)], as: UTF8.self)
  }
}
