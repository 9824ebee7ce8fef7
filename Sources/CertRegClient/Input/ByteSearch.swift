import Glibc

extension [UInt8] {
  /// Whether the bytes of `text` occur.
  func containsText(_ text: StaticString) -> Bool {
    withUnsafeBytes { bytes in
      // The pointers are lent for the calls, with the lengths that are left.
      guard let base = bytes.baseAddress else { return false }
      let length = text.utf8CodeUnitCount
      var position = 0
      while position + length <= bytes.count {
        let found = memchr(base + position, Int32(text.utf8Start[0]), bytes.count - length + 1 - position)
        guard let found else { return false }
        position = base.distance(to: UnsafeRawPointer(found))
        if memcmp(base + position, text.utf8Start, length) == 0 { return true }
        position += 1
      }
      return false
    }
  }

  /// Whether a byte occurs.
  func holds(_ byte: UInt8) -> Bool {
    // The pointer is lent for the call, with its length.
    withUnsafeBytes { bytes in bytes.baseAddress.map { memchr($0, Int32(byte), bytes.count) != nil } ?? false }
  }
}
