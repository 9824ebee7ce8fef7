import CertRegCodec
import CertRegCore

/// What a text in the place of a device's name is.
enum DeviceName: Hashable {
  case text(String)
  /// A private key.
  case key
  /// What spreadsheets write in place of a value that they have lost.
  case damaged
  /// What programs write in place of a value that is not there.
  case placeholder
  /// A text in another encoding than UTF-8 and Windows-1252, or one that lost characters before.
  case unreadable
  /// Something that names no device; also an empty text.
  case none

  /// - Parameters:
  ///   - value: The text of a cell or member.
  ///   - heading: The usual heading that it has; `nil`: the user named its column.
  ///   - certificates: The certificates beside it.
  ///   - keys: Their keys.
  init(
    _ value: String, under heading: NameHeading?, of certificates: [InputCertificate] = [], _ keys: RawKey = RawKey([])
  ) {
    // Each certificate of an object can have it, and it is looked through for keys each time.
    guard value.utf8.count <= DeviceName.mostBytes else {
      self = .damaged
      return
    }
    let text = DeviceFields.bare(value)
    if text.isEmpty || !Value.pieces(text.utf8).isEmpty {
      self = .none
    } else if text.unicodeScalars.contains("\u{FFFD}") {
      self = .unreadable
    } else if DeviceName.isDamaged(text) {
      self = .damaged
    } else if DeviceName.isPlaceholder(text) {
      self = .placeholder
    } else if DeviceName.isCode(text) {
      self = .none
    } else if heading?.isDevice == false, certificates.contains(where: { DeviceName.isOwn(text, of: $0) }) {
      self = .none
    } else {
      self = keys.belongs(text) || DeviceName.holdsKey(text, keys) ? .key : .text(DeviceFields.shown(text))
    }
  }

  /// No longer text is taken for a name: more than any form of a key.
  private static let mostBytes = 16 << 10
  /// The digits of a key on the curve P-256.
  private static let digitsOfKey = 64
  /// No encoding of a key is shorter.
  private static let shortestKey = 40

  /// Whether a name ends with a key or holds one: a separator between the two is missing.
  private static func holdsKey(_ text: String, _ keys: RawKey) -> Bool {
    guard text.utf8.count > shortestKey else { return false }
    if text.utf8.count > digitsOfKey, keys.belongs(String(text.suffix(digitsOfKey))) { return true }
    return EmbeddedKey.isEncoded(in: Array(text.utf8))
  }

  /// What is passed over with such a name.
  var otherContent: OtherContent? {
    switch self {
    case .key: .privateKey
    case .damaged, .placeholder: .lostName
    case .text, .unreadable, .none: nil
    }
  }

  private static let placeholders: Set<String> = [
    "n/a", "na", "n.a.", "k.a.", "null", "(null)", "\\n", "none", "nil", "nan", "undefined", "-", "--", "---", "?",
    "(blank)", "(none)", "(empty)", "(leer)",
  ]
  /// The digits of a MAC address.
  private static let digitsOfMAC = 12

