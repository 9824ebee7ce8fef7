import Glibc

/// Reads files with the plain system calls, so that devices, pipes and names that are not UTF-8 work like any other.
package enum FileReader {
  /// Files larger than this are not read at once.
  package static let maximumBytes = 64 * 1024 * 1024

  /// The whole content of a file, or of standard input for `-`.
  ///
  /// - Throws: `InputError` `unreadable`.
  package static func contents(of path: FilePath) throws(InputError) -> [UInt8] {
    let descriptor: Int32
    if path.isStandardInput {
      descriptor = STDIN_FILENO
    } else {
      descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC) }
      guard descriptor >= 0 else { throw unreadable(errno) }
    }
    defer { if descriptor != STDIN_FILENO { close(descriptor) } }
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let capacity = chunk.count
      let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, capacity) }
      if count == 0 { return content }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw unreadable(errno)
      }
      content.append(contentsOf: chunk[..<count])
      guard content.count <= maximumBytes else {
        throw InputError(.unreadable, "larger than \(maximumBytes / 1_048_576) MiB")
      }
    }
  }

  static func unreadable(_ code: Int32) -> InputError {
    switch code {
    case ENOENT: InputError(.unreadable, "no such file or folder")
    case EACCES: InputError(.unreadable, "you may not read it")
    default: InputError(.unreadable, "cannot be read: \(systemMessage(code))")
    }
  }
}
