import CertRegCore
import Glibc

/// The number of changes that were reported as durable, kept apart from the database.
///
/// SQLite replays its log up to the first frame whose checksum does not hold, and drops the rest silently. It has to do
/// so with a transaction that a crash has torn, but a bit that flips in the middle of the log makes acknowledged work
/// vanish in the same way. This mark is the evidence. It is written after each group's synchronisation and before the
/// changes are reported. It is not synchronised itself, which would double the price of a group. A killed process loses
/// nothing of it. After a loss of power it may lag behind by the kernel's write-back delay: it never accuses wrongly,
/// and misses only damage that coincides with that loss. It is made durable whenever the log starts over, and at the
/// end.
struct HighWaterMark: Equatable {
  /// The length of the record.
  static let sizeBytes = 40
  private static let magic: UInt64 = 0x6372_672d_6877_6d31

  /// `Schema.version` of the program that wrote it.
  var schemaVersion: Int32
  /// Number of changes that were committed.
  var revision: Int64
  /// Whether the store was closed in order since.
  var isClean = false
  /// Whether the database was found damaged while in use: the next start looks at all of it.
  var isSuspect = false

  /// The record in little-endian order, with a checksum by which a torn or damaged one is recognised.
  var bytes: [UInt8] {
    let flags: UInt64 = (isClean ? 1 : 0) | (isSuspect ? 2 : 0)
    var words = [HighWaterMark.magic, UInt64(UInt32(bitPattern: schemaVersion)), UInt64(bitPattern: revision), flags]
    words.append(HighWaterMark.checksum(words))
    return words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } }
  }

  init(schemaVersion: Int32, revision: Int64, isClean: Bool = false, isSuspect: Bool = false) {
    self.schemaVersion = schemaVersion
    self.revision = revision
    self.isClean = isClean
    self.isSuspect = isSuspect
  }

  /// `nil` for anything but an intact record.
  init?(bytes: [UInt8]) {
    guard bytes.count >= HighWaterMark.sizeBytes else { return nil }
    let words = (0..<5).map { HighWaterMark.word($0, of: bytes) }
    guard words[0] == HighWaterMark.magic, words[4] == HighWaterMark.checksum(Array(words[..<4])) else { return nil }
    self.init(
      schemaVersion: Int32(truncatingIfNeeded: words[1]), revision: Int64(bitPattern: words[2]),
      isClean: words[3] & 1 != 0, isSuspect: words[3] & 2 != 0)
  }

  private static func word(_ number: Int, of bytes: [UInt8]) -> UInt64 {
    var word: UInt64 = 0
    for byte in bytes[8 * number..<8 * number + 8].reversed() { word = word << 8 | UInt64(byte) }
    return word
  }

  private static func checksum(_ words: [UInt64]) -> UInt64 {
    var checksum = RowChecksum(.state)
    for word in words { checksum.add(Int64(bitPattern: word)) }
    return UInt64(bitPattern: checksum.value)
  }
}

/// The file that holds the mark.
final class HighWaterFile: Sendable {
  /// The content of the file when it was opened.
  enum Found: Equatable {
    /// There was no file, or an empty one.
    case nothing
    case mark(HighWaterMark)
    /// No record, or one whose checksum does not hold.
    case damaged
  }

  let path: String
  let found: Found
  private let descriptor: Int32

  /// Opens the file, which is made where it is missing.
  init(path: String) throws(StoreError) {
    self.path = path
    descriptor = try StateDirectory.openFile(path)
    var bytes = [UInt8](repeating: 0, count: HighWaterMark.sizeBytes)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    if count == 0 {
      found = .nothing
    } else if count == bytes.count, let mark = HighWaterMark(bytes: bytes) {
      found = .mark(mark)
    } else {
      found = .damaged
    }
  }

  deinit {
    Glibc.close(descriptor)
  }

  /// Writes in place: one sector, which the disk writes whole.
  func write(_ mark: HighWaterMark) throws(StoreError) {
    let bytes = mark.bytes
    guard pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else {
      throw StoreError(system: "cannot write \(path)")
    }
  }

  /// Makes the mark durable.
  func synchronize() throws(StoreError) {
    guard fdatasync(descriptor) == 0 else { throw StoreError(system: "cannot synchronise \(path)") }
  }
}
