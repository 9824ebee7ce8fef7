import CertRegCore
import Glibc

/// The right to use a state directory. The kernel releases it when the process ends, however that happens, so a
/// leftover lock file means nothing.
final class DirectoryLock: Sendable {
  private let descriptor: Int32

  /// - Throws: `inUse` where another process, or another store of this one, holds the directory.
  init(path: String) throws(StoreError) {
    let descriptor = try StateDirectory.openFile(path)
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let error = errno
      defer { Glibc.close(descriptor) }
      guard error == EWOULDBLOCK else { throw StoreError(system: "cannot lock \(path)", error: error) }
      let holder = DirectoryLock.holder(descriptor).map { "process \($0)" } ?? "another process"
      throw StoreError(.inUse, message: "\(path) is held by \(holder)")
    }
    self.descriptor = descriptor
    // Of a fixed length and never truncated, so that it can be written on a full disk. It is a hint for people only.
    let number = String(getpid())
    let text = Array((number + String(repeating: " ", count: max(0, 19 - number.count)) + "\n").utf8)
    _ = pwrite(descriptor, text, text.count, 0)
  }

  deinit {
    // Explicitly: a child that was forked a moment ago has the descriptor, and with it the lock, until it executes.
    flock(descriptor, LOCK_UN)
    Glibc.close(descriptor)
  }

  private static func holder(_ descriptor: Int32) -> Int32? {
    var text = [UInt8](repeating: 0, count: 20)
    let count = pread(descriptor, &text, text.count, 0)
    guard count > 0 else { return nil }
    return Int32(String(decoding: text.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }, as: UTF8.self))
  }
}
