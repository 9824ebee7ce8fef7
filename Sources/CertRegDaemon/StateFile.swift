import CertRegHost
import Glibc

/// A small file of the state directory. What was written is still there after a loss of power.
struct StateFile: Sendable {
  let path: String

  /// The content; `nil`: there is no such file, or it has `limit` bytes or more.
  ///
  /// - Throws: The system's words.
  func read(limit: Int = .max) throws(DaemonError) -> [UInt8]? {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw fault("read")
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < limit {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw fault("read") }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
    }
    return nil
  }

  /// Puts a file with `bytes` in the place of the present one. A crash leaves one of the two.
  ///
  /// - Throws: The system's words.
  func replace(with bytes: [UInt8]) throws(DaemonError) {
    let new = StateFile(path: path + ".new")
    unlink(new.path)
    _ = try new.write(bytes, flags: O_EXCL)
    guard rename(new.path, path) == 0 else { throw fault("replaced") }
    try syncDirectory()
  }

  /// Writes `bytes` behind what the file has, and makes the file if there is none.
  ///
  /// - Throws: The system's words.
  func append(_ bytes: [UInt8]) throws(DaemonError) {
    if try write(bytes, flags: O_APPEND) { try syncDirectory() }
  }

  /// - Returns: Whether the file was empty before.
  private func write(_ bytes: [UInt8], flags: Int32) throws(DaemonError) -> Bool {
    let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0o600)
    guard descriptor >= 0 else { throw fault("written") }
    defer { close(descriptor) }
    let wasEmpty = lseek(descriptor, 0, SEEK_END) == 0
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw fault("written") }
      rest = rest.dropFirst(count)
    }
    guard fdatasync(descriptor) == 0 else { throw fault("written") }
    return wasEmpty
  }

  /// Makes the file's name durable: a file that is new, or has taken another one's place, may otherwise be gone after a
  /// loss of power (fsync(2)).
  private func syncDirectory() throws(DaemonError) {
    let directory = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? "."
    let descriptor = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fault("written") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw fault("written") }
  }

  private func fault(_ what: String) -> DaemonError {
    DaemonError(HostError(.failed, message: "\(path) cannot be \(what): \(String(cString: strerror(errno)))"))
  }
}
