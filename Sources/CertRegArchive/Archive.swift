/// Recognition of archives by their content.
package enum Archive {
  /// How many bytes of a file's beginning ``kind(of:)`` looks at. All kinds but ISO images are recognised by the first
  /// 512.
  package static let headBytes = 32_774

  /// The kind of archive or compressed file that begins with `head`; `nil` for everything else.
  ///
  /// - Parameter head: The first bytes, ``headBytes`` of them where the file has that many.
  package static func kind(of head: some Collection<UInt8>) -> ArchiveKind? {
    let head = Array(head.prefix(headBytes))
    for (kind, offset, magic) in signatures
    where offset < head.count && head[offset] == magic[0] && head[offset...].starts(with: magic) {
      return kind
    }
    if isTar(head) { return .tar }
    if isCpio(head) { return .cpio }
    if isBzip2(head) { return .bzip2 }
    if isLHA(head) { return .lha }
    return nil
  }

  /// Bytes that only one kind has. Kinds whose signature could begin a text are looked at more closely below.
  private static let signatures: [(kind: ArchiveKind, offset: Int, magic: [UInt8])] = [
    // PKWARE's APPNOTE.TXT sections 4.3.7, 4.3.16 (an archive without members) and 8.5.3 (one that was split).
    (.zip, 0, [0x50, 0x4B, 0x03, 0x04]), (.zip, 0, [0x50, 0x4B, 0x05, 0x06]), (.zip, 0, [0x50, 0x4B, 0x07, 0x08]),
    (.zip, 0, [0x50, 0x4B, 0x30, 0x30, 0x50, 0x4B]),
    (.sevenZip, 0, [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]),
    // RFC 1952 section 2.3, with the only method that there is.
    (.gzip, 0, [0x1F, 0x8B, 0x08]),
    (.xz, 0, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]),
    // RFC 8878 section 3.1.1.
    (.zstd, 0, [0x28, 0xB5, 0x2F, 0xFD]),
    (.rar, 0, Array("Rar!\u{1A}\u{07}".utf8)),
    (.cab, 0, Array("MSCF\0\0\0\0".utf8)),
    (.wim, 0, Array("MSWIM\0\0\0".utf8)),
    (.ar, 0, Array("!<arch>\n".utf8)),
    (.compress, 0, [0x1F, 0x9D]), (.compress, 0, [0x1F, 0xA0]),
    (.lzip, 0, Array("LZIP\u{01}".utf8)),
    (.lz4, 0, [0x04, 0x22, 0x4D, 0x18]),
    (.xar, 0, Array("xar!".utf8) + [0x00]),
    (.rpm, 0, [0xED, 0xAB, 0xEE, 0xDB]),
    (.arj, 0, [0x60, 0xEA]),
    // ECMA-119 section 8.1.2, in the first volume descriptor.
    (.iso, 32_769, Array("CD001".utf8)),
  ]

  /// Whether the header's checksum is correct (POSIX.1-1988, and tar before it). Some old programs summed signed
  /// characters.
  private static func isTar(_ head: [UInt8]) -> Bool {
    guard head.count >= 512, head[0] != 0 else { return false }
    let digits = head[148..<156].drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
    guard !digits.isEmpty, let sum = Int(String(decoding: digits, as: UTF8.self), radix: 8) else { return false }
    let others = head[..<148] + head[156..<512]
    let blanks = 8 * 0x20
    return sum == others.reduce(blanks) { $0 + Int($1) }
      || sum == others.reduce(blanks) { $0 + Int(Int8(bitPattern: $1)) }
  }

  /// Whether a header of cpio begins, in one of its binary or textual forms (cpio(5)).
  private static func isCpio(_ head: [UInt8]) -> Bool {
    func isHexadecimal(_ byte: UInt8) -> Bool {
      (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }
    if head.starts(with: "070701".utf8) || head.starts(with: "070702".utf8) {
      return head.count >= 110 && head[..<110].allSatisfy(isHexadecimal)
    }
    if head.starts(with: "070707".utf8) {
      return head.count >= 76 && head[..<76].allSatisfy { (0x30...0x37).contains($0) }
    }
    return head.starts(with: [0xC7, 0x71]) || head.starts(with: [0x71, 0xC7])
  }

  /// Whether a bzip2 stream begins: its signature is three letters and a digit, and the first block or the end follows.
  private static func isBzip2(_ head: [UInt8]) -> Bool {
    guard head.count >= 10, head.starts(with: "BZh".utf8), (0x31...0x39).contains(head[3]) else { return false }
    let next = head[4..<10]
    return next.elementsEqual([0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
      || next.elementsEqual([0x17, 0x72, 0x45, 0x38, 0x50, 0x90])
  }

  /// Whether a header of lha begins: `-lh5-` and its relatives at the third byte.
  private static func isLHA(_ head: [UInt8]) -> Bool {
    guard head.count >= 7, head[2...].starts(with: "-l".utf8), head[6] == UInt8(ascii: "-") else { return false }
    return head[4] == UInt8(ascii: "h") || head[4] == UInt8(ascii: "z")
  }
}
