import Glibc

/// Decodes a string that a `JSONScanner` has accepted. It relies on that check and does not check escapes again.
///
/// It uses raw pointers, because text is copied eight bytes at a time and directly into the caller's memory. Every
/// access lies inside `text.range` of `line` or the first `text.range.count` bytes of the target.
package enum JSONTextDecoder {
  /// Writes the unescaped UTF-8 of `text` to the start of `target` and returns how many bytes it has.
  ///
  /// `target` has room for `text.range.count` bytes (no escape is shorter than the text it stands for) and does not
  /// overlap `line`. The room behind the returned count may be overwritten as well.
  package static func unescape(
    _ text: JSONText, in line: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Int {
    precondition(text.range.upperBound <= line.count && target.count >= text.range.count)
    guard let lineStart = line.baseAddress, let output = target.baseAddress, !text.range.isEmpty else { return 0 }
    let input = lineStart + text.range.lowerBound
    let count = text.range.count
    if !text.hasEscapes {
      output.copyMemory(from: input, byteCount: count)
      return count
    }
    var read = 0
    var written = 0
    while read < count {
      if read + 8 <= count {
        // `written` never passes `read`, so these eight bytes fit into the target too.
        let word = input.loadUnaligned(fromByteOffset: read, as: UInt64.self)
        output.storeBytes(of: word, toByteOffset: written, as: UInt64.self)
        let stops = SWAR.backslashes(UInt64(littleEndian: word))
        if stops == 0 {
          read += 8
          written += 8
          continue
        }
        let run = stops.trailingZeroBitCount >> 3
        read += run
        written += run
      } else {
        let byte = input.load(fromByteOffset: read, as: UInt8.self)
        if byte != UInt8(ascii: "\\") {
          output.storeBytes(of: byte, toByteOffset: written, as: UInt8.self)
          read += 1
          written += 1
          continue
        }
      }
      let letter = input.load(fromByteOffset: read + 1, as: UInt8.self)
      if letter == UInt8(ascii: "u") {
        let (scalar, used) = unicodeEscape(input, at: read, count: count)
        written += writeUTF8(scalar, to: output + written)
        read += used
      } else {
        output.storeBytes(of: meaning(ofEscape: letter), toByteOffset: written, as: UInt8.self)
        read += 2
        written += 1
      }
    }
    return written
  }

  /// The text as a `String`.
  package static func string(_ text: JSONText, in line: UnsafeRawBufferPointer) -> String {
    if !text.hasEscapes {
      return String(decoding: UnsafeRawBufferPointer(rebasing: line[text.range]), as: UTF8.self)
    }
    return String(unsafeUninitializedCapacity: text.range.count) { buffer in
      unescape(text, in: line, into: UnsafeMutableRawBufferPointer(buffer))
    }
  }

  /// Whether the text is exactly `expected` (UTF-8). Allocates nothing for texts of up to 1 KiB as written.
  package static func equals(
    _ text: JSONText, in line: UnsafeRawBufferPointer, _ expected: UnsafeRawBufferPointer
  ) -> Bool {
    let written = text.range.count
    if !text.hasEscapes {
      return written == expected.count && sameBytes(UnsafeRawBufferPointer(rebasing: line[text.range]), expected)
    }
    // The longest escape takes six bytes for one.
    guard written > expected.count, written <= expected.count * 6 else { return false }
    return withUnsafeTemporaryAllocation(byteCount: written, alignment: 1) { buffer in
      let count = unescape(text, in: line, into: buffer)
      return sameBytes(UnsafeRawBufferPointer(rebasing: buffer[..<count]), expected)
    }
  }

  /// Whether the text is exactly `expected`.
  package static func equals(_ text: JSONText, in line: UnsafeRawBufferPointer, _ expected: StaticString) -> Bool {
    equals(text, in: line, UnsafeRawBufferPointer(start: expected.utf8Start, count: expected.utf8CodeUnitCount))
  }

  private static func sameBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard left.count == right.count else { return false }
    guard let leftStart = left.baseAddress, let rightStart = right.baseAddress else { return true }
    return memcmp(leftStart, rightStart, left.count) == 0
  }

  /// The byte that a two-character escape stands for (RFC 8259 section 7).
  private static func meaning(ofEscape letter: UInt8) -> UInt8 {
    switch letter {
    case UInt8(ascii: "n"): 0x0a
    case UInt8(ascii: "r"): 0x0d
    case UInt8(ascii: "t"): 0x09
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0c
    default: letter  // The quote, the backslash and the slash stand for themselves.
    }
  }

  /// The scalar of the `\uXXXX` at `offset`, or of a surrogate pair, and the number of bytes that it was written with.
  /// Half a pair gives U+FFFD; the scanner has noted it.
  private static func unicodeEscape(
    _ input: UnsafeRawPointer, at offset: Int, count: Int
  ) -> (scalar: UInt32, used: Int) {
    let first = hexDigits(input, at: offset + 2)
    guard first & 0xf800 == 0xd800 else { return (first, 6) }
    guard first < 0xdc00, offset + 12 <= count,
      input.load(fromByteOffset: offset + 6, as: UInt8.self) == UInt8(ascii: "\\"),
      input.load(fromByteOffset: offset + 7, as: UInt8.self) == UInt8(ascii: "u")
    else { return (0xfffd, 6) }
    let second = hexDigits(input, at: offset + 8)
    guard second & 0xfc00 == 0xdc00 else { return (0xfffd, 6) }
    return (0x10000 + (first & 0x3ff) << 10 + (second & 0x3ff), 12)
  }

  private static func hexDigits(_ input: UnsafeRawPointer, at offset: Int) -> UInt32 {
    var value: UInt32 = 0
    for index in offset..<(offset + 4) {
      value = value << 4 | UInt32(JSONScanner.hexValue(input.load(fromByteOffset: index, as: UInt8.self)) & 15)
    }
    return value
  }

  /// Writes `scalar` as UTF-8 (RFC 3629) and returns how many bytes that took.
  private static func writeUTF8(_ scalar: UInt32, to output: UnsafeMutableRawPointer) -> Int {
    func put(_ value: UInt32, _ offset: Int) {
      output.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: offset, as: UInt8.self)
    }
    switch scalar {
    case ..<0x80:
      put(scalar, 0)
      return 1
    case ..<0x800:
      put(0xc0 | scalar >> 6, 0)
      put(0x80 | scalar & 0x3f, 1)
      return 2
    case ..<0x10000:
      put(0xe0 | scalar >> 12, 0)
      put(0x80 | scalar >> 6 & 0x3f, 1)
      put(0x80 | scalar & 0x3f, 2)
      return 3
    default:
      put(0xf0 | scalar >> 18, 0)
      put(0x80 | scalar >> 12 & 0x3f, 1)
      put(0x80 | scalar >> 6 & 0x3f, 2)
      put(0x80 | scalar & 0x3f, 3)
      return 4
    }
  }
}
