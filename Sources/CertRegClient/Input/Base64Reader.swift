import CertRegCodec

/// Reads base64 of DER or PEM: one on each line, as thingpress takes it, or wrapped to lines of equal length.
struct Base64Reader: InputReader {
  /// Each attempt decodes all that was read, so that there are few of them.
  private static let maximumAttempts = 16

  private let stream: ByteStream
  private let name: String
  private let context: InputContext
  private var line = 0
  private var start = 0
  private var pending: [UInt8] = []
  /// The length of the first pending line.
  private var width = 0
  /// Whether the last of them can end an encoding.
  private var endsShort = false
  /// Whether the pending lines stand for a text.
  private var isText = false
  /// How many characters the pending encoding needs at least, as far as its header was read.
  private var neededCharacters = 0
  private var attempts = 0
  /// Whether the first encoding ended with its line. Then each line is an encoding, damaged or not.
  private var isOnePerLine: Bool?
  /// A line that was read to tell that the one before is an encoding of its own, and comes next.
  private var held: [UInt8]?

  init(_ stream: ByteStream, name: String, _ context: InputContext) {
    self.stream = stream
    self.name = name
    self.context = context
  }

  var fraction: Double? { stream.fraction }

  mutating func next() throws(InputError) -> Sighting? {
    while let text = try takeLine() {
      let trimmed = PEMBlock.trimmed(text[...])
      if trimmed.isEmpty {
        if pending.isEmpty { continue }
        return finished()
      }
      if !pending.isEmpty, let header = EncodingHeader(trimmed), header.isCertain {
        let isWhole = header.neededDigits.map { trimmed.count >= $0 } ?? false
        if isWhole || endsShort {
          // What is pending is damaged.
          if isWhole { isOnePerLine = true }
          held = text
          line -= 1
          return finished()
        }
      }
      if pending.isEmpty { (start, width) = (line, trimmed.count) }
      pending.append(contentsOf: trimmed)
      endsShort = trimmed.count < width || trimmed.last == UInt8(ascii: "=")
      guard pending.count <= ByteStream.maximumElementBytes else { throw ByteStream.elementTooLong }
      let isWhole = isWhole(lastLine: trimmed)
      if isOnePerLine == nil { isOnePerLine = isWhole }
      if isOnePerLine == true || isWhole { return finished() }
    }
    return pending.isEmpty ? nil : finished()
  }

  private mutating func takeLine() throws(InputError) -> [UInt8]? {
    line += 1
    guard let text = held else { return try stream.nextLine() }
    held = nil
    return text
  }

  private mutating func finished() -> Sighting {
    let text = pending
    pending = []
    (isText, neededCharacters, attempts) = (false, 0, 0)
    let place = "\(name):\(start)"
    let pieces = StrayLines.beginsArchive(text[...]) ? [StrayLines.archive(line: start)] : Value.pieces(text)
    let fallback = InputEntry(
      place: place,
      InputError(.noCertificate, "no base64 of a certificate: a character is missing, or another one is in its place"))
    return Sighting(context.entries(pieces, place: { _ in place }), orElse: fallback)
  }

  /// Whether the pending lines stand for a whole encoding or a whole text. The length of an encoding is in its header.
  /// A text ends with the last of several blocks: with a line that is shorter than the others, or padded.
  private mutating func isWhole(lastLine: ArraySlice<UInt8>) -> Bool {
    let isLast = lastLine.count < width || lastLine.last == UInt8(ascii: "=")
    if isText { return isLast }
    guard pending.count >= neededCharacters, attempts < Base64Reader.maximumAttempts else { return false }
    attempts += 1
    guard let bytes = Value.decoded(pending), let first = bytes.first else { return false }
    if first == 0x30 {
      guard let length = DERElements.declaredLength(bytes[...]) else { return false }
      // Three bytes take four characters of base64, and more of other forms. Two characters of an incomplete group may
      // be there.
      neededCharacters = pending.count + max(0, length - bytes.count) * 4 / 3 - 2
      // More than the encoding goes on to the end of its lines, so that it is judged as a whole.
      return length == bytes.count || length < bytes.count && (isLast || pending.count == width)
    }
    let text = TextEncoding.text(of: bytes)
    isText = text != nil
    return text.map { isLast || pending.count == width && $0.containsText("-----END ") } ?? false
  }

  /// Whether a text of which `head` is the beginning is base64 in lines.
  static func recognises(_ head: [UInt8]) -> Bool {
    let first = PEMBlock.trimmed(head.drop(while: Base64.isWhiteSpace).prefix { $0 != 0x0A })
    guard first.count >= 16, isBase64(first), HexRecord.motorola(first) == nil else { return false }
    let lines = head.split(separator: 0x0A).map(PEMBlock.trimmed).filter { !$0.isEmpty }
    // Bytes one by one are an encoding of their own.
    if zip(lines, lines.dropFirst()).contains(where: { $0.count < 4 && $1.count < 4 }) { return false }
    if !Value.pieces(first).isEmpty || lines.count == 1 { return true }
    if first.starts(with: "MI".utf8) || first.starts(with: "LS0t".utf8) { return lines.allSatisfy(isBase64) }
    return lines.allSatisfy { $0.count == first.count || $0 == lines.last }
  }

  private static func isBase64(_ line: ArraySlice<UInt8>) -> Bool {
    var digits = line
    while let last = digits.last, [0x22, 0x27, 0x3D].contains(last) { digits.removeLast() }
    return digits.allSatisfy { Base64.values[Int($0)] < 64 || [0x2D, 0x5F, 0x22, 0x27].contains($0) }
  }
}
