import Glibc

/// Tells versions of a file apart: replacing, writing or touching the file changes one of the members.
package struct FileVersion: Hashable, Sendable {
  /// `st_dev` of stat(2): the file system.
  package var device: UInt64
  /// `st_ino` of stat(2): the file in its file system.
  package var inode: UInt64
  /// In bytes.
  package var size: Int64
  /// Seconds and nanoseconds stay apart: in one number, the nanoseconds of the year 2262 overflow.
  package var modifiedSeconds: Int64
  /// 0 to 999,999,999, in addition to `modifiedSeconds`.
  package var modifiedNanoseconds: Int64

  package init(device: UInt64, inode: UInt64, size: Int64, modifiedSeconds: Int64, modifiedNanoseconds: Int64) {
    self.device = device
    self.inode = inode
    self.size = size
    self.modifiedSeconds = modifiedSeconds
    self.modifiedNanoseconds = modifiedNanoseconds
  }
}

/// Why a file cannot be read.
package struct FileReadError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Names the file.
  package let description: String
}

/// The host's files, as a value so that tests can replace them.
package struct HostFiles: Sendable {
  /// The size limit for files of settings, keys and tokens.
  package static let limitBytes = 1024 * 1024

  /// Returns `nil` if there is no such file.
  package var version: @Sendable (_ path: String) -> FileVersion?
  /// Reads a whole file. Throws if it cannot be read or exceeds `limitBytes`.
  package var read: @Sendable (_ path: String) throws(FileReadError) -> [UInt8]

  package init(
    version: @escaping @Sendable (_ path: String) -> FileVersion?,
    read: @escaping @Sendable (_ path: String) throws(FileReadError) -> [UInt8]
  ) {
    self.version = version
    self.read = read
  }

  /// The file system.
  package static let system = HostFiles(version: systemVersion, read: systemRead)

  /// The text of a file in UTF-8, without white space at its ends.
  func text(_ path: String) throws(FileReadError) -> String {
    guard let text = String(validating: try read(path), as: UTF8.self) else {
      throw FileReadError(description: "\(path) is not text in UTF-8")
    }
    var rest = text[...]
    while let first = rest.first, first.isWhitespace { rest.removeFirst() }
    while let last = rest.last, last.isWhitespace { rest.removeLast() }
    return String(rest)
  }
}

private func systemVersion(_ path: String) -> FileVersion? {
  var status = stat()
  guard stat(path, &status) == 0 else { return nil }
  return FileVersion(
    device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
    modifiedSeconds: Int64(status.st_mtim.tv_sec), modifiedNanoseconds: Int64(status.st_mtim.tv_nsec))
}

private func systemRead(_ path: String) throws(FileReadError) -> [UInt8] {
  // O_NONBLOCK: a FIFO where a file is expected must not hang the daemon.
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else {
    throw FileReadError(description: "\(path) cannot be read: \(String(cString: strerror(errno)))")
  }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 16 * 1024)
  while true {
    let count = Glibc.read(descriptor, &chunk, chunk.count)
    if count == 0 { return bytes }
    if count < 0 {
      if errno == EINTR { continue }
      throw FileReadError(description: "\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
    bytes.append(contentsOf: chunk[..<count])
    guard bytes.count <= HostFiles.limitBytes else {
      throw FileReadError(description: "\(path) has more than \(HostFiles.limitBytes) bytes")
    }
  }
}
