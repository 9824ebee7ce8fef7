import Glibc

/// Lists the files of a folder and of the folders in it.
package enum Folder {
  /// Deepest nesting that is followed.
  private static let maximumDepth = 64

  /// What a path can lead to.
  package enum Kind: Hashable, Sendable {
    case folder
    case file
  }

  /// The kind of `path`, following links.
  ///
  /// - Throws: `InputError` `unreadable`.
  package static func kind(of path: FilePath) throws(InputError) -> Kind {
    var status = stat()
    guard path.withCString({ stat($0, &status) }) == 0 else { throw FileReader.unreadable(errno) }
    return status.st_mode & S_IFMT == S_IFDIR ? .folder : .file
  }

  /// Whether `path` leads to something that can be read only once, such as a pipe.
  static func isStream(_ path: FilePath) -> Bool {
    var status = stat()
    guard path.withCString({ stat($0, &status) }) == 0 else { return false }
    return status.st_mode & S_IFMT != S_IFREG && status.st_mode & S_IFMT != S_IFDIR
  }

  /// Regular files below `path`, sorted by the bytes of their names, folder by folder. Links to files are followed;
  /// links to folders are not, since they can form loops.
  ///
  /// - Parameters:
  ///   - path: The folder.
  ///   - passedOver: Takes hidden files, hidden folders, and what is neither file nor folder.
  ///   - unreadable: Takes folders below `path` that cannot be read.
  /// - Throws: `InputError` `unreadable` for `path` itself.
  package static func files(
    below path: FilePath, passedOver: (FilePath, OtherContent) -> Void, unreadable: (FilePath, InputError) -> Void
  ) throws(InputError) -> [FilePath] {
    var found: [FilePath] = []
    try collect(path, depth: 0, into: &found, passedOver, unreadable)
    return found
  }

  /// Whether the last part of a path begins with a dot, as `.DS_Store` and `._name.pem` do.
  static func isHidden(_ path: String) -> Bool {
    path.utf8.split(separator: UInt8(ascii: "/")).last.map { $0.first == UInt8(ascii: ".") } ?? true
  }

  private static func collect(
    _ path: FilePath, depth: Int, into found: inout [FilePath], _ passedOver: (FilePath, OtherContent) -> Void,
    _ unreadable: (FilePath, InputError) -> Void
  ) throws(InputError) {
    guard depth < maximumDepth else { throw InputError(.unreadable, "folders are nested too deeply") }
    for name in try names(in: path) {
      let entry = path.appending(name)
      if name.first == UInt8(ascii: ".") {
        passedOver(entry, .hidden)
        continue
      }
      var status = stat()
      guard entry.withCString({ lstat($0, &status) }) == 0 else {
        unreadable(entry, FileReader.unreadable(errno))
        continue
      }
      switch status.st_mode & S_IFMT {
      case S_IFDIR:
        do throws(InputError) {
          try collect(entry, depth: depth + 1, into: &found, passedOver, unreadable)
        } catch {
          unreadable(entry, error)
        }
      case S_IFREG:
        found.append(entry)
      case S_IFLNK:
        if entry.withCString({ stat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFREG {
          found.append(entry)
        } else {
          passedOver(entry, .special)
        }
      default:
        passedOver(entry, .special)
      }
    }
  }

  private static func names(in path: FilePath) throws(InputError) -> [[UInt8]] {
    guard let stream = path.withCString({ opendir($0) }) else { throw FileReader.unreadable(errno) }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while true {
      // The end and an error, as of a network's file system, differ in `errno` only (readdir(3)).
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw FileReader.unreadable(errno) }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
      }
      // In place: an entry ends after its name, and a copy of the whole array would read beyond the entry.
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != [0x2E], name != [0x2E, 0x2E] { names.append(name) }
    }
  }
}
