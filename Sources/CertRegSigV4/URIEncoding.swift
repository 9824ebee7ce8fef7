import CertRegCore

/// Percent-encoding of Signature Version 4: all but the unreserved characters (RFC 3986 section 2.3) become `%XX` with
/// upper-case digits.
package enum URIEncoding {
  /// Appends `text` encoded. `keepsSlash` leaves `/` as it is, for paths.
  package static func append(_ text: some Sequence<UInt8>, to target: inout [UInt8], keepsSlash: Bool = false) {
    for byte in text {
      if isUnreserved(byte) || (keepsSlash && byte == UInt8(ascii: "/")) {
        target.append(byte)
      } else {
        target.append(UInt8(ascii: "%"))
        target.append(hexDigit(byte >> 4))
        target.append(hexDigit(byte & 15))
      }
    }
  }

  /// `text` encoded, for query strings and form bodies.
  package static func encode(_ text: String) -> String {
    var bytes: [UInt8] = []
    append(text.utf8, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// `text` decoded. What is not UTF-8 then is repaired.
  package static func decoded(_ text: some StringProtocol) -> String {
    String(decoding: decode(text.utf8), as: UTF8.self)
  }

  /// The decoded bytes of `text`. `%` without two hexadecimal digits behind it stays, and so does `+`.
  static func decode(_ text: some Collection<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var rest = text[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let high = rest.first?.hexDigitValue,
        let low = rest.dropFirst().first?.hexDigitValue
      {
        bytes.append(high << 4 | low)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return bytes
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"):
      true
    default: false
    }
  }

  private static func hexDigit(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "A") + nibble - 10
  }
}
