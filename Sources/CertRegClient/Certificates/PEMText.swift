import CertRegCodec

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
      return Base64.decodeAnyForm(lines.prefix { !$0.starts(with: "-----".utf8) }.joined())
    }
  }

  private(set) var blocks: [Block] = []
  /// Whether there is text outside the blocks other than white space.
  private(set) var hasTextOutside = false

  /// Reads a text. A boundary that does not begin its line counts as text, as it does for OpenSSL.
  init(_ bytes: [UInt8]) {
    var open: Block?
    bytes.withUnsafeBytes { text in
      for line in PEMLines(text, from: 0) {
        let range = line.whole.lowerBound..<(line.content.isEmpty ? line.whole.lowerBound : line.content.upperBound)
        func string(_ range: Range<Int>) -> String { String(decoding: text[range], as: UTF8.self) }
        if let label = PEMLines.beginLabel(range, in: text) {
          if let unfinished = open { blocks.append(unfinished) }
          open = Block(label: string(label), text: "")
        }
        guard open != nil else {
          if !line.content.isEmpty { hasTextOutside = true }
          continue
        }
        open?.text += string(range) + "\n"
        if let label = PEMLines.endLabel(range, in: text) {
          open?.endLabel = string(label)
          if let finished = open { blocks.append(finished) }
          open = nil
        }
      }
    }
    if let unfinished = open { blocks.append(unfinished) }
  }
}
