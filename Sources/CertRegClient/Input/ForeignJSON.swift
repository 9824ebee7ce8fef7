import CertRegCodec

/// Text that begins like JSON and is none: with the signs of a template, or with the lines of a log around a PEM block.
enum ForeignJSON {
  private static let boundary = Array("-----BEGIN ".utf8)
  /// The signs of Jinja, and of Go's templates, which Helm has.
  private static let signs = ["{%", "{{", "{#"].map { Array($0.utf8) }

  /// Whether a text that begins with `head` has such a form.
  static func recognises(_ head: [UInt8]) -> Bool {
    let text = head.drop(while: Base64.isWhiteSpace)
    return signs.contains(where: text.starts) || surroundsBlock(head)
  }

  /// Whether a block stands between values without a certificate. Certificates in JSON bring the names of their devices.
  private static func surroundsBlock(_ text: [UInt8]) -> Bool {
    guard text.containsText("\n-----BEGIN ") else { return false }
    var rest = text[...]
    while let start = rest.firstIndex(where: { !JSONExtent.isBetween($0) }) {
      rest = rest[start...]
      if rest.starts(with: boundary) { return true }
      let begins = rest.first == UInt8(ascii: "{") || rest.first == UInt8(ascii: "\"")
      guard begins, !signs.contains(where: rest.starts) else {
        rest = rest.drop { $0 != 0x0A }
        continue
      }
      var extent = JSONExtent()
      guard let end = extent.end(in: rest), !extent.isBroken,
        Value.pieces(rest[..<end]).allSatisfy({ $0.certificate == nil })
      else { return false }
      rest = rest[end...]
    }
    return false
  }
}
