/// The canonical text of a UUID (RFC 9562 section 4), the form of request IDs, and its 16 bytes, which take half the
/// room.
enum UUIDText {
  /// `nil` unless `text` is exactly the text of the bytes: 36 characters with lower-case digits.
  static func bytes(_ text: String) -> [UInt8]? {
    let characters = text.utf8
    guard characters.count == 36 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(16)
    var high: UInt8?
    for (offset, character) in characters.enumerated() {
      if isHyphen(offset) {
        guard character == UInt8(ascii: "-") else { return nil }
        continue
      }
      let nibble: UInt8
      switch character {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): nibble = character - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): nibble = character - UInt8(ascii: "a") + 10
      default: return nil
      }
      if let first = high {
        bytes.append(first << 4 | nibble)
        high = nil
      } else {
        high = nibble
      }
    }
    return bytes
  }

  /// `nil` for anything but 16 bytes.
  static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
    guard bytes.count == 16 else { return nil }
    let digits = Array("0123456789abcdef".utf8)
    return String(unsafeUninitializedCapacity: 36) { text in
      var offset = 0
      for byte in bytes {
        if isHyphen(offset) {
          text[offset] = UInt8(ascii: "-")
          offset += 1
        }
        text[offset] = digits[Int(byte >> 4)]
        text[offset + 1] = digits[Int(byte & 15)]
        offset += 2
      }
      return 36
    }
  }

  private static func isHyphen(_ offset: Int) -> Bool { offset == 8 || offset == 13 || offset == 18 || offset == 23 }
}
