import Glibc

/// Reads the certificate files of a zip archive (PKWARE's APPNOTE.TXT), stored or deflated, also with the records of ZIP64.
///
/// The directory is at the archive's end, so the archive must be a file. Its numbers are not trusted: sizes are limits and reserve no
/// memory, and no more of an entry is inflated than a file with certificates can have.
struct ZipSource: ArchiveMembers {
  private static let endBytes = 22
  private static let locatorBytes = 20
  private static let entryBytes = 46
  private static let localBytes = 30
  /// The longest comment after the end record.
  private static let maximumComment = 65_535

  private struct Entry {
    var name: String
    var flags: UInt16
    var method: UInt16
    var checksum: UInt32
    var compressedSize: UInt64
    var size: UInt64
    var offset: UInt64
  }

  private let file: RandomAccessFile
  private let directoryStart: UInt64
  private var position: UInt64
  private let directoryEnd: UInt64

  /// - Throws: `InputError` where no directory is found.
  init(path: FilePath) throws(InputError) {
    guard !path.isStandardInput else {
      throw InputError(
        .unreadable, "a zip archive, whose directory is at its end: it cannot be read from a pipe",
        advice: "save it and give its name")
    }
    file = try RandomAccessFile(path: path)
    (directoryStart, directoryEnd) = try ZipSource.directory(of: file)
    position = directoryStart
  }

  static func recognizes(_ beginning: ArraySlice<UInt8>) -> Bool {
    // The second signature begins an archive without entries.
    beginning.starts(with: [0x50, 0x4B, 0x03, 0x04]) || beginning.starts(with: [0x50, 0x4B, 0x05, 0x06])
  }

  var fraction: Double? {
    directoryEnd == directoryStart ? 1 : Double(position - directoryStart) / Double(directoryEnd - directoryStart)
  }

  mutating func nextMember() throws(InputError) -> ArchiveFile? {
    while let entry = try nextEntry() {
      if entry.name.hasSuffix("/") { continue }
      do throws(InputError) {
        let content = try content(of: entry)
        return ArchiveFile(
          path: entry.name, content: content.map { .success(ByteStream($0)) } ?? .failure(ArchiveOpener.tooLarge))
      } catch {
        return ArchiveFile(path: entry.name, content: .failure(error))
      }
    }
    return nil
  }

  /// The beginning and the end of the directory (sections 4.3.14 to 4.3.16).
  private static func directory(of file: RandomAccessFile) throws(InputError) -> (UInt64, UInt64) {
    let tailSize = min(file.size, UInt64(endBytes + maximumComment))
    let tailStart = file.size - tailSize
    let tail = try file.bytes(at: tailStart, Int(tailSize))
    let last = tail.count - endBytes
    let found = stride(from: last, through: 0, by: -1).first { index in
      tail.number(at: index, 4) == 0x0605_4B50 && index + endBytes + Int(tail.number(at: index + 20, 2)) <= tail.count
    }
    guard let end = found else { throw InputError(.unreadable, "the zip archive breaks off: its directory is missing") }
    var size = tail.number(at: end + 12, 4)
    var start = tail.number(at: end + 16, 4)
    if end >= locatorBytes, tail.number(at: end - locatorBytes, 4) == 0x0706_4B50 {
      let record = try file.bytes(at: tail.number(at: end - locatorBytes + 8, 8), 56)
      guard record.number(at: 0, 4) == 0x0606_4B50 else { throw damaged }
      size = record.number(at: 40, 8)
      start = record.number(at: 48, 8)
    }
    guard start <= file.size, size <= file.size - start else { throw damaged }
    return (start, start + size)
  }

  /// The directory's next entry (section 4.3.12).
  private mutating func nextEntry() throws(InputError) -> Entry? {
    guard directoryEnd - position >= UInt64(ZipSource.entryBytes) else { return nil }
    let header = try file.bytes(at: position, ZipSource.entryBytes)
    guard header.number(at: 0, 4) == 0x0201_4B50 else { throw ZipSource.damaged }
    let nameLength = Int(header.number(at: 28, 2))
    let extraLength = Int(header.number(at: 30, 2))
    let next = position + UInt64(ZipSource.entryBytes + nameLength + extraLength) + header.number(at: 32, 2)
    guard next <= directoryEnd else { throw ZipSource.damaged }
    let variable = try file.bytes(at: position + UInt64(ZipSource.entryBytes), nameLength + extraLength)
    position = next
    var entry = Entry(
      name: String(decoding: variable.prefix(nameLength), as: UTF8.self), flags: UInt16(header.number(at: 8, 2)),
      method: UInt16(header.number(at: 10, 2)), checksum: UInt32(header.number(at: 16, 4)),
      compressedSize: header.number(at: 20, 4), size: header.number(at: 24, 4), offset: header.number(at: 42, 4))
    try ZipSource.widen(&entry, Array(variable.dropFirst(nameLength)))
    return entry
  }

