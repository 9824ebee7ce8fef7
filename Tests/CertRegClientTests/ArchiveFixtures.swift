@testable import CertRegClient

/// The form of a source and its entries.
func importEntries(_ path: String, format: ImportFormat? = nil) throws -> (ImportFormat, [ImportEntry]) {
  var (kind, source) = try ImportFormat.open(path, format: format)
  var entries: [ImportEntry] = []
  while let entry = try source.next() { entries.append(entry) }
  return (kind, entries)
}

/// The PEM of an entry that has some.
func pem(_ entry: ImportEntry) -> String? { try? entry.content.get() }

/// The message of an entry that has no certificate.
func fault(_ entry: ImportEntry) -> String? {
  guard case .failure(let error) = entry.content else { return nil }
  return error.message
}

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
