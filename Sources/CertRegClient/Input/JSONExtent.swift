import CertRegCodec

/// Finds the end of a JSON value. Line ends inside of strings are let pass: people paste PEM into JSON.
struct JSONExtent {
  /// Whether each of the values around the place is an object, the innermost last.
  private var isObject: [Bool] = []
  /// The quotation mark of the string around the place: Python prints strings with apostrophes, too.
  private var quote: UInt8?
  private var isEscaped = false
  /// The last byte outside of strings that is not white space.
  private var last: UInt8 = 0
  /// Whether the last string is the value of a member.
  private var isMemberValue = false
  /// Whether the value breaks off: in it another one begins where none can stand.
  private(set) var isBroken = false
  private(set) var hasBegun = false
  /// Whether the value is a number, a word or nonsense: it ends before the next comma, bracket or space.
  private(set) var isBare = false

  /// Whether a byte can stand between values: white space, commas, the brackets of arrays, and the record separators of
  /// RFC 7464.
  static func isBetween(_ byte: UInt8) -> Bool {
    Base64.isWhiteSpace(byte) || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "]")
      || byte == 0x1A || byte == 0x1E || byte == 0
  }

  /// The index after the value; `nil` where the piece does not hold its end.
  mutating func end(in piece: ArraySlice<UInt8>) -> Int? {
    for index in piece.indices {
      let byte = piece[index]
      if !hasBegun {
        hasBegun = true
        isBare = byte != UInt8(ascii: "{") && byte != UInt8(ascii: "\"")
      }
      if isBare {
        if JSONExtent.isBetween(byte) { return index }
      } else if quote != nil {
        if !isEscaped, byte == quote { quote = nil }
        isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
        if quote == nil, isObject.isEmpty { return index + 1 }
      } else if byte > 0x20 {
        if byte == UInt8(ascii: "{"), isBetweenMembers {
          isBroken = true
          return index
        }
        if take(byte) { return index + 1 }
      }
    }
    return nil
  }

  /// Takes a byte outside of strings. Tells whether the value ends with it.
  private mutating func take(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      quote = byte
      isMemberValue = last == UInt8(ascii: ":")
    case UInt8(ascii: "{"), UInt8(ascii: "["): isObject.append(byte == UInt8(ascii: "{"))
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      _ = isObject.popLast()
      if isObject.isEmpty { return true }
    // The sign of bytes in Python.
    case UInt8(ascii: "b") where last == UInt8(ascii: ":"): return false
    default: break
    }
    last = byte
    return false
  }

  /// Whether a member of an object has ended, so that no value can follow: the brace of the object is missing.
  private var isBetweenMembers: Bool {
    guard isObject.last == true else { return false }
    switch last {
    case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0x30...0x39: return true
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return isMemberValue
    default: return false
    }
  }
}
