package import CertRegCodec

/// A value of the wire. Answers keep the order of their members and the spelling of their numbers.
package typealias JSON = JSONValue

extension JSONValue {
  /// This value as one line without spaces.
  ///
  /// - Parameter printable: Whether every character that a terminal could act on or that changes how text is laid out
  ///   is escaped. Such characters occur inside strings only, where an escape means the same.
  package func serialized(printable: Bool = false) -> String {
    guard printable else { return jsonText }
    var result = ""
    for scalar in jsonText.unicodeScalars {
      if scalar.isPrintable {
        result.unicodeScalars.append(scalar)
      } else {
        for unit in String(scalar).utf16 { result += "\\u" + hexadecimal(UInt32(unit), digits: 4) }
      }
    }
    return result
  }

  /// JSON with an escape for each character that is not ASCII. Such characters occur inside strings only.
  static func escapingNonASCII(_ json: String) -> String {
    var result = ""
    for scalar in json.unicodeScalars {
      if scalar.isASCII {
        result.unicodeScalars.append(scalar)
      } else {
        for unit in String(scalar).utf16 { result += "\\u" + hexadecimal(UInt32(unit), digits: 4) }
      }
    }
    return result
  }
}

/// `value` in lower-case hexadecimal with at least `digits` digits.
func hexadecimal(_ value: UInt32, digits: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}
