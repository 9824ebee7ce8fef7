import Glibc

/// The file system as the loader sees it.
package enum SettingsFile {
  /// So long a pipe may be silent.
  private static let patienceMilliseconds: Int32 = 10_000

  /// The bytes of the file at `path`, up to just more than the loader takes; `nil` if there is none.
  ///
  /// - Throws: why it cannot be opened or read.
  package static func read(_ path: String) throws(SettingsError) -> [UInt8]? {
    // A FIFO without a writer must not hang the start.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if descriptor < 0 {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw failure(path, "cannot be opened", errno)
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= ConfigurationReader.limitBytes {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count == 0 { return bytes }
      if count > 0 {
        bytes += chunk.prefix(count)
      } else if errno == EAGAIN {
        // What `--config <(program)` names is a pipe that is being written to.
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&entry, 1, patienceMilliseconds) == 0 { throw failure(path, "cannot be read", ETIMEDOUT) }
      } else if errno != EINTR {
        throw failure(path, "cannot be read", errno)
      }
    }
    return bytes
  }

  private static func failure(_ path: String, _ message: String, _ code: Int32) -> SettingsError {
    let reason = String(cString: strerror(code))
    return SettingsError(problems: [
      SettingsError.Problem(
        origin: .file(path: path, line: nil, column: nil), key: "", message: "\(message): \(reason)")
    ])
  }
}