  /// Takes numbers that do not fit into 32 bits from the ZIP64 extra field (section 4.5.3), which has only those, in this order.
  private static func widen(_ entry: inout Entry, _ extra: [UInt8]) throws(InputError) {
    var index = 0
    while index + 4 <= extra.count {
      let length = Int(extra.number(at: index + 2, 2))
      var field = extra[(index + 4)..<min(extra.count, index + 4 + length)]
      if extra.number(at: index, 2) == 1 {
        for path in [\Entry.size, \.compressedSize, \.offset] where entry[keyPath: path] == 0xFFFF_FFFF {
          guard field.count >= 8 else { throw damaged }
          entry[keyPath: path] = Array(field.prefix(8)).number(at: 0, 8)
          field = field.dropFirst(8)
        }
        return
      }
      index += 4 + length
    }
  }

  /// The content of an entry; `nil` where it is larger than a file with certificates.
  private func content(of entry: Entry) throws(InputError) -> [UInt8]? {
    guard entry.flags & 1 == 0, entry.method != 99 else {
      throw InputError(.unreadable, "encrypted", advice: "unpack the archive with its password and import the folder")
    }
    let limit = ByteStream.maximumElementBytes
    guard entry.size <= limit, entry.compressedSize <= limit else { return nil }
    let local = try file.bytes(at: entry.offset, ZipSource.localBytes)
    guard local.number(at: 0, 4) == 0x0403_4B50 else { throw ZipSource.damaged }
    let start = entry.offset + UInt64(ZipSource.localBytes) + local.number(at: 26, 2) + local.number(at: 28, 2)
    let data = try file.bytes(at: start, Int(entry.compressedSize))
    let content: [UInt8]
    switch entry.method {
    case 0: content = data
    case 8: content = try ZipSource.inflated(data, size: Int(entry.size))
    default:
      throw InputError(
        .unreadable, "compressed in a way that is not read (method \(entry.method))",
        advice: "unpack the archive and import the folder")
    }
    guard content.count == entry.size, Inflater.crc32(content) == entry.checksum else { throw ZipSource.damagedEntry }
    return content
  }

  /// - Parameter size: The size in the directory. Nothing beyond it is inflated.
  private static func inflated(_ data: [UInt8], size: Int) throws(InputError) -> [UInt8] {
    let inflater = Inflater(.none)
    var input = data[...]
    var content: [UInt8] = []
    while !inflater.isAtEnd {
      let piece = try inflater.inflate(&input)
      content += piece
      guard content.count <= size, !piece.isEmpty || inflater.isAtEnd else { throw damagedEntry }
    }
    return content
  }

  private static let damaged = InputError(.unreadable, "the zip archive is damaged")
  private static let damagedEntry = InputError(.unreadable, "damaged in the archive")
}

/// A file with random access.
private final class RandomAccessFile {
  private let descriptor: Int32
  let size: UInt64

  init(path: FilePath) throws(InputError) {
    descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw FileReader.unreadable(errno) }
    size = UInt64(max(0, lseek(descriptor, 0, SEEK_END)))
  }

  deinit { close(descriptor) }

  /// Exactly `count` bytes from `offset` on.
  ///
  /// - Throws: `InputError` where the file ends before them.
  func bytes(at offset: UInt64, _ count: Int) throws(InputError) -> [UInt8] {
    guard offset <= size, UInt64(count) <= size - offset else {
      throw InputError(.unreadable, "the archive is damaged or breaks off")
    }
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let taken = bytes.withUnsafeMutableBytes { buffer in
        pread(descriptor, buffer.baseAddress?.advanced(by: done), count - done, off_t(offset) + done)
      }
      if taken < 0, errno == EINTR { continue }
      guard taken > 0 else {
        throw taken < 0 ? FileReader.unreadable(errno) : InputError(.unreadable, "the archive breaks off")
      }
      done += taken
    }
    return bytes
  }
}

extension [UInt8] {
  /// The little-endian number of `count` bytes at `index`.
  fileprivate func number(at index: Int, _ count: Int) -> UInt64 {
    self[index..<(index + count)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
