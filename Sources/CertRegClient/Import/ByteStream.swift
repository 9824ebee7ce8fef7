import CertRegArchive
import Glibc

/// Reads a file, standard input or a member of an archive piece by piece.
final class ByteStream {
  /// The longest line or element that is read into memory. Entries with certificates are far shorter.
  static let maximumElementBytes = 4 * 1024 * 1024

  /// `-1` for a stream of bytes in memory, or of a member.
  private let descriptor: Int32
  private var chunk: [UInt8] = []
  private var index = 0
  private var consumedBefore = 0
  private let size: Int?
  /// The archive whose current member is read.
  private let archive: ArchiveReader?
  private var filter: TextFilter?
  /// Whether the filter has given its last bytes.
  private var isFilterDone = false
  private let isInterrupted: () -> Bool

  /// - Parameters:
  ///   - path: The file, or standard input.
  ///   - isInterrupted: Whether the user asked to stop. Asked ahead of each piece: the source may be a pipe that never
  ///     ends.
  /// - Throws: `InputError` `unreadable`, also where the user asked to stop.
  init(path: FilePath, isInterrupted: @escaping () -> Bool = { false }) throws(InputError) {
    archive = nil
    self.isInterrupted = isInterrupted
    if path.isStandardInput {
      descriptor = STDIN_FILENO
    } else {
      descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC) }
      guard descriptor >= 0 else { throw FileReader.unreadable(errno) }
    }
    var status = stat()
    let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    size = isFile && status.st_size > 0 ? Int(status.st_size) : nil
  }

  /// Reads an open file from its beginning. The stream has a descriptor of its own.
  ///
  /// - Throws: `InputError` `unreadable`.
  init(reading open: Int32, isInterrupted: @escaping () -> Bool = { false }) throws(InputError) {
    archive = nil
    self.isInterrupted = isInterrupted
    descriptor = fcntl(open, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
    size = nil
    guard descriptor >= 0, lseek(descriptor, 0, SEEK_SET) == 0 else { throw FileReader.unreadable(errno) }
  }

  /// A stream of these bytes and no others.
  init(_ bytes: [UInt8]) {
    archive = nil
    isInterrupted = { false }
    descriptor = -1
    size = nil
    chunk = bytes
  }

  /// A stream of the current member of `archive`, which must stay at it while the stream is read.
  ///
  /// - Parameters:
  ///   - archive: The archive.
  ///   - isInterrupted: As for a file.
  init(memberOf archive: ArchiveReader, isInterrupted: @escaping () -> Bool) {
    self.archive = archive
    self.isInterrupted = isInterrupted
    descriptor = -1
    size = nil
  }

  deinit { if descriptor > STDIN_FILENO { close(descriptor) } }

  /// How much of the file has been taken, from 0 to 1; `nil` where the size is not known.
  var fraction: Double? {
    if let archive { return archive.fraction }
    return size.map { min(1, Double(consumedBefore + index) / Double($0)) }
  }

  /// The owner and the mode of the regular file that is read; `nil` for anything else, and for an empty file.
  var fileStatus: stat? {
    var status = stat()
    return size != nil && fstat(descriptor, &status) == 0 ? status : nil
  }

  /// Another stream of the same file from its beginning. Call it before anything is taken, and again once that stream
  /// has been read, since the two share their position.
  func rewound() -> ByteStream? {
    size == nil ? nil : try? ByteStream(reading: descriptor, isInterrupted: isInterrupted)
  }

  /// Opens the stream as an archive. Call it before anything is taken; the stream is not used afterwards.
  ///
  /// - Throws: `InputError` where it is no archive that is read.
  func openArchive() throws(InputError) -> ArchiveReader {
    do throws(ArchiveError) {
      if let archive { return try archive.nested(beginning: Array(chunk[index...])) }
      // What was peeked at is read once more where the file can seek.
      let isFile = size != nil && lseek(descriptor, 0, SEEK_CUR) == off_t(chunk.count)
      return try ArchiveReader(isFile ? try FileInput(duplicating: descriptor) : StreamInput(self))
    } catch {
      throw InputError(error)
    }
  }

  /// Turns what has not been taken into UTF-8 with LF at the ends of lines.
  func decodeText(_ encoding: TextEncoding) {
    var filter = TextFilter(encoding)
    let text = filter.text(ofAll: chunk[index...], isLast: false)
    consumedBefore += chunk.count
    chunk = text
    index = 0
    self.filter = filter
  }

  /// Takes what is in memory; `nil` at the end.
  func nextChunk() throws(InputError) -> ArraySlice<UInt8>? {
    guard try fill() else { return nil }
    defer { index = chunk.count }
    return chunk[index...]
  }

  /// Puts bytes back in front of what has not been taken. Bytes that were taken last are not copied, as long as they are
  /// in memory.
  func putBack(_ bytes: ArraySlice<UInt8>) {
    if bytes.count <= index, chunk[(index - bytes.count)..<index] == bytes {
      index -= bytes.count
      return
    }
    chunk = Array(bytes) + chunk[index...]
    index = 0
  }

  /// Puts the last `count` bytes of what ``nextChunk()`` gave back, without a copy.
  func putBack(last count: Int) {
    index -= count
  }

  /// The next byte; `nil` at the end.
  func next() throws(InputError) -> UInt8? {
    guard try fill() else { return nil }
    defer { index += 1 }
    return chunk[index]
  }

  /// The byte that ``next()`` will return.
  func peek() throws(InputError) -> UInt8? {
    try fill() ? chunk[index] : nil
  }

  /// The next `count` bytes, fewer at the end, without taking them.
  func peek(_ count: Int) throws(InputError) -> ArraySlice<UInt8> {
    _ = try fill()
    while chunk.count - index < count {
      let piece = try nextPiece()
      if piece.isEmpty { break }
      consumedBefore += index
      chunk.removeFirst(index)
      chunk += piece
      index = 0
    }
    return chunk[index..<min(chunk.count, index + count)]
  }

  /// Takes the next `count` bytes, fewer at the end.
  func take(_ count: Int) throws(InputError) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count, try fill() {
      let piece = chunk[index..<min(chunk.count, index + count - bytes.count)]
      bytes.append(contentsOf: piece)
      index += piece.count
    }
    return bytes
  }

  /// All remaining bytes.
  ///
  /// - Throws: `InputError` where there are more than `limit`.
  func takeAll(limit: Int) throws(InputError) -> [UInt8] {
    let content = try take(limit)
    guard try peek() == nil else { throw InputError(.unreadable, "larger than \(limit / 1_048_576) MiB") }
    return content
  }

  /// The next line without its LF; `nil` at the end.
  ///
  /// - Throws: `InputError` for a line longer than ``maximumElementBytes``.
  func nextLine() throws(InputError) -> [UInt8]? {
    guard try fill() else { return nil }
    var line: [UInt8] = []
    repeat {
      if let end = chunk[index...].firstIndex(of: UInt8(ascii: "\n")) {
        line.append(contentsOf: chunk[index..<end])
        index = end + 1
        return line
      }
      line.append(contentsOf: chunk[index...])
      index = chunk.count
      guard line.count <= ByteStream.maximumElementBytes else { throw ByteStream.elementTooLong }
    } while try fill()
    return line
  }

  static let elementTooLong = InputError(
    .unreadable, "a line or an entry has more than \(maximumElementBytes / 1_048_576) MiB, and is not read",
    advice: "give it in shorter lines: "
      + #"sed 's/-----BEGIN/\n&/g; s/),(/),\n(/g; s/></>\n</g' FILE | certregctl import -"#)

  private static let interrupted = InputError(.unreadable, "stopped by Ctrl-C")

  private func fill() throws(InputError) -> Bool {
    if index < chunk.count { return true }
    consumedBefore += chunk.count
    index = 0
    chunk = []
    chunk = try nextPiece()
    return !chunk.isEmpty
  }

  /// The next bytes of the text or the source; empty at the end.
  private func nextPiece() throws(InputError) -> [UInt8] {
    while filter != nil, !isFilterDone {
      let piece = try rawPiece()
      isFilterDone = piece.isEmpty
      if let text = filter?.text(of: piece, isLast: piece.isEmpty), !text.isEmpty { return text }
    }
    return filter == nil ? try rawPiece() : []
  }

  private func rawPiece() throws(InputError) -> [UInt8] {
    guard !isInterrupted() else { throw ByteStream.interrupted }
    guard let archive else { return try readPiece() }
    do throws(ArchiveError) { return try archive.read(upTo: 65_536) } catch { throw InputError(error) }
  }

  private func readPiece() throws(InputError) -> [UInt8] {
    guard descriptor >= 0 else { return [] }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var count = read(descriptor, &buffer, buffer.count)
    while count < 0 {
      if errno == EAGAIN {
        // A program that shares the descriptor has made it non-blocking.
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        poll(&entry, 1, -1)
      } else if errno != EINTR {
        throw FileReader.unreadable(errno)
      }
      guard !isInterrupted() else { throw ByteStream.interrupted }
      count = read(descriptor, &buffer, buffer.count)
    }
    buffer.removeLast(buffer.count - count)
    return buffer
  }
}
