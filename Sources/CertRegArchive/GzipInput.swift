import CZlib

/// Decompresses gzip (RFC 1952). libarchive does so without a look at the checksum, so that damage would go unnoticed.
final class GzipInput: Decompressor {
  /// So much compressed data is taken at a time.
  private static let pieceBytes = 65_536
  /// How each member of a file begins (RFC 1952 section 2.3.1).
  private static let signature: [UInt8] = [0x1F, 0x8B]

  private let source: any ArchiveInput
  private let budget: ArchiveBudget
  private let isOutermost: Bool
  /// Owned. zlib remembers the address and refuses to continue when it changes, so this cannot be a stored struct.
  private let stream: UnsafeMutablePointer<z_stream>
  /// Bytes of the source that are not decompressed yet.
  private var compressed: ArraySlice<UInt8> = []
  private var isSourceAtEnd = false
  /// Whether the data of a member of the file have ended. A file can have several (RFC 1952 section 2.2).
  private var isBetweenMembers = false
  /// Whether something else than another member follows one.
  private var hasOtherData = false
  /// How many bytes of the source were decompressed.
  private(set) var consumedBytes = 0

  /// - Throws: `ArchiveError` `outOfMemory`.
  init(_ source: any ArchiveInput, budget: ArchiveBudget, isOutermost: Bool) throws(ArchiveError) {
    self.source = source
    self.budget = budget
    self.isOutermost = isOutermost
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard certreg_inflate_init_gzip(stream) == Z_OK else { throw ArchiveError(.outOfMemory) }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  var size: Int? { nil }

  func seek(to offset: Int) {}

  func checkEnd() throws(ArchiveError) {
    guard hasOtherData else { return }
    throw ArchiveError(.damaged, offset: consumedBytes, detail: "other data follow the compressed ones")
  }

  func read(upTo count: Int) throws(ArchiveError) -> [UInt8] {
    while true {
      if compressed.isEmpty { try readPiece() }
      if isBetweenMembers {
        // Tapes leave zeros after the last member.
        dropCompressed(compressed.prefix { $0 == 0 }.count)
        if compressed.isEmpty {
          if isSourceAtEnd { return [] }
          continue
        }
        if compressed.count == 1 { try readPiece() }
        hasOtherData = !compressed.starts(with: GzipInput.signature)
        if hasOtherData { return [] }
        inflateReset(stream)
        isBetweenMembers = false
      }
      guard !compressed.isEmpty else { throw ArchiveError(.breaksOff, offset: consumedBytes) }
      let output = try inflate(count)
      try budget.countUnpacked(output.count)
      if !output.isEmpty { return output }
    }
  }

  private func readPiece() throws(ArchiveError) {
    guard !isSourceAtEnd else { return }
    let piece = try source.read(upTo: GzipInput.pieceBytes)
    isSourceAtEnd = piece.isEmpty
    if isOutermost { budget.countPacked(piece.count) }
    compressed = compressed.isEmpty ? piece[...] : compressed + piece
  }

  private func inflate(_ count: Int) throws(ArchiveError) -> [UInt8] {
    var status = Z_OK
    let source = compressed
    let output = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
      source.withUnsafeBufferPointer { source in
        // zlib only reads through next_in; its type has no const.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        stream.pointee.avail_in = UInt32(source.count)
        stream.pointee.next_out = target.baseAddress
        stream.pointee.avail_out = UInt32(clamping: target.count)
        status = CZlib.inflate(stream, Z_NO_FLUSH)
      }
      initialized = count - Int(stream.pointee.avail_out)
    }
    dropCompressed(source.count - Int(stream.pointee.avail_in))
    isBetweenMembers = status == Z_STREAM_END
    // Z_BUF_ERROR means that there was no input or no room, which is not an error.
    guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
      throw ArchiveError(status == Z_MEM_ERROR ? .outOfMemory : .damaged, offset: consumedBytes)
    }
    return output
  }

  private func dropCompressed(_ count: Int) {
    compressed = compressed.dropFirst(count)
    consumedBytes += count
  }
}
