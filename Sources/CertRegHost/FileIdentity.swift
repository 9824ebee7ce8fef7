import Glibc

/// The identity and kind of a file. Never follows a symbolic link.
struct FileIdentity: Equatable {
  let device: UInt64
  let inode: UInt64
  let owner: UInt32
  private let mode: UInt32

  /// `nil` if nothing is at `path` or it cannot be looked at.
  init?(path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  init?(descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    owner = status.st_uid
    mode = status.st_mode
  }

  var isSocket: Bool { mode & S_IFMT == S_IFSOCK }
  var isRegularFile: Bool { mode & S_IFMT == S_IFREG }
  var permissions: UInt32 { mode & 0o7777 }

  /// For a message: "a directory".
  var kind: String {
    switch mode & S_IFMT {
    case S_IFREG: "a regular file"
    case S_IFDIR: "a directory"
    case S_IFLNK: "a symbolic link"
    case S_IFSOCK: "a socket"
    case S_IFIFO: "a named pipe"
    default: "a device"
    }
  }

  static func == (left: FileIdentity, right: FileIdentity) -> Bool {
    left.device == right.device && left.inode == right.inode
  }
}
