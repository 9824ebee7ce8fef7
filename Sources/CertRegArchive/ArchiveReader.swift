import CArchive
import Glibc

/// Reads the members of an archive, or the content of a compressed file, one after the other. Members never reach a
/// file system.
///
/// tar (v7, ustar, GNU, pax), zip, 7z and cpio are read, and gzip, bzip2, xz and zstd, which hold one file or a tar or
/// cpio archive. No other code of libarchive is enabled, and no other program is ever started.
package final class ArchiveReader {
  /// Each reopening costs as much as reading the archive, so that there are few of them.
  private static let maximumReopenings = 16
  /// At least so much is read at a time, also of a member that goes on behind the size that the archive states.
  private static let smallestPiece = 4096

  /// What the beginning of the source is.
  package let kind: ArchiveKind
  /// How deep the archive lies in others: 1 for the outermost.
  package let depth: Int

  private var handle: ArchiveHandle
  private let input: any ArchiveInput
  /// What decompresses the source before libarchive sees it.
  private let decompressor: (any Decompressor)?
  private let budget: ArchiveBudget
  private let sourceSize: Int?
  private var memberCount = 0
  private var current: ArchiveMember?
  /// Bytes of the current member that were not read, as far as its size is known.
  private var unreadBytes = 0
  /// Whether the current member was read to its end.
  private var isMemberAtEnd = false
  /// A header that was found behind damage. It is handed out after the error.
  private var found: OpaquePointer?
  private var isAtEnd = false
  /// Whether an error of a member was the end of the archive: what follows the member is not read.
  package private(set) var isCutShort = false
  /// Whether libarchive has given the archive up because of one member.
  private var isGivenUp = false
  private var reopenings = 0

  /// Opens an archive.
  ///
  /// - Throws: `ArchiveError` `notAnArchive`, `notRead`, `tooLargeToHold`, `unreadable`; damage is found by ``next()``.
  package convenience init(_ input: any ArchiveInput, limits: ArchiveLimits = ArchiveLimits()) throws(ArchiveError) {
    try self.init(input, depth: 1, budget: ArchiveBudget(limits))
  }

  private init(_ input: any ArchiveInput, depth: Int, budget: ArchiveBudget) throws(ArchiveError) {
    guard depth <= budget.limits.depth else { throw ArchiveError(.tooDeep) }
    var input = input
    var head: [UInt8] = []
    while head.count < Archive.headBytes {
      let piece = try input.read(upTo: Archive.headBytes - head.count)
      if piece.isEmpty { break }
      head += piece
    }
    guard let kind = Archive.kind(of: head) else { throw ArchiveError(.notAnArchive) }
    guard kind.isRead else { throw ArchiveError(.notRead(kind)) }
    if input.size != nil { try input.seek(to: 0) } else { input = PrefixedInput(beginning: head, rest: input) }
    sourceSize = input.size
    if kind.needsSeeking, input.size == nil {
      input = try FileInput(holding: input, limit: budget.limits.heldBytes)
    }
    let unpacking: (any Decompressor)?
    switch kind {
    case .gzip: unpacking = try GzipInput(input, budget: budget, isOutermost: depth == 1)
    case .bzip2, .xz, .zstd: unpacking = try FilterInput(input, kind, budget: budget, isOutermost: depth == 1)
    default: unpacking = nil
    }
    if let unpacking { input = unpacking }
    decompressor = unpacking
    self.kind = kind
    self.depth = depth
    self.budget = budget
    self.input = input
    handle = try ArchiveReader.handle(input, kind, budget, depth)
    if handle.open() != ARCHIVE_OK { throw failure() }
  }

  private static func handle(
    _ input: any ArchiveInput, _ kind: ArchiveKind, _ budget: ArchiveBudget, _ depth: Int
  ) throws(ArchiveError) -> ArchiveHandle {
    let handle = try ArchiveHandle(input, budget: budget, isOutermost: depth == 1 && !kind.isCompressed)
    // libarchive holds the whole directory in memory, in several times the space.
    let directoryBytes = kind == .zip ? try ZipDirectory(of: input)?.size : nil
    if input.size != nil { try input.seek(to: 0) }
    let isLong = directoryBytes ?? 0 > budget.limits.directoryBytes
    try handle.enable(kind, zipInOrder: isLong)
    handle.readsZipInOrder = kind == .zip && (isLong || directoryBytes == nil)
    // Zip archives can hold LZMA as well, which is bounded by the last limit.
    handle.takesLittle = kind != .sevenZip
    // Maps of sparse members in tar archives can be of any size.
    handle.keepsLimit = kind == .zip
    return handle
  }

  /// Opens the current member as an archive. The reader that is returned reads through this one, which must stay at the
  /// member.
  ///
  /// - Parameter beginning: What was read of the member.
  /// - Throws: as the initialiser, and `tooDeep`.
  package func nested(beginning: [UInt8]) throws(ArchiveError) -> ArchiveReader {
    do throws(ArchiveError) {
      let input = PrefixedInput(beginning: beginning, rest: MemberInput(self))
      return try ArchiveReader(input, depth: depth + 1, budget: budget)
    } catch {
      throw error.inside(current?.path)
    }
  }

  /// The share of the source that has been read, from 0 to 1; `nil` where its size is not known.
  package var fraction: Double? {
    let taken = decompressor?.consumedBytes ?? handle.consumedBytes
    return sourceSize.map { $0 == 0 ? 1 : min(1, Double(taken) / Double($0)) }
  }

  /// The next member; `nil` at the end. What was not read of the current member is skipped.
  ///
  /// - Throws: `ArchiveError`. Unless ``ArchiveError/endsArchive`` is set, the next call goes on with the next member.
  package func next() throws(ArchiveError) -> ArchiveMember? {
    guard !isAtEnd else { return nil }
    try countSkipped()
    current = nil
    unreadBytes = 0
    isMemberAtEnd = false
    if isGivenUp { try reopen() }
    guard let entry = try takeHeader() else { return try end() }
    memberCount += 1
    guard memberCount <= budget.limits.members else { throw ended(ArchiveError(.tooManyMembers)) }
    var member = ArchiveLocale.run { ArchiveMember(entry, in: handle.archive) }
    guard member.path.utf8.count <= budget.limits.pathBytes else {
      member.path = String(member.path.prefix(64)) + "…"
      throw ArchiveError(.pathTooLong, member: member.path, endsArchive: false)
    }
    current = member
    unreadBytes = member.isEncrypted ? 0 : member.size ?? 0
    return member
  }

  /// The next bytes of the current member, at most `count`; empty at its end.
  ///
  /// - Throws: `ArchiveError`, which names the member.
  package func read(upTo count: Int) throws(ArchiveError) -> [UInt8] {
    guard let member = current, !isMemberAtEnd else { return [] }
    guard !member.isEncrypted else { throw ArchiveError(.encrypted, member: member.path, endsArchive: false) }
    // Members are mostly far smaller than the pieces that are asked for.
    let count = member.size == nil ? count : min(count, max(unreadBytes, ArchiveReader.smallestPiece))
    var status = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      status = handle.run { archive_read_data($0, buffer.baseAddress, count) }
      initialized = max(0, status)
    }
    guard status >= 0 else {
      current = nil
      isGivenUp = status == Int(ARCHIVE_FATAL) && canReopen
      throw failure(member: member.path, isFatal: status == Int(ARCHIVE_FATAL) && !isGivenUp)
    }
    // At the end of a member that has no size, libarchive takes a failure of the source for the end.
    if bytes.isEmpty, handle.failure != nil { throw failure(member: member.path) }
    isMemberAtEnd = bytes.isEmpty
    unreadBytes -= min(unreadBytes, bytes.count)
    try self.count(bytes.count)
    return bytes
  }

  /// Counts what skipping the rest of the current member decompresses.
  private func countSkipped() throws(ArchiveError) {
    switch (kind, current) {
    case (.sevenZip, _): if unreadBytes > 0 { try count(unreadBytes) }
    // Without the directory, the end of a member can show only when it is decompressed.
    case (.zip, let member?) where !member.isEncrypted && (handle.readsZipInOrder || member.size == nil):
      do throws(ArchiveError) {
        while true {
          if try read(upTo: 65_536).isEmpty { break }
        }
      } catch {
        // Nobody asked for this member.
        if error.endsArchive { throw error }
      }
    default: break
    }
  }

  /// The next header; `nil` at the end. Damage between two headers is reported once, and then the second one is
  /// returned.
  private func takeHeader() throws(ArchiveError) -> OpaquePointer? {
    if let entry = found {
      found = nil
      return entry
    }
    return try ArchiveLocale.run { () throws(ArchiveError) -> OpaquePointer? in
      var entry: OpaquePointer?
      var damage: ArchiveError?
      while true {
        // libarchive ends the process where a name cannot be converted and `errno` is ENOMEM, be it from long before.
        errno = 0
        switch handle.readHeader(&entry) {
        case ARCHIVE_OK, ARCHIVE_WARN:
          guard let damage else { return entry }
          found = entry
          throw damage
        case ARCHIVE_EOF:
          isAtEnd = damage == nil
          guard var damage else { return nil }
          damage.endsArchive = true
          throw ended(damage)
        case ARCHIVE_RETRY:
          damage = damage ?? failure(isFatal: false)
        default: throw damage.map(ended) ?? failure()
        }
      }
    }
  }

  /// Members of a zip archive do not depend on each other, but libarchive gives all of them up where one cannot be
  /// decompressed.
  private var canReopen: Bool {
    kind == .zip && handle.failure == nil && reopenings < ArchiveReader.maximumReopenings
  }

  /// Opens a zip archive again, and goes behind the member that could not be read.
  private func reopen() throws(ArchiveError) {
    isGivenUp = false
    reopenings += 1
    try input.seek(to: 0)
    handle = try ArchiveReader.handle(input, kind, budget, depth)
    if handle.open() != ARCHIVE_OK { throw failure() }
    for _ in 0..<memberCount { _ = try takeHeader() }
  }

  private func end() throws(ArchiveError) -> ArchiveMember? {
    isAtEnd = true
    if handle.failure != nil { throw failure() }
    do throws(ArchiveError) {
      if let detail = try otherData() {
        throw ArchiveError(.damaged, offset: kind == .cpio ? handle.consumedBytes : nil, detail: detail)
      }
      try decompressor?.checkEnd()
    } catch {
      throw ended(error)
    }
    return nil
  }

  /// What the source holds besides the archive; `nil` where it holds nothing else. libarchive stops at the end of most
  /// archives.
  private func otherData() throws(ArchiveError) -> String? {
    switch kind {
    case .zip:
      guard let directory = try ZipDirectory(of: input) else {
        throw ArchiveError(.breaksOff, detail: "its directory is missing")
      }
      return try directory.otherData(in: input)
    case .sevenZip: return try SevenZipHeader.isFollowed(in: input) ? "other data follow the archive" : nil
    default: return try handle.hasTrailingData() ? "other data follow the archive" : nil
    }
  }

  /// Counts unpacked bytes, besides those of the decompressor.
  private func count(_ bytes: Int) throws(ArchiveError) {
    do throws(ArchiveError) {
      try budget.countUnpacked(bytes)
    } catch {
      throw ended(error.inside(current?.path))
    }
  }

  private func ended(_ error: ArchiveError) -> ArchiveError {
    isAtEnd = true
    isCutShort = current != nil || error.member != nil
    current = nil
    var error = error
    error.endsArchive = true
    return error
  }

  /// What libarchive failed with.
  private func failure(member: String? = nil, isFatal: Bool = true) -> ArchiveError {
    let error = handle.failure?.inside(member) ?? handle.lastError(member: member)
    return isFatal || handle.failure != nil ? ended(error) : error
  }
}
