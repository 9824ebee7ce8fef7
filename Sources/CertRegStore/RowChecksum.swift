import CertRegCore

/// A 64-bit checksum over the columns of a row, kept in the row's last column.
///
/// SQLite has no checksums for the database file, so a flipped bit on the disk would be answered as truth. Each step is
/// a bijection of the state for a given word and of the word for a given state: a change within one column's word is
/// noticed for certain, any other one with probability 1 - 2^-64. It is no defence against forgery: a process that can
/// write the file can do anything. The function is part of the file format and must never change.
struct RowChecksum {
  private var state: UInt64

  /// Starts the checksum of a row of `table`: equal columns in another table have another checksum.
  init(_ table: Table) {
    state = 0x6365_7274_7265_6764 ^ UInt64(table.rawValue) << 56
  }

  private mutating func mix(_ word: UInt64) {
    state = (state ^ word) &* 0x9e37_79b9_7f4a_7c15
    state ^= state >> 29
  }

  /// Adds NULL.
  mutating func addNull() { mix(0x4e) }

  /// Adds an integer.
  mutating func add(_ value: Int64) {
    mix(0x49)
    mix(UInt64(bitPattern: value))
  }

  /// Adds UTF-8 text.
  mutating func add(text: UnsafeRawBufferPointer) {
    mix(0x54)
    add(bytes: text)
  }

  /// Adds a blob.
  mutating func add(blob: UnsafeRawBufferPointer) {
    mix(0x42)
    add(bytes: blob)
  }

  private mutating func add(bytes: UnsafeRawBufferPointer) {
    mix(UInt64(bytes.count))
    var offset = 0
    while offset + 8 <= bytes.count {
      mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
      offset += 8
    }
    var rest: UInt64 = 0
    var shift: UInt64 = 0
    while offset < bytes.count {
      rest |= UInt64(bytes[offset]) << shift
      shift += 8
      offset += 1
    }
    if shift > 0 { mix(rest) }
  }

  /// The checksum of what was added so far.
  var value: Int64 { Int64(bitPattern: state) }
}
