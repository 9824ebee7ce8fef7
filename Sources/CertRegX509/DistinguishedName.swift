/// A name of a certificate (RFC 5280 section 4.1.2.4).
///
/// Names are a stranger's text: what could act on a terminal or mislead a reader is escaped. The attributes are kept
/// apart because a joined text can be forged (CVE-2021-44532).
package struct DistinguishedName: Hashable, Sendable {
  /// One attribute.
  package struct Attribute: Hashable, Sendable {
    /// The short name of RFC 4519 and its like (`CN`, `O`), else the identifier's arcs.
    package var type: String
    /// The text with control characters as `\` and two hexadecimal digits for each byte, and `\` itself as `\\`; `#`
    /// and the hexadecimal encoding where the value is no text.
    package var value: String

    package init(type: String, value: String) {
      self.type = type
      self.value = value
    }
  }

  /// The attributes in the order of the encoding.
  package var attributes: [Attribute] = []

  /// A name without attributes.
  package init() {}

  /// Reads the Name that is `element`; what cannot be read is left out.
  init(_ element: DERReader.Element, in der: [UInt8]) {
    var name = DERReader(der, in: element.content)
    while let set = try? name.next() {
      var inside = name.inside(set)
      while let sequence = try? inside.next() {
        var pair = inside.inside(sequence)
        guard let type = try? pair.next(DERTag.objectIdentifier), let value = try? pair.next() else { continue }
        let identifier = ObjectIdentifier(der[type.content])
        let shortName = AttributeType.shortNames[identifier] ?? identifier.dotted
        let text = AttributeValue.text(value, in: der).map(AttributeValue.escapingControls)
        attributes.append(Attribute(type: shortName, value: text ?? AttributeValue.hex(value, in: der)))
      }
    }
  }
}

/// Short names of attribute types.
enum AttributeType {
  /// RFC 4514 section 3, RFC 4519 section 2, RFC 2985 section 5.
  static let shortNames: [ObjectIdentifier: String] = [
    ObjectIdentifier(2, 5, 4, 3): "CN", ObjectIdentifier(2, 5, 4, 4): "SN",
    ObjectIdentifier(2, 5, 4, 5): "serialNumber", ObjectIdentifier(2, 5, 4, 6): "C", ObjectIdentifier(2, 5, 4, 7): "L",
    ObjectIdentifier(2, 5, 4, 8): "ST",
    ObjectIdentifier(2, 5, 4, 9): "STREET", ObjectIdentifier(2, 5, 4, 10): "O", ObjectIdentifier(2, 5, 4, 11): "OU",
    ObjectIdentifier(2, 5, 4, 12): "title", ObjectIdentifier(2, 5, 4, 17): "postalCode",
    ObjectIdentifier(2, 5, 4, 42): "givenName", ObjectIdentifier(2, 5, 4, 43): "initials",
    ObjectIdentifier(2, 5, 4, 44): "generationQualifier", ObjectIdentifier(2, 5, 4, 46): "dnQualifier",
    ObjectIdentifier(2, 5, 4, 65): "pseudonym", ObjectIdentifier(2, 5, 4, 97): "organizationIdentifier",
    ObjectIdentifier(1, 2, 840, 113549, 1, 9, 1): "emailAddress",
    ObjectIdentifier(0, 9, 2342, 19_200_300, 100, 1, 25): "DC",
    ObjectIdentifier(0, 9, 2342, 19_200_300, 100, 1, 1): "UID",
  ]
}

/// Values of attributes as text.
enum AttributeValue {
  /// The text of a string value; `nil` if it is of another type or not well formed.
  static func text(_ value: DERReader.Element, in der: [UInt8]) -> String? {
    let octets = der[value.content]
    switch value.tag {
    case DERTag.utf8String: return String(validating: octets, as: UTF8.self)
    case DERTag.printableString, DERTag.ia5String, DERTag.numericString, DERTag.visibleString:
      return octets.allSatisfy { $0 < 0x80 } ? String(decoding: octets, as: UTF8.self) : nil
    case DERTag.teletexString:
      // Nearly all writers of this type write ISO 8859-1.
      return String(String.UnicodeScalarView(octets.map { Unicode.Scalar($0) }))
    case DERTag.bmpString: return utf16Text(octets)
    case DERTag.universalString: return utf32Text(octets)
    default: return nil
    }
  }

  /// `#` and the encoding in hexadecimal (RFC 4514 section 2.4).
  static func hex(_ value: DERReader.Element, in der: [UInt8]) -> String {
    "#" + lowercaseHex(der[value.whole])
  }

  /// `text` with `\` doubled and each byte of a character that could act on a terminal as `\` and two digits.
  static func escapingControls(_ text: String) -> String {
    var escaped: [UInt8] = []
    escaped.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      if isUnsafe(scalar) {
        for byte in scalar.utf8 {
          escaped.append(UInt8(ascii: "\\"))
          escaped.append(hexDigits[Int(byte >> 4)])
          escaped.append(hexDigits[Int(byte & 15)])
        }
      } else {
        if scalar == "\\" { escaped.append(UInt8(ascii: "\\")) }
        escaped.append(contentsOf: scalar.utf8)
      }
    }
    return String(decoding: escaped, as: UTF8.self)
  }

  /// Controls, format characters such as those that turn the direction of writing, line separators and what has no
  /// meaning.
  private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7f }
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: return true
    default: return false
    }
  }
}

private let hexDigits = Array("0123456789abcdef".utf8)

/// Two lower-case hexadecimal digits for each byte.
func lowercaseHex(_ bytes: some Collection<UInt8>) -> String {
  var text: [UInt8] = []
  text.reserveCapacity(bytes.count * 2)
  for byte in bytes {
    text.append(hexDigits[Int(byte >> 4)])
    text.append(hexDigits[Int(byte & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}
