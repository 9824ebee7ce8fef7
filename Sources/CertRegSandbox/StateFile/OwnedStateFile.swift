import Glibc

/// An open and locked file, which one process alone writes. The descriptor is closed with its last owner.
final class OwnedStateFile: Sendable {
  let path: String
  private let descriptor: Int32

  /// Opens a regular file, or creates it where nothing is at `path`. Does not follow a symbolic link.
  ///
  /// - Throws: ``StateFileError`` with `inUse` or `failed`. The file is as it was then.
  static func open(_ path: String) throws(StateFileError) -> OwnedStateFile {
    // A process that replaces the file holds the lock on the old one, which is no longer the one at `path` after that.
    // Each round means that another process replaced the file meanwhile.
    for _ in 0..<100 {
      let file = exists(path) ? try OwnedStateFile(path, O_NOFOLLOW) : try create(path)
      if try file.isStillThere() { return file }
    }
    throw inUse(path)
  }

  /// Creates a file that only its owner can read.
  ///
  /// - Throws: ``StateFileError`` with `failed`, also where something, such as a symbolic link, is at `path`.
  static func create(_ path: String) throws(StateFileError) -> OwnedStateFile {
    try OwnedStateFile(path, O_CREAT | O_EXCL)
  }

  /// `path` without symbolic links, so that a replacement lies beside the file itself. A path that leads nowhere stays.
  static func resolve(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Whether there is anything at `path`, be it a symbolic link to nothing.
  static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 || errno != ENOENT
  }

  private init(_ path: String, _ flags: Int32) throws(StateFileError) {
    self.path = path
    // Without O_NONBLOCK, opening a pipe would wait for its other end.
    descriptor = Glibc.open(path, flags | O_RDWR | O_CLOEXEC | O_NONBLOCK, 0o600)
    guard descriptor >= 0 else { throw OwnedStateFile.failure(path, "open") }
    guard try status().st_mode & S_IFMT == S_IFREG else {
      throw StateFileError(code: .failed, message: "\(path): not a regular file")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw errno == EWOULDBLOCK ? OwnedStateFile.inUse(path) : OwnedStateFile.failure(path, "lock")
    }
  }

  deinit {
    guard descriptor >= 0 else { return }
    // Given up by name: a child that was forked a moment ago has the descriptor, and with it the lock, until it
    // executes.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  private func status() throws(StateFileError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw OwnedStateFile.failure(path, "look at") }
    return status
  }

  /// Whether `path` still leads to this file.
  private func isStillThere() throws(StateFileError) -> Bool {
    let own = try status()
    var found = stat()
    guard lstat(path, &found) == 0 else { return false }
    return own.st_dev == found.st_dev && own.st_ino == found.st_ino
  }

  /// Reads the whole file.
  func readAll() throws(StateFileError) -> [UInt8] {
    try read(atMost: .max)
  }

  /// Reads the beginning of the file.
  func read(atMost limitBytes: Int) throws(StateFileError) -> [UInt8] {
    var content: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: min(limitBytes, 1 << 16))
    while content.count < limitBytes {
      let count = pread(descriptor, &piece, min(piece.count, limitBytes - content.count), off_t(content.count))
      if count == 0 { break }
      if count > 0 {
        content += piece.prefix(count)
      } else if errno != EINTR {
        throw OwnedStateFile.failure(path, "read")
      }
    }
    return content
  }

  func write(_ bytes: [UInt8], at offset: Int) throws(StateFileError) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        let rest = UnsafeRawBufferPointer(rebasing: buffer[written...])
        return pwrite(descriptor, rest.baseAddress, rest.count, offset + written)
      }
      if count >= 0 {
        written += count
      } else if errno != EINTR {
        throw OwnedStateFile.failure(path, "write")
      }
    }
  }

  func truncate(to lengthBytes: Int) throws(StateFileError) {
    guard ftruncate(descriptor, lengthBytes) == 0 else { throw OwnedStateFile.failure(path, "truncate") }
  }

  /// Takes the owner and the rights of `other`.
  func takeAttributes(of other: OwnedStateFile) throws(StateFileError) {
    let status = try other.status()
    // In this order, since a change of the owner may take rights away.
    guard fchown(descriptor, status.st_uid, status.st_gid) == 0, fchmod(descriptor, status.st_mode & 0o7777) == 0
    else { throw OwnedStateFile.failure(path, "change") }
  }

  /// Takes the name of `other`, which must still be at its path.
  func move(to other: OwnedStateFile) throws(StateFileError) {
    guard try other.isStillThere() else { throw OwnedStateFile.inUse(other.path) }
    // After a loss of power, the name could stand for an empty file, and the whole register would be gone.
    guard fsync(descriptor) == 0 else { throw OwnedStateFile.failure(path, "synchronise") }
    guard rename(path, other.path) == 0 else { throw OwnedStateFile.failure(other.path, "replace") }
  }

  /// Removes the file, unless another one has its name by now.
  func remove() {
    if (try? isStillThere()) == true { unlink(path) }
  }

  private static func inUse(_ path: String) -> StateFileError {
    StateFileError(code: .inUse, message: "\(path): another process has the file open")
  }

  /// The error of the system call that has just failed.
  private static func failure(_ path: String, _ action: String) -> StateFileError {
    StateFileError(code: .failed, message: "\(path): cannot \(action): \(String(cString: strerror(errno)))")
  }
}
