package import CertRegCore

/// 122 random bits with the version and variant of a UUID of version 4 (RFC 9562 section 5.4).
package struct UniqueID: Hashable, Sendable {
  private let high: UInt64
  private let low: UInt64

  /// Takes two random words; the six bits that the form fixes are overwritten.
  package init(_ high: UInt64, _ low: UInt64) {
    self.high = high & ~0xf000 | 0x4000
    self.low = low & ~(0b11 << 62) | 0b10 << 62
  }

  /// Reads what `description` writes; `nil` for anything else.
  package init?(_ text: String) {
    let digits = text.filter { $0 != "-" }
    guard digits.utf8.count == 32, digits.utf8.allSatisfy(isHexDigit),
      let high = UInt64(digits.prefix(16), radix: 16), let low = UInt64(digits.suffix(16), radix: 16)
    else { return nil }
    self.init(high, low)
    guard description == text else { return nil }
  }

  /// Whether a text has the form of a UUID, of whatever version.
  static func isUUID(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    return parts.map(\.utf8.count) == [8, 4, 4, 4, 12] && parts.allSatisfy { $0.utf8.allSatisfy(isHexDigit) }
  }
}

extension UniqueID: CustomStringConvertible {
  /// `8-4-4-4-12` lower-case hexadecimal digits.
  package var description: String {
    String(unsafeUninitializedCapacity: 36) { target in
      var offset = 0
      for digit in 0..<32 {
        if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
          target[offset] = UInt8(ascii: "-")
          offset += 1
        }
        let word = digit < 16 ? high : low
        let nibble = UInt8(word >> UInt64(60 - 4 * (digit % 16)) & 15)
        target[offset] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
        offset += 1
      }
      return offset
    }
  }
}

extension SplitMix64 {
  /// The next ID: the same for the same seed, so not for secrets.
  package mutating func nextID() -> UniqueID {
    UniqueID(next(), next())
  }
}