  /// Whether a program has written this in place of a value: a word for it, `<NA>` and `<deviceId>`, or an address or a
  /// UUID of nothing but `0` or `F`.
  static func isPlaceholder(_ text: String) -> Bool {
    if placeholders.contains(text.lowercased()) { return true }
    if text.first == "<", text.last == ">", !text.dropFirst().dropLast().contains(where: { "<>".contains($0) }) {
      return true
    }
    let digits = text.utf8.filter { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "-") }.map { $0 & 0xDF }
    guard digits.count >= digitsOfMAC, let first = digits.first, digits.allSatisfy({ $0 == first }) else {
      return false
    }
    return [UInt8(ascii: "F"), UInt8(ascii: "0") & 0xDF].contains(first)
  }

  /// Whether a text is a part of a statement or of an object, which commas take apart as if they were rows:
  /// ``INSERT INTO `devices` (`id` ``, `(2`, `{"id": "7"`, `cert=data:;base64`.
  private static func isCode(_ text: String) -> Bool {
    if text.first == "(" { return !text.contains(")") }
    return ["INSERT INTO ", "REPLACE INTO ", "VALUES (", "VALUES("].contains(
      where: text.prefix(13).uppercased().hasPrefix)
      || ["{\"", "{'", "{ \"", "[\"", "[{"].contains(where: text.hasPrefix) || text.hasSuffix(";base64")
  }

  /// Errors of spreadsheets that end with neither `!` nor `?`.
  private static let errors: Set<String> = ["#n/a", "#nv", "#n/d", "#nd", "#nb", "#n/b"]

  /// Whether a spreadsheet has written an error, a formula, signs for a narrow column, or a number of which it lost the
  /// digits: `#NAME?`, `Err:508`, `=VLOOKUP(A2;B:C;2)`, `########`, `3,52656E+14`.
  private static func isDamaged(_ text: String) -> Bool {
    if text.first == "=" || text.lowercased().hasPrefix("err:") && isDigits(text.utf8.dropFirst(4)) { return true }
    if text.first == "#" {
      return text.count > 1 && (text.allSatisfy { $0 == "#" } || text.last == "!" || text.last == "?")
        || errors.contains(text.lowercased())
    }
    let parts = text.utf8.split(separator: UInt8(ascii: "+"), omittingEmptySubsequences: false)
    guard parts.count == 2, let sign = parts[0].last, sign | 0x20 == UInt8(ascii: "e"), isDigits(parts[1]) else {
      return false
    }
    let digits = parts[0].dropLast()
    return isDigits(digits.prefix(1))
      && [UInt8(ascii: "."), UInt8(ascii: ",")].contains(digits.dropFirst().first ?? 0x2E)
      && digits.dropFirst(2).allSatisfy(\.isDecimalDigit)
  }

  private static func isDigits(_ text: some Collection<UInt8>) -> Bool {
    !text.isEmpty && text.allSatisfy(\.isDecimalDigit)
  }

  private static let digitsOfID = 64
  /// Shorter serial numbers are counted or chosen, and can be those of devices.
  private static let shortestRandomSerial = 8
  /// RFC 5280 section 4.1.2.2 has 20 octets at most, and a sign.
  private static let longestSerial = 21

  /// Whether a text is the certificate's ID, its ARN or its serial number, in hexadecimal digits or decimal.
  private static func isOwn(_ text: String, of certificate: InputCertificate) -> Bool {
    if text.utf8.count >= digitsOfID,
      String(decoding: text.utf8.suffix(digitsOfID), as: UTF8.self).lowercased() == certificate.id.hex
    {
      return true
    }
    guard let serial = certificate.outline?.serial.drop(while: { $0 == 0 }), serial.count >= shortestRandomSerial,
      serial.count <= longestSerial, text.utf8.count <= 3 * longestSerial
    else { return false }
    if hexadecimalDigits(text).elementsEqual(hexadecimal(serial)) { return true }
    return isDigits(text.utf8) && text.utf8.drop { $0 == 0x30 }.elementsEqual(decimal(serial))
  }

  /// The digits of a text without the sign in front, what separates them and leading zeros: programs that print numbers
  /// write no zero in front of an odd number of digits.
  private static func hexadecimalDigits(_ text: String) -> [UInt8] {
    let body = text.hasPrefix("0x") || text.hasPrefix("0X") ? text.utf8.dropFirst(2) : text.utf8[...]
    let digits = body.filter { $0 != UInt8(ascii: ":") && !Base64.isWhiteSpace($0) }
    return digits.drop { $0 == 0x30 }.map { $0 | 0x20 }
  }

  /// The hexadecimal digits of a number, without leading zeros.
  private static func hexadecimal(_ number: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let digits = Array("0123456789abcdef".utf8)
    return number.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xF)]] }.drop { $0 == 0x30 }
  }

  /// The decimal digits of a number.
  private static func decimal(_ number: ArraySlice<UInt8>) -> [UInt8] {
    var digits: [UInt8] = []
    for byte in number {
      var carry = Int(byte)
      for index in digits.indices {
        carry += Int(digits[index]) << 8
        digits[index] = UInt8(carry % 10)
        carry /= 10
      }
      while carry > 0 {
        digits.append(UInt8(carry % 10))
        carry /= 10
      }
    }
    return digits.reversed().map { $0 + 0x30 }
  }
}
