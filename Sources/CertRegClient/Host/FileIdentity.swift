import Glibc

/// Names a file by its file system and inode, whichever path leads to it.
package struct FileIdentity: Hashable, Sendable {
  /// `st_dev` of stat(2).
  package var device: UInt64
  /// `st_ino` of stat(2).
  package var inode: UInt64

  package init(device: UInt64, inode: UInt64) {
    self.device = device
    self.inode = inode
  }

  init(_ status: stat) {
    self.init(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }

  /// The identity of an open file; `nil` where fstat(2) fails.
  init?(descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  /// The identity of what `path` leads to; `nil` where stat(2) fails.
  ///
  /// - Parameter followsLinks: Whether a symbolic link at the end of `path` is followed.
  init?(path: String, followsLinks: Bool = true) {
    var status = stat()
    guard (followsLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { return nil }
    self.init(status)
  }
}
