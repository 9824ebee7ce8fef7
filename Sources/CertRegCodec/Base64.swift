/// Base64 (RFC 4648 section 4).
package enum Base64 {
  /// What is wrong with a text.
  package enum Fault: Error {
    /// A character outside the alphabet.
    case character(UInt8)
    /// Text after the padding, or characters that do not make whole groups of four.
    case lengthOrPadding
  }

  /// In ``values``: a character outside the alphabet.
  package static let invalid: UInt8 = 0xff
  /// In ``values``: the equals sign.
  package static let padding: UInt8 = 0xfe

  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// The characters of a text of `count` bytes, padding included.
  private static func length(of count: Int) -> Int { (count + 2) / 3 * 4 }

  /// The value of each byte as a character: 0 to 63, ``padding`` or ``invalid``.
  package static let values: [UInt8] = {
    var values = [UInt8](repeating: invalid, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
    values[Int(UInt8(ascii: "="))] = padding
    return values
  }()

  /// Whether `byte` is white space in the C locale, which the readers of base64 and PEM skip.
  package static func isWhiteSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte >= 0x09 && byte <= 0x0d
  }

  // MARK: Writing

  /// `bytes` as text, with padding and without line breaks.
  package static func encode(_ bytes: [UInt8]) -> String {
    bytes.withUnsafeBufferPointer { bytes in
      String(unsafeUninitializedCapacity: length(of: bytes.count)) { write(bytes, to: $0) }
    }
  }

  /// Appends the same text.
  package static func append(_ bytes: ArraySlice<UInt8>, to text: inout [UInt8]) {
    text += bytes.withUnsafeBufferPointer { bytes in
      [UInt8](unsafeUninitializedCapacity: length(of: bytes.count)) { text, count in count = write(bytes, to: text) }
    }
  }

  /// Writes the text of `bytes`, for which `text` has room. By pointers: each certificate goes through here, and arrays
  /// take three times as many instructions for a character.
  ///
  /// - Returns: Its length.
  private static func write(_ bytes: UnsafeBufferPointer<UInt8>, to text: UnsafeMutableBufferPointer<UInt8>) -> Int {
    alphabet.withUnsafeBufferPointer { alphabet in
      let character = { (group: UInt32, shift: UInt32) in alphabet[Int(truncatingIfNeeded: group >> shift & 63)] }
      var end = 0
      var index = 0
      while index < bytes.count {
        let left = bytes.count - index
        let group =
          UInt32(bytes[index]) << 16 | (left > 1 ? UInt32(bytes[index + 1]) << 8 : 0)
          | (left > 2 ? UInt32(bytes[index + 2]) : 0)
        text[end] = character(group, 18)
        text[end + 1] = character(group, 12)
        text[end + 2] = left > 1 ? character(group, 6) : UInt8(ascii: "=")
        text[end + 3] = left > 2 ? character(group, 0) : UInt8(ascii: "=")
        index += 3
        end += 4
      }
      return end
    }
  }

  // MARK: Reading

  /// The bytes that `text` stands for. White space is skipped; padding is required.
  ///
  /// - Throws: ``Fault`` for the first thing that is wrong.
  package static func decode(_ text: some Collection<UInt8>) throws(Fault) -> [UInt8] {
    try text.withBytes { bytes in Result { () throws(Fault) in try read(bytes) } }.get()
  }

  /// The bytes that `text` stands for, read generously: base64 or base64url (RFC 4648 section 5), with or without
  /// padding. White space is skipped.
  ///
  /// - Returns: `nil` for a character of neither alphabet, for text after padding, and for a length that no bytes have.
  package static func decodeAnyForm(_ text: some Collection<UInt8>) -> [UInt8]? {
    text.withBytes { try? readAnyForm($0) }
  }

  private static func read(_ text: UnsafeRawBufferPointer) throws(Fault) -> [UInt8] {
    var decoder = Decoder()
    var decoded: [UInt8] = []
    decoded.reserveCapacity(text.count / 4 * 3 + 3)
    for byte in text where !isWhiteSpace(byte) { try decoder.feed(byte, into: &decoded) }
    guard decoder.isComplete else { throw .lengthOrPadding }
    return decoded
  }

  private static func readAnyForm(_ text: UnsafeRawBufferPointer) throws(Fault) -> [UInt8] {
    var decoder = Decoder()
    var decoded: [UInt8] = []
    decoded.reserveCapacity(text.count / 4 * 3 + 3)
    for byte in text where !isWhiteSpace(byte) {
      switch byte {
      case UInt8(ascii: "-"): try decoder.feed(UInt8(ascii: "+"), into: &decoded)
      case UInt8(ascii: "_"): try decoder.feed(UInt8(ascii: "/"), into: &decoded)
      default: try decoder.feed(byte, into: &decoded)
      }
    }
    if decoder.paddings == 0 {
      while !decoder.isComplete { try decoder.feed(UInt8(ascii: "="), into: &decoded) }
    }
    guard decoder.isComplete else { throw .lengthOrPadding }
    return decoded
  }
}
