import CertRegCodec

/// The common case: one certificate in the form of RFC 7468 section 2, without other text.
enum PlainPEM {
  private static let begin = Array("-----BEGIN CERTIFICATE-----".utf8)
  private static let end = Array("-----END CERTIFICATE-----".utf8)

  /// Decodes `text` where it is plain; `nil` means only that the general parser has to read the text.
  ///
  /// Plain means: lines of equal length (the last may be shorter) of at most 76 characters in whole groups of four,
  /// ended by LF or CRLF, without white space, blank lines or anything before or after. Every policy takes such a text.
  static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
    guard text.count <= CertificatePEM.maximumCharacters, let first = line(begin, in: text, at: 0) else { return nil }
    var isPlain = false
    let decoded = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3) { bytes, count in
      isPlain = Base64.values.withUnsafeBufferPointer { decodeLines(of: text, from: first, $0, into: bytes, &count) }
    }
    return isPlain ? decoded : nil
  }

  /// Decodes from the first base64 line to the END line; each group of four characters gives at most three bytes, which
  /// is what `bytes` has room for.
  private static func decodeLines(
    of text: UnsafeRawBufferPointer, from first: Int, _ values: UnsafeBufferPointer<UInt8>,
    into bytes: UnsafeMutableBufferPointer<UInt8>, _ count: inout Int
  ) -> Bool {
    var position = first
    var width = 0
    var isLast = false
    while position < text.count, text[position] != UInt8(ascii: "-") {
      let start = position
      while position + 4 <= text.count {
        let group = (
          values[Int(text[position])], values[Int(text[position + 1])], values[Int(text[position + 2])],
          values[Int(text[position + 3])]
        )
        guard group.0 | group.1 | group.2 | group.3 < 64 else { break }
        bytes[count] = group.0 << 2 | group.1 >> 4
        bytes[count + 1] = group.1 << 4 | group.2 >> 2
        bytes[count + 2] = group.2 << 6 | group.3
        count += 3
        position += 4
      }
      let hasPadding = decodePadded(text, at: &position, values, into: bytes, &count)
      let length = position - start
      if width == 0 { width = length }
      guard !isLast, length > 0, length <= min(width, 76), let next = lineEnd(in: text, at: position) else {
        return false
      }
      isLast = hasPadding || length < width
      position = next
    }
    return count > 0 && isEnd(of: text, at: position)
  }

  /// Decodes a group that ends in one or two equals signs, if one stands at `position`.
  private static func decodePadded(
    _ text: UnsafeRawBufferPointer, at position: inout Int, _ values: UnsafeBufferPointer<UInt8>,
    into bytes: UnsafeMutableBufferPointer<UInt8>, _ count: inout Int
  ) -> Bool {
    guard position + 4 <= text.count, text[position + 3] == UInt8(ascii: "=") else { return false }
    let group = (
      values[Int(text[position])], values[Int(text[position + 1])], values[Int(text[position + 2])]
    )
    guard group.0 | group.1 < 64, group.2 < 64 || group.2 == Base64.padding else { return false }
    bytes[count] = group.0 << 2 | group.1 >> 4
    count += 1
    if group.2 < 64 {
      bytes[count] = group.1 << 4 | group.2 >> 2
      count += 1
    }
    position += 4
    return true
  }

  /// The position after `expected` and a line end; `nil` if another text stands at `position`.
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
