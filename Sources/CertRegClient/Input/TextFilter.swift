import CertRegCodec

/// Turns pieces of a text into UTF-8 with LF at the ends of lines, without byte-order marks and zeros. Concatenated
/// files have marks in the middle, and every other byte of an appended text in UTF-16 is zero.
struct TextFilter {
  /// After this many consecutive units outside Latin-1, all of whose bytes are ASCII or zero, the rest is text of
  /// another encoding. No BEGIN line with a line of base64 is shorter. Some characters of other scripts are such units,
  /// too, and rules of tables repeat them: so some of the units have to differ.
  private static let unitsOfOtherText = 16
  private static let differentUnits = 5
  /// So many bytes are kept that may turn out to be the beginning of text of another encoding.
  private static let maximumHeldBytes = 128

  /// So many bytes from a byte-order mark on show whether text follows.
  private static let markedBytes = 66

  /// Where the encoding changes, what is left of a piece is copied.
  private static let pieceBytes = 65_536

  private var encoding: TextEncoding
  private var swapsBytes = false
  /// Bytes that the next piece completes.
  private var held: [UInt8] = []
  private var followsCR = false

  init(_ encoding: TextEncoding) {
    self.encoding = encoding
  }

  /// The text of any number of bytes.
  ///
  /// - Parameter isLast: Whether the text ends with them.
  mutating func text(ofAll bytes: ArraySlice<UInt8>, isLast: Bool) -> [UInt8] {
    var text: [UInt8] = []
    var rest = bytes
    while !rest.isEmpty {
      let piece = Array(rest.prefix(TextFilter.pieceBytes))
      rest = rest.dropFirst(piece.count)
      text += self.text(of: piece, isLast: isLast && rest.isEmpty)
    }
    return text
  }

  /// The text of the next piece.
  ///
  /// - Parameter isLast: Whether the text ends with this piece.
  mutating func text(of piece: [UInt8], isLast: Bool) -> [UInt8] {
    var bytes = held.isEmpty ? piece : held + piece
    held = []
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    while !bytes.isEmpty {
      bytes = encoding == .bytes ? takePlain(bytes, isLast, &result) : takeUTF16(bytes, isLast, &result)
    }
    return result
  }

