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

  /// Regular files below `path`, sorted by the bytes of their names, folder by folder. Hidden names are left out. Links to
  /// files are followed; links to folders are not, since they can form loops.
  ///
  /// - Parameters:
  ///   - path: The folder.
  ///   - unreadable: Takes folders below `path` that cannot be read.
  /// - Throws: `InputError` `unreadable` for `path` itself.
  package static func files(
    below path: FilePath, unreadable: (FilePath, InputError) -> Void
  ) throws(InputError) -> [FilePath] {
    var found: [FilePath] = []
    try collect(path, depth: 0, into: &found, unreadable)
    return found
  }

  private static func collect(
    _ path: FilePath, depth: Int, into found: inout [FilePath], _ unreadable: (FilePath, InputError) -> Void
  ) throws(InputError) {
    guard depth < maximumDepth else { throw InputError(.unreadable, "folders are nested too deeply") }
    for name in try names(in: path) {
      let entry = path.appending(name)
      var status = stat()
      guard entry.withCString({ lstat($0, &status) }) == 0 else { continue }
      switch status.st_mode & S_IFMT {
      case S_IFDIR:
        do throws(InputError) {
          try collect(entry, depth: depth + 1, into: &found, unreadable)
        } catch {
          unreadable(entry, error)
        }
      case S_IFREG:
        found.append(entry)
      case S_IFLNK:
        if entry.withCString({ stat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFREG { found.append(entry) }
      default:
        continue
      }
    }
  }

  private static func names(in path: FilePath) throws(InputError) -> [[UInt8]] {
    guard let stream = path.withCString({ opendir($0) }) else { throw FileReader.unreadable(errno) }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while let entry = readdir(stream) {
      // In place: an entry ends after its name, and a copy of the whole array would read beyond the entry.
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name.first != UInt8(ascii: ".") { names.append(name) }
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }
}
