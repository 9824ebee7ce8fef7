import CXattr
import Glibc

/// Tells whether a file can have been put in place, or be changed, by users other than those who are trusted.
enum ProtectedPath {
  /// `path` without symbolic links, if nobody but root and `owners` can change the file or exchange it for another one;
  /// otherwise `nil`.
  ///
  /// The file and every folder above it belong to a trusted user, and no group or other user may write to them. In a
  /// folder with the sticky bit, such as `/tmp`, others may create files but not rename or remove those of the trusted.
  static func resolve(_ path: String, owners: Set<uid_t>) -> String? {
    guard let text = realpath(path, nil) else { return nil }
    defer { free(text) }
    let resolved = String(cString: text)
    var current = resolved
    while true {
      var status = stat()
      guard lstat(current, &status) == 0, isProtected(current, status, owners: owners) else { return nil }
      guard current != "/", let slash = current.lastIndex(of: "/") else { return resolved }
      current = slash == current.startIndex ? "/" : String(current[..<slash])
    }
  }

  /// Whether only root and `owners` may write to a file or folder, judged by its own owner, mode and access list.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - status: What `lstat` says of it.
  ///   - owners: Users who are trusted beside root.
  static func isProtected(_ path: String, _ status: stat, owners: Set<uid_t>) -> Bool {
    guard status.st_uid == 0 || owners.contains(status.st_uid) else { return false }
    let isSticky = status.st_mode & S_IFMT == S_IFDIR && status.st_mode & S_ISVTX != 0
    return isSticky || status.st_mode & S_IWOTH == 0 && !groupsMayWrite(path, status)
  }

  /// Whether groups other than root's may write. With an access list the bits of the group are the most that the list
  /// grants to any named user or group (acl(5)), so that a file of root's group may be open to others, too.
  private static func groupsMayWrite(_ path: String, _ status: stat) -> Bool {
    guard status.st_mode & S_IWGRP != 0 else { return false }
    return status.st_gid != 0 || hasAccessList(path)
  }

  /// Whether a file has a list of users and groups beside its mode. A file that does not tell counts as one that has.
  private static func hasAccessList(_ path: String) -> Bool {
    guard lgetxattr(path, "system.posix_acl_access", nil, 0) < 0 else { return true }
    return errno != ENODATA && errno != EOPNOTSUPP
  }
}
