extension JSONScanner {
  /// The eight bytes at `offset`, the first one lowest.
  @inlinable
  @inline(__always)
  func word(_ offset: Int) -> UInt64 {
    UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// Whether a run of plain text ends in the 64 bytes at `offset`. An optimised build does this in vectors.
  @inlinable
  @inline(__always)
  func hasStringStop(in64BytesAt offset: Int) -> Bool {
    let first = SWAR.stringStops(word(offset)) | SWAR.stringStops(word(offset + 8))
    let second = SWAR.stringStops(word(offset + 16)) | SWAR.stringStops(word(offset + 24))
    let third = SWAR.stringStops(word(offset + 32)) | SWAR.stringStops(word(offset + 40))
    let fourth = SWAR.stringStops(word(offset + 48)) | SWAR.stringStops(word(offset + 56))
    return (first | second | third | fourth) != 0
  }

  /// Reads a string and its closing quote. `position` is behind the opening quote.
  ///
  /// - Throws: ``SyntaxFault`` for text outside the grammar and for bytes that are not UTF-8.
  @inlinable
  @inline(__always)
  public mutating func scanString() throws(SyntaxFault) -> JSONText {
    var text = JSONText(range: position..<position, hasEscapes: false, isASCII: true)
    while true {
      // A line of PEM text has 64 characters, and its end is an escape.
      while position + 64 <= end, !hasStringStop(in64BytesAt: position) {
        position += 64
        guard position + 1 < end, byte(position) == UInt8(ascii: "\\"), byte(position + 1) == UInt8(ascii: "n") else {
          continue
        }
        text.hasEscapes = true
        position += 2
      }
      while position + 8 <= end {
        let stops = SWAR.stringStops(word(position))
        guard stops == 0 else {
          position += stops.trailingZeroBitCount >> 3
          break
        }
        position += 8
      }
      guard position < end else { throw SyntaxFault(kind: .unterminatedString, offset: end) }
      let next = byte(position)
      switch next {
      case UInt8(ascii: "\""):
        text.range = text.range.lowerBound..<position
        position += 1
        return text
      case UInt8(ascii: "\\"):
        text.hasEscapes = true
        // The escape at the end of each line of PEM text.
        if position + 1 < end, byte(position + 1) == UInt8(ascii: "n") {
          position += 2
        } else if try scanEscape() {
          text.isASCII = false
        }
      case ..<0x20:
        throw SyntaxFault(kind: .controlCharacter, offset: position)
      case 0x80...:
        text.isASCII = false
        try scanNonASCII()
      default:
        position += 1
      }
    }
  }

  /// Reads an escape or a surrogate pair; returns whether it stands for a character outside ASCII.
  @usableFromInline
  mutating func scanEscape() throws(SyntaxFault) -> Bool {
    let start = position
    guard start + 1 < end else { throw SyntaxFault(kind: .unterminatedString, offset: end) }
    switch byte(start + 1) {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      position = start + 2
      return false
    case UInt8(ascii: "u"):
      position = start + 2
      let unit = try scanHexDigits()
      if unit & 0xf800 == 0xd800 {
        try scanSecondSurrogate(after: unit, at: start)
      }
      return unit >= 0x80
    default:
      throw SyntaxFault(kind: .badEscape, offset: start + 1)
    }
  }

  /// Reads the second half of a surrogate pair, or notes that it is missing.
  private mutating func scanSecondSurrogate(after unit: UInt32, at start: Int) throws(SyntaxFault) {
    let escapeFollows =
      position + 1 < end && byte(position) == UInt8(ascii: "\\") && byte(position + 1) == UInt8(ascii: "u")
    if unit < 0xdc00, escapeFollows {
      let afterFirst = position
      position += 2
      if try scanHexDigits() & 0xfc00 == 0xdc00 { return }
      // The escape is a character of its own, perhaps the first half of a pair: it is read again as such.
      position = afterFirst
    }
    if loneSurrogate == nil { loneSurrogate = start }
  }

  private mutating func scanHexDigits() throws(SyntaxFault) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      let digit = JSONScanner.hexValue(peek())
      guard digit < 16 else { throw SyntaxFault(kind: .badUnicodeEscape, offset: position) }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  /// Reads up to the next ASCII character, by the table of RFC 3629 section 4: no overlong forms, no surrogates,
  /// nothing above U+10FFFF.
  @usableFromInline
  mutating func scanNonASCII() throws(SyntaxFault) {
    while position < end {
      let first = byte(position)
      if first < 0x80 { return }
      let second: ClosedRange<UInt8>
      let length: Int
      switch first {
      case 0xc2...0xdf: (second, length) = (0x80...0xbf, 2)
      case 0xe0: (second, length) = (0xa0...0xbf, 3)
      case 0xed: (second, length) = (0x80...0x9f, 3)
      case 0xe1...0xef: (second, length) = (0x80...0xbf, 3)
      case 0xf0: (second, length) = (0x90...0xbf, 4)
      case 0xf1...0xf3: (second, length) = (0x80...0xbf, 4)
      case 0xf4: (second, length) = (0x80...0x8f, 4)
      default: throw SyntaxFault(kind: .invalidUTF8, offset: position)
      }
      guard position + length <= end, second.contains(byte(position + 1)),
        length < 3 || byte(position + 2) & 0xc0 == 0x80, length < 4 || byte(position + 3) & 0xc0 == 0x80
      else { throw SyntaxFault(kind: .invalidUTF8, offset: position) }
      position += length
    }
  }
}
