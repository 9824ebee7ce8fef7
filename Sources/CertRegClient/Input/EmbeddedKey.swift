import CertRegCodec
import CertRegCore

/// Looks for a private key within a text of any form, such as the damaged text of a certificate: what the daemon is to
/// judge must not bring a key along.
enum EmbeddedKey {
  /// Shorter runs of characters hold no key.
  private static let shortestRun = 20
  /// Kubernetes and others encode texts in base64 that are base64 already.
  private static let maximumDepth = 2

  /// Whether the text speaks of a private key, or holds one at any position: in binary form, in digits of base64 or
  /// hexadecimal, as the numbers of an array, or as a text that is encoded so.
  static func isIn(_ text: [UInt8]) -> Bool {
    isIn(text, depth: 0)
  }

  private static func isIn(_ text: [UInt8], depth: Int) -> Bool {
    speaksOfKey(text) || isEncoded(in: text, depth: depth)
  }

  /// The same for a text whose own words say nothing: `private` can be a part of a name.
  static func isEncoded(in text: [UInt8]) -> Bool {
    isEncoded(in: text, depth: 0)
  }

  private static func isEncoded(in text: [UInt8], depth: Int) -> Bool {
    if KeyEncoding.isIn(text) { return true }
    guard depth <= maximumDepth else { return false }
    // Encodings are wrapped, indented and quoted at any column.
    let joined = text.filter { !isWrapping($0) }
    if joined.split(whereSeparator: { digit($0) == nil }).contains(where: { base64HoldsKey($0, depth: depth) }) {
      return true
    }
    let numbers = KeyNumbers(text)
    return isIn(bytes: numbers.decimal) || isIn(bytes: numbers.hexadecimal)
      || (0..<2).contains { offset in isIn(bytes: KeyNumbers.bytes(ofDigits: numbers.digits, from: offset)) }
  }

  /// Whether bytes that are written as numbers are those of a key, or of a block with one.
  private static func isIn(bytes: [UInt8]) -> Bool { KeyEncoding.isIn(bytes) || mentionsPrivate(bytes) }

  /// Whether a text has the words of a form of private keys.
  private static func speaksOfKey(_ text: [UInt8]) -> Bool {
    mentionsPrivate(text) || text.containsText("openssh-key-v1") || Value.secret(text) != nil
  }

  /// Whether `private` occurs, in any case.
  private static func mentionsPrivate(_ text: [UInt8]) -> Bool {
    let word = Array("private".utf8)
    guard text.count >= word.count else { return false }
    return (0...(text.count - word.count)).contains { start in
      text[start] | 0x20 == word[0] && word.indices.allSatisfy { text[start + $0] | 0x20 == word[$0] }
    }
  }

  /// Whether a byte can stand between the lines of one encoding.
  private static func isWrapping(_ byte: UInt8) -> Bool {
    Base64.isWhiteSpace(byte) || [0x22, 0x27, 0x2C, 0x5C].contains(byte)
  }

  /// The value of a character of base64 or base64url (RFC 4648 sections 4 and 5).
  private static func digit(_ byte: UInt8) -> UInt8? {
    if byte == UInt8(ascii: "-") { return 62 }
    if byte == UInt8(ascii: "_") { return 63 }
    let value = Base64.values[Int(byte)]
    return value < 64 ? value : nil
  }

  private static func base64HoldsKey(_ run: ArraySlice<UInt8>, depth: Int) -> Bool {
    guard run.count >= shortestRun else { return false }
    let digits = run.compactMap(digit)
    // Where characters are missing or too many, groups of four may begin anywhere.
    return (0..<4).contains { offset in
      let bytes = stride(from: offset, to: digits.count - 3, by: 4).flatMap { index -> [UInt8] in
        let group = digits[index..<index + 4].reduce(UInt32(0)) { $0 << 6 | UInt32($1) }
        return [UInt8(group >> 16), UInt8(group >> 8 & 0xFF), UInt8(group & 0xFF)]
      }
      // Only a text can hold a further encoding.
      return TextEncoding.detect(bytes[...]) == nil
        ? speaksOfKey(bytes) || KeyEncoding.isIn(bytes) : isIn(bytes, depth: depth + 1)
    }
  }
}

/// The numbers of an array in a program's source, or of a listing such as openssl prints: `0x30, 0x77`, `30:77`,
/// `\x30w`, `48, 119`.
private struct KeyNumbers {
  /// Each group of at most two digits as a hexadecimal byte.
  var hexadecimal: [UInt8] = []
  /// Each group of at most three digits as a decimal byte.
  var decimal: [UInt8] = []
  /// The values of all hexadecimal digits.
  var digits: [UInt8] = []

  /// What stands where something else interrupts the numbers. No key has so many in a row.
  private static let gap = [UInt8](repeating: 0xFF, count: 4)

  init(_ text: [UInt8]) {
    var index = 0
    while index < text.count {
      let byte = text[index]
      if byte == 0x30, index + 1 < text.count, text[index + 1] | 0x20 == UInt8(ascii: "x") {
        index += 2
      } else if byte.hexDigitValue != nil {
        let start = index
        while index < text.count, text[index].hexDigitValue != nil { index += 1 }
        take(text[start..<index])
      } else {
        index += 1
        if !KeyNumbers.isSeparator(byte) { interrupt() }
      }
    }
  }

  private mutating func take(_ group: ArraySlice<UInt8>) {
    let values = group.compactMap(\.hexDigitValue)
    digits += values
    if values.count <= 2 { hexadecimal.append(values.reduce(0) { $0 << 4 | $1 }) }
    if values.count <= 3, values.allSatisfy({ $0 < 10 }) {
      decimal.append(UInt8(truncatingIfNeeded: values.reduce(0) { $0 * 10 + Int($1) }))
    }
  }

  private mutating func interrupt() {
    hexadecimal += KeyNumbers.gap
    decimal += KeyNumbers.gap
    // An odd digit would shift all that follow.
    digits += digits.count % 2 == 0 ? [0xF, 0xF] : [0xF]
  }

  /// Whether a byte stands between the numbers of one array: white space, punctuation, and the sign of an escape.
  private static func isSeparator(_ byte: UInt8) -> Bool {
    Base64.isWhiteSpace(byte) || byte == UInt8(ascii: "x") || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ",")
      || [0x22, 0x27, 0x2D, 0x3B, 0x5B, 0x5C, 0x5D, 0x7B, 0x7D].contains(byte)
  }

  /// The bytes of pairs of digits.
  static func bytes(ofDigits digits: [UInt8], from offset: Int) -> [UInt8] {
    stride(from: offset, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}
