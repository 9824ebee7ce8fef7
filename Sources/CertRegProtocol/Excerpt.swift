/// Makes untrusted text safe for a message: short, on one line and without control characters.
package enum Excerpt {
  /// Longest excerpt in characters.
  package static let maxLength = 48

  /// The beginning of `text`, with `…` where it is cut. Everything but printable ASCII is written as `\u{…}`, because
  /// some characters look like others.
  package static func text(_ text: String) -> String {
    var result = ""
    var length = 0
    for scalar in text.unicodeScalars {
      if length == maxLength { return result + "…" }
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case " "..."~": result.unicodeScalars.append(scalar)
      default: result += "\\u{\(String(scalar.value, radix: 16))}"
      }
      length += 1
    }
    return result
  }

  /// One byte: as a character where it is printable ASCII, else in hexadecimal.
  static func byte(_ byte: UInt8) -> String {
    switch byte {
    case 0x21...0x7e: "'\(Unicode.Scalar(byte))'"
    case 0x20: "a space"
    default: "0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
  }

  /// The kind of value that begins with `byte`.
  static func kind(ofValue byte: UInt8) -> String {
    switch byte {
    case UInt8(ascii: "{"): "an object"
    case UInt8(ascii: "["): "an array"
    case UInt8(ascii: "\""): "a string"
    case UInt8(ascii: "t"), UInt8(ascii: "f"): "true or false"
    case UInt8(ascii: "n"): "null"
    default: "a number"
    }
  }
}
