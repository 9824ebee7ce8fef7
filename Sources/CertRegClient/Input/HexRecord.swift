import CertRegCore

/// A line of a file with which programs are written into memory: a record of Intel HEX or a Motorola S-record.
enum HexRecord {
  /// The data of a record in hexadecimal digits; `nil` for anything else.
  static func data(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? { intel(line) ?? motorola(line) }

  /// `:` with the length, the address and the type in front of the data, and a checksum behind.
  private static func intel(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    let digits = line.dropFirst()
    guard line.first == UInt8(ascii: ":"), digits.count > 10, digits.dropFirst(6).starts(with: "00".utf8) else {
      return nil
    }
    let length = digits.prefix(2).reduce(0) { $0 << 4 | Int($1.hexDigitValue ?? 0) }
    guard digits.count == 2 * length + 10, digits.allSatisfy({ $0.hexDigitValue != nil }) else { return nil }
    return digits.dropFirst(8).dropLast(2)
  }

  /// `S1`, `S2` or `S3` with the length of what follows and an address of two to four bytes in front of the data, and a
  /// checksum behind. Base64 can begin so, too: its checksum is wrong.
  static func motorola(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard line.first == UInt8(ascii: "S"), let type = line.dropFirst().first, (0x31...0x33).contains(type) else {
      return nil
    }
    let values = line.dropFirst(2).compactMap(\.hexDigitValue)
    guard values.count == line.count - 2, values.count % 2 == 0 else { return nil }
    let bytes = stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    let address = Int(type - 0x31) + 2
    guard bytes.count > address + 2, Int(bytes[0]) == bytes.count - 1, bytes.reduce(0, &+) == 0xFF else { return nil }
    return line.dropFirst(4 + 2 * address).dropLast(2)
  }
}
