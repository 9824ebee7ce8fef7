import CertRegCodec
import CertRegCore

/// Reads the text of a cell, a JSON string or a line: PEM in any form, or base64 or hexadecimal digits of DER.
enum Value {
  /// Shorter texts hold neither certificates nor keys that can be recognised.
  private static let minimumBytes = 16
  /// Texts up to this length are taken for names, unless they are the whole of an encoding.
  private static let nameBytes = 100

  /// Kubernetes and others encode texts in base64 that are base64 already.
  private static let maximumDepth = 2

  /// What the text holds; empty where nothing is recognised.
  static func pieces(_ text: some Collection<UInt8>) -> [Piece] {
    pieces(Array(text), depth: 0)
  }

  private static func pieces(_ text: [UInt8], depth: Int) -> [Piece] {
    guard text.count >= minimumBytes else { return [] }
    let mayHoldBoundary = mayHoldBoundary(text)
    if !mayHoldBoundary {
      let found = encodedPieces(text, depth: depth)
      if !found.isEmpty || depth > 0 || text.count <= nameBytes { return found }
    }
    var scanner = PEMScanner()
    var pieces = scanner.pieces(ofAll: text)
    // A name with hyphens around it is none of the things that are looked for.
    pieces.removeAll { $0.content == .otherContent(.text) }
    if scanner.hasBoundary, !pieces.isEmpty { return pieces }
    let found = mayHoldBoundary ? encodedPieces(text, depth: depth) : []
    return found.isEmpty ? pieces : found
  }

  /// What a text holds that is an encoding as a whole. Boundaries in it are not looked for: `-` belongs to base64, too.
  static func encodedPieces(_ text: [UInt8]) -> [Piece] {
    text.count < minimumBytes ? [] : encodedPieces(text, depth: 0)
  }

  private static func encodedPieces(_ text: [UInt8], depth: Int) -> [Piece] {
    if text[0] == UInt8(ascii: "{") || text.holds(UInt8(ascii: ":")) || text.holds(UInt8(ascii: "-"))
      || text[0] == UInt8(ascii: "<"), let secret = secret(text) ?? (listsKey(text) ? .privateKey : nil)
    {
      return [Piece(line: 1, content: .otherContent(secret))]
    }
    if text.count > nameBytes, let signed = SignedEntry(text: text) { return signed.pieces }
    guard text.count > nameBytes || mayBeginEncoding(text), let decoded = decoded(text), !decoded.isEmpty else {
      return []
    }
    let bytes = TLSIdentity.certificates(decoded) ?? decoded
    if bytes[0] == 0x30 {
      if text.count <= nameBytes, DERElements.declaredLength(bytes[...]) != bytes.count { return [] }
      let found = Piece.pieces(ofDER: bytes, text: text)
      if found.first?.isDamaged == true, DEROutline(bytes) != .certificate { return [] }
      return found
    }
    return depth < maximumDepth ? TextEncoding.text(of: bytes).map { pieces($0, depth: depth + 1) } ?? [] : []
  }

  /// Whether a short text begins as base64 of a SEQUENCE or of PEM does, as digits of a SEQUENCE, or in quotes.
  private static func mayBeginEncoding(_ text: [UInt8]) -> Bool {
    [0x4D, 0x4C, 0x33, 0x22, 0x27, 0x20, 0x3D, 0x64].contains(text[0])
  }

  /// Texts of private keys without BEGIN lines.
  static func secret(_ text: [UInt8]) -> OtherContent? {
    if text.containsText("PuTTY-User-Key-File") || text.containsText("AGE-SECRET-KEY-") { return .privateKey }
    return text.containsText("\"kty\"") && text.containsText("\"d\"") ? .privateKey : nil
  }

  /// Whether a text has the numbers of a private key as `openssl pkey -text` lists them, or as .NET writes them in XML.
  static func listsKey(_ text: [UInt8]) -> Bool {
    guard text.holds(UInt8(ascii: ":")) || text.holds(UInt8(ascii: "<")) else { return false }
    if text.containsText("Private-Key: (") { return true }
    if text.containsText("<RSAKeyValue") && text.containsText("<D>") { return true }
    return ["priv:", "privateExponent:"].contains { name in
      let name = Array(name.utf8)
      return text.indices.contains { index in
        guard text[index] == name[0], text[index...].starts(with: name) else { return false }
        let digits = text[(index + name.count)...].drop(while: Base64.isWhiteSpace).prefix(3)
        return digits.count == 3 && digits.last == UInt8(ascii: ":")
          && digits.dropLast().allSatisfy { $0.hexDigitValue != nil }
      }
    }
  }

  private static func mayHoldBoundary(_ text: [UInt8]) -> Bool {
    text.containsText("BEGIN") || text.containsText("END ") || text.containsText("--")
  }

  /// The bytes that base64 or hexadecimal digits stand for. Quotation marks around the text do not count.
  static func decoded(_ text: [UInt8]) -> [UInt8]? {
    var body = PEMBlock.trimmed(text[...])
    if body.starts(with: "=\"".utf8) { body.removeFirst() }
    while let first = body.first, let last = body.last, body.count > 1, first == last, first == 0x22 || first == 0x27 {
      body = PEMBlock.trimmed(body.dropFirst().dropLast())
    }
    if body.starts(with: "data:".utf8), let comma = body.firstIndex(of: UInt8(ascii: ",")) {
      body = body[(comma + 1)...]
    }
    if body.contains(UInt8(ascii: "\\")) { body = EscapedText.resolvingLineEnds(body)[...] }
    body = DressedLine.unmarked(body)
    if body.starts(with: [0x33, 0x30]) || EncodingHeader.beginsBlock(body), let bytes = hexadecimal(body) {
      return bytes
    }
    return Base64.decodeAnyForm(body)
  }

  private static func hexadecimal(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in text where !Base64.isWhiteSpace(digit) && digit != UInt8(ascii: ":") {
      guard let value = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
      if let first = high {
        bytes.append(first << 4 | UInt8(value))
        high = nil
      } else {
        high = UInt8(value)
      }
    }
    return high == nil ? bytes : nil
  }
}
