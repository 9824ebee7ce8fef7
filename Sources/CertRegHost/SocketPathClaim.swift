import Glibc
import Synchronization

/// The right to make and remove the socket at a path: an flock(2) on the file `<path>.lock`.
///
/// Held until `release` or the end of the process. It is not released with the last reference: the socket is still in
/// use then.
final class SocketPathClaim: Sendable {
  /// The longest content of a lock file: a process number, which has at most ten digits, and LF.
  private static let holderLimitBytes = 11

  private let lockPath: String
  /// The locked descriptor; `nil` once released.
  private let descriptor: Mutex<Int32?>

  private init(lockPath: String, descriptor: Int32) {
    self.lockPath = lockPath
    self.descriptor = Mutex(descriptor)
  }

  /// Claims `path` or fails at once.
  ///
  /// - Throws: `inUse` where another process has it, `occupied` where something else than a lock file is at the lock's
  ///   path.
  static func take(forSocket path: String) throws(HostError) -> SocketPathClaim {
    let lockPath = path + ".lock"
    // A holder removes the lock file when it ends. A process that opened the file before that has locked a file without
    // a name, which excludes nobody, and has to open the new one. Each round means that another process came and went.
    for _ in 0..<100 {
      let descriptor = try openLockFile(lockPath)
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        let number = errno
        let holder = readHolder(descriptor)
        close(descriptor)
        guard number == EWOULDBLOCK else { throw HostError(errno: number, call: "flock", subject: lockPath) }
        throw HostError(
          .inUse, message: "\(path): another certregd\(holder) serves this socket (it holds \(lockPath))")
      }
      if let held = FileIdentity(descriptor: descriptor), held == FileIdentity(path: lockPath) {
        guard isLockFile(descriptor) else {
          close(descriptor)
          throw HostError(
            .occupied,
            message: "\(lockPath): there is another file where the lock file should be; it was left as it is: "
              + "move it away or configure another socket.path")
        }
        writeHolder(descriptor)
        return SocketPathClaim(lockPath: lockPath, descriptor: descriptor)
      }
      close(descriptor)
    }
    throw HostError(.inUse, message: "\(path): other processes keep taking \(lockPath)")
  }

  /// Gives the path up, after `cleanUp`, which runs while it is still held. Does nothing the second time.
  func release(_ cleanUp: () -> Void = {}) {
    descriptor.withLock { held in
      guard let locked = held else { return }
      held = nil
      cleanUp()
      // Under the lock, so that the name goes with this file and not with a successor's. Somebody may have put another
      // file in its place.
      if let own = FileIdentity(descriptor: locked), own == FileIdentity(path: lockPath) { unlink(lockPath) }
      close(locked)
    }
  }

  private static func openLockFile(_ lockPath: String) throws(HostError) -> Int32 {
    // O_NONBLOCK: opening a named pipe at this path must not hang.
    let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK
    let descriptor = open(lockPath, flags, 0o600)
    guard descriptor >= 0 else {
      if errno == ELOOP {
        throw HostError(.occupied, message: "\(lockPath): there is a symbolic link where the lock file should be")
      }
      throw HostError(errno: errno, call: "open", subject: lockPath)
    }
    guard let found = FileIdentity(descriptor: descriptor), found.isRegularFile else {
      close(descriptor)
      throw HostError(.occupied, message: "\(lockPath): this should be the lock file and is something else")
    }
    return descriptor
  }

  /// Whether the file is empty or holds what `writeHolder` writes, so that it may be written over and removed.
  private static func isLockFile(_ descriptor: Int32) -> Bool {
    var bytes = [UInt8](repeating: 0, count: holderLimitBytes + 1)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard (0...holderLimitBytes).contains(count) else { return false }
    let number = bytes.prefix(count)
    let digits = number.last == UInt8(ascii: "\n") ? number.dropLast() : number
    return digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }

  /// ` (process 123)` by what the holder wrote; empty if it cannot be read.
  private static func readHolder(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count > 0 else { return "" }
    let digits = bytes.prefix(count).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    return digits.isEmpty ? "" : " (process \(String(decoding: digits, as: UTF8.self)))"
  }

  /// For people only: nothing relies on the number, so a failure to write it is no failure.
  private static func writeHolder(_ descriptor: Int32) {
    let text = Array("\(getpid())\n".utf8)
    _ = ftruncate(descriptor, 0)
    _ = pwrite(descriptor, text, text.count, 0)
  }
}
