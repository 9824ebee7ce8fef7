import CArchive
import Glibc

/// Owns a `struct archive` and the input it reads from: the boundary to libarchive's callbacks.
final class ArchiveHandle {
  /// How much is read at a time.
  private static let pieceBytes = 65_536

  /// Owned; freed in `deinit`.
  let archive: OpaquePointer
  private let input: any ArchiveInput
  private let budget: ArchiveBudget
  private let isOutermost: Bool
  /// Owned. libarchive reads from it until it asks for the next piece or is freed.
  private let buffer: UnsafeMutableRawBufferPointer
  /// The last bytes that were read: the piece in `buffer`, and some before it, which libarchive can have taken aside.
  private var recent: [UInt8] = []
  /// The position of the input.
  private var position = 0
  /// Whether no member of an archive takes much memory, so that not every call is measured.
  var takesLittle = false
  /// Whether the limit may stay in force between calls, because all members so far take a few hundred kilobytes.
  var keepsLimit = false
  private var calls = 0
  /// Whether the members of a zip archive are read without its directory.
  var readsZipInOrder = false
  /// Whether libarchive has chosen a format.
  private(set) var hasFormat = false
  /// What a callback failed with. libarchive knows only that it failed.
  private(set) var failure: ArchiveError?

  /// - Throws: `ArchiveError` `outOfMemory`.
  init(_ input: any ArchiveInput, budget: ArchiveBudget, isOutermost: Bool) throws(ArchiveError) {
    guard let archive = archive_read_new() else { throw ArchiveError(.outOfMemory) }
    self.archive = archive
    self.input = input
    self.budget = budget
    self.isOutermost = isOutermost
    buffer = .allocate(byteCount: ArchiveHandle.pieceBytes, alignment: 16)
  }

  deinit {
    _ = run { archive_read_free($0) }
    budget.memory.pause()
    buffer.deallocate()
  }

  /// Calls libarchive, with a bound on its memory. All calls that can read, decompress or free much go through it.
  func run<Status: SignedInteger>(_ body: (OpaquePointer) -> Status) -> Status {
    // The first two calls open the archive and read the directory of a zip archive.
    budget.memory.enter(measures: !takesLittle || calls < 2 || calls % 64 == 0)
    calls += 1
    let status = body(archive)
    // A call that has failed can have taken all there was.
    budget.memory.leave(keepsLimit: keepsLimit && status >= 0)
    return status
  }

  /// Reads the next header. Returns libarchive's status.
  func readHeader(_ entry: inout OpaquePointer?) -> Int32 {
    let status = run { archive_read_next_header($0, &entry) }
    if keepsLimit, !isPlainlyCompressed {
      keepsLimit = false
      budget.memory.pause()
    }
    return status
  }

  /// Whether the member of a zip archive is stored or deflated. Other methods allocate what the archive says, and keep
  /// it until the next such member. libarchive tells the method in the name of the format alone.
  private var isPlainlyCompressed: Bool {
    guard let name = archive_format_name(archive) else { return false }
    return strstr(name, "(deflation)") != nil || strstr(name, "(uncompressed)") != nil
  }

  /// Runs a callback without the bound. The input of the outermost archive runs no other libarchive.
  private func runCallback<Result>(_ body: () -> Result) -> Result {
    if isOutermost { budget.memory.pause() } else { budget.memory.leave() }
    defer { if isOutermost { budget.memory.resume() } else { budget.memory.enter() } }
    return body()
  }

  /// Opens the archive with the formats enabled so far. Returns libarchive's status.
  func open() -> Int32 {
    // The callbacks run only inside calls on `archive`, which this object owns and frees, so it outlives all of them.
    archive_read_set_callback_data(archive, Unmanaged.passUnretained(self).toOpaque())
    archive_read_set_read_callback(archive) { _, context, target in
      guard let context, let target else { return Int(ARCHIVE_FATAL) }
      let handle = Unmanaged<ArchiveHandle>.fromOpaque(context).takeUnretainedValue()
      return handle.runCallback { handle.readPiece(into: target) }
    }
    if input.size != nil {
      archive_read_set_seek_callback(archive) { _, context, offset, whence in
        guard let context else { return Int64(ARCHIVE_FATAL) }
        let handle = Unmanaged<ArchiveHandle>.fromOpaque(context).takeUnretainedValue()
        return handle.runCallback { handle.seek(by: offset, whence) }
      }
    }
    let status = run { archive_read_open1($0) }
    hasFormat = status == ARCHIVE_OK
    return status
  }

  /// How many bytes of the input libarchive has taken.
  var consumedBytes: Int { Int(archive_filter_bytes(archive, -1)) }

  /// Whether the input holds something other than zeros behind the end of the archive or the compressed data.
  ///
  /// - Throws: what the input throws.
  func hasTrailingData() throws(ArchiveError) -> Bool {
    let left = position - consumedBytes
    if left > recent.count || recent.suffix(max(0, left)).contains(where: { $0 != 0 }) { return true }
    while true {
      let piece = try input.read(upTo: ArchiveHandle.pieceBytes)
      if piece.isEmpty { return false }
      if piece.contains(where: { $0 != 0 }) { return true }
    }
  }

  private func readPiece(into target: UnsafeMutablePointer<UnsafeRawPointer?>) -> Int {
    do throws(ArchiveError) {
      let piece = try input.read(upTo: ArchiveHandle.pieceBytes)
      buffer.copyBytes(from: piece)
      recent = Array(recent.suffix(ArchiveHandle.pieceBytes)) + piece
      position += piece.count
      if isOutermost { budget.countPacked(piece.count) }
      target.pointee = UnsafeRawPointer(buffer.baseAddress)
      return piece.count
    } catch {
      failure = failure ?? error
      return Int(ARCHIVE_FATAL)
    }
  }

  private func seek(by offset: Int64, _ whence: Int32) -> Int64 {
    let origin: Int
    switch whence {
    case SEEK_SET: origin = 0
    case SEEK_CUR: origin = position
    case SEEK_END: origin = input.size ?? 0
    default: return Int64(ARCHIVE_FATAL)
    }
    // Offsets come from the archive.
    let (target, overflows) = origin.addingReportingOverflow(Int(offset))
    guard !overflows, target >= 0 else { return Int64(ARCHIVE_FATAL) }
    do throws(ArchiveError) {
      try input.seek(to: target)
    } catch {
      failure = failure ?? error
      return Int64(ARCHIVE_FATAL)
    }
    position = target
    recent = []
    return Int64(target)
  }
}
