import CertRegCodec
import CertRegCore

/// The octets of a number that a cell or member has in any of the ways in which programs write the numbers of keys.
enum WrittenNumber {
  /// No number of a key takes more characters.
  private static let maximumBytes = 6144
  /// The fewest decimal digits of a key of 192 bits.
  private static let fewestDecimalDigits = 50
  private static let mostDecimalDigits = 2500

  /// What a text can stand for, as hexadecimal or decimal digits, bytes one by one, base64, base64url or base32.
  static func readings(_ text: String) -> [[UInt8]] {
    guard text.utf8.count <= maximumBytes else { return [] }
    let bytes = Array(text.utf8)
    // Digits without letters are decimal as well as hexadecimal.
    let readings = [
      decimal(bytes), decimalBytes(bytes), hexadecimal(bytes) ?? Base64.decodeAnyForm(bytes), base32(bytes),
    ]
    return readings.compactMap { $0 }
  }

  /// The bytes of hexadecimal digits, in one piece or in several, also with `0x` or `\x` in front of them, and with
  /// colons, commas, blanks and brackets around them.
  static func hexadecimal(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.allSatisfy({ $0.hexDigitValue != nil || isX($0) || isSeparator($0) }) else { return nil }
    var digits: [UInt8] = []
    for part in text.split(whereSeparator: isSeparator) {
      let isMarked = part.first == UInt8(ascii: "0") && isX(part.dropFirst().first)
      let own = isMarked ? part.dropFirst(2) : isX(part.first) ? part.dropFirst() : part
      let values = own.compactMap(\.hexDigitValue)
      guard values.count == own.count, !values.isEmpty else { return nil }
      if isMarked, values.count == 1 { digits.append(0) }
      digits += values
    }
    guard !digits.isEmpty, digits.count % 2 == 0 else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  private static func isX(_ byte: UInt8?) -> Bool { byte.map { $0 | 0x20 } == UInt8(ascii: "x") }

  /// What stands between the bytes of a list.
  private static func isSeparator(_ byte: UInt8) -> Bool {
    Base64.isWhiteSpace(byte) || ":,;{}[]()\\\"".utf8.contains(byte)
  }

  /// A number in decimal digits.
  private static func decimal(_ text: [UInt8]) -> [UInt8]? {
    guard (fewestDecimalDigits...mostDecimalDigits).contains(text.count), text.allSatisfy(\.isDecimalDigit) else {
      return nil
    }
    // Nine digits at a time, the lowest octets first.
    var octets: [UInt8] = []
    for start in stride(from: 0, to: text.count, by: 9) {
      let group = text[start..<min(start + 9, text.count)]
      var carry = group.reduce(UInt64(0)) { $0 * 10 + UInt64($1 - 0x30) }
      let factor = group.reduce(UInt64(1)) { power, _ in power * 10 }
      for index in octets.indices {
        carry += UInt64(octets[index]) * factor
        octets[index] = UInt8(truncatingIfNeeded: carry)
        carry >>= 8
      }
      while carry > 0 {
        octets.append(UInt8(truncatingIfNeeded: carry))
        carry >>= 8
      }
    }
    return octets.reversed()
  }

  /// Bytes that are written as decimal numbers one by one.
  private static func decimalBytes(_ text: [UInt8]) -> [UInt8]? {
    guard text.allSatisfy({ $0.isDecimalDigit || isSeparator($0) }) else { return nil }
    var bytes: [UInt8] = []
    for part in text.split(whereSeparator: isSeparator) {
      guard part.count <= 3, part.allSatisfy(\.isDecimalDigit) else { return nil }
      let value = part.reduce(0) { $0 * 10 + Int($1 - 0x30) }
      guard value <= 255 else { return nil }
      bytes.append(UInt8(value))
    }
    return bytes.count > 1 ? bytes : nil
  }

  /// Base32 (RFC 4648 section 6).
  private static func base32(_ text: [UInt8]) -> [UInt8]? {
    let digits = text.reversed().drop { $0 == UInt8(ascii: "=") }.reversed()
    var bytes: [UInt8] = []
    var (group, bits): (UInt32, UInt32) = (0, 0)
    for digit in digits {
      let letter = digit & 0xDF
      let value: UInt8
      if (0x41...0x5A).contains(letter) {
        value = letter - 0x41
      } else if (0x32...0x37).contains(digit) {
        value = digit - 0x32 + 26
      } else {
        return nil
      }
      (group, bits) = (group << 5 | UInt32(value), bits + 5)
      guard bits >= 8 else { continue }
      bits -= 8
      bytes.append(UInt8(truncatingIfNeeded: group >> bits))
    }
    return bytes.isEmpty ? nil : bytes
  }
}