  /// Takes bytes up to where text in UTF-16 was appended. Returns what follows.
  private mutating func takePlain(_ bytes: [UInt8], _ isLast: Bool, _ result: inout [UInt8]) -> [UInt8] {
    // Nearly all texts have neither marks nor CR, and pass as they are.
    guard followsCR || [0x0D, 0xEF, 0, 0x1A, 0xFE, 0xFF].contains(where: bytes.holds) else {
      result += bytes
      return []
    }
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if byte == 0xEF {
        let next = bytes[index..<min(bytes.count, index + 3)]
        if next.elementsEqual([0xEF, 0xBB, 0xBF]) {
          index += 3
          continue
        }
        if next.count < 3, !isLast, [0xEF, 0xBB].starts(with: next) {
          held = Array(next)
          return []
        }
      }
      if byte >= 0xFE {
        let rest = bytes[index...]
        if rest.count < TextFilter.markedBytes, !isLast {
          held = Array(rest)
          return []
        }
        if let appended = TextFilter.marked(rest) {
          (encoding, swapsBytes) = (appended, false)
          return Array(rest.dropFirst(2))
        }
      }
      if byte == 0, TextFilter.isSeparator(index, bytes) {
        append(0x0A, to: &result)
      } else if byte != 0, byte != 0x1A || !TextFilter.isEndMark(index, bytes) {
        append(byte, to: &result)
      }
      index += 1
    }
    return []
  }

  /// Whether a zero stands between two encodings in base64, as a program in C ends them.
  private static func isSeparator(_ index: Int, _ bytes: [UInt8]) -> Bool {
    let around = bytes[max(0, index - separatedBytes)...min(bytes.count - 1, index + separatedBytes)]
    return around.count > separatedBytes
      && around.allSatisfy { Base64.values[Int($0)] != Base64.invalid || $0 == 0x3D || $0 == 0 }
      && around.count { $0 == 0 } == 1
  }

  /// So many characters of base64 in a row are no word.
  private static let separatedBytes = 16

  /// Whether SUB is the mark at the end of a file of DOS.
  private static func isEndMark(_ index: Int, _ bytes: [UInt8]) -> Bool {
    index + 1 == bytes.count || [0x0A, 0x0D, 0x1A].contains(bytes[index + 1]) || index > 0 && bytes[index - 1] == 0x0A
  }

  /// The encoding of text in UTF-16 that begins with its byte-order mark; `nil` for anything else, such as binary data.
  static func marked(_ bytes: ArraySlice<UInt8>) -> TextEncoding? {
    let isLittleEndian = bytes.starts(with: [0xFF, 0xFE])
    guard isLittleEndian || bytes.starts(with: [0xFE, 0xFF]) else { return nil }
    let sample = Array(bytes.dropFirst(2).prefix(markedBytes - 2))
    let units = stride(from: 0, to: sample.count - 1, by: 2).map { index in
      UInt16(sample[isLittleEndian ? index + 1 : index]) << 8 | UInt16(sample[isLittleEndian ? index : index + 1])
    }
    // Line ends and separators are in ASCII, whatever the script.
    let isText = units.contains { $0 < 0x80 } && units.allSatisfy { $0 >= 0x20 || $0 >= 0x09 && $0 <= 0x0D }
    return isText ? isLittleEndian ? .utf16LittleEndian : .utf16BigEndian : nil
  }

  private mutating func append(_ byte: UInt8, to result: inout [UInt8]) {
    if byte == 0x0D {
      result.append(0x0A)
    } else if byte != 0x0A || !followsCR {
      result.append(byte)
    }
    followsCR = byte == 0x0D
  }

  /// Takes text in UTF-16, up to where text of another encoding or at an odd offset was appended. Returns what follows,
  /// which is bytes without zeros.
  private mutating func takeUTF16(_ bytes: [UInt8], _ isLast: Bool, _ result: inout [UInt8]) -> [UInt8] {
    var units: [UInt16] = []
    units.reserveCapacity(bytes.count / 2)
    /// Where the units begin that are not in Latin-1: line ends are, and nearly all of a text about certificates.
    var other: (byte: Int, unit: Int)?
    var proofs = 0
    var different: Set<UInt16> = []
    var index = 0
    while index + 1 < bytes.count {
      let (first, second) = (bytes[index], bytes[index + 1])
      let isLittleEndian = (encoding == .utf16LittleEndian) != swapsBytes
      var unit = isLittleEndian ? UInt16(second) << 8 | UInt16(first) : UInt16(first) << 8 | UInt16(second)
      if unit == 0xFFFE {
        // The mark of the other order: a text in that order was appended.
        swapsBytes.toggle()
        unit = 0xFEFF
      }
      if unit < 0x100 || unit == 0xFEFF {
        (other, proofs) = (nil, 0)
      } else {
        if other == nil { other = (index, units.count) }
        proofs = TextFilter.isTextOrZero(first) && TextFilter.isTextOrZero(second) ? proofs + 1 : 0
        if proofs <= 1 { different = [] }
        if proofs > 0, different.count < TextFilter.differentUnits { different.insert(unit) }
      }
      if let other, proofs >= TextFilter.unitsOfOtherText, different.count == TextFilter.differentUnits {
        encoding = .bytes
        result += utf8(units[..<other.unit])
        return Array(bytes[other.byte...])
      }
      if unit != 0xFEFF, unit != 0 { units.append(unit) }
      index += 2
    }
    if !isLast, let other {
      let start = max(other.byte, index - TextFilter.maximumHeldBytes)
      units.removeLast((index - start) / 2)
      index = start
      if let last = units.last, UTF16.isLeadSurrogate(last) {
        units.removeLast()
        index -= 2
      }
    }
    if !isLast { held = Array(bytes[index...]) }
    result += utf8(units[...])
    return []
  }

  private static func isTextOrZero(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte < 0x7F || byte == 0 || byte == 0x0A || byte == 0x0D || byte == 0x09
  }

  private mutating func utf8(_ units: ArraySlice<UInt16>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(units.count)
    for byte in String(decoding: units, as: UTF16.self).utf8 { append(byte, to: &result) }
    return result
  }
}
