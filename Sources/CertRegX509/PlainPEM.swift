/// The common case: one certificate, written as RFC 7468 section 2 says and with nothing around it.
enum PlainPEM {
  private static let begin = Array("-----BEGIN CERTIFICATE-----".utf8)
  private static let end = Array("-----END CERTIFICATE-----".utf8)

  /// Decodes `text` where it is plain; `nil` says nothing but that the general parser has to look.
  ///
  /// Plain means: lines of equal length (the last may be shorter) of at most 76 characters, ended by LF or CRLF, without
  /// white space, blank lines or anything before or after. Every policy takes such a text.
  static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
    guard text.count <= CertificatePEM.maximumCharacters, var position = line(begin, in: text, at: 0) else {
      return nil
    }
    var isValid = false
    let decoded = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3 + 3) { buffer, initialized in
      var decoder = Base64.Decoder()
      var width = 0
      var isLast = false
      while position < text.count, text[position] != UInt8(ascii: "-") {
        let start = position
        while position < text.count, Base64.values[Int(text[position])] != Base64.invalid {
          switch decoder.feed(text[position]) {
          case .none: break
          case .bytes(let group, let count):
            buffer[initialized] = UInt8(truncatingIfNeeded: group >> 16)
            if count > 1 { buffer[initialized + 1] = UInt8(truncatingIfNeeded: group >> 8) }
            if count > 2 { buffer[initialized + 2] = UInt8(truncatingIfNeeded: group) }
            initialized += count
          case .fault: return
          }
          position += 1
        }
        let length = position - start
        if width == 0 { width = length }
        guard length > 0, length <= min(width, 76), !isLast, let next = lineEnd(in: text, at: position) else { return }
        isLast = length < width
        position = next
      }
      isValid = decoder.isComplete && !decoder.isEmpty && isEnd(of: text, at: position)
    }
    return isValid ? decoded : nil
  }

  /// The position after `expected` and a line end, where that is what stands at `position`.
  private static func line(_ expected: [UInt8], in text: UnsafeRawBufferPointer, at position: Int) -> Int? {
    guard has(expected, in: text, at: position) else { return nil }
    return lineEnd(in: text, at: position + expected.count)
  }

  private static func has(_ expected: [UInt8], in text: UnsafeRawBufferPointer, at position: Int) -> Bool {
    position + expected.count <= text.count && text[position..<position + expected.count].elementsEqual(expected)
  }

  private static func lineEnd(in text: UnsafeRawBufferPointer, at position: Int) -> Int? {
    guard position < text.count else { return nil }
    if text[position] == UInt8(ascii: "\n") { return position + 1 }
    guard text[position] == UInt8(ascii: "\r"), position + 1 < text.count, text[position + 1] == UInt8(ascii: "\n")
    else { return nil }
    return position + 2
  }

  /// Whether the END line stands at `position` with nothing but line ends after it.
  private static func isEnd(of text: UnsafeRawBufferPointer, at position: Int) -> Bool {
    guard has(end, in: text, at: position) else { return false }
    var rest = position + end.count
    while rest < text.count {
      guard let next = lineEnd(in: text, at: rest) else { return false }
      rest = next
    }
    return true
  }
}
