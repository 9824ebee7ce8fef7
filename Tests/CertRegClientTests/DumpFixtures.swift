import CertRegCore

@testable import CertRegClient

/// Bytes as programs print memory and write it to files.
enum Dump {
  static func digits(_ bytes: some Sequence<UInt8>, separator: String = "") -> String {
    bytes.map { hexadecimal(UInt32($0), digits: 2) }.joined(separator: separator)
  }

  /// The parts of so many bytes each.
  static func parts(_ bytes: [UInt8], of count: Int) -> [[UInt8]] {
    stride(from: 0, to: bytes.count, by: count).map { Array(bytes[$0..<min($0 + count, bytes.count)]) }
  }

  /// The 32-bit words, the last one filled with zeros.
  static func words(_ bytes: [UInt8], isLittleEndian: Bool) -> [String] {
    parts(bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4), of: 4).map { word in
      digits(isLittleEndian ? word.reversed() : word)
    }
  }

  /// Lines of four words, each made from its number and its words.
  static func lines(_ words: [String], _ line: (Int, ArraySlice<String>) -> String) -> String {
    stride(from: 0, to: words.count, by: 4).map { start in
      line(start / 4, words[start..<min(start + 4, words.count)]) + "\n"
    }.joined()
  }

  /// What gdb prints of words: an address in front of them.
  static func gdb(_ bytes: [UInt8], isLittleEndian: Bool = true) -> String {
    lines(words(bytes, isLittleEndian: isLittleEndian)) { number, words in
      "0x\(hexadecimal(UInt32(0x2000_0000 + 16 * number), digits: 8)) <cert+\(16 * number)>:"
        + words.map { "\t0x\($0)" }.joined()
    }
  }

  /// Records of Motorola, with an address of four bytes.
  static func motorola(_ bytes: [UInt8]) -> String {
    let records = parts(bytes, of: 16).enumerated().map { number, part -> String in
      let header: [UInt8] = [UInt8(part.count + 5), 0, 1, UInt8(number >> 4), UInt8(number & 15) << 4]
      let body: [UInt8] = header + part
      let checksum: UInt8 = 0xFF &- body.reduce(0, &+)
      return "S3\(digits(body + [checksum]).uppercased())\n"
    }
    return "S0030000FC\n" + records.joined() + "S70500000000FA\n"
  }

  /// What Wireshark copies: an offset, the bytes, and their characters.
  static func wireshark(_ bytes: [UInt8]) -> String {
    parts(bytes, of: 16).enumerated().map { number, part -> String in
      let characters: String = part.map { (0x20..<0x7F).contains($0) ? String(decoding: [$0], as: UTF8.self) : "." }
        .joined()
      let line = digits(part, separator: " ")
      let gap = String(repeating: " ", count: 50 - line.utf8.count)
      return "\(hexadecimal(UInt32(16 * number), digits: 4))   \(line)\(gap)\(characters)\n"
    }.joined()
  }

  /// What the registry editor exports of a certificate store: a digest and an encoding.
  static func registry(_ bytes: [UInt8]) -> String {
    func property(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
      let header: [UInt8] = [number, 0, 0, 0, 1, 0, 0, 0, UInt8(content.count & 255), UInt8(content.count >> 8), 0, 0]
      return header + content
    }
    let lines = parts(property(3, [UInt8](repeating: 7, count: 20)) + property(0x20, bytes), of: 25)
    return "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\MY]\r\n\"Blob\"=hex:"
      + lines.map { digits($0, separator: ",") }.joined(separator: ",\\\r\n  ") + "\r\n\r\n"
  }

  /// The identity of a chip: an encoding behind the headers of TLS.
  static func identity(_ bytes: [UInt8]) -> [UInt8] {
    let lengths = [bytes.count + 6, bytes.count + 3, bytes.count].map { [UInt8($0 >> 8), UInt8($0 & 255)] }
    return Array([[0xC0], lengths[0], [0], lengths[1], [0], lengths[2], bytes].joined())
  }
}
