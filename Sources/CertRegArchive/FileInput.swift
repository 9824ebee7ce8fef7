import CArchive
import Glibc

/// An archive in a file, read with a descriptor of its own.
package final class FileInput: ArchiveInput {
  private let descriptor: Int32
  private var position = 0
  package let size: Int?

  /// Reads the open file from its beginning, without moving the position of `descriptor`.
  ///
  /// - Parameter descriptor: A regular file. It is duplicated.
  /// - Throws: `ArchiveError` `unreadable`.
  package convenience init(duplicating descriptor: Int32) throws(ArchiveError) {
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
    guard copy >= 0 else { throw FileInput.failure(errno) }
    try self.init(owning: copy)
  }

  private init(owning descriptor: Int32) throws(ArchiveError) {
    self.descriptor = descriptor
    var status = stat()
    let result = fstat(descriptor, &status)
    size = Int(status.st_size)
    guard result == 0 else { throw FileInput.failure(errno) }
  }

  /// Holds a stream in memory. The pages belong to no file system, and go when the input does.
  ///
  /// - Throws: `ArchiveError` `tooLargeToHold`, or what `stream` throws.
  convenience init(holding stream: any ArchiveInput, limit: Int) throws(ArchiveError) {
    let descriptor = certreg_memory_file()
    guard descriptor >= 0 else { throw FileInput.failure(errno) }
    do throws(ArchiveError) {
      try FileInput.copy(stream, to: descriptor, limit: limit)
    } catch {
      close(descriptor)
      throw error
    }
    try self.init(owning: descriptor)
  }

  deinit { close(descriptor) }

  private static func copy(_ stream: any ArchiveInput, to descriptor: Int32, limit: Int) throws(ArchiveError) {
    var copied = 0
    while true {
      var piece = try stream.read(upTo: 65_536)[...]
      if piece.isEmpty { return }
      copied += piece.count
      guard copied <= limit else { throw ArchiveError(.tooLargeToHold) }
      while !piece.isEmpty {
        let count = piece.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw failure(errno) }
        piece = piece.dropFirst(count)
      }
    }
  }

  package func read(upTo count: Int) throws(ArchiveError) -> [UInt8] {
    var result = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      repeat { result = pread(descriptor, buffer.baseAddress, count, position) } while result < 0 && errno == EINTR
      initialized = max(0, result)
    }
    guard result >= 0 else { throw FileInput.failure(errno) }
    position += result
    return bytes
  }

  package func seek(to offset: Int) {
    position = max(0, offset)
  }

  private static func failure(_ code: Int32) -> ArchiveError {
    ArchiveError(.unreadable, detail: String(cString: strerror(code)))
  }
}
