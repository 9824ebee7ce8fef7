@testable import CertRegClient

/// `value` in little-endian octets.
func little(_ value: some FixedWidthInteger, _ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: UInt64(truncatingIfNeeded: value) >> UInt64(8 * $0)) }
}

/// Data as a deflate stream of one stored block (RFC 1951 section 3.2.4).
func deflated(_ data: [UInt8]) -> [UInt8] {
  [1] + little(data.count, 2) + little(~data.count, 2) + data
}

/// A gzip file (RFC 1952) of one member.
func gzipped(_ data: [UInt8]) -> [UInt8] {
  [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + deflated(data) + little(crc32(data), 4) + little(data.count, 4)
}

/// CRC-32 as gzip and zip define it (RFC 1952 section 8).
func crc32(_ bytes: [UInt8]) -> UInt32 {
  ~bytes.reduce(UInt32.max) { sum, byte in
    (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
  }
}
