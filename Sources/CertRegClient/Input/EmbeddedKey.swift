import CertRegCodec

/// Looks for a private key within a text of any form, such as the damaged text of a certificate: what the daemon is to judge must
/// not bring a key along.
enum EmbeddedKey {
  /// Shorter runs of characters hold no key.
  private static let shortestRun = 20

  /// Whether the text speaks of a private key, or holds the beginning of one at any position, in binary form or in digits of base64 or
  /// hexadecimal.
  static func isIn(_ text: [UInt8]) -> Bool {
    if mentionsPrivate(text) || Value.secret(text) != nil || holdsKey(text) { return true }
    return text.indices.split { digit(text[$0]) == nil }.contains { run in
      run.count >= shortestRun && (base64HoldsKey(text[run]) || hexadecimalHoldsKey(text[run]))
    }
  }

  /// Whether `private` occurs, in any case.
  private static func mentionsPrivate(_ text: [UInt8]) -> Bool {
    let word = Array("private".utf8)
    guard text.count >= word.count else { return false }
    return (0...(text.count - word.count)).contains { start in
      word.indices.allSatisfy { text[start + $0] | 0x20 == word[$0] }
    }
  }

  /// The value of a character of base64 or base64url (RFC 4648 sections 4 and 5), which hexadecimal digits are, too.
  private static func digit(_ byte: UInt8) -> UInt8? {
    if byte == UInt8(ascii: "-") { return 62 }
    if byte == UInt8(ascii: "_") { return 63 }
    let value = Base64.values[Int(byte)]
    return value < 64 ? value : nil
  }

  private static func base64HoldsKey(_ run: ArraySlice<UInt8>) -> Bool {
    let digits = run.compactMap(digit)
    // Where characters are missing or too many, groups of four may begin anywhere.
    return (0..<4).contains { offset in
      holdsKey(
        stride(from: offset, to: digits.count - 3, by: 4).flatMap { index -> [UInt8] in
          let group = digits[index..<index + 4].reduce(UInt32(0)) { $0 << 6 | UInt32($1) }
          return [UInt8(group >> 16), UInt8(group >> 8 & 0xFF), UInt8(group & 0xFF)]
        })
    }
  }

  private static func hexadecimalHoldsKey(_ run: ArraySlice<UInt8>) -> Bool {
    let digits = run.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
    guard digits.count == run.count else { return false }
    return (0..<2).contains { offset in
      holdsKey(stride(from: offset, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) })
    }
  }

  private static func holdsKey(_ bytes: [UInt8]) -> Bool {
    bytes.indices.contains { bytes[$0] == 0x30 && isKey(bytes[$0...]) }
  }

  /// Whether a SEQUENCE begins as a key: PKCS#1, PKCS#8 and SEC 1 have a small version first, then a number, an algorithm or the key
  /// (RFC 8017 appendix A.1.2, RFC 5958 section 2, RFC 5915 section 3); an encrypted key has an algorithm of PKCS#5 or PKCS#12 first
  /// (RFC 5958 section 3).
  private static func isKey(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard let content = content(bytes) else { return false }
    if content.starts(with: [0x02, 0x01]) {
      let rest = content.dropFirst(2)
      guard let version = rest.first, version < 4, let next = rest.dropFirst().first else { return false }
      return next == 0x02 || next == 0x04 || next == 0x30
    }
    let algorithm: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01]
    guard let inner = self.content(content) else { return false }
    let identifier = inner.starts(with: [0x06, 0x0A]) ? [0x06, 0x0A] + algorithm.dropFirst(2) : algorithm
    return inner.starts(with: identifier) && [0x05, 0x0C].contains(inner.dropFirst(identifier.count).first)
  }

  /// What follows the header of a SEQUENCE with a definite length.
  private static func content(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard bytes.first == 0x30, let length = bytes.dropFirst().first, length != 0x80, length <= 0x84 else { return nil }
    return bytes.dropFirst(length < 0x80 ? 2 : 2 + Int(length & 0x7F))
  }
}
