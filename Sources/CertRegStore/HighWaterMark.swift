import CertRegCore
import Glibc

/// How much was reported as durable, kept apart from the database.
///
/// SQLite replays its log up to the first frame whose checksum does not hold and drops everything behind it without a
/// word: that is how it tells a transaction torn by a crash from a whole one, but a bit that flips in the middle of the
/// log makes acknowledged work vanish just so. This mark is the evidence. It is written after each group's
/// synchronisation and before its changes are reported, and deliberately not synchronised itself, which would double the
/// price of a group: a process that is killed loses nothing of it, and after a loss of power it may lag behind by the
/// kernel's write-back delay, so that it never accuses wrongly and misses at most damage that coincides with that loss.
/// It is made durable whenever the log starts over, and at the end.
struct HighWaterMark: Equatable {
  static let sizeBytes = 40
  private static let magic: UInt64 = 0x6372_672d_6877_6d31

  /// `Schema.version` of whoever wrote it.
  var schemaVersion: Int32
  /// Number of changes that were committed.
  var revision: Int64
  /// Whether the store was closed in order since.
  var isClean = false
  /// Whether the database was found damaged while in use: the next start looks at all of it.
  var isSuspect = false

  /// The record in little-endian order; the checksum makes a torn or damaged one recognisable.
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
    let words = (0..<5).map { word in
      (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[8 * word + $1]) << UInt64(8 * $1) }
    }
    guard words[0] == HighWaterMark.magic, words[4] == HighWaterMark.checksum(Array(words[..<4])) else { return nil }
    self.init(
      schemaVersion: Int32(truncatingIfNeeded: words[1]), revision: Int64(bitPattern: words[2]),
      isClean: words[3] & 1 != 0, isSuspect: words[3] & 2 != 0)
  }

  private static func checksum(_ words: [UInt64]) -> UInt64 {
    var checksum = RowChecksum(.state)
    for word in words { checksum.add(Int64(bitPattern: word)) }
    return UInt64(bitPattern: checksum.value)
  }
}

/// The file that holds the mark.
final class HighWaterFile: Sendable {
  /// What the file said when it was opened.
  enum Found: Equatable {
    /// There was no file, or an empty one.
    case nothing
    case mark(HighWaterMark)
    case damaged
  }

  let path: String
  let found: Found
  private let descriptor: Int32

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

  func synchronize() throws(StoreError) {
    guard fdatasync(descriptor) == 0 else { throw StoreError(system: "cannot synchronise \(path)") }
  }
}
