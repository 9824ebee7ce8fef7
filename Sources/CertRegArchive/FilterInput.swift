import CArchive

/// What decompresses a file.
protocol Decompressor: ArchiveInput {
  /// How many bytes of the compressed source were taken.
  var consumedBytes: Int { get }

  /// Call it at the end of the data.
  ///
  /// - Throws: `ArchiveError` `damaged` where other data follow the compressed ones, which ``ArchiveInput/read(upTo:)``
  ///   did not report.
  func checkEnd() throws(ArchiveError)
}

/// Decompresses bzip2, xz or zstd with libarchive, piece by piece. An archive in the same handle would be skipped
/// through at once, however much that decompresses: 46 bytes of bzip2 can stand for 46 MB.
final class FilterInput: Decompressor {
  private let handle: ArchiveHandle
  private let budget: ArchiveBudget
  /// Decompressed bytes that were not handed out yet.
  private var pending: ArraySlice<UInt8> = []
  private var isAtEnd = false

  /// - Throws: `ArchiveError` `outOfMemory`; damage is found by ``read(upTo:)``.
  init(
    _ source: any ArchiveInput, _ kind: ArchiveKind, budget: ArchiveBudget, isOutermost: Bool
  ) throws(ArchiveError) {
    handle = try ArchiveHandle(source, budget: budget, isOutermost: isOutermost)
    self.budget = budget
    try handle.enableFilter(of: kind)
    var entry: OpaquePointer?
    guard handle.open() == ARCHIVE_OK, handle.run({ archive_read_next_header($0, &entry) }) == ARCHIVE_OK else {
      throw failure()
    }
  }

  var size: Int? { nil }

  var consumedBytes: Int { handle.consumedBytes }

  func seek(to offset: Int) {}

  func read(upTo count: Int) throws(ArchiveError) -> [UInt8] {
    while pending.isEmpty, !isAtEnd { pending = try block()[...] }
    let piece = Array(pending.prefix(count))
    pending = pending.dropFirst(piece.count)
    return piece
  }

  func checkEnd() throws(ArchiveError) {
    guard isAtEnd, try handle.hasTrailingData() else { return }
    throw ArchiveError(.damaged, offset: handle.consumedBytes, detail: "other data follow the compressed ones")
  }

  /// The next bytes as libarchive has them; empty at the end.
  private func block() throws(ArchiveError) -> [UInt8] {
    var block: UnsafeRawPointer?
    var count = 0
    var offset: la_int64_t = 0
    let status = handle.run { archive_read_data_block($0, &block, &count, &offset) }
    guard status == ARCHIVE_OK || status == ARCHIVE_EOF, handle.failure == nil else { throw failure() }
    guard status == ARCHIVE_OK else {
      isAtEnd = true
      // Too few bytes for a stream are no stream to libarchive.
      guard handle.consumedBytes > 0 else { throw ArchiveError(.breaksOff, offset: 0) }
      return []
    }
    try budget.countUnpacked(count)
    return Array(UnsafeRawBufferPointer(start: block, count: count))
  }

  private func failure() -> ArchiveError {
    isAtEnd = true
    var error = handle.failure ?? handle.lastError(member: nil)
    error.endsArchive = true
    return error
  }
}
